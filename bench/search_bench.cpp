// What a search finds per evaluation, measured on the enumerated photographs of shared/data/truth (4 x 4):
//   search_bench            designs at the default budget and at 8 % of all sets; then the cost of the search
//   search_bench --curve    tab-separated, for search_curve.py: every design at a range of budgets
// A design is: beam width, extensions (0: all), sweeps (0: until the budget ends), way to reduce.
#include <chrono>
#include <cstdio>
#include <map>
#include <string_view>

#include "search/synthetic.hpp"
#include "search/truth_table.hpp"
#include "xai/search/diverse.hpp"

namespace xai {
namespace {

struct Truth {
  testing::TruthTable table;
  std::vector<PatchSet> mses;
  std::map<int, int> by_size;
  std::size_t diverse;

  explicit Truth(testing::TruthTable t) : table(std::move(t)), mses(testing::Enumeration(table, 4).mses) {
    for (const PatchSet& set : mses) ++by_size[set.size()];
    diverse = largest_diverse_family(mses, 1).members.size();
  }
  int smallest() const { return by_size.begin()->first; }
};

struct Outcome {
  double smallest_found = 0;  // 1 if the smallest size was found; a mean over photographs likewise
  double recall = 0;          // of the MSEs of the smallest size
  double recall_next = 0;     // of those with one patch more
  double found = 0;
  double true_mses = 0;
  double diverse = 0;
  double diverse_share = 0;  // of what all MSEs allow
  double evaluations = 0;
};

Outcome measure(const Truth& truth, const MseOptions& options) {
  const MseResult result = testing::find(truth.table, options);
  const auto found = testing::sets(result);
  std::map<int, int> found_by_size;
  int true_mses = 0;
  for (const PatchSet& set : truth.mses) {
    const bool hit = std::binary_search(found.begin(), found.end(), set);
    found_by_size[set.size()] += hit;
    true_mses += hit;
  }
  const auto recall = [&](int size) {
    return truth.by_size.count(size) ? 1.0 * found_by_size[size] / truth.by_size.at(size) : 1.0;
  };
  Outcome outcome;
  outcome.smallest_found = !found.empty() && result.mses.front().patches.size() == truth.smallest();
  outcome.recall = recall(truth.smallest());
  outcome.recall_next = recall(truth.smallest() + 1);
  outcome.found = static_cast<double>(found.size());
  outcome.true_mses = true_mses;
  outcome.diverse = static_cast<double>(result.diverse_members.size());
  outcome.diverse_share = outcome.diverse / static_cast<double>(truth.diverse);
  outcome.evaluations = static_cast<double>(result.evaluations);
  return outcome;
}

Outcome mean(const std::vector<Outcome>& outcomes) {
  Outcome m;
  for (const auto field :
       {&Outcome::smallest_found, &Outcome::recall, &Outcome::recall_next, &Outcome::found,
        &Outcome::true_mses, &Outcome::diverse, &Outcome::diverse_share, &Outcome::evaluations}) {
    for (const Outcome& o : outcomes) m.*field += o.*field;
    m.*field /= static_cast<double>(outcomes.size());
  }
  return m;
}

struct Design {
  int beam_width;
  int extensions;
  int sweeps;
  Reduce reduce;

  MseOptions options(long budget) const {
    MseOptions options;
    options.grid = 4;
    options.beam_width = beam_width;
    options.extensions = extensions;
    options.sweeps = sweeps;
    options.reduce = reduce;
    options.max_evaluations = budget;
    return options;
  }
};

std::vector<Design> designs() {
  std::vector<Design> out;
  for (const auto reduce : {Reduce::greedy, Reduce::all}) {
    for (const int width : {1, 3, 10, 30, 100}) out.push_back({width, 0, 1, reduce});
    for (const int width : {1, 3, 10}) out.push_back({width, 15, 0, reduce});
    out.push_back({3, 10, 0, reduce});
  }
  return out;
}

void print_row(std::string_view photograph, const Design& design, const Outcome& o, const char* separator) {
  const auto field = [&](const char* format, auto value) {
    std::printf(format, value);
    std::fputs(separator, stdout);
  };
  field("%-14s", std::string(photograph).c_str());
  field("%5d", design.beam_width);
  field("%3d", design.extensions);
  field("%6d", design.sweeps);
  field("%-6s", std::string(name(design.reduce)).c_str());
  field("%5.2f", o.smallest_found);
  field("%6.3f", o.recall);
  field("%6.3f", o.recall_next);
  field("%7.1f", o.found);
  field("%7.1f", o.true_mses);
  field("%5.1f", o.diverse);
  field("%5.2f", o.diverse_share);
  std::printf("%7.1f\n", o.evaluations);
}

void compare(const std::vector<Truth>& truths, long budget) {
  std::printf("\nbudget %ld\n%-14s  %5s  %3s  %6s  %-6s  %5s  %6s  %6s  %7s  %7s  %5s  %5s  %7s\n", budget,
              "photograph", "width", "ext", "sweeps", "reduce", "min ok", "rec m", "rec m+1", "found", "true",
              "div", "share", "evals");
  for (const Design& design : designs()) {
    std::vector<Outcome> outcomes;
    for (const Truth& truth : truths) {
      outcomes.push_back(measure(truth, design.options(budget)));
      print_row(truth.table.name, design, outcomes.back(), "  ");
    }
    print_row("mean", design, mean(outcomes), "  ");
  }
}

void curve(const std::vector<Truth>& truths) {
  std::puts(
      "photograph\twidth\textensions\tsweeps\treduce\tmin_found\trecall\trecall_next\tfound\ttrue\tdiverse\t"
      "diverse_share\tevaluations");
  for (const Design& design : designs())
    for (const long budget : {200, 350, 500, 750, 1000, 1500, 2200, 3300, 5242}) {
      std::vector<Outcome> outcomes;
      for (const Truth& truth : truths) outcomes.push_back(measure(truth, design.options(budget)));
      print_row("mean", design, mean(outcomes), "\t");
    }
}

/// Time of the search itself, by a scorer that costs next to nothing.
void overhead() {
  std::puts("\ncost of the search (a model takes 10,000 us or more a set)");
  for (const auto& [grid, budget] : {std::pair{7, 1500L}, {7, 20'000L}, {14, 1500L}, {14, 20'000L}}) {
    // additive with pairs that help each other: hundreds of overlapping minimal sets
    const testing::Score score = [grid = grid](const PatchSet& set) {
      double sum = 0.2;
      int previous = -2;
      for (const int patch : set.patches()) {
        sum += 1.0 + (patch * 7 % 5) + (patch == previous + 1 ? 2 : 0);
        previous = patch;
      }
      return std::min(1.0, sum / (2.2 * grid + 6));
    };
    MseOptions options;
    options.grid = grid;
    options.max_evaluations = budget;
    const auto start = std::chrono::steady_clock::now();
    const auto result = testing::find(score, options);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto evaluations = static_cast<double>(result.evaluations);
    std::printf("grid %2d, %6.0f evaluations, %4zu found: %5.1f us a set\n", grid, evaluations,
                result.mses.size(), 1e6 * seconds / evaluations);
  }
}

}  // namespace
}  // namespace xai

int main(int argc, char** argv) {
  std::vector<xai::Truth> truths;
  for (auto& table : xai::testing::read_truth_tables()) truths.emplace_back(std::move(table));
  if (truths.empty()) {
    std::fprintf(stderr, "no truth tables in %s\n", xai::testing::shared_data().c_str());
    return 1;
  }
  if (argc > 1 && std::string_view(argv[1]) == "--curve") {
    xai::curve(truths);
    return 0;
  }
  xai::compare(truths, xai::MseOptions().max_evaluations);
  xai::compare(truths, 65535 * 8 / 100);
  xai::overhead();
}
