// The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".

#include "utf8.hpp"

#include <cstdint>

#include "rfa/error.hpp"

namespace rfa {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t place) { return static_cast<std::uint8_t>(text[place]); }

// How many bytes a character has that begins with this one; 0 where none does.
std::size_t length_of(std::uint8_t first) {
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first < 0xE0) {
    return 2;
  }
  if (first >= 0xE0 && first < 0xF0) {
    return 3;
  }
  return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

// Whether a byte may follow at a place of a character that begins with `first`.
bool continues(std::uint8_t first, std::size_t place, std::uint8_t byte) {
  std::uint8_t lowest = 0x80;
  std::uint8_t highest = 0xBF;
  if (place == 1) {
    lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : lowest;
    highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : highest;
  }
  return lowest <= byte && byte <= highest;
}

// What stands at the beginning of some bytes.
struct Start {
  std::size_t bytes = 0;  // that belong together
  bool whole = false;     // whether they are a character
  bool open = false;      // whether they may become one
};

Start start_of(std::string_view bytes) {
  const std::uint8_t first = byte_at(bytes, 0);
  const std::size_t wanted = length_of(first);
  if (wanted == 0) {
    return {1, false, false};
  }
  std::size_t have = 1;
  while (have < wanted && have < bytes.size() && continues(first, have, byte_at(bytes, have))) {
    ++have;
  }
  const bool whole = have == wanted;
  return {have, whole, !whole && have == bytes.size()};
}

char32_t code_of(std::string_view bytes) {
  const std::uint8_t first = byte_at(bytes, 0);
  if (bytes.size() == 1) {
    return first;
  }
  char32_t code = first & (0xFFu >> (bytes.size() + 1));
  for (std::size_t place = 1; place < bytes.size(); ++place) {
    code = (code << 6) | (byte_at(bytes, place) & 0x3Fu);
  }
  return code;
}

}  // namespace

std::vector<Character> characters_of(std::string_view text) {
  std::vector<Character> found;
  std::size_t place = 0;
  while (place < text.size()) {
    const Start start = start_of(text.substr(place));
    if (!start.whole) {
      throw Error("the text is not UTF-8: byte " + std::to_string(place) + " is part of no character");
    }
    found.push_back({code_of(text.substr(place, start.bytes)), place, start.bytes});
    place += start.bytes;
  }
  return found;
}

void append(std::string& text, char32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
    return;
  }
  constexpr std::uint32_t kMarks[] = {0, 0xC0, 0xE0, 0xF0};  // of the first byte, by how many follow
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  text += static_cast<char>(kMarks[more] | (code >> (6 * more)));
  for (int place = more - 1; place >= 0; --place) {
    text += static_cast<char>(0x80u | ((code >> (6 * place)) & 0x3Fu));
  }
}

std::string Utf8Decoder::push(std::string_view bytes) {
  const std::string all = held_ + std::string(bytes);
  const std::string_view view = all;
  std::string text;
  std::size_t place = 0;
  held_.clear();
  wrong_ = false;
  while (place < all.size()) {
    const Start start = start_of(view.substr(place));
    if (start.open) {
      held_ = all.substr(place);
      break;
    }
    if (start.whole) {
      text += view.substr(place, start.bytes);
    } else {
      append(text, kReplacement);
      wrong_ = true;
    }
    place += start.bytes;
  }
  return text;
}

std::string Utf8Decoder::flush() {
  std::string text;
  if (!held_.empty()) {
    append(text, kReplacement);
  }
  held_.clear();
  return text;
}

}  // namespace rfa
