#include "xai/run/plan.hpp"

#include <cmath>
#include <limits>

#include "xai/core/progress.hpp"
#include "xai/core/text.hpp"
#include "xai/record/text_table.hpp"

namespace xai {
namespace {

using internal::fixed;
using internal::Row;

/// 1234567 -> "1,234,567".
std::string grouped(long number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<long>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

/// "412 kB".
std::string bytes_text(std::int64_t bytes) {
  auto size = static_cast<double>(bytes);
  for (const char* unit : {"bytes", "kB", "MB", "GB"}) {
    if (size < 999.5) return fixed(size, size < 9.95 && bytes >= 1000 ? 1 : 0) + " " + unit;
    size /= 1000;
  }
  return fixed(size, 1) + " TB";
}

/// "26 s", "1:30 min", "1:06:40 h", "12 days".
std::string time_text(std::optional<double> seconds) {
  if (!seconds) return "unknown";
  if (*seconds < 60) return fixed(*seconds, *seconds < 9.95 ? 1 : 0) + " s";
  if (*seconds >= 48 * 3600) return grouped(std::lround(*seconds / 86400)) + " days";
  return duration_text(*seconds) + (*seconds < 3600 ? " min" : " h");
}

std::string speed_text(double rows_per_second) {
  return rows_per_second > 0 ? fixed(rows_per_second, rows_per_second < 99.5 ? 1 : 0) : "-";
}

std::string parts_text(const RunPlan& plan) {
  std::vector<Row> rows = {{"  work", "model", "images", "rows at most", "of them back", "rows/s", "back/s",
                            "reading an image", "time at most"}};
  for (const PlannedPart& part : plan.parts)
    rows.push_back({"  " + part.tool, part.model, grouped(part.images), grouped(part.most.forward),
                    grouped(part.most.backward), speed_text(part.speed.forward),
                    speed_text(part.speed.backward), fixed(1000 * part.read_seconds, 1) + " ms",
                    time_text(part.seconds())});
  return internal::text_table(rows, 2);
}

Json rows_json(const ModelRows& rows) {
  return {{"forward", rows.forward}, {"backward", rows.backward}};
}

Json positive_or_null(double number) {
  return number > 0 ? Json(number) : Json();
}

Json optional_json(std::optional<double> number) {
  return number ? number_or_null(*number) : Json();
}

Json part_json(const PlannedPart& part) {
  return {{"tool", part.tool},
          {"model", part.model},
          {"images", part.images},
          {"rows_at_most", rows_json(part.most)},
          {"rows_per_second",
           {{"forward", positive_or_null(part.speed.forward)},
            {"backward", positive_or_null(part.speed.backward)}}},
          {"read_seconds_per_image", positive_or_null(part.read_seconds)},
          {"seconds_at_most", optional_json(part.seconds())}};
}

}  // namespace

long saturating_sum(long a, long b) {
  long sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<long>::max() : sum;
}

ModelRows& ModelRows::operator+=(const ModelRows& more) {
  forward = saturating_sum(forward, more.forward);
  backward = saturating_sum(backward, more.backward);
  return *this;
}

std::optional<double> ModelSpeed::seconds(const ModelRows& rows) const {
  const auto at = [](long count, double speed) {
    return count == 0 ? 0 : static_cast<double>(count) / speed;
  };
  const double sum = at(rows.forward - rows.backward, forward) + at(rows.backward, backward);
  return std::isfinite(sum) ? std::optional(sum) : std::nullopt;
}

std::optional<double> PlannedPart::seconds() const {
  const auto in_model = speed.seconds(most);
  return in_model ? std::optional(*in_model + static_cast<double>(images) * read_seconds) : std::nullopt;
}

ModelRows RunPlan::most() const {
  ModelRows sum;
  for (const PlannedPart& part : parts) sum += part.most;
  return sum;
}

std::optional<double> RunPlan::seconds() const {
  double sum = 0;
  for (const PlannedPart& part : parts) {
    const auto seconds = part.seconds();
    if (!seconds) return std::nullopt;
    sum += *seconds;
  }
  return sum;
}

Json to_json(const RunPlan& plan) {
  Json parts = Json::array();
  for (const PlannedPart& part : plan.parts) parts.push_back(part_json(part));
  return {{"tool", plan.tool},
          {"folder", plan.folder.string()},
          {"start", plan.start},
          {"data", plan.data},
          {"images", {{"total", plan.images}, {"done", plan.done}, {"to_do", plan.images - plan.done}}},
          {"platform", plan.platform},
          {"parts", parts},
          {"rows_at_most", rows_json(plan.most())},
          {"seconds_at_most", optional_json(plan.seconds())},
          {"bytes_estimated", plan.bytes},
          {"peak_memory_bytes", plan.peak_memory_bytes}};
}

std::string plan_text(const RunPlan& plan) {
  const auto word = [](const Json& value) {
    return value.is_string() ? value.get<std::string>() : to_text(value);
  };
  std::string text = cat(plan.tool, ", a dry run: nothing was written\n\n");
  text += cat("results   ", plan.folder.string(), ": ",
              plan.start == "done" ? "done, nothing is left to do" : plan.start, "\n");
  text += cat("images    ", grouped(plan.images - plan.done), " to do of ", grouped(plan.images), " in ",
              word(plan.data["path"]), " (", word(plan.data["layout"]), ")\n");
  if (plan.start == "done") return text;
  text += cat("on        ", word(plan.platform["device"]), ", ", word(plan.platform["precision"]), ", ",
              word(plan.platform["threads"]), " lanes, batches of ", word(plan.platform["batch_size"]), "\n");
  if (!plan.parts.empty()) text += "\n" + parts_text(plan) + "\n";
  text += cat("rows      at most ", grouped(plan.most().forward), " through models\n");
  text += cat("time      at most ", time_text(plan.seconds()), " at the speeds measured just now\n");
  text += cat("disk      about ", bytes_text(plan.bytes),
              ": an estimate, from the size of a record and pictures of made-up results\n");
  return text + cat("memory    ", bytes_text(plan.peak_memory_bytes), " at the peak while measuring\n");
}

}  // namespace xai
