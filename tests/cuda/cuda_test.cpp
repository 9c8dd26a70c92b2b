// The same code on a CUDA device. Every test skips, visibly, where there is none.
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <gtest/gtest.h>

#include "model/model_fixture.hpp"
#include "xai/engine/engine.hpp"
#include "xai/model/torchscript_classifier.hpp"
#include "xai/search/mse.hpp"

namespace xai {
namespace {

using testing::save_model;

/// Convolution, pooling and a matrix product: what the kernels of a real classifier are made of.
const std::string convolution_model = R"(
def forward(self, x):
    k = torch.ones([4, 3, 3, 3], dtype=x.dtype, device=x.device)
    f = torch.conv2d(x, k, None, [1, 1], [1, 1]).relu()
    return torch.mm(f.mean([2, 3])[:, 0:3] * 0.05 + x.mean([2, 3]), self.weight * 8.0)
)";

class Cuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!parse_device("auto").is_cuda()) GTEST_SKIP() << "no CUDA device here: the CUDA path is not tested";
    model_ = save_model(folder_, convolution_model);
  }

  /// Prepared as said, or as is measured.
  std::unique_ptr<Classifier> classifier(const at::Device& device,
                                         std::optional<Tuning> tuning = Tuning::plain) const {
    ClassifierOptions options{.device = device, .batch_size = 16, .tune = true};
    if (tuning)
      options.tuning = {{"device", c10::DeviceTypeName(device.type(), /*lower_case=*/true)},
                        {"choice", name(*tuning)}};
    return testing::open(model_, options);
  }

  TemporaryFolder folder_;
  std::filesystem::path model_;
};

class FindMses : public Analysis {
 public:
  LoadedImage load(std::size_t index) override {
    const at::Tensor image = at::rand({3, 16, 16}, at::detail::createCPUGenerator(index));
    return {image, at::zeros_like(image), {}};
  }
  Task<void> analyse(std::size_t index, ImageInFlight& image) override {
    MseOptions options;
    options.grid = 4;
    options.max_evaluations = 300;
    Scorer& scorer = image.scorer(image.prediction().predicted);
    results[index] = co_await find_mses(scorer, options);
  }
  void failed(std::size_t, const std::exception& error) override { FAIL() << error.what(); }

  std::map<std::size_t, MseResult> results;
};

TEST_F(Cuda, LogitsEqualTheCpus) {
  const at::Tensor batch = at::rand({16, 3, 16, 16}, at::detail::createCPUGenerator(1));
  const at::Tensor expected = classifier(at::kCPU)->logits(batch);
  for (const std::optional<Tuning> tuning :
       {std::optional(Tuning::plain), std::optional(Tuning::frozen),
        std::optional(Tuning::frozen_channels_last), std::optional<Tuning>()}) {
    const auto cuda = classifier(at::kCUDA, tuning);
    for (int repeat = 0; repeat < 3; ++repeat) {
      const at::Tensor logits = cuda->logits(batch.to(at::kCUDA));
      EXPECT_TRUE(logits.is_cuda());
      EXPECT_TRUE(at::allclose(logits.cpu(), expected, 1e-3, 1e-3));
    }
  }
}

TEST_F(Cuda, ComposedBatchesEqualTheCpus) {
  const at::Tensor image = at::rand({3, 16, 16}, at::detail::createCPUGenerator(2));
  const std::array<double, 3> half{.5, .5, .5};
  std::vector<at::Tensor> batches;
  for (const at::Device device : {at::Device(at::kCPU), at::Device(at::kCUDA)}) {
    const MaskableImage maskable =
        make_maskable(image, make_baseline(image, Baseline::blur, half), half, half, device);
    const std::vector<const MaskableImage*> rows(3, &maskable);
    const at::Tensor cells = at::rand({3, 4, 4}, at::detail::createCPUGenerator(3)).to(device);
    at::Tensor batch = at::zeros({4, 3, 16, 16}, device);
    mix(rows, MaskComposer(16, 16, 4, MaskKind::soft, device).upsample(cells), batch);
    batches.push_back(batch.cpu());
  }
  EXPECT_TRUE(at::allclose(batches[0], batches[1], 1e-5, 1e-5));
}

TEST_F(Cuda, SearchesFindWhatTheCpuFinds) {
  std::map<std::size_t, MseResult> results[2];
  for (const bool cuda : {false, true}) {
    const auto model = classifier(cuda ? at::Device(at::kCUDA) : at::Device(at::kCPU));
    FindMses analysis;
    Engine(*model, {.grid = 4, .batch_size = 16}).run(6, analysis);
    results[cuda] = analysis.results;
  }
  int compared = 0;
  for (const auto& [index, expected] : results[0]) {
    const MseResult& got = results[1].at(index);
    EXPECT_NEAR(got.p_full, expected.p_full, 1e-3);
    if (expected.near_ties > 0 || got.near_ties > 0) continue;
    ASSERT_EQ(got.mses.size(), expected.mses.size());
    for (std::size_t i = 0; i < got.mses.size(); ++i) {
      EXPECT_EQ(got.mses[i].patches, expected.mses[i].patches);
      EXPECT_NEAR(got.mses[i].p, expected.mses[i].p, 1e-3);
    }
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

TEST_F(Cuda, RealOutOfMemoryIsRecognised) {
  try {
    at::empty({std::int64_t{1} << 46}, at::TensorOptions(at::kCUDA));
    FAIL() << "256 TiB were allocated";
  } catch (const std::exception& error) {
    EXPECT_TRUE(is_out_of_memory(error)) << error.what();
  }
}

TEST_F(Cuda, DeviceNamesAreResolved) {
  EXPECT_EQ(parse_device("auto"), at::Device(at::kCUDA, 0));
  EXPECT_EQ(parse_device("cuda:0"), at::Device(at::kCUDA, 0));
}

}  // namespace
}  // namespace xai
