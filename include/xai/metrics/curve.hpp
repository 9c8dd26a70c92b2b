#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "xai/core/option_table.hpp"

namespace xai {

/// Insertion starts with the baseline and shows the image's most important cells first; deletion starts with
/// the image and hides them first.
enum class Direction { insertion, deletion };
template <>
inline constexpr auto names_of<Direction> =
    std::to_array<Named<Direction>>({{Direction::insertion, "insertion"}, {Direction::deletion, "deletion"}});

/// How a curve becomes a number. `normalised`: SPEC 7. `reference`: the score of the public iGOS++ code, for
/// comparison with published numbers.
enum class Metric { normalised, reference };
template <>
inline constexpr auto names_of<Metric> = std::to_array<Named<Metric>>({{Metric::normalised, "normalised"},
                                                                       {Metric::reference, "reference"}});

struct CurveOptions {
  Metric metric = Metric::normalised;
  int steps = 50;         ///< T of the normalised metric, 1 .. cells
  double min_gap = 0.05;  ///< normalised curves need f(x) - f(b) of at least this, in (0, 1]

  /// Throws UsageError naming the option, its value and the bound, for maps of so many cells.
  void validate(int cells) const;
};

void describe(OptionTable& table, CurveOptions& options);

/// The cells of a map, row by row, higher = more important, in order of importance: the most important first,
/// ties by raster index.
std::vector<int> importance_order(std::span<const float> map);
std::vector<int> importance_order(std::span<const double> map);

/// How many cells have been inserted (or deleted) at each point of a curve: ascending from 0 to `cells`.
/// Normalised: floor(t * cells / T + 1/2), t = 0 .. T. Reference: multiples of max(1, floor(cells / 50)).
std::vector<int> curve_counts(const CurveOptions& options, int cells);

/// What is seen after a step of a curve, as a mask of the cells, row by row: 1 where the image shows, 0 where
/// the baseline does. Insertion shows the first `count` cells of `order` and nothing else; deletion hides
/// them and nothing else.
std::vector<float> curve_mask(std::span<const int> order, int count, Direction direction);

/// How a model takes the insertion or deletion of an image, in order of a map.
struct Curve {
  std::vector<double> values;  ///< at each of curve_counts()
  double auc = 0;              ///< its score, not clipped
};

/// The curve of f, the probabilities of the explained class at each of curve_counts(options, cells): from
/// f(b) to f(x) for insertion, from f(x) to f(b) for deletion.
///
/// Normalised: values (f_t - f(b)) / (f(x) - f(b)), so from 0 to 1 for insertion and from 1 to 0 for
/// deletion; `auc` is their trapezoid over t / T. Nothing where f(x) - f(b) is below `min_gap`.
/// Reference: values f_t as they are; `auc` is the mean over cells of f just after the cell's step, where the
/// last step counts as f = 1, as in that code. Always defined.
std::optional<Curve> make_curve(const CurveOptions& options, int cells, Direction direction,
                                std::span<const double> f);

}  // namespace xai
