// The two ways of writing a text piece by piece, by what the tokenizer's decoder does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "rfa/tokenizer.hpp"
#include "utf8.hpp"

namespace rfa {

// The name of a token; none for one that decoders see nothing of.
using NameOf = std::function<const std::string*(std::int64_t)>;
// The text of some tokens.
using Decode = std::function<std::string(const Tokens&)>;

// For byte-level tokenizers: exact, as its tokens are read as bytes.
class ByteDetokenizer : public Detokenizer {
 public:
  ByteDetokenizer(NameOf name_of, const Tokens& prompt);
  std::string push(std::int64_t token) override;
  std::string flush() override;

 private:
  std::string bytes_of(std::int64_t token) const;
  std::string after_prompt(std::string text);

  NameOf name_of_;
  Utf8Decoder decoder_;
  std::string told_;  // signs at the end of the prompt's text for bytes of a character that is not whole
};

// What tokens add to the text of those before them, of which it keeps a few.
class Window {
 public:
  explicit Window(Decode decode) : decode_(std::move(decode)) {}

  // Put other tokens before those that come.
  void begin_after(const Tokens& context);

  // What the tokens add to the text.
  std::string text_of(const Tokens& tokens) const;

  // Make tokens a part of the context.
  void take(const Tokens& tokens, const std::string& text);

 private:
  Decode decode_;
  Tokens context_;
  std::size_t known_ = 0;  // characters of its text
};

// For words with single bytes such as `<0xE6>` among them, as in Llama's vocabularies: a run of bytes is certain when
// it ends.
class FallbackDetokenizer : public Detokenizer {
 public:
  FallbackDetokenizer(NameOf name_of, Decode decode, const Tokens& prompt);
  std::string push(std::int64_t token) override;
  std::string flush() override;

 private:
  std::string push_byte(std::int64_t token, unsigned char byte);
  void begin_run();
  std::string broken();
  std::string release(std::size_t count);
  Tokens end_of(const Tokens& prompt) const;

  NameOf name_of_;
  Window window_;
  Tokens run_;
  Utf8Decoder decoder_;
  bool broken_ = false;        // whether a byte of the run was wrong: so are all that follow in it
  std::size_t of_prompt_ = 0;  // tokens of the run that the prompt's text has shown as signs already
};

}  // namespace rfa
