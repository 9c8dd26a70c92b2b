#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "xai/report/finished_run.hpp"

namespace xai {

enum class TableFormat { text, csv, latex };

/// "text", "csv", "latex".
std::string_view name(TableFormat format);

/// Models side by side: one line for each run of xai-subexp, those of a family together. Text and LaTeX give
/// means with 95 % intervals, CSV one column a number. Throws UsageError naming the first option, or the
/// data, in which two runs differ: only like runs can be compared.
std::string sub_explanation_table(const std::vector<FinishedRun>& runs, TableFormat format);

}  // namespace xai
