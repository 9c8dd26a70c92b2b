// A plain tar (ustar, with GNU's and pax' long names) as a list of its members: only headers are read.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "formats.hpp"
#include "listing.hpp"
#include "text_file.hpp"
#include "xai/core/error.hpp"
#include "xai/core/file.hpp"

namespace xai::internal {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t block_bytes = 512;
constexpr std::uint64_t longest_name = 1 << 20;  // of an extended header, which holds little else

/// A field of a header up to its first NUL.
std::string_view field(std::string_view block, std::size_t at, std::size_t size) {
  const std::string_view all = block.substr(at, size);
  return all.substr(0, all.find('\0'));
}

/// Octal digits between blanks, or a big-endian number where the first bit is set.
std::optional<std::uint64_t> number(std::string_view block, std::size_t at, std::size_t size) {
  const std::string_view all = block.substr(at, size);
  std::uint64_t value = 0;
  if (static_cast<unsigned char>(all[0]) == 0x80) {
    for (const char c : all.substr(size - 8)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  const std::string digits = trimmed(field(block, at, size));
  for (const char c : digits) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value << 3 | static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool has_checksum(std::string_view block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block_bytes; ++i)
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(block[i]);
  return number(block, 148, 8) == sum;
}

bool is_zero(std::string_view block) {
  return block.find_first_not_of('\0') == block.npos;
}

/// The records "LENGTH key=value\n" of a pax header.
std::map<std::string, std::string> pax_records(std::string_view text) {
  std::map<std::string, std::string> records;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    const auto length = blank == text.npos ? std::nullopt : to_integer(text.substr(0, blank));
    const bool fits =
        length && *length > static_cast<long>(blank) + 1 && *length <= static_cast<long>(text.size());
    if (!fits) break;
    const auto size = static_cast<std::size_t>(*length);
    const std::string_view record = text.substr(blank + 1, size - blank - 2);
    if (const auto sign = record.find('='); sign != record.npos)
      records[std::string(record.substr(0, sign))] = record.substr(sign + 1);
    text.remove_prefix(size);
  }
  return records;
}

class TarReader {
 public:
  explicit TarReader(const fs::path& path) : path_(path), file_(path, O_RDONLY), size_(fs::file_size(path)) {}

  Listing list() {
    while (true) {
      const std::string block = read(at_, block_bytes);
      if (is_zero(block)) break;
      if (!has_checksum(block)) throw damaged(cat("no header of a member at byte ", at_));
      take(block);
    }
    Listing listing;
    for (auto& [id, source] : members_) listing.images.push_back({id, source});
    listing.left_out = std::move(left_out_);
    return listing;
  }

 private:
  DataError damaged(const std::string& why) const {
    return DataError(cat("the tar '", path_.string(), "' is cut short or damaged: ", why));
  }

  std::string read(std::uint64_t from, std::uint64_t count) const {
    if (count > size_ || from > size_ - count)
      throw damaged(
          cat("it ends at byte ", size_, ", ", from >= size_ ? "without an end mark" : "within a member"));
    try {
      return read_at(file_, from, count);
    } catch (const BadImage& fault) {
      throw DataError(cat("cannot read the tar '", path_.string(), "': ", fault.what()));
    }
  }

  void take(const std::string& block) {
    auto bytes = number(block, 124, 12);
    const char kind = block[156];
    const bool is_member = kind != 'L' && kind != 'K' && kind != 'x' && kind != 'g';
    const bool holds_data = kind < '1' || kind > '6';  // no link, folder or device
    if (!bytes) throw damaged(cat("no size of a member at byte ", at_));
    if (is_member && member_bytes_) bytes = member_bytes_;
    if (!holds_data) bytes = 0;
    const std::uint64_t data = at_ + block_bytes;
    if (*bytes > size_ || data > size_ - *bytes)
      throw damaged(cat("member '", name_of(block), "' ends behind the file's end, at byte ", size_));
    const auto content = [&] {
      if (*bytes > longest_name) throw damaged(cat("a name of ", *bytes, " bytes at byte ", at_));
      return read(data, *bytes);
    };
    if (kind == 'L') {
      const std::string text = content();
      name_ = text.substr(0, text.find('\0'));
    } else if (kind == 'x') {
      const auto records = pax_records(content());
      if (const auto path = records.find("path"); path != records.end())
        name_ = path->second.substr(0, path->second.find('\0'));
      if (const auto size = records.find("size"); size != records.end())
        member_bytes_ = static_cast<std::uint64_t>(to_integer(size->second).value_or(-1));
      if (records.contains("GNU.sparse.major") || records.contains("GNU.sparse.map")) sparse_ = true;
    } else if (is_member) {
      if (holds_data) add(name_of(block), {path_, data, *bytes}, kind == 'S' || sparse_);
      name_.clear();
      member_bytes_.reset();
      sparse_ = false;
    }
    at_ = data + (*bytes + block_bytes - 1) / block_bytes * block_bytes;
  }

  std::string name_of(std::string_view block) const {
    if (!name_.empty()) return name_;
    const std::string name(field(block, 0, 100));
    const bool ustar = block.substr(257, 6) == std::string_view("ustar\0", 6);
    const std::string prefix(ustar ? field(block, 345, 155) : "");
    return prefix.empty() ? name : cat(prefix, "/", name);
  }

  void add(const std::string& name, ImageSource source, bool sparse) {
    const fs::path path = (fs::path("/") / name).lexically_normal();  // ".." does not lead out of it
    const std::string id = path.relative_path().generic_string();
    const auto hidden = [](const fs::path& part) { return part.string().starts_with('.'); };
    if (id.empty() || id.ends_with('/') || std::any_of(path.begin(), path.end(), hidden)) return;
    if (sparse) {
      ++left_out_["sparse"];
    } else if (has_image_extension(path) || is_nameless_image(path, source)) {
      members_.insert_or_assign(id, std::move(source));  // of one that was appended again, the last counts
    } else {
      ++left_out_[kind_by_name(path)];
    }
  }

  const fs::path path_;
  const FileDescriptor file_;
  const std::uint64_t size_;
  std::uint64_t at_ = 0;
  std::string name_;  ///< of the next member, from a header of its own
  std::optional<std::uint64_t> member_bytes_;
  bool sparse_ = false;
  std::map<std::string, ImageSource> members_;
  std::map<std::string, long> left_out_;
};

}  // namespace

bool is_tar(std::string_view head) {
  return head.size() >= block_bytes && !is_zero(head.substr(0, block_bytes)) && has_checksum(head);
}

Listing list_tar(const fs::path& file) {
  return TarReader(file).list();
}

}  // namespace xai::internal
