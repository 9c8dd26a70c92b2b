# Installs the headers, the libraries and a package: find_package(xai) gives xai::core ... xai::engine.
include(CMakePackageConfigHelpers)
set(xai_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/xai)

install(DIRECTORY include/xai DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT xai NAMESPACE xai:: FILE xaiTargets.cmake DESTINATION ${xai_package_dir})
configure_package_config_file(cmake/xaiConfig.cmake.in ${PROJECT_BINARY_DIR}/xaiConfig.cmake
                              INSTALL_DESTINATION ${xai_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/xaiConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/xaiConfig.cmake ${PROJECT_BINARY_DIR}/xaiConfigVersion.cmake
              cmake/FindWebP.cmake cmake/XaiLibTorch.cmake cmake/XaiOpenCV.cmake DESTINATION ${xai_package_dir})
