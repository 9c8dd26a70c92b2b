// Models as people bring them, made by make_models.py: each is repaired, understood, or refused for its
// reason.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>

#include "model_fixture.hpp"
#include "python.hpp"
#include "xai/core/error.hpp"
#include "xai/core/memory.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;
using testing::open;

class BroughtModels : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(python())) GTEST_SKIP() << "needs PyTorch of " << python() << ": run scripts/setup.sh";
    const auto command = cat(python().string(), " -W ignore ", XAI_SOURCE_DIR, "/tests/model/make_models.py ",
                             folder_.path().string(), " ", XAI_TEST_OPERATORS);
    ASSERT_EQ(std::system(command.c_str()), 0);
  }

  fs::path model(const std::string& name) const { return folder_.path() / (name + ".pt"); }

  /// What opening it says, without the "model FILE " before it; "" where it works.
  std::string complaint(const std::string& name) const {
    try {
      open(model(name));
    } catch (const ModelError& error) {
      const std::string text = error.what(), start = cat("model ", model(name).string(), " ");
      EXPECT_EQ(text.find('\n'), text.npos) << "one line: " << text;
      EXPECT_TRUE(text.starts_with(start)) << text;
      return text.substr(std::min(start.size(), text.size()));
    }
    return "";
  }

  const TemporaryFolder folder_;
  const at::Tensor images_ = at::rand({3, 3, 16, 16}, at::detail::createCPUGenerator(7));
};

TEST_F(BroughtModels, AreRepairedWhereTheyCanBe) {
  const at::Tensor expected = open(model("plain"))->logits(images_);
  const std::map<std::string, double> tolerances = {
      {"half", 2e-2}, {"double", 1e-5}, {"bfloat16", 2e-1}, {"training", 1e-6}, {"moved", 1e-6}};
  for (const auto& [name, tolerance] : tolerances) {
    const auto classifier = open(model(name), {.batch_size = 4, .tune = true, .gradients = true});
    const at::Tensor logits = classifier->logits(images_);
    EXPECT_EQ(logits.scalar_type(), at::kFloat) << name;
    EXPECT_LT((logits - expected).abs().max().item<double>(), tolerance) << name;
  }
  // an index in a buffer is no number to convert
  for (const Precision precision : {Precision::bf16, Precision::fp64})
    EXPECT_LT((open(model("plain"), {.precision = precision})->logits(images_.to(at::kDouble)) - expected)
                  .abs()
                  .max()
                  .item<double>(),
              precision == Precision::bf16 ? 2e-1 : 1e-4);
}

TEST_F(BroughtModels, GiveProbabilitiesOfTheKindThatTheCardSays) {
  const at::Tensor logits = open(model("plain"))->logits(images_);
  const auto p_of = [&](const std::string& name) {
    const auto classifier = open(model(name), {.batch_size = 4, .tune = true, .gradients = true});
    const at::Tensor p = classifier->probabilities(classifier->logits(images_));
    // and their gradients, by finite differences
    const at::Tensor classes = at::tensor({1, 0, 1}, at::kLong);
    const auto exact = open(model(name), {.precision = Precision::fp64, .gradients = true});
    const at::Tensor at_images = images_.to(at::kDouble);
    const at::Tensor direction = at::randn({3, 3, 16, 16}, at::detail::createCPUGenerator(2), at::kDouble);
    const auto p_along = [&](double step) {
      return exact->probabilities(exact->logits(at_images + step * direction))
          .gather(1, classes.unsqueeze(1))
          .squeeze(1);
    };
    const at::Tensor slope = (p_along(1e-5) - p_along(-1e-5)) / 2e-5;
    const at::Tensor gradient = exact->logits_and_input_gradient(at_images, classes).gradient;
    EXPECT_TRUE(at::allclose((gradient * direction).sum({1, 2, 3}), slope, 1e-4, 1e-6)) << name;
    return p;
  };
  const auto near = [](const at::Tensor& a, const at::Tensor& b) { return at::allclose(a, b, 1e-4, 1e-5); };
  EXPECT_TRUE(near(p_of("plain"), logits.softmax(1)));
  EXPECT_TRUE(near(p_of("log_softmax"), logits.softmax(1)));
  EXPECT_TRUE(near(p_of("probabilities"), logits.softmax(1)));
  EXPECT_TRUE(near(p_of("multi_label"), logits.sigmoid()));
  EXPECT_TRUE(near(p_of("multi_label_done"), logits.sigmoid()));

  // one output: index 1 is its own, index 0 the complement
  const at::Tensor binary = p_of("binary");
  ASSERT_EQ(binary.sizes(), at::IntArrayRef({3, 2}));
  const auto module = torch::jit::load(model("binary").string()).forward({images_}).toTensor();
  EXPECT_TRUE(near(binary.select(1, 1), module.sigmoid().select(1, 0)));
  EXPECT_TRUE(near(binary.sum(1), at::ones({3})));
  EXPECT_TRUE(near(p_of("binary_done"), binary));
  EXPECT_EQ(read_model_card(model("binary")).classes, 2);
}

TEST_F(BroughtModels, AreRefusedForTheirReason) {
  const std::string again = "; export it with xai-export";
  const std::map<std::string, std::string> reasons = {
      {"softmax",
       "gives probabilities (rows sum to 1), its card says logits; write \"output\": \"probabilities\" into "
       "the card, or export it without its softmax"},
      {"sigmoid",
       "gives numbers from 0 to 1 alone, as a sigmoid does, its card says logits; write \"output\": "
       "\"sigmoid\" into the card, or export it without its sigmoid"},
      {"softmax_called_sigmoid",
       "gives probabilities (rows sum to 1), its card says sigmoid; write \"output\": \"probabilities\" into "
       "the card, or export it without its softmax"},
      {"eight_only", "takes batches of 8, but not of 1: the batch size was baked in at export" + again},
      {"random",
       "answers differently when it is asked again (dropout, or another random draw); export it in eval "
       "mode"},
      {"batch_statistics",
       "answers differently for an image alone and in a batch: it normalises over the batch (export it in "
       "eval "
       "mode), or the batch size was baked in at export"},
      {"segmentation",
       "gives an output of shape [1, 5, 16, 16] for 1 images, not N x K logits; wrap it so that "
       "it does"},
      {"class_itself",
       "gives Long numbers, not N x K logits (the class itself?); wrap it so that it gives logits"},
      {"flat_output", "gives one number an image without a dimension for it; wrap it so that it gives N x 1"},
      {"tuple", "gives a Tuple instead of one tensor of logits; wrap it so that it returns N x K logits"},
      {"own_operator",
       "needs xai_test::twice, which LibTorch itself does not have; name the library that has it with "
       "'library' "
       "(libtorchvision.so for torchvision), or export the model without it"},
      {"deformed",
       "needs torchvision::deform_conv2d, which LibTorch itself does not have; name the library that has it "
       "with 'library' (libtorchvision.so for torchvision), or export the model without it"},
      {"empty", "is empty; copy or export it again"},
      {"cut", "is an archive that is damaged or cut short; copy or export it again"},
      {"lfs", "is a Git LFS pointer, not the file itself; fetch it with git lfs pull"},
      {"page", "is a web page or XML, not a model; download it again"},
  };
  for (const auto& [name, reason] : reasons) EXPECT_EQ(complaint(name), reason) << name;

  const std::map<std::string, std::vector<std::string>> words = {
      {"one_only", {"takes one image, but not 2 at once: the batch size was baked in at export (", again}},
      {"percent", {"rows sum to 100", "neither logits nor probabilities"}},
      {"sigmoid_called_probabilities",
       {"as a sigmoid does, its card says probabilities", "\"output\": \"sigmoid\""}},
      {"logits_called_probabilities",
       {"which are no probabilities as its card says", "\"output\": \"logits\""}},
      {"mixed", {"computes with unlike number types (", "Half", "export it in float32 throughout"}},
      {"greyscale", {"takes images of 1 channels, not RGB"}},
      {"larger", {"does not take images of 16 x 16 pixels, as its card says, but of 32 x 32", "/input"}},
      {"state_dict", {"holds weights alone (a checkpoint or state dict)", "--checkpoint"}},
      {"checkpoint", {"holds weights alone (a checkpoint or state dict)", "--checkpoint"}},
      {"old_state_dict", {"holds weights alone (a checkpoint or state dict)", "--checkpoint"}},
      {"safetensors", {"holds weights alone (safetensors)", "--checkpoint"}},
      {"pickled", {"is a pickled Python module", "torch.jit.trace", "--module"}},
      {"old_pickled", {"is a pickled Python module", "torch.jit.trace", "--module"}},
      {"exported", {"is an exported program (.pt2)", "xai-export"}},
      {"onnx", {"is an ONNX model", "xai-export"}},
      {"keras", {"is an HDF5 file (Keras)", "xai-export"}},
      {"text", {"is not a TorchScript file", "xai-export"}},
      {"zip", {"is a ZIP archive without a network in it", "xai-export"}},
      {"newer", {"was written by a newer torch than this program's (2.", "export it again"}},
  };
  for (const auto& [name, parts] : words)
    for (const std::string& part : parts)
      EXPECT_NE(complaint(name).find(part), std::string::npos) << name << ": " << complaint(name);
}

TEST_F(BroughtModels, FindTheirOperatorsInALibrary) {
  ASSERT_NE(complaint("own_operator"), "");
  try {
    load_operators(folder_.path() / "none.so");
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_EQ(error.what(), cat("'library': no file ", (folder_.path() / "none.so").string()));
  }
  EXPECT_THROW(load_operators(model("plain")), UsageError);
  load_operators(XAI_TEST_OPERATORS);
  EXPECT_TRUE(
      at::allclose(open(model("own_operator"))->logits(images_), 2 * open(model("plain"))->logits(images_)));
}

TEST_F(BroughtModels, AreSentBatchesThatTheyTake) {
  const auto classifier = open(model("at_most_four"), {.batch_size = 32, .tune = true});
  EXPECT_EQ(classifier->most_rows(), 4);
  EXPECT_EQ(open(model("plain"), {.batch_size = 32, .tune = true})->most_rows(), 32);
  const MemoryLimit limit(256 << 20);  // 50 MB the images, and more for what becomes of them
  const int rows = open(model("plain"), {.batch_size = 16384, .tune = true})->most_rows();
  EXPECT_GE(rows, 256);
  EXPECT_LT(rows, 16384);
}

}  // namespace
}  // namespace xai
