#include "rfa/tokenizer.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "bpe.hpp"
#include "decoder_chain.hpp"
#include "detokenizer.hpp"
#include "json_object.hpp"
#include "pre_tokenizer.hpp"
#include "rfa/error.hpp"

namespace rfa {
namespace {

constexpr const char* kFile = "tokenizer.json";
constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;

// A token that is no part of the model's vocabulary, or stands apart in it.
struct AddedToken {
  std::int64_t id;
  std::string content;
  bool special;
};

std::vector<AddedToken> added_tokens(const JsonObject& top) {
  std::vector<AddedToken> found;
  if (!top.has("added_tokens")) {
    return found;
  }
  for (const Json& one : top.array("added_tokens")) {
    const JsonObject entry(one, std::string(kFile) + ".added_tokens");
    const auto is = [&entry](const char* key) { return entry.has(key) && entry.value(key) == true; };
    const bool special = is("special");
    const bool plain = !is("single_word") && !is("lstrip") && !is("rstrip") && !is("normalized");
    if (!special && !plain) {
      throw Error(std::string(kFile) + " has the added token '" + entry.text("content") +
                  "' with settings that this program does not know: give token ids");
    }
    found.push_back({entry.integer("id", 0, kMostTokens), entry.text("content"), special});
  }
  return found;
}

Json read_json(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) {
    throw Error(file.string() + " cannot be read");
  }
  return parse_json(text.str(), kFile);
}

const Json& part_of(const Json& document, const std::string& key) {
  static const Json kNull;
  const auto found = document.find(key);
  return found == document.end() ? kNull : *found;
}

}  // namespace

struct Tokenizer::Parts {
  explicit Parts(const Json& document)
      : model(JsonObject(part_of(document, "model"), std::string(kFile) + ".model")),
        normalizer(part_of(document, "normalizer")),
        pre_tokenizer(part_of(document, "pre_tokenizer")),
        decoder(part_of(document, "decoder")),
        added(added_tokens(JsonObject(document, kFile))) {
    for (const AddedToken& token : added) {
      by_id[token.id] = token;
    }
  }

  // The name that decoders see; none for a special token and for one that nobody knows.
  const std::string* name_of(std::int64_t token) const {
    const auto found = by_id.find(token);
    if (found != by_id.end()) {
      return found->second.special ? nullptr : &found->second.content;
    }
    return model.name_of(token);
  }

  void encode_plain(const std::string& text, Tokens& tokens) const {
    for (const std::string& piece : pre_tokenizer.pieces(normalizer.apply(text))) {
      const Tokens found = model.encode(piece);
      tokens.insert(tokens.end(), found.begin(), found.end());
    }
  }

  // The first added token in a text from a place on, the longest where several begin there.  Special ones are no part
  // of texts: what spells one is text.
  const AddedToken* next_added(const std::string& text, std::size_t from, std::size_t& begin) const {
    const AddedToken* first = nullptr;
    begin = std::string::npos;
    for (const AddedToken& token : added) {
      const std::size_t found = token.special ? std::string::npos : text.find(token.content, from);
      const bool longer = found == begin && first != nullptr && token.content.size() > first->content.size();
      if (found < begin || longer) {
        first = &token;
        begin = found;
      }
    }
    return first;
  }

  Bpe model;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  DecoderChain decoder;
  std::vector<AddedToken> added;
  std::map<std::int64_t, AddedToken> by_id;
};

Tokenizer::Tokenizer(const std::filesystem::path& file) : parts_(std::make_unique<Parts>(read_json(file))) {}

Tokenizer::~Tokenizer() = default;

Tokens Tokenizer::encode(std::string_view given) const {
  const std::string text(given);
  Tokens tokens;
  std::size_t place = 0;
  while (place < text.size()) {
    std::size_t begin = 0;
    const AddedToken* token = parts_->next_added(text, place, begin);
    parts_->encode_plain(text.substr(place, begin - place), tokens);
    if (token == nullptr) {
      break;
    }
    tokens.push_back(token->id);
    place = begin + token->content.size();
  }
  return tokens;
}

std::string Tokenizer::decode(const Tokens& tokens) const {
  std::vector<std::string> names;
  for (const std::int64_t token : tokens) {
    if (const std::string* name = parts_->name_of(token)) {
      names.push_back(*name);
    }
  }
  return parts_->decoder.decode(std::move(names));
}

std::unique_ptr<Detokenizer> Tokenizer::detokenizer(const Tokens& prompt) const {
  const NameOf name_of = [this](std::int64_t token) { return parts_->name_of(token); };
  if (parts_->decoder.byte_level()) {
    return std::make_unique<ByteDetokenizer>(name_of, prompt);
  }
  const Decode decode = [this](const Tokens& tokens) { return this->decode(tokens); };
  return std::make_unique<FallbackDetokenizer>(name_of, decode, prompt);
}

std::int64_t Tokenizer::special_token(const std::string& name) const {
  for (const AddedToken& token : parts_->added) {
    if (token.special && token.content == name) {
      return token.id;
    }
  }
  return -1;
}

}  // namespace rfa
