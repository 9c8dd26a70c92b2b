#pragma once

#include <string>

#include "run/invented.hpp"
#include "xai/run/crosstest.hpp"

namespace xai::testing {

/// A run of invented models over many photographs of class 1, to which they give no probability: so there are
/// no maps and no curves, and all else is as in any run. Everything lies in `folder`.
inline CrosstestRunOptions many_photographs(const TemporaryFolder& folder, int images, int models,
                                            int classes) {
  CrosstestRunOptions options;
  for (int m = 0; m < models; ++m)
    options.models.push_back(save_card(folder, "model" + std::to_string(m), classes));
  options.input.data.data = save_photographs(folder, images);
  std::string labels = "path,label\n";
  for (int i = 0; i < images; ++i) labels += std::to_string(1000 + i) + ".png,1\n";
  write_file_atomically(folder / "labels.csv", labels);
  options.input.data.labels = folder / "labels.csv";
  options.output.out = folder / "run";
  options.making.method = SaliencyMethod::rise;
  options.making.size = 4;
  options.making.rise = {.masks = 1, .cells = 2};
  options.curve.steps = 8;
  options.pictures = 0;
  return options;
}

inline Invented::Logits no_class_one(int classes) {
  return [classes](const at::Tensor& batch) {
    at::Tensor logits = at::zeros({batch.size(0), classes});
    logits.select(1, 1).fill_(-1e4);
    return logits;
  };
}

}  // namespace xai::testing
