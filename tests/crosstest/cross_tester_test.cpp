#include "xai/crosstest/cross_tester.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "model/toy_classifier.hpp"
#include "xai/core/error.hpp"

namespace xai {
namespace {

/// Sees the brightness of the image's quarters, in [0,1]: class 0 has a probability that is linear in them.
class QuarterModel : public testing::ToyClassifier {
 public:
  QuarterModel(int height, int width, int resize, double mean)
      : ToyClassifier("quarters", height, width, 2, {mean, 0.4, 0.3}, {0.25, 0.5, 0.2}) {
    card_.resize = resize;
  }

  bool poison = false;

 protected:
  at::Tensor evaluate(const at::Tensor& batch) const override {
    const auto of_card = [](const std::array<double, 3>& values) {
      return at::tensor(at::ArrayRef<double>(values), at::kFloat).view({3, 1, 1});
    };
    const at::Tensor pixels = batch * of_card(card_.std) + of_card(card_.mean);
    const at::Tensor weights = at::tensor({0.1, 0.2, 0.3, 0.2}, at::kFloat);
    const at::Tensor p = 0.1 + (at::adaptive_avg_pool2d(pixels, {2, 2}).mean(1).flatten(1) * weights).sum(1);
    at::Tensor logits = at::stack({p.log(), (1 - p).log()}, 1);
    if (poison) logits.select(1, 1).masked_fill_(p > 0.4, std::nan(""));
    return logits;
  }
};

cv::Mat photograph(int height, int width, int seed) {
  cv::Mat pixels(height, width, CV_8UC3);
  std::mt19937 random(static_cast<unsigned>(seed));
  std::generate_n(pixels.data, pixels.total() * 3, random);
  return pixels;
}

/// So many masks of some cells each.
Evidence evidence_of(const Classifier& model, const cv::Mat& photo, int size, int target, int masks) {
  std::vector<float> cells;
  for (int i = 0; i < masks * size * size; ++i)
    cells.push_back(std::sin(17.0F * static_cast<float>(i * i)) > 0.3F ? 1.0F : 0.0F);
  return {.masks = at::tensor(at::ArrayRef<float>(cells)).view({masks, size, size}),
          .crop = crop_of(photo.rows, photo.cols, model.card()),
          .target = target};
}

/// Whoever shall see what.
std::vector<std::vector<bool>> everything(std::size_t models, std::size_t evidence) {
  return std::vector<std::vector<bool>>(models, std::vector<bool>(evidence, true));
}

double probability(QuarterModel& model, const at::Tensor& image, int target) {
  const at::Tensor batch = normalise(image, model.card().mean, model.card().std).unsqueeze(0);
  return model.logits(batch).softmax(1)[0][target].item<double>();
}

std::vector<at::Tensor> predictions(const CrossTester& tester, const std::vector<cv::Mat>& photographs,
                                    CrossTester::Shown shown) {
  std::vector<CrossTester::Views> views;
  for (const cv::Mat& photo : photographs) views.push_back(tester.views_of(photo));
  std::vector<const CrossTester::Views*> pointers;
  for (const auto& view : views) pointers.push_back(&view);
  return tester.probabilities(pointers, shown);
}

/// The weight of each cell at each pixel of a side of another crop, from the definition in original pixels.
std::vector<std::vector<double>> tents(const CropSide& of, const CropSide& in, double original, int size) {
  const auto centre = [&](const CropSide& side, int i) {
    return (side.start + i + 0.5) * original / side.resized - 0.5;
  };
  std::vector<std::vector<double>> weights;
  for (int i = 0; i < of.pixels; ++i) {
    const double first = centre(in, 0), last = centre(in, in.pixels - 1);
    const double at = std::clamp((centre(of, i) - first) / (last - first), 0.0, 1.0) * (size - 1);
    weights.emplace_back();
    for (int p = 0; p < size; ++p) weights.back().push_back(std::max(0.0, 1 - std::abs(at - p)));
  }
  return weights;
}

TEST(CrossTester, AModelWithAnotherCropSeesTheMaskWhereItLiesOnThePhotograph) {
  QuarterModel narrow(16, 16, 24, 0.5), wide(24, 30, 32, 0.5);
  const cv::Mat photo = photograph(50, 70, 1);
  const CrossTester tester({&narrow, &wide}, {.batch_size = 5});
  const std::vector<Evidence> evidence = {evidence_of(narrow, photo, 6, 0, 8),
                                          evidence_of(wide, photo, 6, 1, 8)};
  const auto f = tester.reveal(tester.views_of(photo), evidence, everything(2, 2));
  QuarterModel* const models[] = {&narrow, &wide};
  for (std::size_t m = 0; m < 2; ++m) {
    const ModelCard& card = models[m]->card();
    const at::Tensor x = preprocess(photo, card), b = make_baseline(x, Baseline::blur, card.mean);
    const Crop crop = crop_of(photo.rows, photo.cols, card);
    for (std::size_t e = 0; e < 2; ++e) {
      const auto down = tents(crop.vertical, evidence[e].crop.vertical, photo.rows, 6);
      const auto across = tents(crop.horizontal, evidence[e].crop.horizontal, photo.cols, 6);
      ASSERT_EQ(f[m][e].size(), 8U);
      for (std::size_t n = 0; n < 8; ++n) {
        at::Tensor mask = at::zeros({card.height, card.width});
        const at::Tensor cells = evidence[e].masks[static_cast<std::int64_t>(n)].flatten();
        for (int cell = 0; cell < 36; ++cell) {
          if (cells[cell].item<float>() == 0) continue;
          for (int i = 0; i < card.height; ++i)
            for (int j = 0; j < card.width; ++j) mask[i][j] += down[i][cell / 6] * across[j][cell % 6];
        }
        EXPECT_NEAR(f[m][e][n], probability(*models[m], b + mask * (x - b), evidence[e].target), 1e-5);
      }
    }
  }
}

TEST(CrossTester, AModelSeesItsOwnMasksAsSectionThreeSays) {
  for (const MaskKind kind : {MaskKind::soft, MaskKind::hard}) {
    QuarterModel model(20, 16, 24, 0.5);
    const cv::Mat photo = photograph(37, 61, 2);
    const Evidence evidence = evidence_of(model, photo, 7, 0, 3);
    const CrossTester tester({&model}, {.baseline = Baseline::black, .mask = kind});
    const auto f = tester.reveal(tester.views_of(photo), {&evidence, 1}, everything(1, 1));
    const at::Tensor x = preprocess(photo, model.card());
    const MaskComposer composer(20, 16, 7, kind, at::kCPU);
    for (std::int64_t n = 0; n < 3; ++n) {
      const at::Tensor mask = composer.upsample(evidence.masks.slice(0, n, n + 1));
      EXPECT_NEAR(f[0][0][static_cast<std::size_t>(n)], probability(model, mask * x, 0), 1e-6) << name(kind);
    }
  }
}

TEST(CrossTester, GivesWhatIsWantedAndShowsNoMore) {
  QuarterModel a(16, 16, 24, 0.5), like_a(16, 16, 24, 0.2), other(16, 16, 20, 0.5);
  const cv::Mat photo = photograph(40, 40, 3);
  const CrossTester tester({&a, &like_a, &other}, {.batch_size = 3});
  const std::vector<Evidence> evidence = {evidence_of(a, photo, 4, 0, 4), evidence_of(other, photo, 4, 1, 4)};
  const auto f =
      tester.reveal(tester.views_of(photo), evidence, {{true, false}, {true, false}, {false, false}});
  EXPECT_EQ(f[0][0].size(), 4U);
  EXPECT_TRUE(f[0][1].empty());
  EXPECT_TRUE(f[2][0].empty() && f[2][1].empty());
  for (std::size_t t = 0; t < 4; ++t) EXPECT_NEAR(f[0][0][t], f[1][0][t], 1e-6);  // it normalises otherwise
  EXPECT_EQ(tester.forward(), 2 * 4);
  EXPECT_EQ(a.rows(), 4);  // two batches of two, and not one of three and one of one
  EXPECT_EQ(other.rows(), 0);
}

TEST(CrossTester, SmallerBatchesWhenMemoryRunsOutChangeNothing) {
  QuarterModel model(16, 16, 24, 0.5);
  const cv::Mat photo = photograph(40, 40, 4);
  const Evidence evidence = evidence_of(model, photo, 4, 0, 8);
  const CrossTester tester({&model}, {.batch_size = 8});
  const auto expected = tester.reveal(tester.views_of(photo), {&evidence, 1}, everything(1, 1));
  model.most_rows = 3;
  const auto found = tester.reveal(tester.views_of(photo), {&evidence, 1}, everything(1, 1));
  for (std::size_t t = 0; t < 8; ++t) EXPECT_NEAR(found[0][0][t], expected[0][0][t], 1e-6);
  model.most_rows = 0;
  EXPECT_THROW(tester.reveal(tester.views_of(photo), {&evidence, 1}, everything(1, 1)), ModelError);
}

TEST(CrossTester, PredictsPhotographsAndBaselines) {
  QuarterModel model(16, 16, 24, 0.5), larger(32, 32, 32, 0.5);
  const std::vector<cv::Mat> photos = {photograph(40, 50, 5), photograph(33, 32, 6), photograph(64, 40, 7)};
  const CrossTester tester({&model, &larger}, {.baseline = Baseline::gray, .batch_size = 2});
  const auto images = predictions(tester, photos, CrossTester::Shown::image);
  const auto baselines = predictions(tester, photos, CrossTester::Shown::baseline);
  EXPECT_EQ(tester.forward(), 2 * 2 * 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(images[0][i][0].item<double>(), probability(model, preprocess(photos[i], model.card()), 0),
                1e-6);
    EXPECT_NEAR(images[1][i][1].item<double>(), probability(larger, preprocess(photos[i], larger.card()), 1),
                1e-6);
    EXPECT_NEAR(baselines[0][i][0].item<double>(), 0.1 + 0.5 * 0.8, 1e-6);
  }
}

TEST(CrossTester, LogitsThatAreNotFiniteAreNaN) {
  QuarterModel model(16, 16, 24, 0.5);
  model.poison = true;
  cv::Mat dark(30, 30, CV_8UC3, cv::Scalar::all(20)), bright(30, 30, CV_8UC3, cv::Scalar::all(220));
  const CrossTester tester({&model}, {.baseline = Baseline::black});
  const auto p = predictions(tester, {dark, bright}, CrossTester::Shown::image)[0];
  EXPECT_FALSE(p[0].isnan().any().item<bool>());
  EXPECT_TRUE(p[1].isnan().all().item<bool>());
  const Evidence evidence{.masks = at::ones({2, 2, 2}), .crop = crop_of(30, 30, model.card()), .target = 0};
  const auto f = tester.reveal(tester.views_of(bright), {&evidence, 1}, everything(1, 1));
  EXPECT_TRUE(std::isnan(f[0][0].back()));
}

}  // namespace
}  // namespace xai
