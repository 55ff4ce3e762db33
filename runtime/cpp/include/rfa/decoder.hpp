// Continues texts with a bundle: what a program needs.
//
//   const rfa::Bundle bundle = rfa::read_bundle("model.rfa");
//   rfa::Decoder decoder(bundle);
//   rfa::Text text = decoder.begin("Once upon a time");
//   while (!text.over()) {
//     std::cout << text.next().text << std::flush;
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rfa/bundle.hpp"
#include "rfa/sampling.hpp"
#include "rfa/session.hpp"
#include "rfa/state.hpp"
#include "rfa/tokenizer.hpp"

namespace rfa {

struct Request {
  SamplingConfig sampling;
  std::int64_t max_new_tokens = 128;  // 0 sets no limit: memory does not grow with the text
  std::vector<std::string> stop;      // strings that end the text, and are not part of it
  bool ignore_eos = false;            // go on where the model would end the text
};

// One token, and the characters that are certain with it.
struct Piece {
  std::int64_t token = 0;
  std::string text;
  std::string finish_reason;  // "stop" or "length" with the last one, else empty
};

class Decoder;

// A text that is being written.  The decoder must outlive it.
class Text {
 public:
  Text(Text&&) noexcept;
  ~Text();

  // The next token.  Throws Error where the text is over.
  Piece next();

  bool over() const;

  // What the text has read and written so far; the last token is read first where it was not yet.  The text is over.
  Past past();

 private:
  friend class Decoder;
  struct Parts;
  explicit Text(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

class Decoder {
 public:
  // threads: of one step.  Throws Error.
  explicit Decoder(const Bundle& bundle, int threads = 1);
  ~Decoder();

  // How the bundle chooses its tokens where nobody says otherwise.
  const SamplingConfig& sampling() const;

  // Null for a bundle without a tokenizer.
  const Tokenizer* tokenizer() const;

  // Begin a text after a prompt, or go on with one.  The start token is put first, where the model has one.  Throws Error
  // for an empty prompt where nothing was read and there is no start token.
  Text begin(const std::string& prompt, const Request& request = {}, std::optional<Past> past = std::nullopt) const;
  Text begin(const Tokens& prompt, const Request& request = {}, std::optional<Past> past = std::nullopt) const;

 private:
  friend class Text;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace rfa
