#pragma once

#include <ATen/core/Tensor.h>

#include <exception>
#include <filesystem>
#include <string_view>

#include "xai/core/names.hpp"

namespace xai {

/// Arithmetic of the forward pass. fp32: no TF32 anywhere; tf32: TensorFloat-32 in matrix products and
/// convolutions on CUDA; bf16: weights and activations in bfloat16; fp64: in double, slow, to see what float
/// noise does. Softmax is always float32.
enum class Precision { fp32, tf32, bf16, fp64 };
template <>
inline constexpr auto names_of<Precision> = std::to_array<Named<Precision>>({{Precision::fp32, "fp32"},
                                                                             {Precision::tf32, "tf32"},
                                                                             {Precision::bf16, "bf16"},
                                                                             {Precision::fp64, "fp64"}});

/// Of weights and activations.
at::ScalarType type_of(Precision precision);

/// Answers differ between kernels by float noise only: fp32 and fp64.
bool is_exact(Precision precision);

/// Sets LibTorch's global switches, which every operation reads that does not carry its own.
void set_precision(Precision precision);

/// "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1". Throws UsageError for other names and for a
/// device that is not there.
at::Device parse_device(std::string_view name);

/// Whether an exception of Classifier::logits (or of a tensor operation) says that memory ran out.
bool is_out_of_memory(const std::exception& error);

/// The size of batches to go on with where one of `size` did not fit into memory: half of it, with a warning
/// in the log. Throws ModelError where that is none.
int halved_batch(int size, const at::Device& device);

/// Loads a library of operators (libtorchvision.so, ...) that models may need, for good. Throws UsageError
/// naming the file and why it cannot be loaded.
void load_operators(const std::filesystem::path& library);

}  // namespace xai
