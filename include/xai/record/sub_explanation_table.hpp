#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "xai/core/names.hpp"
#include "xai/store/finished_run.hpp"

namespace xai {

enum class TableFormat { text, csv, latex, json };
template <>
inline constexpr auto names_of<TableFormat> =
    std::to_array<Named<TableFormat>>({{TableFormat::text, "text"},
                                       {TableFormat::csv, "csv"},
                                       {TableFormat::latex, "latex"},
                                       {TableFormat::json, "json"}});

/// Models side by side: one line for each run of xai-subexp, those of a family together. Text and LaTeX give
/// means with 95 % intervals, CSV one column a number; JSON an array
/// of an object a run with the columns of the CSV as fields. Throws UsageError naming the first option, or
/// the data, in which two runs differ: only like runs can be compared.
std::string sub_explanation_table(const std::vector<FinishedRun>& runs, TableFormat format);

}  // namespace xai
