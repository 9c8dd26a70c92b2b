# xai_module(<name> DEPENDS <targets> PRIVATE_DEPENDS <targets>): one library per folder src/<name>.
# A module names only modules above it in src/CMakeLists.txt; CMake refuses a cycle.
include(GNUInstallDirs)

function(xai_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # false alarms of GCC 12: on std::string (its PR 105651), on vectors inside aggregates
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-maybe-uninitialized)
  endif()
  if(XAI_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(XAI_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${XAI_SANITIZE} -fno-omit-frame-pointer)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")  # Clang 14 cannot assemble a coroutine with both this and address
      target_compile_options(${target} PRIVATE -fno-sanitize=function)
    endif()
    target_link_options(${target} PRIVATE -fsanitize=${XAI_SANITIZE})
  endif()
endfunction()

function(xai_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;PRIVATE_DEPENDS")
  file(GLOB sources CONFIGURE_DEPENDS "${xai_SOURCE_DIR}/src/${name}/*.cpp")
  add_library(xai_${name} STATIC ${sources})
  add_library(xai::${name} ALIAS xai_${name})
  set_target_properties(xai_${name} PROPERTIES EXPORT_NAME ${name})
  xai_compile_options(xai_${name})
  target_include_directories(xai_${name} PUBLIC
    $<BUILD_INTERFACE:${xai_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(xai_${name} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
  if(XAI_INSTALL)
    install(TARGETS xai_${name} EXPORT xai ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
endfunction()

# xai_test(<folder> DEPENDS <targets>): one program of all tests/<folder>/*_test.cpp, each test known to ctest under the
# label <folder>; it links the module of that name, where there is one.
function(xai_test module)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS")
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${module}/*.cpp")
  add_executable(${module}_tests ${sources})
  xai_compile_options(${module}_tests)
  target_include_directories(${module}_tests PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  if(TARGET xai::${module})
    list(PREPEND arg_DEPENDS xai::${module})
  endif()
  target_link_libraries(${module}_tests PRIVATE ${arg_DEPENDS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${module}_tests PRIVATE XAI_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # a thread for each core, in each of the tests that run side by side, would wait for the others by spinning
  gtest_discover_tests(${module}_tests DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       TEST_PREFIX "${module}." PROPERTIES LABELS "${module}" TIMEOUT 600 ENVIRONMENT OMP_NUM_THREADS=1)
endfunction()

# xai_pytest(<test> FILES <file>... LABEL <label> TIMEOUT <seconds> [COST <seconds>] [ALONE] [ENVIRONMENT <NAME=value>...]):
# Python tests of the programs that were built. COST: about what it takes; of such ctest starts the longest first, so that
# no core waits for the last one. ALONE: has use for all cores.
function(xai_pytest test)
  cmake_parse_arguments(PARSE_ARGV 1 arg "ALONE" "LABEL;TIMEOUT;COST" "FILES;ENVIRONMENT")
  list(TRANSFORM arg_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  add_test(NAME ${test} COMMAND ${PROJECT_SOURCE_DIR}/.venv/bin/python -m pytest -q -rs -p no:cacheprovider --durations=5
                                ${arg_FILES})
  set(environment OMP_NUM_THREADS=1 XAI_BIN=$<TARGET_FILE_DIR:xai-mse> ${arg_ENVIRONMENT})
  foreach(name ${XAI_PROGRAMS})
    string(TOUPPER ${name} variable)
    list(APPEND environment XAI_${variable}=$<TARGET_FILE:xai-${name}>)
  endforeach()
  set_tests_properties(${test} PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${environment}")
  if(arg_COST)
    set_tests_properties(${test} PROPERTIES COST ${arg_COST})
  endif()
  if(arg_ALONE)
    set_tests_properties(${test} PROPERTIES PROCESSORS 2)
  endif()
endfunction()
