#include "xai/model/device.hpp"

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <charconv>
#include <new>

#include "xai/core/error.hpp"
#include "xai/core/log.hpp"

namespace xai {

at::ScalarType type_of(Precision precision) {
  switch (precision) {
    case Precision::bf16:
      return at::kBFloat16;
    case Precision::fp64:
      return at::kDouble;
    default:
      return at::kFloat;
  }
}

bool is_exact(Precision precision) {
  return precision == Precision::fp32 || precision == Precision::fp64;
}

void set_precision(Precision precision) {
  at::Context& context = at::globalContext();
  context.setAllowTF32CuBLAS(precision == Precision::tf32);  // also the float32 matmul precision
  context.setAllowTF32CuDNN(precision == Precision::tf32);
  context.setBenchmarkCuDNN(false);
}

at::Device parse_device(std::string_view name) {
  const bool cuda = at::hasCUDA() && at::getNumGPUs() > 0;
  if (name == "auto") return cuda ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (name == "cpu") return at::kCPU;
  std::size_t index = 0;
  bool known = name == "cuda";
  if (name.starts_with("cuda:")) {
    const auto [end, error] = std::from_chars(name.data() + 5, name.data() + name.size(), index);
    known = end == name.data() + name.size() && error != std::errc::invalid_argument;
    if (error == std::errc::result_out_of_range) index = at::getNumGPUs();
  }
  require(known, "'device' ", name, " is none of auto, cpu, cuda, cuda:N");
  require(cuda, "'device' ", name, ": no CUDA device is visible here; use cpu or auto");
  require(index < at::getNumGPUs(), "'device' ", name, ": only ", at::getNumGPUs(),
          " CUDA devices are visible here, numbered from 0");
  return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) || dynamic_cast<const c10::OutOfMemoryError*>(&error))
    return true;
  // TorchScript rethrows what the allocators throw as plain runtime errors
  const std::string_view text = error.what();
  return text.find("out of memory") != text.npos || text.find("can't allocate memory") != text.npos;
}

int halved_batch(int size, const at::Device& device) {
  require<ModelError>(size > 1, "out of memory on ", device,
                      " even for a batch of one image; use a smaller model, fewer 'threads' or the cpu as "
                      "'device'");
  log::warning("out of memory: going on with batches of ", size / 2);
  return size / 2;
}

void load_operators(const std::filesystem::path& library) {
  require(std::filesystem::is_regular_file(library), "'library': no file ", library.string());
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL)) return;
  const char* reason = dlerror();
  throw UsageError(
      cat("'library' ", library.string(), " cannot be loaded: ", reason ? reason : "no reason is known"));
}

}  // namespace xai
