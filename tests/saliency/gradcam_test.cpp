#include "xai/saliency/gradcam.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include "temporary_folder.hpp"
#include "xai/core/error.hpp"
#include "xai/core/hash.hpp"

namespace xai {
namespace {

/// Two feature maps of 2 x 2, red and green, and a linear head: class 1 likes red and dislikes green.
ModelCard save_parts(const TemporaryFolder& folder) {
  const auto save = [&](const char* name, const std::string& source) {
    torch::jit::Module module(name);
    module.define(source);
    const auto path = folder.path() / (std::string(name) + ".pt");
    module.save(path.string());
    return path;
  };
  const auto features = save("features",
                             "def forward(self, x):\n"
                             "    return torch.adaptive_avg_pool2d(x[:, 0:2], [2, 2])\n");
  const auto head = save("head",
                         "def forward(self, a):\n"
                         "    y = a.mean([2, 3])\n"
                         "    return torch.stack([y[:, 0], 12 * y[:, 0] - 4 * y[:, 1]], 1)\n");
  ModelCard card;
  card.name = "toy";
  card.gradcam = GradCamFiles{features, head, sha256_file(features), sha256_file(head)};
  return card;
}

TEST(GradCam, IsTheWeightedSumOfTheFeatureMaps) {
  const TemporaryFolder folder;
  const SplitClassifier classifier(save_parts(folder), at::kCPU);
  at::Tensor image = at::zeros({3, 8, 8});
  image[0].slice(0, 0, 4).fill_(1);  // the upper half is red
  image[1].slice(1, 4, 8).fill_(1);  // the right half is green
  const at::Tensor map = gradcam(classifier, image, 1, 2);
  // mean gradients 12 / 4 and -4 / 4, and nothing negative
  EXPECT_TRUE(at::allclose(map, at::tensor({3.0F, 2.0F, 0.0F, 0.0F}).view({2, 2}))) << map;
  const at::Tensor larger = gradcam(classifier, image, 1, 6);
  EXPECT_EQ(larger.sizes(), at::IntArrayRef({6, 6}));
  EXPECT_FLOAT_EQ(larger[0][0].item<float>(), 3);
  EXPECT_FLOAT_EQ(larger[0][5].item<float>(), 2);
}

TEST(GradCam, NeedsAModelWithParts) {
  const TemporaryFolder folder;
  ModelCard card = save_parts(folder);
  ModelCard none = card;
  none.gradcam.reset();
  EXPECT_THROW(SplitClassifier(none, at::kCPU), ModelError);
  ModelCard changed = card;
  changed.gradcam->head_sha256 = std::string(64, '0');
  EXPECT_THROW(SplitClassifier(changed, at::kCPU), ModelError);
  ModelCard missing = card;
  missing.gradcam->features = folder.path() / "gone.pt";
  EXPECT_THROW(SplitClassifier(missing, at::kCPU), ModelError);
}

}  // namespace
}  // namespace xai
