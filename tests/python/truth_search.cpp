// What C++ finds on a truth table, for search_test.py to compare with what Python finds:
//
//     truth_search TABLE.npz KEY=VALUE ...
//
// KEY: options of the MSE search and of counting sub-explanations. Prints the record that xai-subexp would
// write.

#include <iostream>
#include <string>

#include "search/truth_table.hpp"
#include "xai/core/error.hpp"
#include "xai/record/mse_record.hpp"
#include "xai/record/sub_explanation_record.hpp"

int main(int argc, char** argv) try {
  using namespace xai;
  MseOptions searching;
  SubExplanationOptions counting;
  OptionTable table;
  describe(table, searching);
  describe(table, counting);
  require(argc > 1, "truth_search TABLE.npz KEY=VALUE ...");
  for (int i = 2; i < argc; ++i) {
    const std::string option = argv[i];
    const auto equals = option.find('=');
    table.at(option.substr(0, equals)).set_text(option.substr(equals + 1));
  }
  counting.grid = searching.grid;

  const testing::TruthTable truth = testing::read_truth_table(argv[1]);
  Scorer scorer;
  const MseResult found = run_search(scorer, find_mses(scorer, searching), truth);
  std::vector<PatchSet> roots;
  for (const Mse& mse : found.mses) roots.push_back(mse.patches);
  const auto counts = run_search(scorer, count_sub_explanations(scorer, roots, counting), truth);
  std::cout << sub_explanation_record(mse_record({}, searching, found), counting, CountedImage{counts})
            << '\n';
  return 0;
} catch (const std::exception& error) {
  std::cerr << "truth_search: " << error.what() << '\n';
  return 1;
}
