#include "mse_options.hpp"

#include "xai/core/error.hpp"

namespace xai::tools {

void MseToolOptions::add_to(CLI::App& cli) {
  SearchOptions::add_to(cli);
  cli.add_option("--pictures", pictures, "Draw the first N images' explanations; -1 = all, 0 = none")
      ->group("Output")
      ->capture_default_str();
  cli.add_flag("--save-scores", save_scores,
               "Also write every evaluated set and its probability: scores/<image>.npy")
      ->group("Output");
}

void MseToolOptions::validate() const {
  SearchOptions::validate();
  require(pictures >= -1, "--pictures must be at least -1, not ", pictures);
}

Json MseToolOptions::resolved() const {
  Json options = SearchOptions::resolved();
  options["pictures"] = pictures;
  options["save_scores"] = save_scores;
  return options;
}

}  // namespace xai::tools
