#include "common/run_log.hpp"

#include "xai/core/error.hpp"
#include "xai/core/log.hpp"

namespace xai::tools {

void RunLog::write(const std::string& status) {
  info.status = status;
  info.seconds = time_.seconds();
  folder_.write_run(to_json(info, folder_.previous_run()));
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

}  // namespace xai::tools
