#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "xai/core/patch_set.hpp"

namespace xai::testing {

/// The probability of every subset of a 4 x 4 grid, as found in shared/data/truth (see its README) and, made
/// with `xai-mse --search exhaustive --grid 4 --save-scores`, in tests/search/truth.
struct TruthTable {
  std::string name;
  std::vector<float> p;  ///< [65536], indexed by the bit set

  double operator()(const PatchSet& set) const { return p.at(set.low_bits()); }
};

inline std::filesystem::path shared_data() {
  const char* folder = std::getenv("XAI_SHARED_DATA");
  return folder ? folder : XAI_SOURCE_DIR "/../shared/data";
}

/// The bytes of one member of a zip archive, stored or deflated.
inline std::string read_zip_member(const std::string& zip, const std::string& member) {
  const auto number = [&](std::size_t at, int bytes) {
    std::uint32_t value = 0;
    for (int i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(zip.at(at + i));
    return value;
  };
  const auto end = zip.rfind("PK\5\6");
  auto entry = number(end + 16, 4);  // the central directory
  for (auto left = number(end + 10, 2); left-- > 0;) {
    const auto name_size = number(entry + 28, 2);
    if (zip.substr(entry + 46, name_size) == member) {
      const auto local = number(entry + 42, 4);
      const auto packed =
          zip.substr(local + 30 + number(local + 26, 2) + number(local + 28, 2), number(entry + 20, 4));
      if (number(entry + 10, 2) == 0) return packed;
      std::string out(number(entry + 24, 4), '\0');
      z_stream stream{};
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
      stream.avail_in = static_cast<uInt>(packed.size());
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = static_cast<uInt>(out.size());
      inflateInit2(&stream, -MAX_WBITS);
      const int status = inflate(&stream, Z_FINISH);
      inflateEnd(&stream);
      if (status == Z_STREAM_END) return out;
    }
    entry += 46 + name_size + number(entry + 30, 2) + number(entry + 32, 2);
  }
  throw std::runtime_error("no readable " + member + " in the zip archive");
}

inline TruthTable read_truth_table(const std::filesystem::path& npz) {
  std::ifstream file(npz, std::ios::binary);
  const std::string zip{std::istreambuf_iterator<char>(file), {}};
  const std::string npy = read_zip_member(zip, "p.npy");
  TruthTable table{npz.stem().string(), std::vector<float>(65536)};
  const auto bytes = table.p.size() * sizeof(float);
  std::memcpy(table.p.data(), npy.data() + (npy.size() - bytes), bytes);
  return table;
}

/// The tables of the repository, which nothing was tuned on.
inline std::filesystem::path own_tables() {
  return XAI_SOURCE_DIR "/tests/search/truth";
}

/// All tables there are, by name; without the shared ones where those are absent.
inline std::vector<TruthTable> read_truth_tables() {
  std::vector<std::filesystem::path> files;
  for (const auto& folder : {shared_data() / "truth", own_tables()})
    if (std::filesystem::is_directory(folder))
      for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".npz") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<TruthTable> tables;
  for (const auto& file : files) tables.push_back(read_truth_table(file));
  return tables;
}

}  // namespace xai::testing
