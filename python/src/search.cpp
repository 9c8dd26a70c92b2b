// xaimse._search: the C++ searches, stepped by Python (xaimse/search.py). A search hands out its questions as
// one array of masks and takes the answers back, so the scorer is called by Python alone: C++ holds no Python
// object while it searches, and does not hold the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "xai/core/checkpoint.hpp"
#include "xai/core/error.hpp"
#include "xai/metrics/curve.hpp"
#include "xai/search/diverse.hpp"
#include "xai/search/estimate.hpp"
#include "xai/search/mse.hpp"
#include "xai/search/sub_explanations.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace xai {
namespace {

using Numbers = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::span<const double> span_of(const Numbers& numbers) {
  return {numbers.data(), numbers.size()};
}

/// A NumPy array of this shape that owns `values`.
template <class T>
nb::object array_of(std::unique_ptr<T[]> values, std::initializer_list<std::size_t> shape) {
  T* const data = values.release();
  const nb::capsule owner(data, [](void* array) noexcept { delete[] static_cast<T*>(array); });
  return nb::cast(nb::ndarray<nb::numpy, T>(data, shape, owner));
}

/// C++ computes: the GIL is free, and Ctrl-C is heard at its checkpoints.
class Unlocked {
 public:
  Unlocked() : checkpoints_([this] { hear(); }) {}

 private:
  using Clock = std::chrono::steady_clock;

  void hear() {
    const auto now = Clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds(50);
    const nb::gil_scoped_acquire locked;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  }

  Clock::time_point next_ = Clock::now() + std::chrono::milliseconds(50);
  nb::gil_scoped_release without_gil_;
  Checkpoints checkpoints_;
};

// --- options ---

Json to_json(nb::handle value) {
  if (nb::isinstance<nb::bool_>(value)) return nb::cast<bool>(value);
  if (std::int64_t integer = 0; nb::isinstance<nb::int_>(value) && nb::try_cast(value, integer))
    return integer;
  if (nb::isinstance<nb::float_>(value)) return nb::cast<double>(value);
  return nb::str(value).c_str();  // a word, or what no option takes
}

nb::object to_python(const Json& value) {
  if (value.is_number_integer()) return nb::int_(value.get<std::int64_t>());
  if (value.is_number()) return nb::float_(value.get<double>());
  return nb::cast(value.get<std::string>());
}

template <class Options>
nb::dict default_options() {
  Options options;
  OptionTable table;
  describe(table, options);
  nb::dict values;
  for (const Option& option : table.options()) values[option.key.c_str()] = to_python(option.default_value());
  return values;
}

template <class Options>
Options read_options(const nb::dict& values) {
  Options options;
  OptionTable table;
  describe(table, options);
  for (const auto& [key, value] : values) table.at(nb::cast<std::string>(key)).set(to_json(value));
  return options;
}

// --- sets ---

/// The parts of something that sets are of: a grid, or a single row of words.
struct Shape {
  std::size_t rows;
  std::size_t columns;

  int patches() const { return static_cast<int>(rows * columns); }
};

/// Sets as masks, to be made without the GIL and given to Python with it.
class Masks {
 public:
  Masks(std::size_t sets, const Shape& shape)
      : sets_(sets), shape_(shape), shown_(std::make_unique<bool[]>(sets * shape.rows * shape.columns)) {}

  void put(std::size_t index, const PatchSet& set) {
    for (const int patch : set.patches()) shown_[index * shape_.rows * shape_.columns + patch] = true;
  }
  nb::object to_python() && { return array_of(std::move(shown_), {sets_, shape_.rows, shape_.columns}); }

 private:
  std::size_t sets_;
  Shape shape_;
  std::unique_ptr<bool[]> shown_;
};

std::vector<PatchSet> read_sets(const std::vector<std::vector<int>>& sets) {
  std::vector<PatchSet> result;
  result.reserve(sets.size());
  for (const auto& patches : sets) result.push_back(PatchSet::of(patches));
  return result;
}

/// What is known of one scorer, for one search at a time. A search that has it waits for the GIL now and
/// then, so nobody who has the GIL waits for it.
struct SharedMemo {
  Memo memo;
  std::mutex in_use;

  std::size_t size() {
    const nb::gil_scoped_release without_gil;
    const std::scoped_lock lock(in_use);
    return memo.all_known().size();
  }

  /// Every set that is known, by ascending bit set, and its p.
  std::pair<nb::object, nb::object> known(std::size_t rows, std::size_t columns) {
    std::vector<std::pair<PatchSet, Score>> all;
    {
      const nb::gil_scoped_release without_gil;
      const std::scoped_lock lock(in_use);
      all.assign(memo.all_known().begin(), memo.all_known().end());
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    Masks masks(all.size(), {rows, columns});
    auto p = std::make_unique<double[]>(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      masks.put(i, all[i].first);
      p[i] = all[i].second.p;
    }
    return {std::move(masks).to_python(), array_of(std::move(p), {all.size()})};
  }
};

// --- searches ---

/// A search, and who drives it.
template <class Result>
class Search {
 public:
  /// start(scorer) gives the task.
  template <class Start>
  Search(std::shared_ptr<SharedMemo> memo, Shape shape, const Start& start)
      : memo_(std::move(memo)), shape_(shape), scorer_(memo_->memo), task_(start(scorer_)) {}

  /// Takes the answers to the last questions, n x 2, p and rival, if there were any, and searches on. Gives
  /// the next questions, n x rows x columns, or None when it is done.
  nb::object step(const std::optional<Numbers>& answers) {
    std::optional<Masks> masks;
    {
      const Unlocked unlocked;
      const std::scoped_lock lock(memo_->in_use);
      advance(answers ? span_of(*answers) : std::span<const double>());
      if (!task_.done()) {
        masks.emplace(questions_.size(), shape_);
        for (std::size_t i = 0; i < questions_.size(); ++i) masks->put(i, questions_[i]);
      }
    }
    return masks ? std::move(*masks).to_python() : nb::none();
  }

  /// Of a search that is done; once.
  Result result() { return task_.result(); }
  const Shape& shape() const { return shape_; }
  double p_full() const { return scorer_.known(PatchSet::all(shape_.patches())); }

 private:
  void advance(std::span<const double> answers) {
    require(answers.size() == 2 * questions_.size(), "a search that asked ", questions_.size(),
            " questions does not take ", answers.size(), " numbers");
    for (std::size_t i = 0; i < questions_.size(); ++i)
      scorer_.answer(questions_[i], {answers[2 * i], answers[2 * i + 1]});
    if (!std::exchange(started_, true))
      task_.start();
    else if (scorer_.can_resume())
      scorer_.resume();
    const auto questions = scorer_.take(scorer_.queued());
    questions_.assign(questions.begin(), questions.end());
  }

  std::shared_ptr<SharedMemo> memo_;
  Shape shape_;
  Scorer scorer_;
  Task<Result> task_;
  std::vector<PatchSet> questions_;  // that wait for their answers
  bool started_ = false;
};

class MseSearch : public Search<MseResult> {
 public:
  MseSearch(std::shared_ptr<SharedMemo> memo, std::size_t rows, std::size_t columns,
            const MseOptions& options)
      : Search(std::move(memo), {rows, columns}, [&](Scorer& scorer) {
          return find_mses(scorer, options, Shape{rows, columns}.patches());
        }) {}
};

class SubExplanationSearch : public Search<SubExplanations> {
 public:
  SubExplanationSearch(std::shared_ptr<SharedMemo> memo, std::size_t rows, std::size_t columns,
                       const std::vector<std::vector<int>>& roots, const SubExplanationOptions& options)
      : Search(std::move(memo), {rows, columns}, [&](Scorer& scorer) {
          return count_sub_explanations(scorer, read_sets(roots), options, Shape{rows, columns}.patches());
        }) {}
};

/// A search, and the estimate of all there are that it guides.
struct Estimated {
  MseResult found;
  EstimateResult estimate;  // where the search's status is ok
};

Task<Estimated> search_and_estimate(Scorer& scorer, MseOptions search, EstimateOptions options,
                                    std::uint64_t seed, int patches) {
  Estimated result;
  result.found = co_await find_mses(scorer, search, patches);
  options.sufficient = search.sufficient;
  options.threshold = search.threshold;
  if (result.found.status == MseStatus::ok)
    result.estimate = co_await estimate_mses(scorer, options, Random(seed, "estimate"), patches);
  co_return result;
}

class EstimateSearch : public Search<Estimated> {
 public:
  EstimateSearch(std::shared_ptr<SharedMemo> memo, std::size_t rows, std::size_t columns,
                 const MseOptions& search, const EstimateOptions& options, std::uint64_t seed)
      : Search(std::move(memo), {rows, columns}, [&](Scorer& scorer) {
          options.validate();
          require(options.wanted(), "'estimate' or 'estimate_evaluations' must be above 0");
          return search_and_estimate(scorer, search, options, seed, Shape{rows, columns}.patches());
        }) {}
};

// --- results, with the names and the nulls of results.jsonl ---

nb::tuple to_python(const std::vector<int>& numbers) {
  return nb::tuple(nb::cast(numbers));
}

nb::dict to_python(const MseResult& result) {
  const auto [status, reason] = words_of(result.status);
  const bool searched = status != "skipped";
  nb::list mses;
  for (const Mse& mse : result.mses) {
    nb::dict fields;
    fields["patches"] = to_python(mse.patches.patches());
    fields["p"] = mse.p;
    fields["ratio"] = mse.ratio;
    fields["keeps_top1"] = nb::cast(mse.keeps_top1);
    fields["certificate"] = name(mse.certificate);
    fields["checked_depth"] = mse.checked_depth;
    mses.append(fields);
  }
  nb::dict fields;
  fields["status"] = status;
  fields["reason"] = reason.empty() ? nb::none() : nb::cast(reason);
  fields["p_full"] = result.p_full;
  fields["p_baseline"] = result.p_baseline;
  fields["mses"] = mses;
  fields["found"] = searched ? nb::cast(result.mses.size()) : nb::none();
  fields["diverse"] = searched ? nb::cast(result.diverse_members.size()) : nb::none();
  fields["diverse_exact"] = searched ? nb::cast(result.diverse_exact) : nb::none();
  fields["diverse_members"] = to_python(result.diverse_members);
  fields["min_size"] = result.mses.empty() ? nb::none() : nb::cast(result.mses.front().patches.size());
  fields["stop_reason"] = searched ? nb::cast(name(result.stop_reason)) : nb::none();
  fields["evaluations"] = result.evaluations;
  fields["near_ties"] = result.near_ties;
  return fields;
}

nb::tuple to_python(const CountEstimate& count) {
  return nb::make_tuple(count.value, count.se, count.low, count.high);
}

nb::dict to_python(const Estimated& result) {
  const EstimateResult& estimate = result.estimate;
  nb::dict by_size;
  for (const auto& [size, value] : estimate.by_size) by_size[nb::int_(size)] = value;
  nb::dict fields;
  fields["found"] = to_python(result.found);
  fields["one_minimal"] = to_python(estimate.one_minimal);
  fields["mses"] = to_python(estimate.mses);
  fields["by_size"] = by_size;
  fields["mean_size"] = nb::cast(estimate.mean_size);
  fields["patch_share"] = nb::tuple(nb::cast(estimate.patch_share));
  fields["exact_up_to"] = estimate.exact_up_to;
  fields["up_to"] = estimate.up_to;
  fields["units"] = estimate.units;
  fields["capped"] = estimate.capped;
  fields["coverage"] = estimate.coverage;
  fields["evaluations"] = estimate.evaluations;
  fields["effective_sample_size"] = estimate.effective_sample_size;
  fields["non_monotone_share"] = estimate.non_monotone_share;
  fields["trusted"] = estimate.trusted;
  return fields;
}

nb::object to_python(const BigUnsigned& count) {
  return nb::int_(nb::str(count.to_string().c_str()));
}

nb::dict to_python(const SubExplanationCount& count) {
  nb::dict by_size;
  for (const auto& [size, sets] : count.by_size)
    by_size[nb::int_(size)] = nb::make_tuple(sets.distinct, to_python(sets.tree_nodes));
  const BigUnsigned& orders = count.all.tree_nodes;
  nb::dict fields;
  fields["distinct"] = count.all.distinct;
  fields["tree_nodes"] = to_python(orders);
  fields["log10_tree_nodes"] = orders.is_zero() ? nb::none() : nb::cast(orders.log10());
  fields["truncated"] = count.truncated;
  fields["by_size"] = by_size;
  return fields;
}

nb::dict to_python(const SubExplanations& counts, double p_full, const Shape& shape) {
  nb::list per_root;
  for (const SubExplanationCount& root : counts.per_root) per_root.append(to_python(root));
  Masks masks(counts.sets.size(), shape);
  auto ratios = std::make_unique<double[]>(counts.sets.size());
  for (std::size_t i = 0; i < counts.sets.size(); ++i) {
    masks.put(i, counts.sets[i].patches);
    ratios[i] = counts.sets[i].ratio;
  }
  nb::dict fields;
  fields["p_full"] = p_full;
  fields["total"] = to_python(counts.total);
  fields["per_root"] = per_root;
  fields["sets"] = std::move(masks).to_python();
  fields["ratios"] = array_of(std::move(ratios), {counts.sets.size()});
  fields["evaluations"] = counts.evaluations;
  fields["saved"] = counts.saved;
  fields["near_ties"] = counts.near_ties;
  return fields;
}

// --- diverse families, curves ---

std::pair<nb::tuple, bool> diverse(const std::vector<std::vector<int>>& sets, int max_overlap) {
  DiverseFamily family;
  {
    const Unlocked unlocked;
    family = largest_diverse_family(read_sets(sets), max_overlap);
  }
  return {to_python(family.members), family.exact};
}

Direction direction_of(std::string_view text) {
  const auto direction = named<Direction>(text);
  require(direction.has_value(), "a direction is one of ", all_names<Direction>(), ", not '", text, "'");
  return *direction;
}

/// How many cells of the map have changed at each point of a curve, and what is shown there: points x cells.
std::pair<std::vector<int>, nb::object> curve_masks(const CurveOptions& options, const Numbers& map,
                                                    std::string_view direction) {
  const auto cells = map.size();
  const auto counts = curve_counts(options, static_cast<int>(cells));
  const auto order = importance_order(span_of(map));
  auto shown = std::make_unique<bool[]>(counts.size() * cells);
  for (std::size_t point = 0; point < counts.size(); ++point) {
    const auto mask = curve_mask(order, counts[point], direction_of(direction));
    std::transform(mask.begin(), mask.end(), &shown[point * cells], [](float cell) { return cell > 0; });
  }
  return {counts, array_of(std::move(shown), {counts.size(), cells})};
}

/// The values and the AUC of a curve; nothing where it is undefined.
std::optional<std::pair<std::vector<double>, double>> curve(const CurveOptions& options, int cells,
                                                            std::string_view direction, const Numbers& f) {
  auto made = make_curve(options, cells, direction_of(direction), span_of(f));
  if (!made) return std::nullopt;
  return std::pair{std::move(made->values), made->auc};
}

}  // namespace
}  // namespace xai

NB_MODULE(_search, module) {
  using namespace xai;
  nb::set_leak_warnings(false);  // an interrupted program ends while a traceback still holds its search
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      PyErr_SetString(PyExc_ValueError, error.what());
    }
  });

  module.def("mse_options", &default_options<MseOptions>);
  module.def("estimate_options", &default_options<EstimateOptions>);
  module.def("sub_explanation_options", &default_options<SubExplanationOptions>);
  module.def("curve_options", &default_options<CurveOptions>);

  nb::class_<SharedMemo>(module, "Memo")
      .def(nb::init<>())
      .def("__len__", &SharedMemo::size)
      .def("known", &SharedMemo::known, "rows"_a, "columns"_a);

  nb::class_<MseSearch>(module, "MseSearch")
      .def(
          "__init__",
          [](MseSearch* self, std::shared_ptr<SharedMemo> memo, std::size_t rows, std::size_t columns,
             const nb::dict& options) {
            new (self) MseSearch(std::move(memo), rows, columns, read_options<MseOptions>(options));
          },
          "memo"_a, "rows"_a, "columns"_a, "options"_a)
      .def("step", &MseSearch::step, "answers"_a.none())
      .def("result", [](MseSearch& search) { return to_python(search.result()); });

  nb::class_<EstimateSearch>(module, "EstimateSearch")
      .def(
          "__init__",
          [](EstimateSearch* self, std::shared_ptr<SharedMemo> memo, std::size_t rows, std::size_t columns,
             const nb::dict& search, const nb::dict& options, std::uint64_t seed) {
            new (self) EstimateSearch(std::move(memo), rows, columns, read_options<MseOptions>(search),
                                      read_options<EstimateOptions>(options), seed);
          },
          "memo"_a, "rows"_a, "columns"_a, "search"_a, "options"_a, "seed"_a)
      .def("step", &EstimateSearch::step, "answers"_a.none())
      .def("result", [](EstimateSearch& search) { return to_python(search.result()); });

  nb::class_<SubExplanationSearch>(module, "SubExplanationSearch")
      .def(
          "__init__",
          [](SubExplanationSearch* self, std::shared_ptr<SharedMemo> memo, std::size_t rows,
             std::size_t columns, const std::vector<std::vector<int>>& roots, const nb::dict& options) {
            new (self) SubExplanationSearch(std::move(memo), rows, columns, roots,
                                            read_options<SubExplanationOptions>(options));
          },
          "memo"_a, "rows"_a, "columns"_a, "roots"_a, "options"_a)
      .def("step", &SubExplanationSearch::step, "answers"_a.none())
      .def("result", [](SubExplanationSearch& search) {
        return to_python(search.result(), search.p_full(), search.shape());
      });

  module.def("diverse", &diverse, "sets"_a, "max_overlap"_a);
  module.def(
      "curve_masks",
      [](const nb::dict& options, const Numbers& map, std::string_view direction) {
        return curve_masks(read_options<CurveOptions>(options), map, direction);
      },
      "options"_a, "map"_a, "direction"_a);
  module.def(
      "curve",
      [](const nb::dict& options, int cells, std::string_view direction, const Numbers& f) {
        return curve(read_options<CurveOptions>(options), cells, direction, f);
      },
      "options"_a, "cells"_a, "direction"_a, "f"_a);
}
