#include "xai/search/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "estimate_answers.hpp"
#include "gamma.hpp"
#include "listed_sets.hpp"
#include "subsets.hpp"
#include "xai/core/checkpoint.hpp"
#include "xai/core/error.hpp"

namespace xai {
namespace {

using internal::Answers;
using internal::ListedSets;
using internal::proper_subsets;
using internal::removals;

constexpr long listed_in_wave = 32;   // units; they share the guesses and the sets left out
constexpr long descents_in_wave = 4;  // they cost hundreds of sets each
constexpr long latest_wave_weight = 8;
constexpr long exact_share = 10;           // the exact part takes at most one in so many of the evaluations
constexpr long evaluations_a_unit = 20;    // where only units are bounded: what the exact part may take
constexpr double searched_looked_up = 24;  // of the search's sets: whether they can be reached
constexpr double checks_of_found = 4;      // expected evaluations to check that a drawn set is an MSE
constexpr double checks_of_searched = 1;   // the same of a set that the search met
constexpr int first_draws = 3;             // of children, while a descent saw no insufficient one
constexpr double trusted_sample = 10;      // effective sample size
constexpr double trusted_spread = 1.3;     // or else: of the interval, high / low
constexpr double normal_limit = 1.959964;  // of 95 %, in standard deviations

/// A 1-minimal set, and unbiased values for what is not known of it for sure.
struct Counted {
  PatchSet set;
  double one_minimal = 0;   // of "it is reachable"
  double mse = 0;           // of "and an MSE that is counted"
  double one_variance = 0;  // of that value: an unbiased estimate
  double thinning = 0;      // 1 / r - 1, where subsets are looked at with probability r
};

/// Sums over sets of all that is reported.
struct Totals {
  double one_minimal = 0;
  double mses = 0;
  std::vector<double> by_size;
  std::vector<double> by_patch;

  explicit Totals(int patches) : by_size(patches + 1, 0.0), by_patch(patches, 0.0) {}
  void add(const Counted& counted, double weight) {
    one_minimal += weight * counted.one_minimal;
    const double mse = weight * counted.mse;
    if (mse == 0) return;
    mses += mse;
    by_size[counted.set.size()] += mse;
    for (const int patch : counted.set.patches()) by_patch[patch] += mse;
  }
  void add(const Totals& other, double weight) {
    one_minimal += weight * other.one_minimal;
    mses += weight * other.mses;
    for (std::size_t i = 0; i < by_size.size(); ++i) by_size[i] += weight * other.by_size[i];
    for (std::size_t i = 0; i < by_patch.size(); ++i) by_patch[i] += weight * other.by_patch[i];
  }
};

/// What a unit came to: a 1-minimal set (or none, or one that cannot be reached), and by what factor it
/// counts.
struct Unit {
  PatchSet set;
  bool found = false;
  double log_weight = 0;
};

/// A quantile of the gamma distribution with this mean and variance; the normal one's where they agree.
double gamma_bound(double p, double mean, double variance) {
  const double shape = mean * mean / variance;
  if (shape > 1e5) return mean + (p < 0.5 ? -normal_limit : normal_limit) * std::sqrt(variance);
  return variance / mean * internal::gamma_quantile(p, shape);
}

/// std::hypot's of this size; its symbol would need a younger C library than all the rest.
double distance(double a, double b) {
  return std::sqrt(a * a + b * b);
}

/// One estimated number as it grows, unit by unit.
struct Series {
  struct Value {
    double value;   // its expectation is the number
    double weight;  // of the unit, in the mean
  };
  std::vector<Value> units;
  std::vector<double> amounts;  // that sets found by units add to the weighted sum, those above 0
  double counted_variance = 0;  // of the values of the sets that are counted one by one

  /// `lowest`: it is known to be no less. `typical`: weight of a set where no unit found any.
  CountEstimate estimate(double lowest, double typical) const {
    double all = 0;
    double sum = 0;
    for (const auto& unit : units) all += unit.weight, sum += unit.weight * unit.value;
    CountEstimate result;
    result.value = sum / all;
    double squares = 0;
    for (const auto& unit : units) squares += std::pow(unit.weight * (unit.value - result.value), 2);
    const auto n = static_cast<double>(units.size());
    const double variance = n > 1 ? squares * n / (n - 1) / (all * all) : 0;
    result.se = std::sqrt(variance + counted_variance);

    // Fay and Feuer, "Confidence intervals for directly standardized rates" (1997): for a sum of weights
    double sampled = 0;
    double largest = 0;
    for (const double amount : amounts) sampled += amount / all, largest = std::max(largest, amount / all);
    if (amounts.empty() && n > 0) largest = typical * units.back().weight / all;
    const double low = sampled > 0 && variance > 0 ? gamma_bound(0.025, sampled, variance) : sampled;
    const double mean = sampled + largest;
    const double high = mean > 0 ? gamma_bound(0.975, mean, variance + largest * largest) : 0;
    // Zou and Donner, "Construction of confidence limits about effect measures" (2008): limits of a sum
    const double counted = normal_limit * std::sqrt(counted_variance);
    result.low = std::max(result.value - distance(sampled - low, counted), lowest);
    result.high = std::max(result.value + distance(high - sampled, counted), result.low);
    return result;
  }
};

class Estimator {
 public:
  Estimator(Scorer& scorer, const EstimateOptions& options, Random random, int patches)
      : options_(options),
        patches_(patches),
        random_(std::move(random)),
        answers_(scorer, options.sufficient, options.threshold, patches),
        certain_(patches),
        sum_(patches) {
    if (patches <= options.listed) listed_.emplace(patches);
  }

  Task<EstimateResult> run() {
    co_await answers_.open();
    std::vector<PatchSet> ends(1);
    ends.push_back(PatchSet::all(patches_));
    co_await answers_.ask(ends);
    if (answers_.p_full() <= 0 || answers_.sufficient(PatchSet())) co_return EstimateResult();
    reached_.insert(PatchSet::all(patches_));
    co_await count_small_sets();
    co_await count_searched_sets();
    for (long wave = 1; starts_unit(); ++wave) {
      checkpoint();
      if (listed_ && !prepare_list()) {
        complete_ = true;
        break;
      }
      co_await run_wave(static_cast<double>(std::min(wave, latest_wave_weight)));
    }
    co_return result();
  }

 private:
  bool starts_unit() const {
    return units_ == 0 || ((options_.units == 0 || units_ < options_.units) && charged_ < limit());
  }

  // --- sets that are counted one by one ---

  /// The exact part: all sets of so few patches that a tenth of the evaluations is enough.
  Task<void> count_small_sets() {
    const long room =
        (options_.evaluations > 0 ? options_.evaluations : evaluations_a_unit * options_.units) / exact_share;
    double sets = 1;
    double of_size = 1;
    while (exact_up_to_ < patches_) {
      of_size *= static_cast<double>(patches_ - exact_up_to_) / (exact_up_to_ + 1);
      if (sets + of_size > static_cast<double>(room)) break;
      sets += of_size;
      ++exact_up_to_;
    }
    std::vector<PatchSet> level(1);
    for (int size = 1; size <= exact_up_to_; ++size) {
      std::vector<PatchSet> next;
      for (const PatchSet& set : level)
        for (int patch = set.empty() ? 0 : set.patches().back() + 1; patch < patches_; ++patch)
          next.push_back(set.with(patch));
      co_await answers_.ask(next);
      for (const PatchSet& set : next)
        if (is_one_minimal(set)) count({set, 1, any_known_sufficient(proper_subsets(set)) ? 0.0 : 1.0});
      level = std::move(next);
    }
    charged_ = answers_.spent();
  }

  /// The 1-minimal sets that the search met. Whether they can be reached, and whether they are MSEs, is
  /// looked up for some of them.
  Task<void> count_searched_sets() {
    std::vector<PatchSet> searched;
    for (const PatchSet& set : learn())
      if (set.size() > exact_up_to_ && is_one_minimal(set)) searched.push_back(set);
    const double rate = std::min(1.0, searched_looked_up / static_cast<double>(searched.size()));
    for (const PatchSet& set : searched) {
      Counted counted{set, 1, 0};
      if (random_.uniform() < rate) {
        const bool can_be_reached = co_await reach(set);
        if (!can_be_reached) {
          counted.one_minimal = 1 - 1 / rate;
          counted.one_variance = (1 / rate - 1) / rate;
        }
      }
      co_await check(counted, checks_of_searched);
      count(counted);
    }
    charged_ = answers_.spent();
  }

  void count(const Counted& counted) {
    if (!counted_.insert(counted.set).second) return;
    certain_.add(counted, 1);
    one_variance_ += counted.one_variance;
    thinning_ += counted.thinning;
    if (listed_) listed_->leave_out(counted.set);
  }

  /// It is known to be sufficient, and all its children to be insufficient.
  bool is_one_minimal(const PatchSet& set) const {
    if (set.empty() || !answers_.known_sufficient(set)) return false;
    const auto children = removals(set);
    return std::all_of(children.begin(), children.end(), [&](const PatchSet& child) {
      return answers_.knows(child) && !answers_.sufficient(child);
    });
  }

  bool any_known_sufficient(const std::vector<PatchSet>& sets) const {
    return std::any_of(sets.begin(), sets.end(),
                       [&](const PatchSet& set) { return answers_.known_sufficient(set); });
  }

  /// Whether a 1-minimal set is an MSE. What is known may tell; else all its subsets are asked for, with a
  /// probability that makes `effort` evaluations of it, and what that would subtract is subtracted with the
  /// weight for it.
  Task<void> check(Counted& counted, double effort) {
    if (counted.set.size() > EstimateOptions::largest_checked) co_return;
    auto subsets = proper_subsets(counted.set);
    std::erase_if(subsets, [&](const PatchSet& subset) {
      return answers_.knows(subset) && !answers_.sufficient(subset);
    });
    if (any_known_sufficient(subsets)) co_return;
    double mse = 1;
    if (!subsets.empty()) {
      const double rate = std::min(1.0, effort / static_cast<double>(subsets.size()));
      counted.thinning = 1 / rate - 1;
      if (random_.uniform() < rate) {
        co_await answers_.ask(subsets);
        ++checked_;
        if (any_known_sufficient(subsets)) {
          ++refuted_;
          mse = 1 - 1 / rate;
        }
      }
    }
    counted.mse = counted.one_minimal * mse;
  }

  /// Of the MSEs among the sets that are counted one by one. A set that is looked at with probability r, and
  /// refuted with probability q, varies by q (1 / r - 1); q by the rule of succession, because most often
  /// nothing was refuted yet.
  double mse_variance() const {
    const double q = (static_cast<double>(refuted_) + 1) / (static_cast<double>(checked_) + 2);
    return one_variance_ + q * thinning_;
  }

  // --- units ---

  /// Tells the list what is newly known; gives those sets.
  std::vector<PatchSet> learn() {
    auto fresh = answers_.take_fresh();
    if (listed_)
      for (const PatchSet& set : fresh) listed_->learn(set, answers_.sufficient(set));
    return fresh;
  }

  bool prepare_list() {
    learn();
    return listed_->prepare();
  }

  Task<void> run_wave(double weight) {
    const long most = listed_ ? listed_in_wave : descents_in_wave;
    const long wanted = options_.units == 0 ? most : std::min(most, options_.units - units_);
    const long before = answers_.spent();
    std::vector<Unit> units;
    if (listed_)
      units = co_await draw_listed(wanted);
    else
      for (long i = 0; i < wanted && (i == 0 || charged_ + answers_.spent() - before < limit()); ++i) {
        const Unit unit = co_await descend();
        units.push_back(unit);
      }
    std::unordered_map<PatchSet, Counted> fresh;
    for (const Unit& unit : units) {
      Totals unit_sum(patches_);
      const bool adds = unit.found && !counted_.contains(unit.set);
      if (adds) {
        const auto [found, is_new] = fresh.try_emplace(unit.set, Counted{unit.set, 1, 0});
        if (is_new) co_await check(found->second, checks_of_found);
        const double factor = std::exp(unit.log_weight);
        unit_sum.add(found->second, factor);
        sum_.add(found->second, weight * factor);
        one_.amounts.push_back(weight * unit_sum.one_minimal);
        if (unit_sum.mses > 0) mse_.amounts.push_back(weight * unit_sum.mses);
      }
      one_.units.push_back({certain_.one_minimal + unit_sum.one_minimal, weight});
      mse_.units.push_back({certain_.mses + unit_sum.mses, weight});
      sum_.add(certain_, weight);
      weights_ += weight;
      log_weights_ += unit.log_weight;
    }
    std::vector<PatchSet> order;  // no hash table's
    for (const auto& [set, counted] : fresh) order.push_back(set);
    std::sort(order.begin(), order.end());
    for (const PatchSet& set : order) count(fresh.at(set));
    units_ += static_cast<long>(units.size());
    charged_ += std::max(answers_.spent() - before, static_cast<long>(units.size()));
  }

  long limit() const {
    return options_.evaluations > 0 ? options_.evaluations : std::numeric_limits<long>::max();
  }

  /// Draws sets from the list and tells which of them are 1-minimal and reachable.
  Task<std::vector<Unit>> draw_listed(long count) {
    std::vector<Unit> units;
    std::vector<std::vector<PatchSet>> open;  // of each unit: children to look at, the likeliest last
    std::vector<PatchSet> question;
    for (long i = 0; i < count; ++i) {
      const auto [set, log_weight] = listed_->draw(random_);
      units.push_back({set, true, log_weight});
      question.push_back(set);
      auto children = removals(set);
      std::stable_sort(children.begin(), children.end(), [&](const PatchSet& a, const PatchSet& b) {
        return listed_->log_guess(a) < listed_->log_guess(b);
      });
      open.push_back(std::move(children));
    }
    while (!question.empty()) {
      co_await answers_.ask(question);
      question.clear();
      for (std::size_t i = 0; i < units.size(); ++i) {
        Unit& unit = units[i];
        if (!unit.found) continue;
        unit.found = answers_.sufficient(unit.set);
        for (auto& children = open[i]; unit.found && !children.empty(); children.pop_back()) {
          if (!answers_.knows(children.back())) {
            question.push_back(children.back());
            break;
          }
          unit.found = !answers_.sufficient(children.back());
        }
      }
    }
    for (Unit& unit : units) {
      if (!unit.found) continue;
      unit.found = co_await reach(unit.set);
      if (!unit.found) listed_->leave_out(unit.set);
    }
    co_return units;
  }

  /// Whether a sufficient set can be reached from the whole: depth first through sufficient sets, towards
  /// those known to be reachable where there are such.
  Task<bool> reach(PatchSet from) {
    std::vector<PatchSet> path(1, from);
    std::unordered_set<PatchSet> seen(path.begin(), path.end());
    int dead_ends = 0;
    while (!path.empty() && !reached_.contains(path.back())) {
      const PatchSet here = path.back();
      std::optional<PatchSet> next;
      for (int patch = 0; patch < patches_ && !next; ++patch)
        if (!here.contains(patch) && reached_.contains(here.with(patch))) next = here.with(patch);
      for (int patch = 0; patch < patches_ && !next; ++patch) {
        const PatchSet parent = here.with(patch);
        if (here.contains(patch) || !seen.insert(parent).second) continue;
        const std::vector<PatchSet> question(1, parent);
        co_await answers_.ask(question);
        note_addition(answers_.sufficient(parent));
        if (answers_.sufficient(parent)) next = parent;
      }
      if (next) {
        path.push_back(*next);
      } else {
        path.pop_back();
        if (++dead_ends >= options_.max_orders && !path.empty()) {
          ++capped_;
          co_return false;
        }
      }
    }
    reached_.insert(path.begin(), path.end());
    co_return !path.empty();
  }

  /// One random descent from the whole, and the random orders that lead back.
  Task<Unit> descend() {
    Unit unit;
    PatchSet here = PatchSet::all(patches_);
    bool saw_insufficient = false;
    while (true) {
      auto children = removals(here);
      const auto all = children.size();
      const auto drawn = saw_insufficient ? all : std::min<std::size_t>(all, first_draws);
      shuffle(children, drawn);
      std::vector<PatchSet> question(children.begin(), children.begin() + static_cast<long>(drawn));
      co_await answers_.ask(question);
      std::erase_if(question, [&](const PatchSet& child) { return !answers_.sufficient(child); });
      saw_insufficient |= question.size() < drawn;  // counts from the next step on, or the weight is wrong
      if (question.empty()) {
        co_await answers_.ask(children);
        unit.found = std::none_of(children.begin(), children.end(),
                                  [&](const PatchSet& child) { return answers_.sufficient(child); });
        break;
      }
      unit.log_weight += std::log(static_cast<double>(question.size() * all) / static_cast<double>(drawn));
      here = question[random_.index(question.size())];
    }
    unit.set = here;
    unit.log_weight -= std::lgamma(static_cast<double>(patches_ - here.size()) + 1);
    unit.found = unit.found && here.size() > exact_up_to_ && !counted_.contains(here);
    if (!unit.found) co_return unit;

    std::vector<int> hidden = (PatchSet::all(patches_) - here).patches();
    for (int orders = 1;; ++orders) {
      shuffle(hidden, hidden.size());
      std::vector<PatchSet> way;
      PatchSet set = here;
      for (const int patch : hidden) {
        set.insert(patch);
        way.push_back(set);
      }
      co_await answers_.ask(way);
      const auto broken =
          std::find_if(way.begin(), way.end(), [&](const PatchSet& s) { return !answers_.sufficient(s); });
      for (auto step = way.begin(); step != broken; ++step) note_addition(true);
      if (broken != way.end()) note_addition(false);
      if (broken == way.end() || orders == options_.max_orders) {
        if (broken != way.end()) ++capped_;
        unit.log_weight += std::log(orders);
        co_return unit;
      }
    }
  }

  /// Puts `drawn` of the items, at random, in front.
  template <class Item>
  void shuffle(std::vector<Item>& items, std::size_t drawn) {
    for (std::size_t i = 0; i < drawn; ++i) std::swap(items[i], items[i + random_.index(items.size() - i)]);
  }

  void note_addition(bool stayed_sufficient) {
    ++additions_;
    if (!stayed_sufficient) ++losses_;
  }

  // --- the answer ---

  EstimateResult result() {
    EstimateResult r;
    if (complete_) {  // all are counted one by one: no unit's value is nearer
      one_ = {{{certain_.one_minimal, 1}}, {}, 0};
      mse_ = {{{certain_.mses, 1}}, {}, 0};
      sum_ = certain_;
      weights_ = 1;
    }
    one_.counted_variance = one_variance_;
    mse_.counted_variance = mse_variance();
    const double typical = complete_ ? 0 : std::exp(log_weights_ / static_cast<double>(units_));
    r.one_minimal = one_.estimate(one_variance_ == 0 ? certain_.one_minimal : 0, typical);
    r.mses = mse_.estimate(mse_variance() == 0 ? certain_.mses : 0, typical);
    double size_sum = 0;
    for (int size = 0; size <= patches_; ++size)
      if (const double value = sum_.by_size[size] / weights_; value != 0) {
        r.by_size[size] = value;
        size_sum += size * value;
      }
    if (r.mses.value > 0) {
      r.mean_size = size_sum / r.mses.value;
      for (const double with_patch : sum_.by_patch)
        r.patch_share.push_back(std::clamp(with_patch / weights_ / r.mses.value, 0.0, 1.0));
    }
    r.exact_up_to = exact_up_to_;
    r.units = units_;
    r.capped = capped_;
    r.coverage =
        r.one_minimal.value > 0 ? std::clamp(certain_.one_minimal / r.one_minimal.value, 0.0, 1.0) : 1;
    r.evaluations = answers_.spent();
    double amounts = 0;
    double squares = 0;
    for (const double amount : one_.amounts) amounts += amount, squares += amount * amount;
    r.effective_sample_size = squares > 0 ? amounts * amounts / squares : 0;
    r.non_monotone_share =
        additions_ > 0 ? static_cast<double>(losses_) / static_cast<double>(additions_) : 0;
    // of descents the sample says little: most of the number may lie in weights that are too rare to be seen
    const bool sampled_well = listed_ && r.effective_sample_size >= trusted_sample;
    r.trusted = capped_ == 0 &&
                (complete_ || sampled_well || r.one_minimal.high <= trusted_spread * r.one_minimal.low);
    r.near_ties = answers_.near_ties();
    return r;
  }

  EstimateOptions options_;
  int patches_;
  Random random_;
  Answers answers_;
  std::optional<ListedSets> listed_;

  std::unordered_set<PatchSet> counted_;  // one by one
  Totals certain_;                        // over them
  double one_variance_ = 0;
  double thinning_ = 0;                   // sum over them of 1 / r - 1
  long checked_ = 0;                      // of all sets: whose unknown subsets were looked at
  long refuted_ = 0;                      // of these: they are no MSEs
  std::unordered_set<PatchSet> reached_;  // sets known to be reachable

  Totals sum_;  // over units, by weight
  double weights_ = 0;
  double log_weights_ = 0;
  Series one_, mse_;
  int exact_up_to_ = 0;
  bool complete_ = false;
  long units_ = 0;
  long charged_ = 0;  // evaluations, at least one a unit
  long capped_ = 0;
  long additions_ = 0;
  long losses_ = 0;
};

Task<EstimateResult> estimate(Scorer& scorer, EstimateOptions options, Random random, int patches) {
  Estimator estimator(scorer, options, std::move(random), patches);
  EstimateResult result = co_await estimator.run();
  co_return result;
}

}  // namespace

void describe(OptionTable& table, EstimateOptions& options) {
  table.group("Estimate of all there are");
  table
      .add("estimate", options.units,
           "Estimate the true number of MSEs by at most this many random units; 0 = see estimate_evaluations")
      .at_least(0)
      .with_effect(Effect::records);
  table
      .add("estimate_evaluations", options.evaluations,
           "Estimate it with about this many evaluations; 0 = no bound, or no estimate")
      .at_least(0)
      .with_effect(Effect::records);
  table.add("max_orders", options.max_orders, "Tries of an estimate to reach one set from the whole")
      .at_least(1)
      .with_effect(Effect::records);
}

void EstimateOptions::validate() const {
  validate_described(*this);
  require(grid >= 2 && grid <= 16, "'grid' must be from 2 to 16, not ", grid);
  require(threshold > 0 && threshold <= 1, "'threshold' must be above 0 and at most 1, not ", threshold);
  require(listed >= 0 && listed <= 16, "sets of up to 16 patches can be listed, not of ", listed);
}

Task<EstimateResult> estimate_mses(Scorer& scorer, EstimateOptions options, Random random, int patches) {
  options.validate();
  require(options.wanted(), "an estimate needs 'estimate' or 'estimate_evaluations' above 0");
  return estimate(scorer, options, std::move(random), internal::patch_count(options.grid, patches));
}

}  // namespace xai
