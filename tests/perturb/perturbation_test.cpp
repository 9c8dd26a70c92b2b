#include "xai/perturb/perturbation.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "xai/core/patch_set.hpp"

namespace xai {
namespace {

constexpr std::array<double, 3> mean{0.4, 0.5, 0.6};
constexpr std::array<double, 3> scale{0.2, 0.25, 0.5};

at::Tensor noise(std::vector<std::int64_t> shape) {
  return at::rand(shape, at::detail::createCPUGenerator(7));
}

double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

/// Weight of patch `cell` at `pixel` along one side, from the words of SPEC 3.
double weight(int pixel, int size, int grid, int cell, MaskKind kind) {
  if (kind == MaskKind::hard) {
    const auto border = [&](int i) { return static_cast<int>(std::floor(i * double(size) / grid + 0.5)); };
    return border(cell) <= pixel && pixel < border(cell + 1) ? 1 : 0;
  }
  const double position = pixel * (grid - 1.0) / (size - 1.0);  // align_corners = true
  return std::max(0.0, 1 - std::abs(position - cell));
}

TEST(Blur, KernelFollowsTheHeight) {
  EXPECT_EQ(blur_of_height(224).kernel, 51);
  EXPECT_EQ(blur_of_height(224).sigma, 50);
  EXPECT_EQ(blur_of_height(240).kernel, 2 * 27 + 1);
  EXPECT_EQ(blur_of_height(32).kernel, 7);
  EXPECT_EQ(blur_of_height(8).kernel, 1);
}

TEST(Baseline, BlurEqualsTheGaussianSumOverTheMirroredImage) {
  const int size = 32;
  const at::Tensor image = noise({3, size, size});
  const at::Tensor blurred = make_baseline(image, Baseline::blur, mean);
  const auto [kernel, sigma] = blur_of_height(size);
  const auto mirrored = [&](int i) { return i < 0 ? -i : i >= size ? 2 * size - 2 - i : i; };
  for (const auto& [row, column] : {std::pair{0, 0}, {5, 31}, {16, 12}, {31, 1}}) {
    double sum = 0, weights = 0;
    for (int dy = -kernel / 2; dy <= kernel / 2; ++dy)
      for (int dx = -kernel / 2; dx <= kernel / 2; ++dx) {
        const double w = std::exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
        sum += w * image[1][mirrored(row + dy)][mirrored(column + dx)].item<double>();
        weights += w;
      }
    EXPECT_NEAR(blurred[1][row][column].item<double>(), sum / weights, 1e-5);
  }
}

TEST(Baseline, ConstantsAreWhatTheyAreCalled) {
  const at::Tensor image = noise({3, 8, 8});
  EXPECT_EQ(make_baseline(image, Baseline::black, mean).abs().max().item<float>(), 0);
  EXPECT_EQ(difference(make_baseline(image, Baseline::gray, mean), at::full({3, 8, 8}, 0.5)), 0);
  const at::Tensor mean_baseline = make_baseline(image, Baseline::mean, mean);
  for (int channel = 0; channel < 3; ++channel)
    EXPECT_NEAR(mean_baseline[channel][3][4].item<double>(), mean[channel], 1e-7);
}

/// The cells of patch sets: N x g x g.
at::Tensor indicators(const std::vector<PatchSet>& sets, int grid) {
  at::Tensor cells = at::zeros({static_cast<std::int64_t>(sets.size()), grid, grid});
  for (std::size_t n = 0; n < sets.size(); ++n)
    for (const int p : sets[n].patches()) cells[static_cast<std::int64_t>(n)].view(-1)[p] = 1;
  return cells;
}

class Composer : public ::testing::TestWithParam<MaskKind> {};

TEST_P(Composer, MixesImageAndBaselineAsSpecified) {
  const int height = 30, width = 24, grid = 5;
  const at::Tensor image = noise({3, height, width});
  const at::Tensor baseline = make_baseline(image, Baseline::blur, mean);
  const MaskableImage maskable = make_maskable(image, baseline, mean, scale, at::kCPU);
  const MaskComposer composer(height, width, grid, GetParam(), at::kCPU);
  const std::vector<PatchSet> sets{PatchSet{0, 7, 24}, PatchSet{}, PatchSet::all(grid * grid), PatchSet{12}};
  const std::vector<const MaskableImage*> rows(sets.size(), &maskable);
  at::Tensor batch = at::full({6, 3, height, width}, 9.0);
  mix(rows, composer.upsample(indicators(sets, grid)), batch);

  for (std::size_t n = 0; n < sets.size(); ++n)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        double u = 0;
        for (const int p : sets[n].patches())
          u += weight(y, height, grid, p / grid, GetParam()) * weight(x, width, grid, p % grid, GetParam());
        const double xi = image[2][y][x].item<double>(), b = baseline[2][y][x].item<double>();
        ASSERT_NEAR(batch[static_cast<std::int64_t>(n)][2][y][x].item<double>(),
                    (b + u * (xi - b) - mean[2]) / scale[2], 2e-5)
            << "set " << n << " at " << y << ", " << x;
      }
  EXPECT_EQ(batch.slice(0, 4).min().item<float>(), 9) << "rows beyond those given are not touched";
}

TEST_P(Composer, RowsOfDifferentImagesMayAlternate) {
  const at::Tensor first = noise({3, 16, 16}), second = 1 - first;
  const at::Tensor black = at::zeros_like(first);
  const MaskableImage a = make_maskable(first, black, mean, scale, at::kCPU);
  const MaskableImage b = make_maskable(second, black, mean, scale, at::kCPU);
  const MaskComposer composer(16, 16, 4, GetParam(), at::kCPU);
  const std::vector<const MaskableImage*> mixed{&a, &b, &a};
  const at::Tensor visible = composer.upsample(indicators({PatchSet{1, 2}, PatchSet{3}, PatchSet{9}}, 4));
  at::Tensor together = at::zeros({3, 3, 16, 16});
  mix(mixed, visible, together);
  for (int n = 0; n < 3; ++n) {
    at::Tensor alone = at::zeros({1, 3, 16, 16});
    mix({&mixed[n], 1}, visible.narrow(0, n, 1), alone);
    EXPECT_EQ(difference(together[n], alone[0]), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Composer, ::testing::Values(MaskKind::soft, MaskKind::hard),
                         [](const auto& param) { return std::string(name(param.param)); });

/// N x g x g random cells, in double precision.
at::Tensor cells(std::int64_t count, int grid) {
  return at::rand({count, grid, grid}, at::detail::createCPUGenerator(11), at::kDouble);
}

TEST(MaskComposer, UpsamplesRealCellsAndPullsGradientsBack) {
  const int height = 30, width = 24, grid = 28 / 4;
  const MaskComposer composer(height, width, grid, MaskKind::soft, at::kDouble);
  const at::Tensor m = cells(2, grid);
  const at::Tensor u = composer.upsample(m);
  for (const auto& [y, x] : {std::pair{0, 0}, {7, 13}, {29, 23}}) {
    double sum = 0;
    for (int p = 0; p < grid * grid; ++p)
      sum += m[1][p / grid][p % grid].item<double>() * weight(y, height, grid, p / grid, MaskKind::soft) *
             weight(x, width, grid, p % grid, MaskKind::soft);
    EXPECT_NEAR(u[1][y][x].item<double>(), sum, 1e-14) << "double throughout";
  }
  const at::Tensor g = noise({2, height, width}).to(at::kDouble);
  EXPECT_NEAR((u * g).sum().item<double>(), (m * composer.pull_back(g)).sum().item<double>(), 1e-9)
      << "<A m, g> = <m, A* g>";
}

TEST(SoftMasks, GradientsAreThoseOfFiniteDifferences) {
  const int pixels = 18, grid = 6;
  const MaskComposer composer(pixels, pixels, grid, MaskKind::soft, at::kDouble);
  std::vector<MaskableImage> images;
  for (int i = 0; i < 2; ++i) {
    const at::Tensor image = at::rand({3, pixels, pixels}, at::detail::createCPUGenerator(20 + i));
    const at::Tensor hidden = make_baseline(image, Baseline::blur, mean);
    images.push_back(make_maskable(image, hidden, mean, scale, at::kDouble));
    const at::Tensor sum = images.back().baseline + images.back().difference;
    EXPECT_TRUE(at::allclose(sum, normalise(image.to(at::kDouble), mean, scale), 0, 1e-14));
  }
  const std::vector<const MaskableImage*> of_rows{&images[0], &images[0], &images[1]};
  const at::Tensor offset = at::tensor({0.0, 1.0, 0.25}, at::kDouble);
  const at::Tensor factor = at::tensor({0.5, -0.75, 1.0}, at::kDouble);
  const at::Tensor weights = noise({3, 3, pixels, pixels}).to(at::kDouble);
  // any smooth function of the mixed images
  const auto f = [&](const at::Tensor& m) {
    at::Tensor batch = at::zeros({3, 3, pixels, pixels}, at::kDouble);
    mix(of_rows, SoftMasks(composer, m, offset, factor).visible(), batch);
    return (weights * batch.sin()).sum().item<double>();
  };
  for (const int factors : {1, 2}) {
    const at::Tensor m = cells(factors * 3, grid).view({factors, 3, grid, grid});
    const SoftMasks masks(composer, m, offset, factor);
    at::Tensor batch = at::zeros({3, 3, pixels, pixels}, at::kDouble);
    mix(of_rows, masks.visible(), batch);
    const at::Tensor gradient = masks.pull_back(mix_back(of_rows, weights * batch.cos()));
    const at::Tensor direction = cells(factors * 3, grid).flip(0).view_as(m) - 0.5;
    const double step = 1e-6;
    EXPECT_NEAR((gradient * direction).sum().item<double>(),
                (f(m + step * direction) - f(m - step * direction)) / (2 * step), 1e-7);
  }
}

}  // namespace
}  // namespace xai
