#include "subexp_options.hpp"

#include <algorithm>

#include "xai/core/error.hpp"

namespace xai::tools {

void SubexpToolOptions::add_to(CLI::App& cli) {
  SearchOptions::add_to(cli);
  const auto counting_group = "Sub-explanations";
  cli.add_option("--mses", mses,
                 "Count from the MSEs of this finished run of xai-mse, with its options; without it they are "
                 "searched")
      ->group(counting_group);
  cli.add_option("--node-threshold", counting.node_threshold,
                 "A set counts if it keeps this share of the probability")
      ->group(counting_group)
      ->capture_default_str();
  cli.add_option("--max-nodes", counting.max_nodes, "Sets of an image that are counted at most")
      ->group(counting_group)
      ->capture_default_str();
  cli.add_option("--probe", counting.probes,
                 "Also estimate the number of deletion orders by this many random ones; 0 = do not")
      ->group(counting_group)
      ->capture_default_str();

  const auto graph_group = "Graphs";
  cli.add_option("--graphs", graphs, "Draw the graphs of the first N images; -1 = all, 0 = none")
      ->group(graph_group)
      ->capture_default_str();
  cli.add_option("--graph-image", graph_images, "Draw the graph of this image; may be given several times")
      ->allow_extra_args(false)
      ->group(graph_group);
  cli.add_option("--graph-max-nodes", graph_max_nodes, "Nodes of a graph at most: the strongest")
      ->group(graph_group)
      ->capture_default_str();

  const auto table_group = "Table (instead of a run)";
  cli.add_option("--table", table, "Print these finished runs of xai-subexp side by side")
      ->configurable(false)
      ->group(table_group);
  add_choice(cli, "--format", format, {TableFormat::text, TableFormat::csv, TableFormat::latex},
             "Of the table: text, csv or latex")
      ->group(table_group);
}

void SubexpToolOptions::take_from(CLI::App& cli, const FinishedRun& earlier) {
  const auto take = [&](std::string name, const Json& value) {
    std::replace(name.begin(), name.end(), '_', '-');
    CLI::Option* option = cli.get_option_no_throw("--" + name);
    const std::string text = value.is_string() ? value.get<std::string>() : to_text(value);
    if (option == nullptr || option->count() > 0 || text.empty() || value == false) return;
    option->add_result(text);
    option->run_callback();
  };
  const Json& run = earlier.run();
  for (const auto& [name, value] : run.at("identity").at("options").items()) take(name, value);
  for (const char* name : {"model", "data", "labels", "devkit_map", "limit"})
    take(name, run.at("options").at(name));
}

void SubexpToolOptions::validate() const {
  SearchOptions::validate();
  sub_explanations().validate();
  require(graphs >= -1, "--graphs must be at least -1, not ", graphs);
  require(graph_max_nodes >= 1 && graph_max_nodes <= 500, "--graph-max-nodes must be from 1 to 500, not ",
          graph_max_nodes);
}

SubExplanationOptions SubexpToolOptions::sub_explanations() const {
  SubExplanationOptions options = counting;
  options.grid = mse.grid;
  return options;
}

Json SubexpToolOptions::identity(const FinishedRun* earlier) const {
  Json options = SearchOptions::identity();
  options["node_threshold"] = counting.node_threshold;
  options["max_nodes"] = counting.max_nodes;
  options["probe"] = counting.probes;
  options["mses"] = earlier ? Json(earlier->records_sha256()) : Json();
  return options;
}

Json SubexpToolOptions::resolved() const {
  Json options = SearchOptions::resolved();
  options.update({{"mses", mses.string()},
                  {"node_threshold", counting.node_threshold},
                  {"max_nodes", counting.max_nodes},
                  {"probe", counting.probes},
                  {"graphs", graphs},
                  {"graph_image", graph_images},
                  {"graph_max_nodes", graph_max_nodes}});
  return options;
}

}  // namespace xai::tools
