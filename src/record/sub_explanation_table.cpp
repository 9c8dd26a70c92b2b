#include "xai/record/sub_explanation_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "xai/core/error.hpp"
#include "xai/record/text_table.hpp"
#include "xai/store/csv.hpp"

namespace xai {
namespace {

using internal::fixed, internal::Row;

struct Column {
  const char* title;     ///< of text and LaTeX
  const char* quantity;  ///< of summary.json
  int decimals;
};
constexpr std::array columns = {Column{"MSEs", "found", 1},
                                Column{"patches of an MSE", "mean_mse_size", 2},
                                Column{"sub-explanations", "distinct", 1},
                                Column{"sub-explanations/MSE", "distinct_per_mse", 1},
                                Column{"log10 orders", "log10_tree_nodes", 2},
                                Column{"log10 orders/MSE", "log10_tree_nodes_per_mse", 2}};
constexpr std::array shares = {std::pair{"no MSE", "without_mse"}, std::pair{"truncated", "truncated"}};

/// What must be equal: everything that shapes the records but the model, and the MSEs of it that were counted
/// from.
Json comparable(const FinishedRun& run) {
  const Json& identity = run.run().at("identity");
  return Json{{"data", identity.at("data")}, {"options", identity.at("options")}};
}

std::string model_of(const FinishedRun& run, const char* field) {
  return run.run().at("model").at("card").at(field);
}

std::string percent(const Json& share) {
  return share.is_null() ? "-" : fixed(100 * share.get<double>(), 0) + " %";
}

std::string mean_and_interval(const Json& statistics, int decimals) {
  if (statistics["mean"].is_null()) return "-";
  return cat(fixed(statistics["mean"], decimals), " [", fixed(statistics["low"], decimals), ", ",
             fixed(statistics["high"], decimals), "]");
}

Row cells_to_read(const FinishedRun& run) {
  const Json& summary = run.summary();
  Row row = {model_of(run, "name"), model_of(run, "family"), to_text(summary["statuses"]["ok"])};
  for (const Column& column : columns)
    row.push_back(mean_and_interval(summary["quantities"][column.quantity], column.decimals));
  for (const auto& [title, field] : shares) row.push_back(percent(summary[field]["share"]));
  return row;
}

Row titles_to_read() {
  Row row = {"model", "family", "images"};
  for (const Column& column : columns) row.emplace_back(column.title);
  for (const auto& [title, field] : shares) row.emplace_back(title);
  return row;
}

constexpr std::array statistics = {"n", "mean", "median", "low", "high"};

Row titles_of_csv() {
  Row row = {"model", "family", "images"};
  for (const Column& column : columns)
    for (const char* statistic : statistics) row.push_back(cat(column.quantity, "_", statistic));
  for (const auto& [title, field] : shares) row.push_back(cat(field, "_share"));
  return row;
}

Row cells_of_csv(const FinishedRun& run) {
  const Json& summary = run.summary();
  Row row = {model_of(run, "name"), model_of(run, "family"), to_text(summary["statuses"]["ok"])};
  for (const Column& column : columns)
    for (const char* statistic : statistics)
      row.push_back(internal::csv_cell(summary["quantities"][column.quantity][statistic]));
  for (const auto& [title, field] : shares) row.push_back(internal::csv_cell(summary[field]["share"]));
  return row;
}

/// The fields of csv, but numbers are numbers.
Json object_of(const FinishedRun& run) {
  const Json& summary = run.summary();
  Json object{{"run", run.folder().string()},
              {"model", model_of(run, "name")},
              {"family", model_of(run, "family")},
              {"images", summary["statuses"]["ok"]}};
  for (const Column& column : columns)
    for (const char* statistic : statistics)
      object[cat(column.quantity, "_", statistic)] = summary["quantities"][column.quantity][statistic];
  for (const auto& [title, field] : shares) object[cat(field, "_share")] = summary[field]["share"];
  return object;
}

std::string latex_cell(const std::string& cell) {
  std::string text;
  for (const char c : cell) {
    if (std::string_view("_%&#$").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  return text;
}

std::string latex_table(const std::vector<Row>& rows) {
  std::string text = cat("\\begin{tabular}{ll", std::string(rows.front().size() - 2, 'r'), "}\n\\hline\n");
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : " & ") + latex_cell(row[i]);
    text += " \\\\\n";
    if (&row == &rows.front()) text += "\\hline\n";
  }
  return text + "\\hline\n\\end{tabular}\n";
}

/// The runs with those of a family together, families by their first run.
std::vector<const FinishedRun*> by_family(const std::vector<FinishedRun>& runs) {
  std::vector<const FinishedRun*> grouped;
  for (const FinishedRun& run : runs) {
    const auto last = std::find_if(grouped.rbegin(), grouped.rend(), [&](const FinishedRun* other) {
      return model_of(*other, "family") == model_of(run, "family");
    });
    grouped.insert(last == grouped.rend() ? grouped.end() : last.base(), &run);
  }
  return grouped;
}

}  // namespace

std::string sub_explanation_table(const std::vector<FinishedRun>& runs, TableFormat format) {
  require(!runs.empty(), "'table' needs at least one run");
  for (const FinishedRun& run : runs)
    if (const auto difference = first_difference(comparable(runs.front()), comparable(run), ""))
      throw UsageError(cat(run.folder().string(), " cannot be compared with ", runs.front().folder().string(),
                           ": ", *difference, "; compare runs with equal options and data"));
  if (format == TableFormat::json) {
    Json objects = Json::array();
    for (const FinishedRun* run : by_family(runs)) objects.push_back(object_of(*run));
    return to_text(objects, 2) + "\n";
  }
  std::vector<Row> rows = {format == TableFormat::csv ? titles_of_csv() : titles_to_read()};
  for (const FinishedRun* run : by_family(runs))
    rows.push_back(format == TableFormat::csv ? cells_of_csv(*run) : cells_to_read(*run));
  if (format == TableFormat::text) return internal::text_table(rows, 2);
  if (format == TableFormat::latex) return latex_table(rows);
  std::string csv;
  for (const Row& row : rows) csv += csv_line(row);
  return csv;
}

}  // namespace xai
