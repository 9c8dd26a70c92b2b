#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace xai {

template <class T>
class Task;

namespace internal {

struct TaskPromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr error;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
      return finished.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  void return_value(T result) { value.emplace(std::move(result)); }
  T take() { return std::move(*value); }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace internal

/// A coroutine that starts when it is awaited (or start()ed) and gives a T, or throws what it threw.
/// One owner; destroying it destroys the coroutine and all it holds, wherever it stands.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::TaskPromise<T>;

  explicit Task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  /// Runs up to the first suspension. Once, and only for the outermost task.
  void start() { coroutine_.resume(); }
  bool done() const { return coroutine_.done(); }
  /// The result of a task that is done(); throws what the coroutine threw.
  T result() {
    auto& promise = coroutine_.promise();
    if (promise.error) std::rethrow_exception(promise.error);
    return promise.take();
  }

  auto operator co_await() noexcept {
    struct Awaiter {
      Task& task;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
        task.coroutine_.promise().continuation = caller;
        return task.coroutine_;
      }
      T await_resume() { return task.result(); }
    };
    return Awaiter{*this};
  }

 private:
  std::coroutine_handle<promise_type> coroutine_;
};

template <class T>
Task<T> internal::TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}

inline Task<void> internal::TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

}  // namespace xai
