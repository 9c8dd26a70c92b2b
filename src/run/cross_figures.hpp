#pragma once

#include <span>

#include "cross_subject.hpp"
#include "evidence_source.hpp"
#include "xai/store/run_folder.hpp"

namespace xai {

/// Draws the figure of a cross-tested image from its records: source by source, those of all models tested.
/// An image that cannot be read any more has none.
void draw_cross_figure(const CrossSubject& subject, const EvidenceSource& evidence, const RunFolder& folder,
                       std::size_t row, std::span<const Json> records);

}  // namespace xai
