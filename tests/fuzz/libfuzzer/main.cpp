// The targets for clang's libFuzzer, one a process: XAI_FUZZ_TARGET names it (scripts/fuzz.sh).
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "fuzz/mutator.hpp"
#include "fuzz/targets.hpp"

namespace {

const xai::fuzz::Target& chosen() {
  static const xai::fuzz::Target& target = []() -> const xai::fuzz::Target& {
    const char* const name = std::getenv("XAI_FUZZ_TARGET");
    for (const auto& known : xai::fuzz::targets())
      if (name && known.name == name) return known;
    std::cerr << "XAI_FUZZ_TARGET is none of:";
    for (const auto& known : xai::fuzz::targets()) std::cerr << ' ' << known.name;
    std::cerr << '\n';
    std::exit(2);
  }();
  return target;
}

}  // namespace

extern "C" {

int LLVMFuzzerInitialize(int* /*count*/, char*** /*arguments*/) {
  chosen();
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen().run({data, size});
  return 0;
}

std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

/// libFuzzer's, and now and then a part many times.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  constexpr unsigned seldom = 256;
  if (seed % seldom != 0) return LLVMFuzzerMutate(data, size, most);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  xai::fuzz::Mutator(seed, {}, {}).repeat(bytes, most);
  std::memcpy(data, bytes.data(), std::min(bytes.size(), most));
  return std::min(bytes.size(), most);
}
}
