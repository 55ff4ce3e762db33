#include "words.hpp"

#include <array>
#include <map>

#include "unicode.hpp"
#include "utf8.hpp"

namespace rfa {
namespace {

constexpr char32_t kLongS = 0x17F;  // an s where case is ignored
constexpr std::size_t kNone = 0;

// Finds the word that begins at a character.  Each rule gives its length in characters, or none.
class Words {
 public:
  Words(std::string_view text, const WordPattern& pattern)
      : text_(text), characters_(characters_of(text)), pattern_(pattern) {}

  std::vector<std::string_view> all() const {
    std::vector<std::string_view> words;
    std::size_t place = 0;
    while (place < characters_.size()) {
      const std::size_t count = length_at(place);
      const Character& last = characters_[place + count - 1];
      const std::size_t begin = characters_[place].begin;
      words.push_back(text_.substr(begin, last.begin + last.bytes - begin));
      place += count;
    }
    return words;
  }

 private:
  std::size_t length_at(std::size_t place) const {
    if (const std::size_t count = contraction(place)) {
      return count;
    }
    if (const std::size_t count = word(place)) {
      return count;
    }
    if (const std::size_t count = number(place)) {
      return count;
    }
    if (const std::size_t count = signs(place)) {
      return count;
    }
    return spaces(place);
  }

  // 's, 't, 're, 've, 'm, 'll, 'd
  std::size_t contraction(std::size_t place) const {
    if (code(place) != U'\'') {
      return kNone;
    }
    static const std::array<std::u32string_view, 7> kEndings = {U"s", U"t", U"re", U"ve", U"m", U"ll", U"d"};
    for (const std::u32string_view ending : kEndings) {
      std::size_t same = 0;
      while (same < ending.size() && folded(place + 1 + same) == ending[same]) {
        ++same;
      }
      if (same == ending.size()) {
        return 1 + same;
      }
    }
    return kNone;
  }

  std::size_t word(std::size_t place) const {
    const std::size_t before = takes_before_word(place) ? 1 : 0;
    const std::size_t letters = run(place + before, is_letter);
    return letters > 0 ? before + letters : kNone;
  }

  bool takes_before_word(std::size_t place) const {
    const char32_t first = code(place);
    if (!pattern_.sign_before_word) {
      return first == U' ';
    }
    return first != U'\r' && first != U'\n' && !is_letter(first) && !is_number(first);
  }

  std::size_t number(std::size_t place) const {
    if (pattern_.most_digits > 0) {
      return std::min(run(place, is_number), pattern_.most_digits);
    }
    const std::size_t before = code(place) == U' ' ? 1 : 0;
    const std::size_t digits = run(place + before, is_number);
    return digits > 0 ? before + digits : kNone;
  }

  std::size_t signs(std::size_t place) const {
    const std::size_t before = code(place) == U' ' ? 1 : 0;
    const std::size_t signs = run(place + before, is_sign);
    if (signs == 0) {
      return kNone;
    }
    const std::size_t count = before + signs;
    return pattern_.line_ends ? count + run(place + count, is_line_end) : count;
  }

  // Spaces up to the last line end among them, or all but the last one, which belongs to the word behind.
  std::size_t spaces(std::size_t place) const {
    const std::size_t count = run(place, is_space);
    if (pattern_.line_ends) {
      for (std::size_t length = count; length > 0; --length) {
        if (is_line_end(code(place + length - 1))) {
          return length;
        }
      }
    }
    const bool at_end = place + count == characters_.size();
    return at_end || count == 1 ? count : count - 1;
  }

  static bool is_sign(char32_t code) { return !is_space(code) && !is_letter(code) && !is_number(code); }
  static bool is_line_end(char32_t code) { return code == U'\r' || code == U'\n'; }

  std::size_t run(std::size_t place, bool (*fits)(char32_t)) const {
    std::size_t count = 0;
    while (place + count < characters_.size() && fits(code(place + count))) {
      ++count;
    }
    return count;
  }

  char32_t code(std::size_t place) const { return place < characters_.size() ? characters_[place].code : 0; }

  char32_t folded(std::size_t place) const {
    const char32_t found = code(place);
    if (!pattern_.any_case) {
      return found;
    }
    if (found == kLongS) {
      return U's';
    }
    return found >= U'A' && found <= U'Z' ? found + (U'a' - U'A') : found;
  }

  std::string_view text_;
  std::vector<Character> characters_;
  const WordPattern& pattern_;
};

}  // namespace

const WordPattern kGpt2 = {};

std::optional<WordPattern> known_pattern(const std::string& expression) {
  static const std::map<std::string, WordPattern> kPatterns = {
      {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", kGpt2},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       {true, true, 3, true}},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       {true, true, 1, true}},
  };
  const auto found = kPatterns.find(expression);
  return found == kPatterns.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string_view> words_of(std::string_view text, const WordPattern& pattern) {
  return Words(text, pattern).all();
}

}  // namespace rfa
