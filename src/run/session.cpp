#include "xai/run/session.hpp"

#include "xai/core/log.hpp"
#include "xai/core/version.hpp"
#include "xai/record/summary.hpp"

namespace xai {

DataSet open_data(const DataSetOptions& options, const ModelCard& card) {
  DataSet data = open_data_set(options, card.class_list.ids);
  for (const std::string& warning : data.warnings) log::warning(warning);
  for (const ImageEntry& image : data.images)
    require(!image.label || *image.label < card.classes, "image ", image.id, " has label ",
            image.label.value_or(0), ", but model ", card.name, " has only ", card.classes, " classes");
  return data;
}

Json model_record(const ModelCard& card) {
  return {{"path", card.model.string()}, {"sha256", card.sha256}, {"card", card.document}};
}

Json data_record(const DataSetOptions& options, const DataSet& data) {
  return {{"path", options.data.string()},
          {"layout", data.layout},
          {"count", data.images.size()},
          {"sha256", data.sha256}};
}

Json data_identity(const DataSet& data) {
  return {{"sha256", data.sha256}, {"count", data.images.size()}};
}

Json field(const Json& object, const char* name) {
  return object.is_object() ? object.value(name, Json()) : Json();
}

RunLog::RunLog(const RunFolder& folder, const RunKind& kind, const OutputOptions& output, Json options,
               Json model, Json data, const ModelCard& classes)
    : folder_(folder) {
  info.kind = &kind;
  info.tool_version = std::string(version());
  info.git_commit = std::string(git_commit());
  info.command = output.command;
  info.options = std::move(options);
  info.model = std::move(model);
  info.data = std::move(data);
  info.class_names = classes.class_list.names;
  info.seed = output.seed;
}

void RunLog::write(const std::string& status) {
  info.status = status;
  info.seconds = time_.seconds();
  folder_.write_run(to_json(info, folder_.previous_run()));
  since_writing_ = Stopwatch();
}

void RunLog::keep_fresh() {
  if (since_writing_.seconds() > 60) write("running");
}

void RunLog::guard(const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    try {
      write("failed");
    } catch (const IoError& error) {
      log::debug(error.what());  // the same full disk, most likely
    }
    throw;
  }
}

void write_summary(const RunFolder& folder, const Summary& summary, const Json& document) {
  folder.write_file("summary.json", to_text(document, 2) + "\n");
  folder.write_file("summary.csv", summary_csv(document));
  for (const auto& [name, content] : summary.tables(document)) folder.write_file(name, content);
}

}  // namespace xai
