#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "xai/engine/engine.hpp"
#include "xai/run/plan.hpp"

namespace xai {

// How a plan measures: with a few photographs of the run, and with the run's own means.

inline constexpr double measuring_seconds = 2;  ///< of each kind of question

/// Photographs that could be read, of the first ones of a run.
struct Sample {
  std::vector<std::size_t> indices;  ///< a few; empty where none of the first sixteen can be read
  double seconds = 0;                ///< of wall clock, an image
};

/// Calls read(i) for the first of `count` images, on `threads` threads at once, until a few could be read; a
/// DataError that it throws goes to failed(i, error).
Sample read_sample(std::size_t count, int threads, const std::function<void(std::size_t)>& read,
                   const std::function<void(std::size_t, const std::exception&)>& failed);

/// How fast a model answers the engine's questions about these photographs. `backward`: the kind of question
/// that goes back through it, where the run asks such.
ModelSpeed measure_speed(Classifier& classifier, const EngineOptions& options,
                         const std::vector<LoadedImage>& photographs, std::optional<Want> backward);

}  // namespace xai
