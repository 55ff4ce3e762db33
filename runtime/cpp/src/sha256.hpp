// SHA-256 (FIPS 180-4), for files and for saved states.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace rfa {

class Sha256 {
 public:
  Sha256();

  // Take more bytes.
  void update(const void* data, std::size_t count);

  // The digest of all bytes so far, as 64 hexadecimal digits.  Nothing may be added afterwards.
  std::string hex();

 private:
  void compress(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> block_{};
  std::size_t held_ = 0;
  std::uint64_t total_ = 0;
};

std::string sha256_of(std::string_view bytes);

// Hash a file without holding it in memory.  Throws Error where it cannot be read.
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace rfa
