// Byte-pair encoding of one piece of text, as Hugging Face's tokenizers do it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "json_object.hpp"

namespace rfa {

class Bpe {
 public:
  // model: the part `model` of tokenizer.json.  Throws Error for another model, or for a setting that is not known.
  explicit Bpe(const JsonObject& model);

  // The tokens of a piece.  Throws Error for a character that the vocabulary lacks, where it has no way out.
  std::vector<std::int64_t> encode(std::string_view piece) const;

  // The name of a token; none for one that the vocabulary lacks.
  const std::string* name_of(std::int64_t token) const;

 private:
  struct Merge {
    std::uint32_t rank;
    std::int64_t token;
  };

  std::optional<std::int64_t> id_of(const std::string& name) const;
  std::vector<std::int64_t> symbols_of(std::string_view piece) const;
  void add_unknown(std::string_view character, std::vector<std::int64_t>& symbols, bool& fused) const;

  std::unordered_map<std::string, std::int64_t> ids_;
  std::unordered_map<std::int64_t, std::string> names_;
  std::unordered_map<std::uint64_t, Merge> merges_;  // by both tokens
  std::optional<std::int64_t> unknown_;
  bool fuses_unknown_ = false;
  bool byte_fallback_ = false;
  bool ignores_merges_ = false;
};

}  // namespace rfa
