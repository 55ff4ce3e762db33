#include "sha256.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <vector>

#include "rfa/error.hpp"

namespace rfa {
namespace {

constexpr std::array<std::uint32_t, 64> kRounds = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
constexpr std::size_t kFilePart = 1 << 20;  // bytes that are read at once

std::uint32_t rotated(std::uint32_t value, int count) { return (value >> count) | (value << (32 - count)); }

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return (std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) | (std::uint32_t{bytes[2]} << 8) |
         std::uint32_t{bytes[3]};
}

}  // namespace

Sha256::Sha256()
    : state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {}

void Sha256::update(const void* data, std::size_t count) {
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  total_ += count;
  if (held_ > 0) {
    const std::size_t taken = std::min(count, block_.size() - held_);
    std::memcpy(block_.data() + held_, bytes, taken);
    held_ += taken;
    bytes += taken;
    count -= taken;
    if (held_ < block_.size()) {
      return;
    }
    compress(block_.data());
    held_ = 0;
  }
  while (count >= block_.size()) {
    compress(bytes);
    bytes += block_.size();
    count -= block_.size();
  }
  if (count > 0) {
    std::memcpy(block_.data(), bytes, count);
    held_ = count;
  }
}

std::string Sha256::hex() {
  const std::uint64_t bits = total_ * 8;
  const std::uint8_t mark = 0x80;
  update(&mark, 1);
  const std::uint8_t zero = 0;
  while (held_ != 56) {
    update(&zero, 1);
  }
  std::array<std::uint8_t, 8> length;
  for (std::size_t place = 0; place < length.size(); ++place) {
    length[place] = static_cast<std::uint8_t>(bits >> (56 - 8 * place));
  }
  update(length.data(), length.size());
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) {
      text += digits[(word >> shift) & 15];
    }
  }
  return text;
}

void Sha256::compress(const std::uint8_t* block) {
  std::array<std::uint32_t, 64> words;
  for (std::size_t place = 0; place < 16; ++place) {
    words[place] = big_endian(block + 4 * place);
  }
  for (std::size_t place = 16; place < 64; ++place) {
    const std::uint32_t early = words[place - 15];
    const std::uint32_t late = words[place - 2];
    const std::uint32_t from_early = rotated(early, 7) ^ rotated(early, 18) ^ (early >> 3);
    const std::uint32_t from_late = rotated(late, 17) ^ rotated(late, 19) ^ (late >> 10);
    words[place] = words[place - 16] + from_early + words[place - 7] + from_late;
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t place = 0; place < 64; ++place) {
    const std::uint32_t mixed_e = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const std::uint32_t chosen = (e & f) ^ (~e & g);
    const std::uint32_t first = h + mixed_e + chosen + kRounds[place] + words[place];
    const std::uint32_t mixed_a = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const std::uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    const std::uint32_t second = mixed_a + majority;
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const std::array<std::uint32_t, 8> added = {a, b, c, d, e, f, g, h};
  for (std::size_t place = 0; place < state_.size(); ++place) {
    state_[place] += added[place];
  }
}

std::string sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes.data(), bytes.size());
  return hash.hex();
}

std::string sha256_of_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw Error(file.string() + " cannot be read");
  }
  Sha256 hash;
  std::vector<char> part(kFilePart);
  while (stream) {
    stream.read(part.data(), static_cast<std::streamsize>(part.size()));
    hash.update(part.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (stream.bad()) {
    throw Error(file.string() + " cannot be read to its end");
  }
  return hash.hex();
}

}  // namespace rfa
