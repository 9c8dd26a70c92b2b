#include "set_source.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "xai/core/random.hpp"
#include "xai/record/kinds.hpp"
#include "xai/record/mse_record.hpp"
#include "xai/run/session.hpp"

namespace xai {
namespace {

/// What makes MSEs what they are, of the options of a run of xai-mse.
Json search_in(const FinishedRun& run) {
  Json options = run.run().value("identity", Json::object()).value("options", Json::object());
  const Json estimating = values_of(EstimateOptions()).identity;  // changes no MSE
  for (const auto& [key, value] : estimating.items()) options.erase(key);
  options.erase("seed");
  return options;
}

/// So many of the indices first .. last-1, drawn without replacement, ascending.
std::vector<int> some_of(int first, int last, std::size_t count, Random& random) {
  std::vector<int> all(static_cast<std::size_t>(last - first));
  std::iota(all.begin(), all.end(), first);
  count = std::min(count, all.size());
  for (std::size_t i = 0; i < count; ++i) std::swap(all[i], all[i + random.index(all.size() - i)]);
  all.resize(count);
  std::sort(all.begin(), all.end());
  return all;
}

/// Of a record, or null: there are MSEs in it.
bool has_sets(const Json& record) {
  return !record.is_null() && record.at("status") == "ok" && record.at("found") > 0;
}

void append(std::vector<float>& cells, std::span<const PatchSet> sets, int patches) {
  for (const PatchSet& set : sets)
    for (int p = 0; p < patches; ++p) cells.push_back(set.contains(p) ? 1.0F : 0.0F);
}

}  // namespace

SetSource::SetSource(const CrossSubject& subject) : subject_(subject) {
  const CrosstestRunOptions& options = subject.options;
  std::vector<std::optional<FinishedRun>> runs(subject.cards.size());
  Json like;
  for (const auto& folder : options.mses) {
    FinishedRun run(folder, mse_kind());
    const Model model = model_of(run, subject, "mses");
    const Json search = search_in(run);
    const Json hidden = values_of(options.perturbation).identity;
    for (const auto& [key, value] : hidden.items())
      require(search.value(key, Json()) == value, "'mses' ", folder.string(), " has MSEs of ", key, " ",
              to_text(search.value(key, Json())), ", not ", to_text(value), ": give '", key, "'");
    require(search.value("sufficient", "ratio") != "top1", "'mses' ", folder.string(),
            " has sets that keep the class on top, and maybe little of its probability ('sufficient' top1): "
            "what is asked of the other models is the ratio, so search with ratio or both");
    if (like.is_null()) like = search;
    const auto difference = first_difference(like, search, "");
    require(!difference, "'mses' ", folder.string(),
            " has MSEs that were searched otherwise than the others: ", difference.value_or(""));
    auto& place = runs[model];
    require(!place, "'mses' names two runs of model ", subject.cards[model].name);
    place.emplace(std::move(run));
  }
  for (Model m = 0; m < runs.size(); ++m) {
    require(runs[m].has_value(), "'mses' has no run of model ", subject.cards[m].name,
            ": give a finished run of xai-mse for each of 'models'");
    runs_.push_back(std::move(*runs[m]));
  }
  OptionTable table;
  describe(table, search_);
  table.fill(like);
}

Json SetSource::identity(Model model) const {
  return runs_[model].records_sha256();
}

SetSource::Chosen SetSource::chosen_of(const Json& record) const {
  if (!has_sets(record)) return {};
  const std::vector<Mse> mses = read_mse_record(record).mses;  // the smallest first
  const auto count = static_cast<int>(mses.size());
  const int fewest = mses.front().patches.size();
  const auto smallest = static_cast<int>(
      std::count_if(mses.begin(), mses.end(), [&](const Mse& mse) { return mse.patches.size() == fewest; }));
  const auto most = static_cast<std::size_t>(subject_.options.sets);
  Random random(subject_.options.output.seed, record.at("image").get<std::string>(), "shown sets");
  Chosen chosen{.indices = some_of(0, smallest, most, random), .sets = {}, .smallest = 0};
  chosen.smallest = static_cast<int>(chosen.indices.size());
  for (const int i : some_of(smallest, count, most - chosen.indices.size(), random))
    chosen.indices.push_back(i);
  for (const int i : chosen.indices) chosen.sets.push_back(mses[static_cast<std::size_t>(i)].patches);
  return chosen;
}

std::vector<PatchSet> SetSource::random_sets(const Chosen& chosen, std::size_t row) const {
  const int patches = search_.grid * search_.grid;
  Random random(subject_.options.output.seed, subject_.image(row).id, "random sets");
  std::vector<PatchSet> sets;
  for (const PatchSet& set : chosen.sets)
    sets.push_back(PatchSet::of(some_of(0, patches, static_cast<std::size_t>(set.size()), random)));
  return sets;
}

Json SetSource::other_record(Model source, std::size_t row) const {
  const std::size_t rows = subject_.tested.size();
  for (std::size_t step = 1; step < rows; ++step) {
    Json record = runs_[source].record(subject_.image((row + step) % rows).id);
    if (has_sets(record)) return record;
  }
  return nullptr;
}

SourceEvidence SetSource::evidence_of(Model source, std::size_t row, const std::string& content) const {
  const FinishedRun& run = runs_[source];
  const Json record = run.record(subject_.image(row).id);
  SourceEvidence result;
  if (!record.is_null() && !record.at("target").is_null()) result.target = record.at("target");
  if (!record.is_null() && record.at("status") == "error") {
    result.failure =
        cat("no MSEs of model ", subject_.cards[source].name, ": ", record.at("reason").get<std::string>());
    result.why_none = "The search of this model failed.";
    return result;
  }
  const Chosen chosen = chosen_of(record);
  if (chosen.sets.empty()) {
    result.problem = "no-mses";
    result.why_none = "This model has no MSEs of the image.";
    return result;
  }
  require<DataError>(record.at("content") == content, "the photograph is not the one that the MSEs in ",
                     run.folder().string(), " are of (its SHA-256 is another); search them again");

  const Json other = other_record(source, row);
  const std::vector<PatchSet> random = random_sets(chosen, row), others = chosen_of(other).sets;
  const int patches = search_.grid * search_.grid;
  std::vector<float> cells;
  for (const auto* sets : {&chosen.sets, &random, &others}) append(cells, *sets, patches);
  result.masks = at::tensor(at::ArrayRef<float>(cells)).view({-1, search_.grid, search_.grid});

  result.map.assign(static_cast<std::size_t>(patches), 0);
  for (const PatchSet& set : chosen.sets)
    for (const int p : set.patches()) ++result.map[static_cast<std::size_t>(p)];
  append(result.shown, std::span(chosen.sets).first(1), patches);
  ShownSets shown{.threshold = search_.threshold,
                  .shown = chosen.indices,
                  .smallest = chosen.smallest,
                  .other_image = other.is_null() ? "" : other.at("image").get<std::string>()};
  result.take = [shown, count = chosen.sets.size()](CrossPair& pair, std::span<const double> f) {
    std::vector<double> ratios;
    for (const double p : f) ratios.push_back(p / *pair.facts.p_full);
    const auto at = [&](std::size_t i) { return ratios.begin() + static_cast<std::ptrdiff_t>(i); };
    pair.sets = shown;
    pair.sets->ratios.assign(ratios.begin(), at(count));
    pair.sets->random_ratios.assign(at(count), at(2 * count));
    pair.sets->other_ratios.assign(at(2 * count), ratios.end());
  };
  return result;
}

long SetSource::masks(Model source, std::size_t row) const {
  const Json record = runs_[source].record(subject_.image(row).id);
  return has_sets(record) ? 3 * std::min(record.at("found").get<long>(), subject_.options.sets) : 0;
}

void SetSource::invent(CrossPair& pair) const {
  const auto count = static_cast<std::size_t>(subject_.options.sets);
  const std::vector<double> ratios(count, 1 / 3.0);
  ShownSets sets{
      .ratios = ratios, .random_ratios = ratios, .other_image = pair.facts.image, .other_ratios = ratios};
  sets.shown.assign(count, 10);
  pair.sets = sets;
}

EvidenceHeadings SetSource::headings() const {
  return {.map = "patches its MSEs use", .shown = "one of its smallest MSEs"};
}

std::optional<double> SetSource::probability_shown(const Json& record) const {
  if (record["sets"].is_null()) return {};
  return record["sets"]["ratios"][0].get<double>() * record["p_full"].get<double>();
}

}  // namespace xai
