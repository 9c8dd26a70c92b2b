# Builds a project that uses this one by add_subdirectory, and runs it. With ccache that is quick: the objects are
# those of the build around it. cmake -DBUILD_TYPE=... -DWERROR=... -DROOT=... -DSCRATCH=... -P test_guest.cmake
include(${CMAKE_CURRENT_LIST_DIR}/../install/functions.cmake)
file(REMOVE_RECURSE ${SCRATCH})
set(launcher "")
find_program(CCACHE ccache)
if(CCACHE)
  set(launcher -DCMAKE_CXX_COMPILER_LAUNCHER=${CCACHE})
endif()
run(${CMAKE_COMMAND} -G Ninja -S ${ROOT}/tests/guest -B ${SCRATCH}/build -DXAI_ROOT=${ROOT} -DCMAKE_BUILD_TYPE=${BUILD_TYPE}
    -DXAI_WARNINGS_AS_ERRORS=${WERROR} ${launcher})
run(${CMAKE_COMMAND} --build ${SCRATCH}/build --target guest --parallel 2)
check_consumer(${SCRATCH}/build/guest)
