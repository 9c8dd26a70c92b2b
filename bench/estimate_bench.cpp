// How well the true number of 1-minimal sets and of MSEs is estimated, on every enumerated photograph there
// is (4 x 4: shared/data/truth and tests/search/truth):
//   estimate_bench [REPETITIONS [SEARCHED ESTIMATED [LISTED [NAME]]]]
// SEARCHED: evaluations of the search before; ESTIMATED: of the estimate. Without them both 1,500 + 1,500
// and 1,500 + 18,500. LISTED 0: by descents, as beyond 16 patches.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "search/synthetic.hpp"
#include "search/truth_table.hpp"
#include "xai/search/estimate.hpp"

namespace xai {
namespace {

/// Of one number, over repetitions.
struct Quality {
  double truth;
  double sum = 0, squares = 0;
  int covered = 0, covered_trusted = 0;

  void add(const CountEstimate& estimate, bool trusted) {
    sum += estimate.value;
    squares += estimate.value * estimate.value;
    const bool inside = estimate.low <= truth * (1 + 1e-9) && truth <= estimate.high * (1 + 1e-9);
    covered += inside;
    covered_trusted += inside && trusted;
  }
  void print(const char* what, int n, int trusted) const {
    const double mean = sum / n;
    const double deviation = std::sqrt(std::max(0.0, (squares - n * mean * mean) / (n - 1)));
    std::printf(
        "  %-11s %5.0f  mean %6.1f %%  z %+5.2f  spread %5.1f %%  covered %5.1f %%  where trusted %5.1f %%\n",
        what, truth, 100 * mean / truth, (mean - truth) / (deviation / std::sqrt(n) + 1e-12),
        100 * deviation / truth, 100.0 * covered / n, trusted > 0 ? 100.0 * covered_trusted / trusted : 0.0);
  }
};

void measure(const testing::TruthTable& table, int repetitions, long searched, long estimated, int listed) {
  const testing::Enumeration truth(table, 4);
  Quality one{static_cast<double>(truth.one_minimal.size())};
  double checked = 0;
  for (const PatchSet& set : truth.mses) checked += set.size() <= EstimateOptions::largest_checked;
  Quality mses{checked};
  Memo memo;
  int trusted = 0;
  double units = 0, evaluations = 0, sample = 0, coverage = 0;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    Scorer scorer(memo);
    MseOptions search;
    search.grid = 4;
    search.max_evaluations = searched;
    run_search(scorer, find_mses(scorer, search), table);
    EstimateOptions options;
    options.grid = 4;
    options.evaluations = estimated;
    options.listed = listed;
    const auto r = run_search(scorer, estimate_mses(scorer, options, Random(repetition, "bench")), table);
    one.add(r.one_minimal, r.trusted);
    mses.add(r.mses, r.trusted);
    trusted += r.trusted;
    units += static_cast<double>(r.units);
    evaluations += static_cast<double>(r.evaluations);
    sample += r.effective_sample_size;
    coverage += r.coverage;
  }
  const double n = repetitions;
  std::printf(
      "%s, %ld + %ld: trusted %.0f %%, units %.0f, evaluations %.0f, effective sample %.1f, known %.0f %%\n",
      table.name.c_str(), searched, estimated, 100 * trusted / n, units / n, evaluations / n, sample / n,
      100 * coverage / n);
  one.print("1-minimal", repetitions, trusted);
  mses.print("MSEs", repetitions, trusted);
  std::fflush(stdout);
}

}  // namespace
}  // namespace xai

int main(int argc, char** argv) {
  const auto number = [&](int index, long otherwise) {
    return argc > index ? std::strtol(argv[index], nullptr, 10) : otherwise;
  };
  const auto tables = xai::testing::read_truth_tables();
  const int repetitions = static_cast<int>(number(1, 200));
  const int listed = static_cast<int>(number(4, 16));
  for (const auto& table : tables) {
    if (argc > 5 && table.name != argv[5]) continue;
    if (argc > 3) {
      xai::measure(table, repetitions, number(2, 0), number(3, 0), listed);
    } else {
      xai::measure(table, repetitions, 1500, 1500, listed);
      xai::measure(table, repetitions, 1500, 18'500, listed);
    }
  }
}
