#include "probe.hpp"

#include <ATen/ATen.h>

#include <regex>
#include <string>
#include <vector>

#include "answers.hpp"
#include "torchscript.hpp"
#include "xai/core/error.hpp"
#include "xai/core/log.hpp"

namespace xai {
namespace {

class Probe {
 public:
  Probe(const ModelCard& card, const ClassifierOptions& options,
        const std::function<at::Tensor(const at::Tensor&)>& run)
      : card_(card), options_(options), run_(run) {}

  Link link() {
    const at::Tensor images = noise(3, card_.height, card_.width);
    std::vector<at::Tensor> answers;
    for (const std::int64_t count : {1, 2, 3}) answers.push_back(outputs(images.slice(0, 0, count)));
    const at::Tensor& all = answers.back();
    if (!at::isfinite(all).all().item<bool>()) fail("gives logits that are not finite (NaN or infinity)");
    const double tolerance = (exact() ? 1e-3 : 1e-1) * (1 + all.abs().max().item<double>());
    const auto differ = [&](const at::Tensor& some) {
      return (some - all.slice(0, 0, some.size(0))).abs().max().item<double>() > tolerance;
    };
    if (differ(outputs(images)))
      fail("answers differently when it is asked again (dropout, or another random draw); ",
           "export it in eval mode");
    for (const at::Tensor& some : answers)
      if (differ(some))
        fail("answers differently for an image alone and in a batch: it normalises over the batch ",
             "(export it in eval mode), or the batch size was baked in at export");
    // an unlike image may be too much for a model, as any other may
    std::vector<at::Tensor> unlike{all};
    for (const at::Tensor& some : unlike_images().split(3)) {
      const at::Tensor found = outputs(some);
      unlike.push_back(found.index({at::isfinite(found).all(1)}));
    }
    return link_of(judge(at::cat(unlike), exact() ? 1e-3 : 2e-2));
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... what) const {
    throw ModelError(cat("model ", card_.model.string(), " ", what...));
  }

  bool exact() const { return is_exact(options_.precision); }

  at::Tensor noise(std::int64_t count, std::int64_t height, std::int64_t width) const {
    return at::randn({count, 3, height, width}, at::detail::createCPUGenerator(63)).to(options_.device);
  }

  /// Black, white, the three primaries, and noise of a strong contrast.
  at::Tensor unlike_images() const {
    at::Tensor colours =
        at::tensor({0., 0., 0., 1., 1., 1., 1., 0., 0., 0., 1., 0., 0., 0., 1.}, at::kDouble);
    const auto per_channel = [](const std::array<double, 3>& values) {
      return at::tensor(at::ArrayRef<double>(values), at::kDouble);
    };
    colours = (colours.view({5, 3}) - per_channel(card_.mean)) / per_channel(card_.std);
    const at::Tensor flat =
        colours.to(at::kFloat).view({5, 3, 1, 1}).expand({5, 3, card_.height, card_.width});
    return at::cat({flat.to(options_.device), 3 * noise(3, card_.height, card_.width)});
  }

  at::Tensor outputs(const at::Tensor& images) const {
    const std::int64_t count = images.size(0);
    at::Tensor found;
    try {
      found = run_(images);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      blame(count, error);
    }
    if (!at::isFloatingType(found.scalar_type()))
      fail("gives ", found.scalar_type(),
           " numbers, not N x K logits (the class itself?); wrap it so that it gives logits");
    if (found.dim() == 1 && found.size(0) == count)
      fail("gives one number an image without a dimension for it; wrap it so that it gives N x 1");
    if (found.dim() != 2)
      fail("gives an output of shape ", found.sizes(), " for ", count,
           " images, not N x K logits; wrap it so that it does");
    if (found.size(0) != count)
      fail("gives ", found.size(0), " rows for ", count,
           " images: the batch size was baked in at export; export it with xai-export");
    if (found.size(1) != card_.outputs)
      fail("has K = ", found.size(1), " classes, its card says ", card_.outputs,
           "; correct the card's field /classes");
    return found.to(at::kFloat);
  }

  bool takes(const at::Tensor& images) const {
    try {
      const at::Tensor found = run_(images);
      return found.dim() > 0 && found.size(0) == images.size(0);
    } catch (const std::exception&) {
      return false;
    }
  }

  /// Says why the model takes no batch of `count`, as far as its own reason and a few trials tell.
  [[noreturn]] void blame(std::int64_t count, const std::exception& error) const {
    const std::string reason = torchscript_reason(error);
    if (is_out_of_memory(error)) fail("does not fit into memory: ", reason);
    const auto says = [&](const char* pattern) { return std::regex_search(reason, std::regex(pattern)); };
    if (says("dtype|scalar type|should be the same|Half|BFloat16|Double"))
      fail("computes with unlike number types (", reason, "); export it in float32 throughout");
    if (says("on the same device|backend|CUDA|NVIDIA"))
      fail("is bound to another device than ", options_.device, " at a place that cannot be moved (", reason,
           "); export it on the CPU");
    std::smatch channels;
    if (std::regex_search(reason, channels, std::regex("to have ([0-9]+) channels")) && channels[1] != "3")
      fail("takes images of ", channels[1].str(), " channels, not RGB (", reason, ")");
    if (count > 1)
      fail("takes one image, but not ", count, " at once: the batch size was baked in at export (", reason,
           "); export it with xai-export");
    for (const std::int64_t other : {2, 3, 4, 5, 8, 10, 12, 16, 20, 24, 32, 64})
      if (takes(noise(other, card_.height, card_.width)))
        fail("takes batches of ", other,
             ", but not of 1: the batch size was baked in at export; export it with xai-export");
    for (const std::int64_t size : {32,  64,  96,  112, 128, 160, 192, 224, 240, 256, 260,
                                    288, 299, 300, 320, 331, 336, 380, 384, 448, 512})
      if ((size != card_.height || size != card_.width) && takes(noise(1, size, size)))
        fail("does not take images of ", card_.height, " x ", card_.width,
             " pixels, as its card says, but of ", size, " x ", size, " (", reason,
             "); correct the card's fields /input and /preprocessing/resize");
    fail("fails on an image of ", card_.height, " x ", card_.width,
         " pixels (does the card's size fit it?): ", reason);
  }

  Link link_of(const Answers& answers) const {
    const auto mismatch = [&](const char* what, const char* remedy) {
      fail(what, ", its card says ", name(card_.output), "; ", remedy);
    };
    const std::string sums = cat("rows sum to ", answers.least_sum, " to ", answers.most_sum);
    const std::string range = cat("numbers from ", answers.low, " to ", answers.high);
    if (answers.kind == AnswerKind::percentages)
      fail("gives numbers that are not negative and whose rows sum to ", answers.most_sum,
           ": neither logits nor probabilities; export it without what scales them");
    if (answers.kind == AnswerKind::probabilities && card_.output != Output::probabilities)
      mismatch("gives probabilities (rows sum to 1)",
               "write \"output\": \"probabilities\" into the card, or export it without its softmax");
    if (answers.kind == AnswerKind::sigmoids && card_.output == Output::logits)
      mismatch("gives numbers from 0 to 1 alone, as a sigmoid does",
               "write \"output\": \"sigmoid\" into the card, or export it without its sigmoid");
    if (answers.kind == AnswerKind::sigmoids && card_.output == Output::probabilities)
      fail("gives numbers from 0 to 1 whose ", sums,
           ", as a sigmoid does, its card says probabilities; write "
           "\"output\": \"sigmoid\" into the card");
    if (answers.kind == AnswerKind::logits && card_.output == Output::probabilities)
      fail("gives ", range,
           ", which are no probabilities as its card says; write \"output\": \"logits\" into the card");
    if (card_.output == Output::logits) return Link::softmax;
    if (card_.output == Output::sigmoid)
      log::info("model ", card_.name, ": its ", range,
                answers.kind == AnswerKind::logits
                    ? " are taken as logits, and their sigmoids as probabilities"
                    : " are taken as probabilities, the sigmoids themselves");
    return answers.kind == AnswerKind::logits ? Link::sigmoid : Link::none;
  }

  const ModelCard& card_;
  const ClassifierOptions& options_;
  const std::function<at::Tensor(const at::Tensor&)>& run_;
};

}  // namespace

Link probe(const ModelCard& card, const ClassifierOptions& options,
           const std::function<at::Tensor(const at::Tensor&)>& run) {
  return Probe(card, options, run).link();
}

}  // namespace xai
