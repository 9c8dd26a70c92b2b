#include "xai/model/device.hpp"

#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>

#include "xai/core/error.hpp"

namespace xai {
namespace {

TEST(Device, NamesAreChecked) {
  EXPECT_EQ(parse_device("cpu"), at::Device(at::kCPU));
  EXPECT_THROW(parse_device("tpu"), UsageError);
  EXPECT_THROW(parse_device("cuda:"), UsageError);
  EXPECT_THROW(parse_device("cuda:x"), UsageError);
  EXPECT_THROW(parse_device("cuda:9999"), UsageError);
  EXPECT_THROW(parse_device("cuda:99999999999999999999999"), UsageError);
  try {
    parse_device("tpu");
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "'device' tpu is none of auto, cpu, cuda, cuda:N");
  }
}

TEST(SetPrecision, ReachesEverySwitch) {
  for (const Precision precision : {Precision::tf32, Precision::fp32}) {
    at::globalContext().setBenchmarkCuDNN(true);
    set_precision(precision);
    const bool tf32 = precision == Precision::tf32;
    EXPECT_EQ(at::globalContext().allowTF32CuBLAS(), tf32);
    EXPECT_EQ(at::globalContext().allowTF32CuDNN(), tf32);
    EXPECT_EQ(at::globalContext().float32MatmulPrecision(),
              tf32 ? at::Float32MatmulPrecision::HIGH : at::Float32MatmulPrecision::HIGHEST);
    EXPECT_FALSE(at::globalContext().benchmarkCuDNN());
  }
}

TEST(HalvedBatch, EndsWithOneImage) {
  EXPECT_EQ(halved_batch(9, at::kCPU), 4);
  EXPECT_THROW(halved_batch(1, at::kCPU), ModelError);
}

TEST(OutOfMemory, IsToldFromOtherFailures) {
  EXPECT_TRUE(is_out_of_memory(std::bad_alloc()));
  EXPECT_TRUE(
      is_out_of_memory(std::runtime_error("RuntimeError: CUDA out of memory. Tried to allocate 2 GiB")));
  EXPECT_TRUE(
      is_out_of_memory(std::runtime_error("DefaultCPUAllocator: can't allocate memory: you tried ...")));
  EXPECT_FALSE(is_out_of_memory(std::runtime_error("view size is not compatible")));
}

}  // namespace
}  // namespace xai
