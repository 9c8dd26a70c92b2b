#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace xai::internal {

/// Removes what a run wrote in `folder`: run.json, results.jsonl, its summaries, and `owned`
/// (RunKind::paths). In owned folders go the files that runs write, by their ending, and what is empty then.
/// Nothing outside `folder` is touched: symbolic links are not followed, absolute paths and ones with ".." or
/// "." ignored.
void remove_owned(const std::filesystem::path& folder, const std::vector<std::string>& owned);

/// Throws UsageError where something that a run opens in `folder`, run.json, results.jsonl, the lock and
/// `owned`, is there and is no file, or no folder, of its own: a symbolic link leads elsewhere, a pipe waits
/// for ever.
void require_real(const std::filesystem::path& folder, const std::vector<std::string>& owned);

}  // namespace xai::internal
