// UTF-8: characters of a text, and text from bytes that come one by one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rfa {

constexpr char32_t kReplacement = 0xFFFD;  // what stands for bytes that are no character

// A character, and where it stands in its text.
struct Character {
  char32_t code = 0;
  std::size_t begin = 0;
  std::size_t bytes = 0;
};

// The characters of a text.  Throws Error for what is not UTF-8.
std::vector<Character> characters_of(std::string_view text);

// Write a character at the end of a text.
void append(std::string& text, char32_t code);

// Decodes bytes as they come.  Bytes that are no character become a sign each time, as in Python's "replace".
class Utf8Decoder {
 public:
  // Take more bytes, return the characters that are whole now.
  std::string push(std::string_view bytes);

  // Return what is left, when no more bytes come.
  std::string flush();

  // The bytes of a character that is not whole.
  const std::string& held() const { return held_; }

  // Whether the last bytes that came made a sign.
  bool wrong() const { return wrong_; }

  void reset() { held_.clear(); }

 private:
  std::string held_;
  bool wrong_ = false;
};

}  // namespace rfa
