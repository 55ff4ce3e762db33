// Where a text is cut into words before its bytes are joined to tokens.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rfa {

// A regular expression of a family of models, whose matches are the words.
struct WordPattern {
  bool any_case = false;          // contractions such as 'LL, too
  bool sign_before_word = false;  // a word takes one sign before it, not only a space
  std::size_t most_digits = 0;    // of a number; 0 sets no limit, and takes a space before it
  bool line_ends = false;         // line ends end a word of signs or spaces
};

// GPT-2's pattern, which is also that of the pre-tokenizer ByteLevel.
extern const WordPattern kGpt2;

// The pattern behind a regular expression; none for one that is not known.
std::optional<WordPattern> known_pattern(const std::string& expression);

// Cut a text into words: together they are the text.
std::vector<std::string_view> words_of(std::string_view text, const WordPattern& pattern);

}  // namespace rfa
