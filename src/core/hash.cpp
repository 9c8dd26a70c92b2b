#include "xai/core/hash.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "xai/core/file.hpp"

namespace xai {
namespace {

class Sha256 {
 public:
  Sha256() { require<Error>(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1, failed); }
  void add(const void* bytes, std::size_t count) {
    require<Error>(EVP_DigestUpdate(context_.get(), bytes, count) == 1, failed);
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned int length = 0;
    require<Error>(EVP_DigestFinal_ex(context_.get(), digest.data(), &length) == 1, failed);
    std::string text;
    for (unsigned int i = 0; i < length; ++i) {
      text += "0123456789abcdef"[digest[i] >> 4];
      text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
  }

 private:
  static constexpr auto failed = "OpenSSL cannot compute SHA-256; check its configuration (openssl sha256)";
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.data(), bytes.size());
  return hash.hex();
}

std::string sha256_file(const std::filesystem::path& path) {
  const FileDescriptor file(path, O_RDONLY);
  Sha256 hash;
  std::vector<char> block(1 << 20);
  while (const auto count = read(file.get(), block.data(), block.size())) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw io_error("read", path, errno);
    hash.add(block.data(), static_cast<std::size_t>(count));
  }
  return hash.hex();
}

}  // namespace xai
