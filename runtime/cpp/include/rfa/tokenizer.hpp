// Text to tokens and back, by tokenizer.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rfa {

using Tokens = std::vector<std::int64_t>;

// Text from tokens that come one by one, at a constant cost for each and never splitting a character.
class Detokenizer {
 public:
  virtual ~Detokenizer() = default;

  // Take a token, return the characters that are certain now.
  virtual std::string push(std::int64_t token) = 0;

  // Return what is left, when no more tokens come.
  virtual std::string flush() = 0;
};

// Byte-pair encoding as Hugging Face's library has it: by bytes as GPT-2 does, or by characters as Llama does.
class Tokenizer {
 public:
  // Throws Error for a file that is none, or for a kind of tokenizer that this program does not know, by its name.
  explicit Tokenizer(const std::filesystem::path& file);
  ~Tokenizer();

  // The tokens of a text, no special ones among them.  Throws Error for what is not UTF-8.
  Tokens encode(std::string_view text) const;

  // The text of some tokens.
  std::string decode(const Tokens& tokens) const;

  // Texts that follow a prompt: its text is not repeated, but the pieces are spelled as they follow it.
  std::unique_ptr<Detokenizer> detokenizer(const Tokens& prompt) const;

  // The special token of a name; -1 where there is none.
  std::int64_t special_token(const std::string& name) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace rfa
