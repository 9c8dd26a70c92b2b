#include "status_line.hpp"

#include <cstdio>
#include <mutex>

namespace xai::internal {
namespace {

constexpr auto erase_line = "\r\033[K";
std::mutex mutex;
std::string status_line;

}  // namespace

void show_status_line(const std::string& line) {
  const std::lock_guard lock(mutex);
  if (!status_line.empty() || !line.empty()) std::fputs((erase_line + line).c_str(), stderr);
  status_line = line;
}

StatusLineHidden::StatusLineHidden() {
  mutex.lock();
  if (!status_line.empty()) std::fputs(erase_line, stderr);
}

StatusLineHidden::~StatusLineHidden() {
  if (!status_line.empty()) std::fputs(status_line.c_str(), stderr);
  mutex.unlock();
}

}  // namespace xai::internal
