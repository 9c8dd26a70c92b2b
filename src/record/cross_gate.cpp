#include "xai/record/cross_gate.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "xai/core/error.hpp"
#include "xai/core/file.hpp"
#include "xai/core/json_text.hpp"
#include "xai/record/text_table.hpp"
#include "xai/store/schema.hpp"

namespace xai {
namespace {

using internal::fixed, internal::Row;

constexpr const char* kind = "xai-crosstest-baseline";

/// The weights of each model, by name.
Json weights_of(const Json& baseline) {
  Json weights = Json::object();
  for (const Json& model : baseline.at("models"))
    weights[model.at("name").get<std::string>()] = model.at("sha256").get<std::string>();
  return weights;
}

/// Whatever can move, by name; null where the run has no number. Throws Json::exception where a baseline is
/// not as its schema says.
Json values_of(const Json& baseline) {
  Json aucs = Json::object(), others = Json::object();
  const double images = baseline.at("images");
  for (const Json& cell : baseline.at("cells")) {
    const auto pair = cat(cell.at("source").get<std::string>(), " -> ", cell.at("model").get<std::string>());
    const Json& auc = cell.at("auc");
    aucs["auc " + pair] = auc.is_null() ? Json() : Json(auc.get<double>());
    others["undefined " + pair] = number_or_null(cell.at("undefined").get<double>() / images);
  }
  for (const Json& model : baseline.at("models")) {
    const Json& top1 = model.at("top1");
    others["top-1 " + model.at("name").get<std::string>()] =
        top1.is_null() || top1.at("share").is_null() ? Json() : Json(top1.at("share").get<double>());
    for (const Json& target : baseline.at("models"))  // throws where a cell is absent
      aucs.at(cat("auc ", model.at("name").get<std::string>(), " -> ", target.at("name").get<std::string>()));
  }
  aucs.update(others);
  return aucs;
}

std::string with_sign(double difference) {
  return (difference < 0 ? "" : "+") + fixed(difference, 5);
}

}  // namespace

Json gate_baseline(const Json& summary, const Json& conditions, const std::string& tool_version) {
  Json models = Json::array(), cells = Json::array();
  for (const Json& model : summary["models"])
    models.push_back(Json{{"name", model["name"]}, {"sha256", model["sha256"]}, {"top1", model["top1"]}});
  for (const Json& cell : summary["matrix"])
    cells.push_back(Json{{"source", cell["source"]},
                         {"model", cell["model"]},
                         {"n", cell["n"]},
                         {"undefined", cell["undefined"]},
                         {"auc", cell["mean"]}});
  return Json{{"schema_version", schema_version},
              {"kind", kind},
              {"tool_version", tool_version},
              {"conditions", conditions},
              {"images", summary["images"]},
              {"models", models},
              {"cells", cells}};
}

Json read_baseline(const std::filesystem::path& file, const Json& conditions,
                   const std::vector<std::string>& models) {
  require(std::filesystem::is_regular_file(file), "no baseline ", file.string(),
          "; a run with 'write_baseline' writes one");
  Json baseline = parse_json(read_file(file));
  require(!baseline.is_discarded(), file.string(), " is not JSON; write the baseline again");
  require(baseline.is_object() && baseline.value("kind", Json()) == kind, file.string(),
          " is not a baseline of xai-crosstest");
  require_schema(baseline, file, cat("xai-crosstest ... --write-baseline ", file.string()));
  try {
    values_of(baseline);
    weights_of(baseline);
    baseline.at("conditions");
  } catch (const Json::exception& error) {
    throw UsageError(cat(file.string(), " is a damaged baseline: ", error.what(), "; write it again"));
  }
  const auto difference = first_difference(baseline["conditions"], conditions, "");
  require(!difference, "the baseline ", file.string(), " is of other conditions: ", difference.value_or(""),
          "; run under its conditions, or write a new baseline");
  const Json weights = weights_of(baseline);
  for (const Json& cell : baseline["cells"])
    for (const char* end : {"source", "model"})
      require(weights.contains(cell[end].get<std::string>()), file.string(),
              " is a damaged baseline: a cell of ", to_text(cell[end]),
              ", which is none of its models; write it again");
  for (const std::string& model : models)
    require(weights.contains(model), "model ", model, " is in this run and not in the baseline ",
            file.string());
  for (const auto& [model, sha256] : weights.items())
    require(std::find(models.begin(), models.end(), model) != models.end(), "model ", model,
            " is in the baseline ", file.string(), " and not in this run");
  return baseline;
}

GateReport compare(const Json& baseline, const Json& summary, double tolerance) {
  require(tolerance >= 0 && std::isfinite(tolerance), "'tolerance' must be 0 or more, not ", tolerance);
  const Json now = gate_baseline(summary, baseline.at("conditions"), "");
  const Json old_weights = weights_of(baseline), weights = weights_of(now);

  const Json old_values = values_of(baseline), values = values_of(now);
  std::vector<Row> moved(1, Row{"what", "baseline", "now", "difference"});
  GateReport report;
  report.document = {{"passed", true},         {"tolerance", tolerance},  {"values", values.size()},
                     {"moved", Json::array()}, {"largest_move", nullptr}, {"other_weights", Json::array()}};
  Json& moves = report.document["moved"];
  const auto move = [](const std::string& what, const Json& before, const Json& after,
                       const Json& difference) {
    return Json{{"what", what}, {"baseline", before}, {"now", after}, {"difference", difference}};
  };
  std::string largest;
  double largest_move = -1;
  for (const auto& [name, before] : old_values.items()) {
    const Json& after = values.at(name);
    if (before.is_null() && after.is_null()) continue;
    if (before.is_null() || after.is_null()) {
      moved.push_back({name, fixed(before, 5), fixed(after, 5), "-"});
      moves.push_back(move(name, before, after, nullptr));
      continue;
    }
    const double difference = after.get<double>() - before.get<double>();
    if (std::abs(difference) > largest_move) {
      largest_move = std::abs(difference);
      largest = cat("; the largest move is ", with_sign(difference), ", of ", name);
      report.document["largest_move"] = move(name, before, after, difference);
    }
    if (std::abs(difference) > tolerance + 1e-12) {
      moved.push_back({name, fixed(before, 5), fixed(after, 5), with_sign(difference)});
      moves.push_back(move(name, before, after, difference));
    }
  }
  report.document["passed"] = report.passed = moved.size() == 1;
  if (!report.passed) report.table = internal::text_table(moved, 1);
  report.table += cat(values.size() + 1 - moved.size(), " of ", values.size(), " values are within ",
                      tolerance, largest, "\n");
  for (const auto& [model, sha256] : weights.items())
    if (old_weights[model] != sha256) {
      report.table += cat("model ", model, " has other weights than in the baseline\n");
      report.document["other_weights"].push_back(model);
    }
  return report;
}

}  // namespace xai
