// From a text to the pieces that are encoded one by one: the parts `normalizer` and `pre_tokenizer` of tokenizer.json.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json_object.hpp"
#include "words.hpp"

namespace rfa {

// Changes a whole text before it is cut.
class Normalizer {
 public:
  // Throws Error for a step that is not known.
  explicit Normalizer(const Json& description);

  // Throws Error for a text that it would have to compose (NFC), which this program cannot.
  std::string apply(std::string text) const;

 private:
  enum class Kind { kPrepend, kReplace, kCompose };
  struct Step {
    Kind kind;
    std::string pattern;
    std::string content;
  };

  void add(const JsonObject& step);

  std::vector<Step> steps_;
};

// Cuts a text into pieces.
class PreTokenizer {
 public:
  // Throws Error for a step that is not known.
  explicit PreTokenizer(const Json& description);

  std::vector<std::string> pieces(std::string_view text) const;

 private:
  enum class Kind { kWords, kDigits, kBytes };
  struct Step {
    Kind kind;
    WordPattern pattern;   // of words
    bool one_by_one = false;  // of digits
    bool space_first = false;  // of bytes: whether a text begins with a space in any case
  };

  void add(const JsonObject& step);
  static std::vector<std::string> cut(const std::string& piece, const Step& step);

  std::vector<Step> steps_;
};

}  // namespace rfa
