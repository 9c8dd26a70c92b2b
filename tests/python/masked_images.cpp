// What the C++ module `perturb` makes of an image, for explain_test.py to compare with xaimse.perturbation:
//
//     masked_images IMAGE.npy OUT NAME.npy ...
//
// IMAGE.npy: 3 x H x W in [0,1]; NAME.npy: sets, n x g x g, 1 where a patch is visible. Writes into the
// folder OUT the masked images of each NAME, mask and baseline: NAME.MASK.BASELINE.npy, n x 3 x H x W in
// [0,1].

#include <ATen/ATen.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "xai/core/error.hpp"
#include "xai/core/file.hpp"
#include "xai/perturb/perturbation.hpp"
#include "xai/store/npy.hpp"

namespace {

using namespace xai;

constexpr std::array mean{0.485, 0.456, 0.406};  // of the baseline `mean`; explain_test.py has the same

at::Tensor read(const std::filesystem::path& file) {
  const FloatArray array = read_npy(file);
  return at::tensor(array.values).view(array.shape);
}

void write(const std::filesystem::path& file, const at::Tensor& tensor) {
  const std::span values(tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel()));
  write_file_atomically(file, encode_npy(values, tensor.sizes().vec()));
}

at::Tensor masked(const at::Tensor& image, const at::Tensor& sets, MaskKind mask, Baseline baseline) {
  const int height = static_cast<int>(image.size(1)), width = static_cast<int>(image.size(2));
  const MaskComposer composer(height, width, static_cast<int>(sets.size(1)), mask, image.options());
  const MaskableImage maskable =
      make_maskable(image, make_baseline(image, baseline, mean), {0, 0, 0}, {1, 1, 1}, image.options());
  const std::vector<const MaskableImage*> images(static_cast<std::size_t>(sets.size(0)), &maskable);
  at::Tensor batch = at::empty({sets.size(0), 3, height, width});
  mix(images, composer.upsample(sets), batch);
  return batch;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 4) {
    std::cerr << "usage: masked_images IMAGE.npy OUT NAME.npy ...\n";
    return 2;
  }
  const at::Tensor image = read(arguments[1]);
  const std::filesystem::path out = arguments[2];
  for (int i = 3; i < count; ++i) {
    const std::filesystem::path file = arguments[i];
    const at::Tensor sets = read(file);
    for (const auto& [mask, mask_name] : names_of<MaskKind>)
      for (const auto& [baseline, baseline_name] : names_of<Baseline>)
        write(out / cat(file.stem().string(), ".", mask_name, ".", baseline_name, ".npy"),
              masked(image, sets, mask, baseline));
  }
} catch (const std::exception& error) {
  std::cerr << "masked_images: " << error.what() << '\n';
  return 1;
}
