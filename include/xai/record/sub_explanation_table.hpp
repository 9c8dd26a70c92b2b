#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "xai/core/names.hpp"
#include "xai/store/finished_run.hpp"

namespace xai {

enum class TableFormat { text, csv, latex };
template <>
inline constexpr auto names_of<TableFormat> = std::to_array<Named<TableFormat>>(
    {{TableFormat::text, "text"}, {TableFormat::csv, "csv"}, {TableFormat::latex, "latex"}});

/// Models side by side: one line for each run of xai-subexp, those of a family together. Text and LaTeX give
/// means with 95 % intervals, CSV one column a number. Throws UsageError naming the first option, or the
/// data, in which two runs differ: only like runs can be compared.
std::string sub_explanation_table(const std::vector<FinishedRun>& runs, TableFormat format);

}  // namespace xai
