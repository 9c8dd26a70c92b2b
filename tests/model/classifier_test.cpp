#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <future>

#include "model_fixture.hpp"
#include "xai/core/error.hpp"
#include "xai/model/torchscript_classifier.hpp"

namespace xai {
namespace {

using testing::linear_model;
using testing::open;
using testing::save_cut_model;
using testing::save_model;

/// To run a model as an earlier session chose.
ClassifierOptions with_tuning(std::optional<Tuning> logits, std::optional<Tuning> gradient = {},
                              int batch_size = 4) {
  ClassifierOptions options{.batch_size = batch_size, .tune = true, .gradients = gradient.has_value()};
  options.tuning = {{"device", "cpu"}};
  if (logits) options.tuning["choice"] = name(*logits);
  if (gradient) options.tuning["gradient_choice"] = name(*gradient);
  return options;
}

/// The message of the ModelError that loading gives, or "" where it works.
std::string complaint(const std::filesystem::path& path) {
  try {
    open(path);
  } catch (const ModelError& error) {
    return error.what();
  }
  return "";
}

void expect_complaint(const std::filesystem::path& path, const std::string& words) {
  const std::string message = complaint(path);
  EXPECT_NE(message.find(words), message.npos) << "message: " << message;
  EXPECT_EQ(message.find('\n'), message.npos) << "one line: " << message;
}

TEST(TorchScriptClassifier, GivesTheModelsLogitsUnderEveryTuning) {
  const TemporaryFolder folder;
  const auto path = save_model(folder, linear_model);
  const at::Tensor batch = at::rand({4, 3, 16, 16}, at::detail::createCPUGenerator(1));
  const at::Tensor weight = at::rand({3, 5}, at::detail::createCPUGenerator(5));
  const at::Tensor expected = batch.mean({2, 3}).mm(weight);
  for (const Named<Tuning>& tuning : names_of<Tuning>) {
    const auto classifier = open(path, with_tuning(tuning.value));
    for (int repeat = 0; repeat < 3; ++repeat)  // TorchScript optimises on later runs
      EXPECT_TRUE(at::allclose(classifier->logits(batch), expected, 1e-4, 1e-5));
    EXPECT_EQ(classifier->tuning()["choice"], tuning.name);
    EXPECT_TRUE(classifier->tuning()["measured"].empty());
  }
}

TEST(TorchScriptClassifier, SaysHowItWasTuned) {
  const TemporaryFolder folder;
  const auto path = save_model(folder, linear_model);
  const Json off = open(path)->tuning();
  EXPECT_EQ(off,
            (Json{{"mode", "off"}, {"device", "cpu"}, {"choice", "plain"}, {"measured", Json::array()}}));

  const auto measured = open(path, {.batch_size = 4, .tune = true, .gradients = true});
  const Json record = measured->tuning();
  EXPECT_EQ(record["mode"], "fast");
  ASSERT_GE(record["measured"].size(), 1U);
  EXPECT_EQ(record["measured"][0]["tuning"], "plain");
  EXPECT_EQ(record["measured"][0]["usable"], true);
  EXPECT_GT(record["measured"][0]["milliseconds"], 0);
  EXPECT_TRUE(named<Tuning>(record["gradient_choice"].get<std::string>()));
  EXPECT_GE(record["gradient_measured"].size(), 1U);
  const at::Tensor batch = at::rand({4, 3, 16, 16}, at::detail::createCPUGenerator(1));
  EXPECT_TRUE(at::allclose(measured->logits(batch), open(path)->logits(batch), 1e-4, 1e-5));

  const auto again = open(path, {.batch_size = 4, .tune = true, .tuning = record, .gradients = true});
  EXPECT_EQ(again->tuning()["choice"], record["choice"]);
  EXPECT_EQ(again->tuning()["gradient_choice"], record["gradient_choice"]);
  EXPECT_TRUE(again->tuning()["measured"].empty());
  Json elsewhere = record;
  elsewhere["device"] = "cuda";
  EXPECT_FALSE(
      open(path, {.batch_size = 4, .tune = true, .tuning = elsewhere})->tuning()["measured"].empty());
  EXPECT_EQ(open(path, {.tuning = with_tuning(Tuning::frozen).tuning})->tuning()["choice"], "plain");
}

/// A convolution with batch norm, and a second layer: gradients that differ from pixel to pixel.
const std::string convolutional_model = R"(
def forward(self, x):
    k = torch.sin(torch.arange(324, dtype=x.dtype, device=x.device)).reshape(12, 3, 3, 3)
    s = torch.ones(12, dtype=x.dtype, device=x.device)
    y = torch.conv2d(x, k, None, [2, 2], [1, 1])
    y = torch.batch_norm(y, s, s * 0.1, s * 0.2, s * 2, False, 0.1, 1e-5, False)
    y = torch.relu(y.transpose(2, 3)).mean([2, 3])
    return torch.mm(torch.tanh(y[:, 0:3]) + y[:, 3:6], self.weight.to(x.dtype))
)";

TEST(TorchScriptClassifier, GradientsAreThoseOfTheProbability) {
  const TemporaryFolder folder;
  const auto path = save_model(folder, convolutional_model);
  const at::Tensor batch = at::rand({3, 3, 16, 16}, at::detail::createCPUGenerator(1));
  const at::Tensor classes = at::tensor({4, 0, 2}, at::kLong);
  // finite differences in double precision, of the module itself
  auto module = torch::jit::load(path.string());
  const auto p = [&](const at::Tensor& images) {
    return module.forward({images}).toTensor().softmax(1).gather(1, classes.unsqueeze(1)).squeeze(1);
  };
  const double step = 1e-6;
  at::Tensor direction = at::randn({3, 3, 16, 16}, at::detail::createCPUGenerator(2), at::kDouble);
  const at::Tensor exact = batch.to(at::kDouble);
  const at::Tensor slope = (p(exact + step * direction) - p(exact - step * direction)) / (2 * step);

  std::vector<ClassifierOptions> settings = {{.batch_size = 3, .tune = true, .gradients = true}};
  for (const Tuning tuning : {Tuning::plain, Tuning::frozen_channels_last})
    settings.push_back(with_tuning(Tuning::plain, tuning, 3));
  for (const ClassifierOptions& options : settings) {
    const auto opened = open(path, options);
    Classifier& classifier = *opened;
    for (int repeat = 0; repeat < 3; ++repeat) {  // TorchScript optimises on later runs
      const auto [logits, gradient] = classifier.logits_and_input_gradient(batch, classes);
      EXPECT_TRUE(at::allclose(logits, classifier.logits(batch), 1e-5, 1e-6));
      EXPECT_TRUE(at::allclose((gradient * direction).sum({1, 2, 3}).to(at::kDouble), slope, 1e-4, 1e-7));
      for (int row = 0; row < 3; ++row) {  // alone, too
        const auto alone = classifier.logits_and_input_gradient(batch.slice(0, row, row + 1),
                                                                classes.slice(0, row, row + 1));
        EXPECT_TRUE(at::allclose(alone.gradient[0], gradient[row], 1e-4, 1e-8));
        EXPECT_TRUE(at::allclose(alone.logits[0], logits[row], 1e-4, 1e-6));
      }
    }
  }
}

TEST(TorchScriptClassifier, GradientsWorkBesideInferenceAndOnManyThreads) {
  const TemporaryFolder folder;
  const auto classifier = open(save_model(folder, convolutional_model), {.gradients = true});
  const at::Tensor batch = at::rand({3, 3, 16, 16}, at::detail::createCPUGenerator(1));
  const at::Tensor classes = at::tensor({4, 0, 2}, at::kLong);
  const at::Tensor expected = classifier->logits_and_input_gradient(batch, classes).gradient;
  std::vector<std::future<bool>> equal;
  for (int thread = 0; thread < 4; ++thread)
    equal.push_back(std::async(std::launch::async, [&] {
      const c10::InferenceMode lane;
      const at::Tensor own = batch.clone();  // an inference tensor
      bool same = true;
      for (int repeat = 0; repeat < 5; ++repeat) {
        classifier->logits(own);
        same &= at::allclose(classifier->logits_and_input_gradient(own, classes.clone()).gradient, expected,
                             1e-4, 1e-8);
      }
      return same;
    }));
  for (auto& thread : equal) EXPECT_TRUE(thread.get());
}

TEST(TorchScriptClassifier, GradientsHaveToBeAskedFor) {
  const TemporaryFolder folder;
  const auto classifier = open(save_model(folder, linear_model), {});
  EXPECT_THROW(classifier->logits_and_input_gradient(at::zeros({1, 3, 16, 16}), at::zeros({1}, at::kLong)),
               ModelError);
  EXPECT_FALSE(classifier->tuning().contains("gradient_choice"));
}

TEST(TorchScriptClassifier, Bfloat16IsCloseAndGivesFloats) {
  const TemporaryFolder folder;
  const auto path = save_model(folder, linear_model);
  const at::Tensor batch = at::rand({4, 3, 16, 16}, at::detail::createCPUGenerator(1));
  const auto exact = open(path, {});
  const auto rough = open(path, {.precision = Precision::bf16});
  const at::Tensor logits = rough->logits(batch);
  EXPECT_EQ(logits.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(logits, exact->logits(batch), 2e-2, 2e-2));
  EXPECT_FALSE(at::equal(logits, exact->logits(batch)));
}

TEST(TorchScriptClassifier, DoublePrecisionIsDoubleThroughout) {
  const TemporaryFolder folder;
  const auto path = save_model(folder, linear_model);
  const at::Tensor batch = at::rand({2, 3, 16, 16}, at::detail::createCPUGenerator(1), at::kDouble);
  const auto exact = open(path, {.precision = Precision::fp64, .gradients = true});
  const auto single = open(path, {.gradients = true});
  const at::Tensor classes = at::tensor({0, 2}, at::kLong);
  const auto a = exact->logits_and_input_gradient(batch, classes);
  const auto b = single->logits_and_input_gradient(batch.to(at::kFloat), classes);
  for (const at::Tensor& tensor : {a.logits, a.gradient}) EXPECT_EQ(tensor.scalar_type(), exact->type());
  for (const at::Tensor& tensor : {b.logits, b.gradient}) EXPECT_EQ(tensor.scalar_type(), single->type());
  EXPECT_EQ(exact->type(), at::kDouble);
  EXPECT_EQ(single->type(), at::kFloat);
  EXPECT_TRUE(at::allclose(a.logits, b.logits.to(at::kDouble), 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(a.gradient, b.gradient.to(at::kDouble), 1e-4, 1e-6));
  EXPECT_TRUE(at::equal(a.logits, exact->logits(batch)));
  const at::Tensor nudged = batch + 1e-12;  // nothing to a float
  EXPECT_FALSE(at::equal(a.logits, exact->logits(nudged)));
}

TEST(TorchScriptClassifier, GradientsDoNotDependOnTheSizeOfTheBatch) {
  const TemporaryFolder folder;
  const auto classifier = open(save_model(folder, linear_model), {.gradients = true});
  const at::Tensor batch = at::rand({33, 3, 16, 16}, at::detail::createCPUGenerator(1));
  const at::Tensor classes = at::arange(33).remainder(5);
  const auto whole = classifier->logits_and_input_gradient(batch, classes);
  ASSERT_EQ(whole.gradient.sizes(), batch.sizes());
  for (const std::int64_t rows : {1, 2, 5, 8, 13}) {
    const auto some =
        classifier->logits_and_input_gradient(batch.slice(0, 20, 20 + rows), classes.slice(0, 20, 20 + rows));
    EXPECT_TRUE(at::equal(some.logits, whole.logits.slice(0, 20, 20 + rows))) << rows;
    EXPECT_TRUE(at::equal(some.gradient, whole.gradient.slice(0, 20, 20 + rows))) << rows;
  }
}

TEST(TorchScriptClassifier, RefusesWhatIsNoClassifier) {
  const TemporaryFolder folder;
  expect_complaint(folder.path() / "none.pt", "no model file");
  expect_complaint(
      save_model(folder,
                 "def forward(self, x):\n    return torch.mm(x.mean([2, 3]), self.weight).softmax(1)"),
      "without its softmax");
  expect_complaint(
      save_model(folder, "def forward(self, x):\n    return torch.mm(x.mean([2, 3]), self.weight) / 0.0"),
      "not finite");
  expect_complaint(save_model(folder, "def forward(self, x):\n    return x"), "logits");
  expect_complaint(save_model(folder, "def forward(self, x):\n    return (x, x)"), "instead of one tensor");
  expect_complaint(save_model(folder, linear_model, [](auto& card) { card["classes"] = 7; }),
                   "has K = 5 classes");
}

TEST(TorchScriptClassifier, RefusesAFileThatIsNotTheCards) {
  const TemporaryFolder folder;
  const auto path =
      save_model(folder, linear_model, [](auto& card) { card["sha256"] = std::string(64, '0'); });
  expect_complaint(path, "sha256 differs");
}

/// The parts' gradients, by their definition, in batches of any size: of one too, and of more than go back.
TEST(TorchScriptClassifier, FeaturesAreTheLastMapsWithTheGradientOfEachRowsLogit) {
  const TemporaryFolder folder;
  const auto classifier = open(save_cut_model(folder), {.features = true});
  const at::Tensor batch = at::rand({19, 3, 16, 16}, at::detail::createCPUGenerator(1));
  const at::Tensor classes = at::arange(19).remainder(5);
  const at::Tensor maps = at::adaptive_avg_pool2d(batch.slice(1, 0, 2), {2, 2});
  const at::Tensor slopes = at::tensor({12.0F / 4, -4.0F / 4}).view({1, 2, 1, 1});
  const at::Tensor gradient = classes.eq(1).view({19, 1, 1, 1}) * slopes.expand({19, 2, 2, 2});
  for (const std::int64_t rows : {1, 2, 9, 19}) {
    const c10::InferenceMode lane;
    const Features found =
        classifier->features(batch.slice(0, 0, rows).clone(), classes.slice(0, 0, rows).clone());
    EXPECT_TRUE(at::allclose(found.maps, maps.slice(0, 0, rows)));
    EXPECT_TRUE(at::allclose(found.gradient, gradient.slice(0, 0, rows)));
  }
}

TEST(TorchScriptClassifier, FeaturesAreFloatsWhateverThePrecision) {
  const TemporaryFolder folder;
  const auto classifier = open(save_cut_model(folder), {.precision = Precision::fp64, .features = true});
  const Features found =
      classifier->features(at::ones({2, 3, 16, 16}, at::kDouble), at::ones({2}, at::kLong));
  EXPECT_EQ(found.maps.scalar_type(), at::kFloat);
  EXPECT_EQ(found.gradient.scalar_type(), at::kFloat);
}

TEST(TorchScriptClassifier, FeaturesNeedAModelWithParts) {
  const TemporaryFolder folder;
  const auto complaint_of = [](const std::filesystem::path& path) -> std::string {
    try {
      open(path, {.features = true});
    } catch (const ModelError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(complaint_of(save_model(folder, linear_model)).find("no last feature map"), std::string::npos);
  EXPECT_NE(
      complaint_of(save_cut_model(
                       folder, [](auto& card) { card["gradcam"]["head"]["sha256"] = std::string(64, '0'); }))
          .find("sha256 differs"),
      std::string::npos);
  EXPECT_NE(complaint_of(
                save_cut_model(folder, [](auto& card) { card["gradcam"]["features"]["file"] = "gone.pt"; }))
                .find("is missing"),
            std::string::npos);
  const auto classifier = open(save_cut_model(folder));
  EXPECT_THROW(classifier->features(at::zeros({1, 3, 16, 16}), at::zeros({1}, at::kLong)), ModelError);
}

}  // namespace
}  // namespace xai
