// xai-occlusion: how much of the probability goes when one patch is hidden. The smallest analysis of one's
// own: a descriptor, an analysis, a program of a screen (docs/architecture.md).
#include <algorithm>

#include "common/tool.hpp"
#include "xai/record/image_facts.hpp"
#include "xai/record/summary_parts.hpp"
#include "xai/run/image_run.hpp"

namespace {

using namespace xai;

struct OcclusionOptions : ImageRunOptions {
  int grid = 7;
};

void describe(OptionTable& table, OcclusionOptions& options) {
  describe_subject(table, options);
  table.group("Occlusion");
  table.add("grid", options.grid, "Patches a side").from_to(2, 16);
  describe_means(table, options);
}

const RunKind& occlusion_kind();

class OcclusionSummary : public Summary {
 public:
  explicit OcclusionSummary(std::uint64_t seed) : seed_(seed) {}
  void add(const Json& record) override {
    if (images_.add(record)) quantities_.add("largest_drop", record["largest_drop"]);
  }
  Json to_json() const override {
    Json summary = images_.to_json();
    quantities_.write_to(summary, seed_);
    return summary;
  }

 private:
  std::uint64_t seed_;
  ImageCounts images_{occlusion_kind()};
  Quantities quantities_{"largest_drop"};
};

const RunKind& occlusion_kind() {
  static const RunKind kind{.tool = "xai-occlusion",
                            .statuses = {"ok", "skipped", "error"},
                            .summary = [](const Json& run) -> std::unique_ptr<Summary> {
                              return std::make_unique<OcclusionSummary>(run.at("seed").get<std::uint64_t>());
                            }};
  return kind;
}

class OcclusionAnalysis : public ImageAnalysis {
 public:
  OcclusionAnalysis(const OcclusionOptions& options, ImageRun& run) : ImageAnalysis(run), options_(options) {}

 private:
  Task<void> explain(std::size_t index, ImageFacts facts, ImageInFlight& image) override {
    const PatchSet all = PatchSet::all(options_.grid * options_.grid);
    std::vector<PatchSet> questions;
    for (const int patch : all.patches()) questions.push_back(all.without(patch));
    keep(index, std::move(facts), co_await image.scorer(*facts.target).probabilities(questions));
  }

  void keep(std::size_t index, ImageFacts facts, std::vector<double> p) {
    write(index, facts, [this, p](const ImageFacts& f) {
      Json record = blank_record(f, "ok", "");
      for (const double left : p) record["drops"].push_back(*f.p_full - left);
      record["largest_drop"] = *std::max_element(record["drops"].begin(), record["drops"].end());
      return record;
    });
  }

  // for --dry-run
  ModelRows most_rows(std::size_t) const override { return {1 + options_.grid * options_.grid}; }
  void invent(std::size_t index, ImageFacts facts, const LoadedImage&) override {
    keep(index, std::move(facts), std::vector<double>(options_.grid * options_.grid, 1 / 3.0));
  }

  Json blank_record(const ImageFacts& facts, std::string_view status,
                    std::string_view reason) const override {
    Json record = preamble(facts, status, reason.empty() ? Json() : Json(reason));
    record["drops"] = Json::array();  // of each patch, row by row
    record["largest_drop"] = nullptr;
    return record;
  }

  const OcclusionOptions& options_;
};

}  // namespace

int main(int argc, char** argv) {
  OcclusionOptions options;
  options.output.command = {argv, argv + argc};
  OptionTable table;
  describe(table, options);
  tools::Tool tool(
      {"xai-occlusion", "Hide each patch of an image alone, and see what that costs.",
       "Example: xai-occlusion --model models/efficientnet_lite0.pt --data photos --out runs/hidden"},
      table);
  return tool.main(argc, argv, [&] {
    require_paths(options);
    ImageRun run(occlusion_kind(), options, {.options = values_of(options)}, tool.observer());
    OcclusionAnalysis analysis(options, run);
    return tool.report(run.analyse(analysis, {.grid = options.grid, .mask = options.perturbation.mask}));
  });
}
