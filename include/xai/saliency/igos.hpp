#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>
#include <vector>

#include "xai/core/option_table.hpp"
#include "xai/core/random.hpp"
#include "xai/core/task.hpp"
#include "xai/engine/mask_scorer.hpp"
#include "xai/perturb/perturbation.hpp"

namespace xai {

/// I-GOS (AAAI 2020), iGOS+ and iGOS++ (Khorram et al., CHIL 2021): optimise masks by integrated gradients.
enum class IgosMethod { igos, igos_plus, igos_plus_plus };
template <>
inline constexpr auto names_of<IgosMethod> = std::to_array<Named<IgosMethod>>(
    {{IgosMethod::igos, "igos"}, {IgosMethod::igos_plus, "igos+"}, {IgosMethod::igos_plus_plus, "igos++"}});

/// How a step is found: backtracking line search on the noisy loss, Nesterov's accelerated gradient, or Adam.
enum class Optimiser { line_search, nag, adam };
template <>
inline constexpr auto names_of<Optimiser> = std::to_array<Named<Optimiser>>(
    {{Optimiser::line_search, "line-search"}, {Optimiser::nag, "nag"}, {Optimiser::adam, "adam"}});

/// Integration points t on the way from the hidden (0) to the wholly masked image (1), of n: k/n, or one at
/// random in each of n equal parts.
enum class PathPoints { right, stratified };
template <>
inline constexpr auto names_of<PathPoints> =
    std::to_array<Named<PathPoints>>({{PathPoints::right, "right"}, {PathPoints::stratified, "stratified"}});

/// Who shares a draw of noise: nobody, or the terms of the loss at one integration point.
enum class NoiseSharing { none, terms };
template <>
inline constexpr auto names_of<NoiseSharing> =
    std::to_array<Named<NoiseSharing>>({{NoiseSharing::none, "none"}, {NoiseSharing::terms, "terms"}});

/// Adam divides the gradient by its root mean square over the past steps: of each cell for itself, or of all
/// cells of a mask together. With a scale for each cell, a cell whose gradient is tiny, or nothing but float
/// noise, moves as far as any other.
enum class GradientScale { cell, mask };
template <>
inline constexpr auto names_of<GradientScale> =
    std::to_array<Named<GradientScale>>({{GradientScale::cell, "cell"}, {GradientScale::mask, "mask"}});

/// Which masks make the map: those after the last step, or the mean of those after each step. The mean also
/// tells cells apart that are hidden alike in the end: a cell that was hidden earlier counts as more
/// important.
enum class MapOf { last, mean };
template <>
inline constexpr auto names_of<MapOf> = std::to_array<Named<MapOf>>({{MapOf::last, "last"},
                                                                     {MapOf::mean, "mean"}});

struct IgosOptions {
  IgosMethod method = IgosMethod::igos_plus_plus;
  int size = 28;        ///< s: masks have s x s cells, 2 .. H
  int iterations = 10;  ///< steps, >= 1
  int points = 1;       ///< n: integration points of each term, >= 1
  PathPoints path = PathPoints::stratified;
  double noise = 0;  ///< standard deviation of the noise in normalised space, >= 0
  NoiseSharing sharing = NoiseSharing::terms;
  double l1 = 1;        ///< weight of the hidden share, >= 0
  double l2 = 20;       ///< weight of the (bilateral) total variation, >= 0
  double sigma = 0.01;  ///< of the bilateral weights, > 0
  Optimiser optimiser = Optimiser::adam;
  MapOf map = MapOf::mean;

  double rate = 0.08;                         ///< Adam: step, > 0
  double beta1 = 0.9;                         ///< Adam: memory of the gradient, in [0, 1)
  double beta2 = 0.99;                        ///< Adam: memory of its square, in [0, 1)
  GradientScale scale = GradientScale::mask;  ///< Adam
  double epsilon = 1e-8;                      ///< Adam: added to the gradient's scale, > 0

  double alpha = 1000;     ///< line search: first step; NAG: the step; > 0
  double decay = 0.2;      ///< line search: a step that fails is followed by this share of it, in (0, 1)
  double armijo = 1e-4;    ///< line search: share of the expected descent that is asked for, >= 0
  double min_step = 1e-5;  ///< line search: the first step below is taken as it is, > 0

  /// The constants of the public iGOS++ code (its line search compares losses in which the scores of iGOS++
  /// are, unlike in its gradient, not halved).
  static IgosOptions reference();

  /// Throws UsageError naming the option, its value and the bound.
  void validate() const;
};

/// The constants: all but method and size.
void describe(OptionTable& table, IgosOptions& options);

/// The objective's parts in one iteration, as its gradient rows saw them.
struct IgosIteration {
  double deletion = 0;   ///< sum over the deletion terms of the mean p along the path
  double insertion = 0;  ///< the same of the insertion terms, which are maximised
  double hidden = 0;     ///< mean |1 - m|
  double variation = 0;  ///< (bilateral) total variation
  double step = 0;       ///< taken: the line search's alpha, or the constant one
};

struct IgosResult {
  /// s x s float32 in [0,1], higher = more important: 1 - m (m: the mask, or the product of both) as MapOf
  /// says
  at::Tensor map;
  std::vector<IgosIteration> iterations;
  std::string_view stop_reason = "iterations";
  int near_ties = 0;  ///< decisions of the line search within 1e-5 of their bound
};

/// The map of one image. `image`: 3 x H x W normalised, on the CPU, for the bilateral weights; `composer`: of
/// s x s cells of double on the CPU; `noise`: the image's own stream. `scorer` gives p of the class
/// explained.
Task<IgosResult> igos(MaskScorer& scorer, at::Tensor image, const MaskComposer& composer, IgosOptions options,
                      Random noise);

}  // namespace xai
