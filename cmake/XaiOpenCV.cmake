# Defines xai::opencv: OpenCV's core and imgproc, for arithmetic and drawing.
#
# From its static archives where they are (Debian, Ubuntu): its shared libraries bring X11 and OpenGL, which nothing here
# needs. -DXAI_STATIC_OPENCV=OFF, or another system, takes what find_package(OpenCV) finds.
if(TARGET xai::opencv)
  return()
endif()
option(XAI_STATIC_OPENCV "Link OpenCV's static archives where they are installed" ON)
if(XAI_STATIC_OPENCV)
  find_path(XAI_OPENCV_INCLUDE opencv2/imgproc.hpp PATH_SUFFIXES opencv4)
  find_library(XAI_OPENCV_CORE libopencv_core.a)
  find_library(XAI_OPENCV_IMGPROC libopencv_imgproc.a)
  mark_as_advanced(XAI_OPENCV_INCLUDE XAI_OPENCV_CORE XAI_OPENCV_IMGPROC)
endif()
add_library(xai::opencv INTERFACE IMPORTED GLOBAL)
if(XAI_STATIC_OPENCV AND XAI_OPENCV_INCLUDE AND XAI_OPENCV_CORE AND XAI_OPENCV_IMGPROC)
  find_package(ZLIB REQUIRED)
  find_package(Threads REQUIRED)
  set(xai_opencv_needs "")
  foreach(library tbb lapack blas)  # named by their versions, too: the headers of LAPACK and BLAS are not needed
    find_library(XAI_OPENCV_${library} NAMES ${library} lib${library}.so.12 lib${library}.so.3 REQUIRED)
    mark_as_advanced(XAI_OPENCV_${library})
    list(APPEND xai_opencv_needs ${XAI_OPENCV_${library}})
  endforeach()
  target_include_directories(xai::opencv SYSTEM INTERFACE ${XAI_OPENCV_INCLUDE})
  # xai::core last: it answers for the display that there is none (core/no_display.cpp)
  target_link_libraries(xai::opencv INTERFACE ${XAI_OPENCV_IMGPROC} ${XAI_OPENCV_CORE} ${xai_opencv_needs}
                        ZLIB::ZLIB Threads::Threads ${CMAKE_DL_LIBS} xai::core)
else()
  find_package(OpenCV REQUIRED COMPONENTS core imgproc)
  target_link_libraries(xai::opencv INTERFACE opencv_core opencv_imgproc)
endif()
