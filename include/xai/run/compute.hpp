#pragma once

#include <functional>
#include <memory>

#include "xai/engine/engine.hpp"
#include "xai/model/classifier.hpp"
#include "xai/run/options.hpp"

namespace xai {

/// Opens the model of a card: open_classifier(), or what somebody with other models puts in its place.
using OpenModel = std::function<std::shared_ptr<Classifier>(const ModelCard&, const ClassifierOptions&)>;

/// open_classifier().
OpenModel default_models();

/// ComputeOptions, resolved for this machine.
struct ComputePlan {
  at::Device device = at::kCPU;
  Precision precision = Precision::fp32;
  bool tune = false;
  std::filesystem::path tuning;  ///< ComputeOptions::tuning
  bool writes = true;            ///< it may be written
  int batch_size = 8;
  int lanes = 1;  ///< batches under way at once: on a CPU one a core, each with one thread
  int images_in_flight = 8;
};

/// `writes`: not in a dry run. Throws UsageError for a device that is not there or a batch size that is none.
ComputePlan plan(const ComputeOptions& options, bool writes);

/// Loads a model for a run. Nothing inside an operation is parallel from then on: the lanes are.
/// `earlier_tuning`: Classifier::tuning() of an earlier session, or null; the plan's file of tunings is read,
/// and gets what it lacks. `needs`: only gradients and features are looked at. Throws UsageError where file
/// and earlier session differ.
std::shared_ptr<Classifier> open_model(const ModelCard& card, const ComputePlan& plan, const OpenModel& open,
                                       const Json& earlier_tuning, const ClassifierOptions& needs = {});

/// `options` with sizes and lanes of the plan.
EngineOptions engine_options(EngineOptions options, const ComputePlan& plan);

/// run.json's "platform".
Json platform_record(const ComputePlan& plan);
/// RunPlan's.
Json planned_platform(const ComputePlan& plan);

}  // namespace xai
