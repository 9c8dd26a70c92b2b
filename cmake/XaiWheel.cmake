# What the Python wheel holds beside the package (component `wheel`; see pyproject.toml): the programs in xaimse/libexec, their
# launchers in xaimse/bin, the files of the package's data/, man pages and completions.
if(NOT DEFINED SKBUILD)
  message(FATAL_ERROR "XAI_WHEEL is for python -m build and scripts/setup.sh --wheel")
endif()
file(STRINGS pyproject.toml pin REGEX "^dependencies = .*torch==")
if(NOT pin MATCHES "torch==${XAI_TORCH_VERSION}\\.")
  message(FATAL_ERROR "LibTorch ${XAI_TORCH_VERSION} in ${XAI_LIBTORCH} is not the torch that pyproject.toml names")
endif()
set(package xaimse)
foreach(name ${XAI_PROGRAMS})
  configure_file(python/launcher.sh.in launchers/xai-${name} @ONLY)
  # the launcher, and nothing else, says where LibTorch is
  set_target_properties(xai-${name} PROPERTIES INSTALL_RPATH "")
  target_link_options(xai-${name} PRIVATE -Wl,--gc-sections)
  install(TARGETS xai-${name} RUNTIME DESTINATION ${package}/libexec COMPONENT wheel)
  install(PROGRAMS ${PROJECT_BINARY_DIR}/launchers/xai-${name} DESTINATION ${package}/bin COMPONENT wheel)
endforeach()
install(DIRECTORY photos configs docs/schema scripts/slurm DESTINATION ${package}/data COMPONENT wheel PATTERN photos/LICENSE.md EXCLUDE)
install(FILES photos/LICENSE.md DESTINATION ${package}/data RENAME photos-LICENSE.md COMPONENT wheel)
install(DIRECTORY ${PROJECT_BINARY_DIR}/share DESTINATION ${SKBUILD_DATA_DIR} COMPONENT wheel)  # man pages, completions

# std::condition_variable::wait is all that asks for GCC 12's libstdc++ (GLIBCXX_3.4.30), which RHEL 9 lacks: it is linked in.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libstdc++.a OUTPUT_VARIABLE archive
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_AR} x ${archive} condition_variable.o WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
                  COMMAND_ERROR_IS_FATAL ANY)
  foreach(name ${XAI_PROGRAMS})
    target_link_libraries(xai-${name} PRIVATE ${PROJECT_BINARY_DIR}/condition_variable.o)
  endforeach()
endif()
