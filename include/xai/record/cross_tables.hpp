#pragma once

#include <string>

#include "xai/core/json.hpp"

namespace xai {

// The tables of a summary.json of xai-crosstest (docs/output-format.md).

std::string matrix_csv(const Json& summary);
std::string family_matrix_csv(const Json& summary);
std::string asymmetry_csv(const Json& summary);
std::string landscape_csv(const Json& summary);
std::string ensemble_csv(const Json& summary);
/// Of one that shows MSEs: a line for each ordered pair (of models, of families), group of images and
/// quantity.
std::string sets_matrix_csv(const Json& summary);
std::string sets_family_matrix_csv(const Json& summary);

/// To read: the matrix with the means of rows and columns (without the diagonal), the matrix of families, how
/// many images and pairs are behind them, and what ensembles gain. At most 100 columns wide where that can
/// be; models have numbers for headings where their names do not fit.
std::string matrix_table(const Json& summary);

}  // namespace xai
