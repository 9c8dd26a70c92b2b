// Every target with its corpus, and with damaged inputs for a while.
//
//   XAI_FUZZ_SECONDS=N  so long, in the place of 10
//   XAI_FUZZ_SEED=N     other inputs
//   XAI_FUZZ_INPUT=FILE this input alone: that of a failure
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "mutator.hpp"
#include "targets.hpp"
#include "xai/core/file.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // its own memory is reserved beforehand
#else
constexpr bool sanitized = false;
#endif

namespace xai::fuzz {

void PrintTo(const Target& target, std::ostream* out) {
  *out << target.name;
}

namespace {

constexpr int most_seconds = 20;  // of one input, on a busy machine
constexpr rlim_t most_memory = rlim_t{1} << 30;

long setting(const char* name, long otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::stol(text) : otherwise;
}

/// What the process may take from now on.
void bound_memory() {
  if (sanitized) return;
  long pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlimit bound{static_cast<rlim_t>(pages) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + most_memory,
                     RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &bound);
}

/// Keeps the input at hand in a file, whatever becomes of the process, and ends the process where one input
/// takes too long.
class Guard {
 public:
  explicit Guard(const std::string& target) : path_(std::filesystem::absolute("fuzz-" + target + ".input")) {
    file_ = FileDescriptor(path_, O_WRONLY | O_CREAT | O_TRUNC);
    std::signal(SIGALRM, [](int) {
      constexpr std::string_view line = "an input takes too long\n";
      if (::write(STDERR_FILENO, line.data(), line.size()) < 0) _exit(2);
      _exit(1);
    });
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() {
    set_timer(0);
    if (!failed_) unlink(path_.c_str());
  }

  /// Whether the input is accepted or refused as documented.
  bool survives(const Target& target, const std::string& input) {
    const auto size = static_cast<off_t>(input.size());
    if (pwrite(file_.get(), input.data(), input.size(), 0) != size || ftruncate(file_.get(), size) != 0)
      throw std::runtime_error("cannot write " + path_.string());
    set_timer(most_seconds);
    try {
      target.run(internal_bytes(input));
      return true;
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what() << "\nthe input is in " << path_;
    }
    failed_ = true;
    return false;
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  static Bytes internal_bytes(const std::string& input) {
    return {reinterpret_cast<const unsigned char*>(input.data()), input.size()};
  }
  static void set_timer(long seconds) {
    const itimerval timer{{}, {seconds, 0}};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }

  std::filesystem::path path_;
  FileDescriptor file_;
  bool failed_ = false;
};

class Fuzz : public testing::TestWithParam<Target> {};

TEST_P(Fuzz, AnyBytesAreReadOrRefused) {
  const Target& target = GetParam();
  Guard guard(target.name);
  if (const char* const input = std::getenv("XAI_FUZZ_INPUT")) {
    EXPECT_TRUE(guard.survives(target, read_file(input)));
    return;
  }
  const long seed = setting("XAI_FUZZ_SEED", 1), seconds = setting("XAI_FUZZ_SECONDS", 10);
  std::cout << "seed " << seed << "; where this ends early, the input is in " << guard.path() << std::endl;
  const auto corpus = corpus_of(target.name);
  ASSERT_FALSE(corpus.empty());
  target.run({});  // what is set up once takes memory, too
  bound_memory();
  for (const std::string& input : corpus) ASSERT_TRUE(guard.survives(target, input));
  Mutator mutator(static_cast<std::uint64_t>(seed), corpus, dictionary_of(target.name));
  long inputs = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (; std::chrono::steady_clock::now() < end; ++inputs)
    ASSERT_TRUE(guard.survives(target, mutator.next())) << "input " << inputs << " of seed " << seed;
  std::cout << inputs << " inputs" << std::endl;
  EXPECT_GT(inputs, 0);
}

INSTANTIATE_TEST_SUITE_P(Targets, Fuzz, testing::ValuesIn(targets()),
                         [](const auto& target) { return target.param.name; });

TEST(Mutator, DependsOnItsSeedAlone) {
  const std::vector<std::string> corpus{"abc", "{\"a\": 1}"}, words{"word"};
  Mutator one(1, corpus, words), same(1, corpus, words), other(2, corpus, words);
  int alike = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string input = one.next();
    EXPECT_EQ(input, same.next());
    EXPECT_LE(input.size(), Mutator::most_bytes);
    alike += input == other.next();
  }
  EXPECT_LT(alike, 50);
}

TEST(Mutator, EveryDictionaryIsOfATarget) {
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(XAI_SOURCE_DIR) / "tests/fuzz/dictionary")) {
    const std::string name = entry.path().stem().string();
    EXPECT_TRUE(std::any_of(targets().begin(), targets().end(), [&](const Target& t) {
      return t.name == name;
    })) << name;
    EXPECT_FALSE(dictionary_of(name).empty()) << name;
  }
}

}  // namespace
}  // namespace xai::fuzz
