# Installs the build into a scratch prefix, builds the consumer against it, and runs consumer and tool.
# cmake -DBUILD=... -DROOT=... -DSCRATCH=... -P test_install.cmake
include(${CMAKE_CURRENT_LIST_DIR}/functions.cmake)
file(REMOVE_RECURSE ${SCRATCH})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix)
run(${CMAKE_COMMAND} -G Ninja -S ${ROOT}/tests/install -B ${SCRATCH}/build -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix)
run(${CMAKE_COMMAND} --build ${SCRATCH}/build)
check_consumer(${SCRATCH}/build/consumer)
run(${SCRATCH}/prefix/bin/xai-mse --version)
