#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>

#include "model_fixture.hpp"
#include "xai/core/error.hpp"
#include "xai/model/torchscript_classifier.hpp"

namespace xai {
namespace {

using testing::linear_model;
using testing::save_model;

/// The message of the ModelError that loading gives, or "" where it works.
std::string complaint(const std::filesystem::path& path) {
  try {
    const TorchScriptClassifier classifier(path, {});
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
  for (const std::optional<Tuning> tuning :
       {std::optional(Tuning::plain), std::optional(Tuning::frozen),
        std::optional(Tuning::frozen_channels_last), std::optional(Tuning::frozen_channels_last_onednn),
        std::optional<Tuning>()}) {
    TorchScriptClassifier classifier(path, {.tuning = tuning, .batch_size = 4});
    for (int repeat = 0; repeat < 3; ++repeat)  // TorchScript optimises on later runs
      EXPECT_TRUE(at::allclose(classifier.logits(batch), expected, 1e-4, 1e-5));
    EXPECT_EQ(classifier.measurements().empty(), tuning.has_value());
  }
}

TEST(TorchScriptClassifier, Bfloat16IsCloseAndGivesFloats) {
  const TemporaryFolder folder;
  const auto path = save_model(folder, linear_model);
  const at::Tensor batch = at::rand({4, 3, 16, 16}, at::detail::createCPUGenerator(1));
  TorchScriptClassifier exact(path, {});
  TorchScriptClassifier rough(path, {.precision = Precision::bf16});
  const at::Tensor logits = rough.logits(batch);
  EXPECT_EQ(logits.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(logits, exact.logits(batch), 2e-2, 2e-2));
  EXPECT_FALSE(at::equal(logits, exact.logits(batch)));
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

TEST(TorchScriptClassifier, RefusesABakedBatchSize) {
  const TemporaryFolder folder;
  expect_complaint(
      save_model(folder,
                 "def forward(self, x):\n    return torch.mm(x.reshape(2, 3, 256).mean(2), self.weight)"),
      "was the batch size baked in");
  // the batch's own mean: every image looks different in company
  expect_complaint(
      save_model(folder,
                 "def forward(self, x):\n    return torch.mm((x - x.mean(0)).abs().mean([2, 3]), "
                 "self.weight)"),
      "alone and in a batch");
}

TEST(TorchScriptClassifier, RefusesAFileThatIsNotTheCards) {
  const TemporaryFolder folder;
  const auto path =
      save_model(folder, linear_model, [](auto& card) { card["sha256"] = std::string(64, '0'); });
  expect_complaint(path, "sha256 differs");
}

TEST(TorchScriptClassifier, RefusesAFileThatIsNotTorchScript) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "toy.pt";
  save_model(folder, linear_model);
  std::ofstream(path, std::ios::trunc) << "weights, honest";
  auto card = nlohmann::ordered_json::parse(read_file(folder.path() / "toy.json"));
  card["sha256"] = sha256_file(path);
  write_file_atomically(folder.path() / "toy.json", card.dump());
  expect_complaint(path, "is not a TorchScript file");
}

TEST(ModelCard, NamesTheFieldThatIsWrong) {
  const TemporaryFolder folder;
  const auto spoiled = [&](auto change) { return save_model(folder, linear_model, change); };
  expect_complaint(spoiled([](auto& c) { c.erase("name"); }), "/name is missing");
  expect_complaint(spoiled([](auto& c) { c["input"]["height"] = "tall"; }),
                   "/input/height has the wrong type");
  expect_complaint(spoiled([](auto& c) { c["input"]["height"] = 0; }), "/input/height must be");
  expect_complaint(spoiled([](auto& c) { c["preprocessing"]["resize"] = 15; }), "/preprocessing/resize");
  expect_complaint(spoiled([](auto& c) { c["preprocessing"]["interpolation"] = "nearest"; }),
                   "bilinear or bicubic");
  expect_complaint(spoiled([](auto& c) { c["preprocessing"]["std"] = {1, 0, 1}; }), "/preprocessing/std");
  expect_complaint(spoiled([](auto& c) { c["preprocessing"]["mean"] = {1, 0}; }), "/preprocessing/mean");
  expect_complaint(spoiled([](auto& c) { c["schema_version"] = "2.0"; }), "/schema_version");
  expect_complaint(spoiled([](auto& c) {
                     c["class_list"] = {{"ids", {"a"}}, {"names", {"a"}}};
                   }),
                   "lists 1 classes");
  expect_complaint(spoiled([](auto& c) {
                     c["input"] = {{"height", 12}, {"width", 30}};
                   }),
                   "smaller than the crop");
  std::ofstream(folder.path() / "toy.json") << "{";
  expect_complaint(folder.path() / "toy.pt", "is not JSON");
  std::filesystem::remove(folder.path() / "toy.json");
  expect_complaint(folder.path() / "toy.pt", "no model card");
}

TEST(Device, NamesAreChecked) {
  EXPECT_EQ(parse_device("cpu"), at::Device(at::kCPU));
  EXPECT_THROW(parse_device("tpu"), UsageError);
  EXPECT_THROW(parse_device("cuda:"), UsageError);
  EXPECT_THROW(parse_device("cuda:x"), UsageError);
  EXPECT_THROW(parse_device("cuda:9999"), UsageError);
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
