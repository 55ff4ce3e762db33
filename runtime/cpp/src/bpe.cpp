// Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units" (ACL 2016).

#include "bpe.hpp"

#include <array>
#include <queue>

#include "rfa/error.hpp"
#include "utf8.hpp"

namespace rfa {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;
constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

std::uint64_t key_of(std::int64_t left, std::int64_t right) {
  return (static_cast<std::uint64_t>(left) << 32) | static_cast<std::uint64_t>(right);
}

// A symbol of a piece, linked to its neighbours: two become one without a copy of all that follow.
struct Symbol {
  std::int64_t token;
  std::size_t before;
  std::size_t after;
  bool gone = false;
};

// Two neighbours that may become one.
struct Candidate {
  std::uint32_t rank;
  std::size_t place;   // of the left one
  std::uint64_t pair;  // that was seen: a neighbour may have changed since
  std::int64_t token;

  // The lowest rank comes first, then the leftmost.
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : place > other.place;
  }
};

std::string byte_name(unsigned char byte) {
  constexpr const char* digits = "0123456789ABCDEF";
  return std::string("<0x") + digits[byte >> 4] + digits[byte & 15] + ">";
}

// A rule is written "left right", or as a list of both.
std::array<std::string, 2> sides_of(const Json& rule, const JsonObject& model) {
  if (rule.is_array() && rule.size() == 2 && rule[0].is_string() && rule[1].is_string()) {
    return {rule[0].get<std::string>(), rule[1].get<std::string>()};
  }
  if (rule.is_string()) {
    const auto text = rule.get<std::string>();
    const std::size_t space = text.find(' ');
    if (space != std::string::npos) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  }
  model.refuse("merges", model.value("merges"), "a list of pairs");
}

bool flag(const JsonObject& model, const std::string& key) {
  return model.has(key) && model.value(key).is_boolean() && model.value(key).get<bool>();
}

void check_off(const JsonObject& model, const std::string& key) {
  const bool off = !model.has(key) || model.value(key).is_null() || model.value(key) == "" || model.value(key) == 0.0;
  if (!off) {
    model.refuse(key, model.value(key), "null: this program has no such setting");
  }
}

}  // namespace

Bpe::Bpe(const JsonObject& model) {
  if (model.text("type") != "BPE") {
    model.refuse("type", model.value("type"), "'BPE'; for other tokenizers give token ids");
  }
  check_off(model, "dropout");
  check_off(model, "continuing_subword_prefix");
  check_off(model, "end_of_word_suffix");
  byte_fallback_ = flag(model, "byte_fallback");
  fuses_unknown_ = flag(model, "fuse_unk");
  ignores_merges_ = flag(model, "ignore_merges");
  const JsonObject vocabulary = model.child("vocab");
  for (const auto& [name, value] : vocabulary.table().items()) {
    const std::int64_t token = vocabulary.integer(name, 0, kMostTokens);
    ids_[name] = token;
    names_[token] = name;
  }
  std::uint32_t rank = 0;
  for (const Json& rule : model.array("merges")) {
    const auto [left, right] = sides_of(rule, model);
    const auto first = id_of(left);
    const auto second = id_of(right);
    const auto merged = id_of(left + right);
    if (!first || !second || !merged) {
      throw Error(model.where() + ".merges has '" + left + " " + right + "', of which the vocabulary lacks a part");
    }
    merges_.emplace(key_of(*first, *second), Merge{rank, *merged});
    ++rank;
  }
  if (model.has("unk_token") && model.value("unk_token").is_string()) {
    unknown_ = id_of(model.value("unk_token").get<std::string>());
  }
}

std::optional<std::int64_t> Bpe::id_of(const std::string& name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

const std::string* Bpe::name_of(std::int64_t token) const {
  const auto found = names_.find(token);
  return found == names_.end() ? nullptr : &found->second;
}

std::vector<std::int64_t> Bpe::symbols_of(std::string_view piece) const {
  std::vector<std::int64_t> symbols;
  bool fused = false;  // whether the last symbol stands for unknown characters
  for (const Character& character : characters_of(piece)) {
    const std::string_view text = piece.substr(character.begin, character.bytes);
    if (const auto known = id_of(std::string(text))) {
      symbols.push_back(*known);
      fused = false;
    } else {
      add_unknown(text, symbols, fused);
    }
  }
  return symbols;
}

void Bpe::add_unknown(std::string_view character, std::vector<std::int64_t>& symbols, bool& fused) const {
  if (byte_fallback_) {
    std::vector<std::int64_t> bytes;
    for (const char byte : character) {
      if (const auto token = id_of(byte_name(static_cast<unsigned char>(byte)))) {
        bytes.push_back(*token);
      }
    }
    if (bytes.size() == character.size()) {
      symbols.insert(symbols.end(), bytes.begin(), bytes.end());
      fused = false;
      return;
    }
  }
  if (!unknown_) {
    return;  // the library leaves it out, too
  }
  if (!(fused && fuses_unknown_)) {
    symbols.push_back(*unknown_);
  }
  fused = true;
}

std::vector<std::int64_t> Bpe::encode(std::string_view piece) const {
  if (ignores_merges_) {
    if (const auto whole = id_of(std::string(piece))) {
      return {*whole};
    }
  }
  std::vector<Symbol> symbols;
  for (const std::int64_t token : symbols_of(piece)) {
    const std::size_t place = symbols.size();
    symbols.push_back({token, place == 0 ? kNowhere : place - 1, place + 1});
  }
  if (symbols.empty()) {
    return {};
  }
  symbols.back().after = kNowhere;
  std::priority_queue<Candidate> candidates;
  const auto consider = [&](std::size_t place) {
    if (place == kNowhere || symbols[place].after == kNowhere) {
      return;
    }
    const std::uint64_t pair = key_of(symbols[place].token, symbols[symbols[place].after].token);
    const auto rule = merges_.find(pair);
    if (rule != merges_.end()) {
      candidates.push({rule->second.rank, place, pair, rule->second.token});
    }
  };
  for (std::size_t place = 0; place < symbols.size(); ++place) {
    consider(place);
  }
  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Symbol& left = symbols[best.place];
    if (left.gone || left.after == kNowhere) {
      continue;
    }
    Symbol& right = symbols[left.after];
    if (key_of(left.token, right.token) != best.pair) {
      continue;
    }
    left.token = best.token;
    right.gone = true;
    left.after = right.after;
    if (left.after != kNowhere) {
      symbols[left.after].before = best.place;
    }
    consider(left.before);
    consider(best.place);
  }
  std::vector<std::int64_t> tokens;
  for (std::size_t place = 0; place != kNowhere; place = symbols[place].after) {
    tokens.push_back(symbols[place].token);
  }
  return tokens;
}

}  // namespace rfa
