#include "xai/record/cross_tables.hpp"

#include <array>
#include <functional>

#include "xai/core/text.hpp"
#include "xai/record/text_table.hpp"
#include "xai/store/csv.hpp"

namespace xai {
namespace {

using internal::csv_cell, internal::fixed, internal::Row;

constexpr std::size_t widest = 100;
constexpr std::array sides = {"as_source", "as_target", "difference"};

/// One line for each of `objects`, of those of its fields that the titles name.
std::string csv_of(const Row& titles, const Json& objects) {
  std::string text = csv_line(titles);
  for (const Json& object : objects) {
    Row cells;
    for (const std::string& title : titles) cells.push_back(csv_cell(object[title]));
    text += csv_line(cells);
  }
  return text;
}

/// The number of row i and column j.
using Cell = std::function<std::string(std::size_t i, std::size_t j, int decimals)>;

/// A square of numbers, in at most 100 columns where that can be: with names for headings and three decimals,
/// else with numbers instead of the first `models` names, else with two decimals and shortened names, too.
std::string square_table(const Row& names, std::size_t models, const Cell& cell) {
  struct Look {
    bool numbered;
    int decimals;
    std::size_t gap, longest;
  };
  std::string text;
  for (const Look& look : {Look{false, 3, 2, widest}, {true, 3, 2, widest}, {true, 2, 1, 20}}) {
    std::vector<Row> rows(1, Row{""});
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool numbered = look.numbered && i < models;
      const std::string name = names[i].substr(0, look.longest);
      rows.front().push_back(numbered ? cat(i + 1) : name);
      rows.push_back({numbered ? cat(i + 1, " ", name) : name});
      for (std::size_t j = 0; j < names.size(); ++j) rows.back().push_back(cell(i, j, look.decimals));
    }
    text = internal::text_table(rows, 1, look.gap);
    if (text.find('\n') <= widest) break;
  }
  return text;
}

/// A number of each ordered pair, source by source; null where it is undefined.
using OfPair = std::function<Json(std::size_t pair)>;

/// The mean over ordered pairs of different models, of one row or column where it is below n; null where one
/// of them is undefined.
Json mean_of_others(const OfPair& value, std::size_t n, std::size_t row, std::size_t column) {
  double sum = 0, count = 0;
  for (std::size_t pair = 0; pair < n * n; ++pair) {
    const std::size_t i = pair / n, j = pair % n;
    if (i == j || (row < n && row != i) || (column < n && column != j)) continue;
    const Json mean = value(pair);
    if (mean.is_null()) return nullptr;
    sum += mean.get<double>();
    ++count;
  }
  return number_or_null(sum / count);
}

/// The matrix of models, with the means of its rows and columns over the other models.
std::string model_part(const Json& summary, const OfPair& value) {
  Row names;
  for (const Json& model : summary["models"]) names.push_back(model["name"]);
  const std::size_t n = names.size();
  names.emplace_back("others");
  return square_table(names, n, [&](std::size_t i, std::size_t j, int decimals) {
    return fixed(i < n && j < n ? value(n * i + j) : mean_of_others(value, n, i, j), decimals);
  });
}

/// The matrix of families, of numbers of its cells.
std::string family_part(const Json& summary, const std::function<Json(const Json& cell)>& value) {
  Row families;
  for (const Json& cell : summary["families"])
    if (cell["source_family"] == cell["target_family"]) families.push_back(cell["source_family"]);
  const std::size_t n = families.size();
  return square_table(families, n, [&](std::size_t i, std::size_t j, int decimals) {
    const Json& cell = summary["families"][n * i + j];
    return fixed(value(cell), decimals) + (cell["self_test"] ? "*" : "");
  });
}

std::string gains(const Json& pairs) {
  const auto points = [](const Json& gain) {
    if (gain.is_null()) return std::string("-");
    return (gain >= 0 ? "+" : "") + fixed(100 * gain.get<double>(), 2);
  };
  return cat(points(pairs["mean_gain_over_best"]), " over the better model, ",
             points(pairs["mean_gain_over_mean"]), " over their mean (", to_text(pairs["n"]), " pairs)\n");
}

/// Of how many images and pairs numbers are; what averaging models gains.
std::string closing_part(const Json& summary) {
  const auto count = [&](const char* group, const char* what) { return to_text(summary[group][what]); };
  const std::string common = to_text(summary["common_images"]);
  std::string text = summary["images_rule"] == "common"
                         ? cat("Over the ", common, " of ", to_text(summary["images"]),
                               " images whose pairs are all defined.\n")
                         : cat("Over each pair's own images of ", to_text(summary["images"]), "; of ", common,
                               " all pairs are defined.\n");
  std::string reasons;
  for (const auto& reason : summary["undefined_reasons"].items())
    reasons += cat(reasons.empty() ? "" : ", ", to_text(reason.value()), " ", reason.key());
  text += cat("Pairs: ", count("pairs", "ok"), " ok, ", count("pairs", "undefined"), " undefined (", reasons,
              "), ", count("pairs", "error"), " error.\n");
  if (const Json& ensembles = summary["ensembles"]; !ensembles.is_null())
    text += cat("\nTop-1 of averaging two models, in percentage points\n  within a family  ",
                gains(ensembles["pairs_within"]), "  across families  ", gains(ensembles["pairs_across"]));
  return text;
}

/// One line for each cell of a matrix, group of images and quantity.
std::string sets_csv(const Row& titles, const Json& cells) {
  Json lines = Json::array();
  for (const Json& cell : cells)
    for (const char* photographs : {"all", "both_right"})
      for (const auto& quantity : cell[photographs].items()) {
        Json line = quantity.value();
        for (const std::string& title : titles)
          if (cell.contains(title)) line[title] = cell[title];
        line["photographs"] = photographs;
        line["quantity"] = quantity.key();
        lines.push_back(line);
      }
  return csv_of(titles, lines);
}

std::string sets_table(const Json& summary) {
  const std::size_t n = summary["models"].size();
  const auto of = [&](const char* quantity) {
    return [&summary, quantity](std::size_t pair) -> Json {
      return summary["matrix"][pair]["all"][quantity]["mean"];
    };
  };
  std::string text = cat(
      "Share of a model's MSEs that are sufficient for another, too (higher: more alike); rows: whose MSEs,\n"
      "columns: the model that is shown them\n",
      model_part(summary, of("sufficient")),
      "\nFamilies: means over ordered pairs of different models; *: a family of one, its self-test\n",
      family_part(summary, [](const Json& cell) { return cell["all"]["sufficient"]["mean"]; }),
      "\nMeans over ordered pairs of different models, and of chance\n");
  std::vector<Row> rows = {{"", "sufficient", "ratio"}};
  for (const auto& [what, prefix] : {std::pair("its MSEs", ""),
                                     {"the smallest", "smallest_"},
                                     {"random sets of the same sizes", "random_"},
                                     {"its MSEs of another image", "other_"}}) {
    const auto mean = [&, p = std::string(prefix)](const char* quantity) {
      const std::string key = p + quantity;
      return fixed(mean_of_others(of(key.c_str()), n, n, n), 3);
    };
    rows.push_back({what, mean("sufficient"), mean("ratio")});
  }
  return cat(text, internal::text_table(rows, 1, 2), "\n", closing_part(summary));
}

}  // namespace

std::string matrix_csv(const Json& summary) {
  return csv_of({"source", "model", "n", "mean", "median", "standard_deviation", "low", "high", "undefined"},
                summary["matrix"]);
}

std::string family_matrix_csv(const Json& summary) {
  return csv_of({"source_family", "target_family", "pairs", "mean", "self_test"}, summary["families"]);
}

std::string asymmetry_csv(const Json& summary) {
  Json lines = Json::array();
  for (const Json& model : summary["asymmetry"]) {
    Json line = {{"model", model["model"]}, {"family", model["family"]}, {"n", model["difference"]["n"]}};
    for (const std::string side : sides) {
      line[side] = model[side]["mean"];
      line[side + "_low"] = model[side]["low"];
      line[side + "_high"] = model[side]["high"];
    }
    lines.push_back(line);
  }
  return csv_of({"model", "family", "as_source", "as_source_low", "as_source_high", "as_target",
                 "as_target_low", "as_target_high", "difference", "difference_low", "difference_high", "n"},
                lines);
}

std::string landscape_csv(const Json& summary) {
  const Json& landscape = summary["landscape"];
  Json lines = Json::array();
  for (std::size_t i = 0; i < summary["models"].size(); ++i) {
    Json line = {{"model", summary["models"][i]["name"]}, {"family", summary["models"][i]["family"]}};
    for (const std::string method : {"kernel_pca", "mds"})
      for (int d = 0; d < 2; ++d)
        line[cat(method, "_", d + 1)] = landscape.is_null() ? Json() : landscape["points"][i][method][d];
    lines.push_back(line);
  }
  return csv_of({"model", "family", "kernel_pca_1", "kernel_pca_2", "mds_1", "mds_2"}, lines);
}

std::string ensemble_csv(const Json& summary) {
  Json lines = Json::array();
  if (!summary["ensembles"].is_null())
    for (const Json& set : summary["ensembles"]["sets"]) {
      std::string members;
      for (const Json& member : set["members"])
        members += (members.empty() ? "" : "+") + member.get<std::string>();
      Json line = set;
      line["members"] = members;
      line["size"] = set["members"].size();
      line["n"] = set["top1"]["n"];
      for (const char* rank : {"top1", "top5"}) line[rank] = set[rank]["share"];
      lines.push_back(line);
    }
  return csv_of({"members", "size", "relation", "n", "top1", "top5", "gain_over_best", "gain_over_mean"},
                lines);
}

std::string sets_matrix_csv(const Json& summary) {
  return sets_csv({"source", "model", "photographs", "quantity", "n", "mean", "median", "standard_deviation",
                   "low", "high", "undefined"},
                  summary["matrix"]);
}

std::string sets_family_matrix_csv(const Json& summary) {
  return sets_csv({"source_family", "target_family", "pairs", "self_test", "photographs", "quantity", "n",
                   "mean", "median", "standard_deviation", "low", "high"},
                  summary["families"]);
}

std::string matrix_table(const Json& summary) {
  if (summary.contains("shows")) return sets_table(summary);
  return cat(
      "Mean insertion AUC (higher is better); rows: where the map comes from, columns: the model tested\n",
      model_part(summary, [&](std::size_t pair) { return summary["matrix"][pair]["mean"]; }),
      "\nFamilies: means over ordered pairs of different models; *: a family of one, its self-test\n",
      family_part(summary, [](const Json& cell) { return cell["mean"]; }), "\n", closing_part(summary));
}

}  // namespace xai
