#include "byte_level.hpp"

#include <array>
#include <unordered_map>

#include "utf8.hpp"

namespace rfa {
namespace {

bool is_printable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// A printable byte stands for itself; the first other one is character 256, the next 257, and so on.
std::array<char32_t, 256> table() {
  std::array<char32_t, 256> symbols;
  char32_t next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    symbols[static_cast<std::size_t>(byte)] = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
  }
  return symbols;
}

const std::array<char32_t, 256>& symbols() {
  static const auto kSymbols = table();
  return kSymbols;
}

const std::unordered_map<char32_t, char>& bytes() {
  static const auto kBytes = [] {
    std::unordered_map<char32_t, char> found;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      found[symbols()[byte]] = static_cast<char>(byte);
    }
    return found;
  }();
  return kBytes;
}

}  // namespace

std::string symbols_of_bytes(std::string_view given) {
  std::string text;
  for (const char byte : given) {
    append(text, symbols()[static_cast<unsigned char>(byte)]);
  }
  return text;
}

std::optional<std::string> bytes_of_symbols(const std::string& given) {
  std::string found;
  for (const Character& character : characters_of(given)) {
    const auto byte = bytes().find(character.code);
    if (byte == bytes().end()) {
      return std::nullopt;
    }
    found += byte->second;
  }
  return found;
}

}  // namespace rfa
