// From names of tokens to text: the part `decoder` of tokenizer.json.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json_object.hpp"

namespace rfa {

class DecoderChain {
 public:
  // Throws Error for a decoder that is not known.
  explicit DecoderChain(const Json& description);

  std::string decode(std::vector<std::string> names) const;

  // Whether names are symbols of bytes.
  bool byte_level() const { return byte_level_; }

 private:
  enum class Kind { kReplace, kBytes, kFuse, kStrip };
  struct Step {
    Kind kind;
    std::string pattern;
    std::string content;
    std::size_t start = 0;
    std::size_t stop = 0;
  };

  void add(const JsonObject& step);

  bool byte_level_ = false;
  std::vector<Step> steps_;
};

// The byte that a name such as `<0xE6>` stands for; none for a word.
std::optional<unsigned char> byte_of(const std::string& name);

// The text of symbols of bytes.  A name with another character in it is an added token, written as it reads.
std::string bytes_of_name(const std::string& name);

}  // namespace rfa
