#include "rfa/decoder.hpp"

#include <algorithm>
#include <limits>

#include "rfa/error.hpp"
#include "stop_strings.hpp"

namespace rfa {
namespace {

constexpr const char* kTokenizer = "tokenizer.json";
constexpr std::size_t kChunk = 256;  // tokens of a prompt that are read at once, as in the Python runtime

// For bundles whose tokens have no text.
class NoText : public Detokenizer {
 public:
  std::string push(std::int64_t) override { return ""; }
  std::string flush() override { return ""; }
};

}  // namespace

struct Decoder::Parts {
  Parts(const Bundle& given, int threads) : bundle(given), session(bundle, threads) {
    sampling = SamplingConfig().over(bundle.manifest.sampling);
    if (bundle.has_file(kTokenizer)) {
      tokenizer = std::make_unique<Tokenizer>(bundle.folder / kTokenizer);
    }
  }

  std::unique_ptr<Detokenizer> detokenizer(const Tokens& prompt) const {
    if (tokenizer == nullptr) {
      return std::make_unique<NoText>();
    }
    return tokenizer->detokenizer(prompt);
  }

  Bundle bundle;
  Session session;
  SamplingConfig sampling;
  std::unique_ptr<Tokenizer> tokenizer;
};

struct Text::Parts {
  Parts(const Decoder::Parts& decoder, const Request& given, Past begun, const Tokens& prompt)
      : past(std::move(begun)), steps(decoder.session, past.state), stops(given.stop), request(given) {
    for (std::size_t start = 0; start < prompt.size(); start += kChunk) {
      const std::size_t end = std::min(start + kChunk, prompt.size());
      read(Tokens(prompt.begin() + static_cast<std::ptrdiff_t>(start), prompt.begin() + static_cast<std::ptrdiff_t>(end)));
    }
    const Manifest& manifest = decoder.bundle.manifest;
    sampler = std::make_unique<Sampler>(request.sampling, manifest.vocab_size, past.tokens);
    detokenizer = decoder.detokenizer(past.tokens);
    if (!request.ignore_eos) {
      ends = manifest.ends;
    }
    if (decoder.tokenizer != nullptr) {
      for (const std::string& stop : request.stop) {  // the name of a special token stands for the token, too
        ends.insert(decoder.tokenizer->special_token(stop));
      }
    }
    left = request.max_new_tokens > 0 ? request.max_new_tokens : std::numeric_limits<std::int64_t>::max();
  }

  void read(const Tokens& tokens) {
    steps.read(tokens);
    past.tokens.insert(past.tokens.end(), tokens.begin(), tokens.end());
  }

  // Read the token that was given out last.
  void catch_up() {
    if (unread) {
      read({*unread});
      unread.reset();
    }
  }

  Piece take(std::int64_t token) {
    --left;
    unread = token;
    if (ends.count(token) > 0) {
      return last(token, "", "stop");
    }
    const std::string text = stops.push(detokenizer->push(token));
    if (stops.found()) {
      over = true;
      return {token, text, "stop"};
    }
    if (left == 0) {
      return last(token, text, "length");
    }
    return {token, text, ""};
  }

  // End the text with what was held back: bytes that are no character, the beginning of a stop string.
  Piece last(std::int64_t token, std::string text, const std::string& reason) {
    over = true;
    text += stops.push(detokenizer->flush());
    text += stops.flush();
    return {token, text, stops.found() ? "stop" : reason};
  }

  Past past;
  Steps steps;
  StopStrings stops;
  Request request;
  std::unique_ptr<Sampler> sampler;
  std::unique_ptr<Detokenizer> detokenizer;
  std::set<std::int64_t> ends;
  std::int64_t left = 0;
  std::optional<std::int64_t> unread;
  bool over = false;
};

Text::Text(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Text::Text(Text&&) noexcept = default;
Text::~Text() = default;

Piece Text::next() {
  if (parts_->over) {
    throw Error("the text is over, wanted one that goes on");
  }
  parts_->catch_up();
  return parts_->take(parts_->sampler->choose(parts_->past.state.logits));
}

bool Text::over() const { return parts_->over; }

Past Text::past() {
  parts_->catch_up();
  parts_->over = true;
  return std::move(parts_->past);
}

Decoder::Decoder(const Bundle& bundle, int threads) : parts_(std::make_unique<Parts>(bundle, threads)) {}

Decoder::~Decoder() = default;

const SamplingConfig& Decoder::sampling() const { return parts_->sampling; }

const Tokenizer* Decoder::tokenizer() const { return parts_->tokenizer.get(); }

Text Decoder::begin(const std::string& prompt, const Request& request, std::optional<Past> past) const {
  if (prompt.empty()) {
    return begin(Tokens(), request, std::move(past));
  }
  if (parts_->tokenizer == nullptr) {
    throw Error(parts_->bundle.folder.filename().string() + " has no tokenizer.json: give the prompt as token ids");
  }
  return begin(parts_->tokenizer->encode(prompt), request, std::move(past));
}

Text Decoder::begin(const Tokens& given, const Request& request, std::optional<Past> past) const {
  const Manifest& manifest = parts_->bundle.manifest;
  Past begun = past ? std::move(*past) : Past{State(manifest), {}};
  Tokens prompt = given;
  const bool first = begun.tokens.empty();
  const bool has_start = !prompt.empty() && prompt[0] == manifest.bos;
  if (first && manifest.bos && !has_start) {
    prompt.insert(prompt.begin(), *manifest.bos);
  }
  if (first && prompt.empty()) {
    throw Error("the prompt is empty and the model has no token to start a text from: give some text");
  }
  return Text(std::make_unique<Text::Parts>(*parts_, request, std::move(begun), prompt));
}

}  // namespace rfa
