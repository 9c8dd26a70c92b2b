# Defines xai::torch over a LibTorch folder: a PyPI wheel's torch/ folder or an unpacked LibTorch zip, >= 2.7.
# The wheel's own TorchConfig.cmake is not used: for a CUDA build it demands a CUDA toolkit, which we do not need.
#
# Where LibTorch is taken from, first hit wins: -DXAI_LIBTORCH=DIR, the environment variable XAI_LIBTORCH, .venv/.
if(NOT XAI_LIBTORCH AND DEFINED ENV{XAI_LIBTORCH})
  set(XAI_LIBTORCH "$ENV{XAI_LIBTORCH}")
endif()
if(NOT XAI_LIBTORCH)
  file(GLOB xai_venv_torch "${CMAKE_CURRENT_LIST_DIR}/../.venv/lib/python3*/site-packages/torch")
  set(XAI_LIBTORCH "${xai_venv_torch}")
endif()
set(XAI_LIBTORCH "${XAI_LIBTORCH}" CACHE PATH "LibTorch folder: a wheel's torch/ or an unpacked LibTorch zip" FORCE)
if(NOT EXISTS "${XAI_LIBTORCH}/include/torch/script.h")
  message(FATAL_ERROR "No LibTorch in XAI_LIBTORCH='${XAI_LIBTORCH}'. "
                      "Run scripts/setup.sh, or set XAI_LIBTORCH to a wheel's torch/ folder or an unpacked LibTorch.")
endif()

file(STRINGS "${XAI_LIBTORCH}/include/torch/headeronly/version.h" xai_torch_version_lines
     REGEX "#define TORCH_VERSION_(MAJOR|MINOR) ")
if(NOT xai_torch_version_lines)  # before 2.9 the file lived elsewhere
  file(STRINGS "${XAI_LIBTORCH}/include/torch/csrc/api/include/torch/version.h" xai_torch_version_lines
       REGEX "#define TORCH_VERSION_(MAJOR|MINOR) ")
endif()
string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*" "\\1.\\2" XAI_TORCH_VERSION "${xai_torch_version_lines}")
if(XAI_TORCH_VERSION VERSION_LESS 2.7)
  message(FATAL_ERROR "LibTorch ${XAI_TORCH_VERSION} in ${XAI_LIBTORCH} is too old: 2.7 or newer is needed.")
endif()

if(TARGET xai::torch)
  return()
endif()
add_library(xai::torch INTERFACE IMPORTED GLOBAL)
target_include_directories(xai::torch SYSTEM INTERFACE
  "${XAI_LIBTORCH}/include" "${XAI_LIBTORCH}/include/torch/csrc/api/include")
# Nothing of CUDA: model/device.cpp loads that part where there is a card, so one program runs beside every build.
# libstdc++ first: libtorch_cpu.so exports parts of std::filesystem (remove_all) that crash here.
# A program that uses nothing of LibTorch (xai-merge) does not load it.
# RPATH, not RUNPATH: a model's own operators (--library) find LibTorch by it, too.
target_link_libraries(xai::torch INTERFACE -Wl,--no-as-needed -lstdc++ -Wl,--as-needed
                      "${XAI_LIBTORCH}/lib/libtorch_cpu.so" "${XAI_LIBTORCH}/lib/libc10.so")
target_link_options(xai::torch INTERFACE -Wl,--disable-new-dtags)
message(STATUS "LibTorch ${XAI_TORCH_VERSION} in ${XAI_LIBTORCH}")
