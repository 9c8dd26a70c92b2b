#include "xai/model/device.hpp"

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <charconv>
#include <filesystem>
#include <limits>
#include <new>
#include <string>

#include "xai/core/error.hpp"
#include "xai/core/log.hpp"

namespace xai {

namespace {

struct Cuda {
  bool usable = false;
  std::string reason;   ///< why not
  bool driver = false;  ///< there is one all the same
};

/// LibTorch's CUDA part lies beside the part that is linked, in builds that have one, and registers itself
/// when it is loaded: so one program runs beside every build. Nobody may ask LibTorch for CUDA before.
Cuda load_cuda() {
  if (!dlopen("libcuda.so.1", RTLD_NOW)) {
    const char* const error = dlerror();
    return {false, cat("there is no NVIDIA driver to use: ", error ? error : "libcuda.so.1")};
  }
  Dl_info torch;
  if (!dladdr(reinterpret_cast<void*>(&at::globalContext), &torch)) return {false, "LibTorch is not found"};
  const std::filesystem::path library =
      std::filesystem::path(torch.dli_fname).parent_path() / "libtorch_cuda.so";
  std::string reason;
  if (!std::filesystem::exists(library)) {
    reason = "the LibTorch in " + library.parent_path().string() + " is a CPU build";
  } else if (!dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    const char* const error = dlerror();
    reason = cat(library.string(), " cannot be loaded: ", error ? error : "no reason is known");
  } else if (at::hasCUDA() && at::getNumGPUs() > 0) {
    return {true, {}};
  } else {
    return {false, "no CUDA device is visible here"};
  }
  return {false, reason, true};
}

const Cuda& cuda() {
  static const Cuda found = load_cuda();
  return found;
}

}  // namespace

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
  if (name == "cpu") return at::kCPU;  // and nothing of CUDA is loaded
  if (name == "auto") {
    if (cuda().driver) log::warning("there is an NVIDIA driver, but ", cuda().reason);
    return cuda().usable ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  }
  std::size_t index = 0;
  bool known = name == "cuda";
  if (name.starts_with("cuda:")) {
    const auto [end, error] = std::from_chars(name.data() + 5, name.data() + name.size(), index);
    known = end == name.data() + name.size() && error != std::errc::invalid_argument;
    if (error == std::errc::result_out_of_range) index = std::numeric_limits<std::size_t>::max();
  }
  require(known, "'device' ", name, " is none of auto, cpu, cuda, cuda:N");
  require(cuda().usable, "'device' ", name, ": ", cuda().reason, "; use cpu or auto");
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
