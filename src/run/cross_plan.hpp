#pragma once

#include <cstdint>
#include <vector>

#include "cross_pass.hpp"
#include "model_pool.hpp"
#include "xai/run/plan.hpp"

namespace xai {

/// What is left of a run of cross-testing once all evidence is there.
struct CrossPlan {
  long images = 0;  ///< of which a prediction or a pair is missing
  std::vector<PlannedPart> parts;
  std::int64_t bytes = 0;
};

/// Counts what is missing, and measures every model that has something to say.
CrossPlan plan_cross_tests(const CrossSubject& subject, const EvidenceSource& evidence,
                           const Predictions& predictions, const RunFolder& folder, ModelPool& pool,
                           const ComputePlan& compute);

}  // namespace xai
