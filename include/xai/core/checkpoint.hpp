#pragma once

#include <functional>
#include <utility>

namespace xai {

/// While one lives, every checkpoint() of its thread calls `act`, which ends the computation by throwing.
class Checkpoints {
 public:
  explicit Checkpoints(std::function<void()> act)
      : act_(std::move(act)), outer_(std::exchange(innermost, this)) {}
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;
  ~Checkpoints() { innermost = outer_; }

 private:
  friend void checkpoint();
  static inline thread_local Checkpoints* innermost = nullptr;

  std::function<void()> act_;
  Checkpoints* outer_;
};

/// What may compute for seconds calls this often, so that whoever waits for it can end it.
inline void checkpoint() {
  if (Checkpoints::innermost) Checkpoints::innermost->act_();
}

}  // namespace xai
