#include <iostream>
#include <xai/core/json.hpp>
#include <xai/search/mse.hpp>

int main() {  // a "model" that needs patches 1 and 2
  xai::Scorer scorer;
  const auto score = [](const xai::PatchSet& set) { return set.contains(1) && set.contains(2) ? 0.8 : 0.1; };
  const auto result = xai::run_search(scorer, xai::find_mses(scorer, {.grid = 2}), score);
  std::cout << xai::to_text(result.mses.front().patches.patches()) << '\n';
}
