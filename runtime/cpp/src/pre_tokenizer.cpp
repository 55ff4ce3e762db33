#include "pre_tokenizer.hpp"

#include "byte_level.hpp"
#include "replace.hpp"
#include "rfa/error.hpp"
#include "unicode.hpp"
#include "utf8.hpp"

namespace rfa {
namespace {

constexpr char32_t kFirstCombining = 0x300;  // no text below this changes when its characters are composed

bool flag(const JsonObject& step, const std::string& key, bool otherwise) {
  return step.has(key) && step.value(key).is_boolean() ? step.value(key).get<bool>() : otherwise;
}

void check_composed(const std::string& text) {
  for (const Character& character : characters_of(text)) {
    if (character.code >= kFirstCombining) {
      throw Error("the tokenizer composes characters (NFC), which this program does only for Latin text: give --ids");
    }
  }
}

std::vector<std::string> digits_apart(const std::string& piece, bool one_by_one) {
  std::vector<std::string> parts;
  bool before = false;  // whether the last part is of digits
  for (const Character& character : characters_of(piece)) {
    const bool digit = is_number(character.code);
    const bool joins = !parts.empty() && digit == before && !(digit && one_by_one);
    if (!joins) {
      parts.emplace_back();
    }
    parts.back() += piece.substr(character.begin, character.bytes);
    before = digit;
  }
  return parts;
}

}  // namespace

Normalizer::Normalizer(const Json& description) {
  if (!description.is_null()) {
    add(JsonObject(description, "tokenizer.json.normalizer"));
  }
}

void Normalizer::add(const JsonObject& step) {
  const std::string type = step.text("type");
  if (type == "Sequence") {
    for (const Json& one : step.array("normalizers")) {
      add(JsonObject(one, step.where()));
    }
  } else if (type == "Prepend") {
    steps_.push_back({Kind::kPrepend, "", step.text("prepend")});
  } else if (type == "Replace") {
    const std::string pattern = step.child("pattern").text("String");
    steps_.push_back({Kind::kReplace, pattern, step.string("content")});
  } else if (type == "NFC") {
    steps_.push_back({Kind::kCompose, "", ""});
  } else {
    step.refuse("type", step.value("type"), "Sequence, Prepend, Replace or NFC; for other tokenizers give token ids");
  }
}

std::string Normalizer::apply(std::string text) const {
  for (const Step& step : steps_) {
    if (step.kind == Kind::kCompose) {
      check_composed(text);
    } else if (step.kind == Kind::kReplace) {
      text = replaced(text, step.pattern, step.content);
    } else if (!text.empty()) {
      text = step.content + text;
    }
  }
  return text;
}

PreTokenizer::PreTokenizer(const Json& description) {
  if (!description.is_null()) {
    add(JsonObject(description, "tokenizer.json.pre_tokenizer"));
  }
}

void PreTokenizer::add(const JsonObject& step) {
  const std::string type = step.text("type");
  if (type == "Sequence") {
    for (const Json& one : step.array("pretokenizers")) {
      add(JsonObject(one, step.where()));
    }
  } else if (type == "Digits") {
    steps_.push_back({Kind::kDigits, {}, flag(step, "individual_digits", false)});
  } else if (type == "ByteLevel") {
    const bool space_first = flag(step, "add_prefix_space", true);
    if (flag(step, "use_regex", true)) {
      steps_.push_back({Kind::kWords, kGpt2, false, space_first});
    } else if (space_first) {
      step.refuse("add_prefix_space", step.value("add_prefix_space"), "false");
    }
    steps_.push_back({Kind::kBytes, {}});
  } else if (type == "Split") {
    const std::string expression = step.child("pattern").text("Regex");
    const auto pattern = known_pattern(expression);
    const bool isolated = step.text("behavior") == "Isolated" && !flag(step, "invert", false);
    if (!pattern || !isolated) {
      step.refuse("pattern", step.value("pattern"), "that of GPT-2, Llama 3 or Qwen2; for other tokenizers give token ids");
    }
    steps_.push_back({Kind::kWords, *pattern});
  } else {
    step.refuse("type", step.value("type"), "Sequence, Digits, ByteLevel or Split; for other tokenizers give token ids");
  }
}

std::vector<std::string> PreTokenizer::pieces(std::string_view text) const {
  if (text.empty()) {
    return {};
  }
  std::vector<std::string> pieces = {std::string(text)};
  for (const Step& step : steps_) {
    std::vector<std::string> parts;
    for (const std::string& piece : pieces) {
      for (std::string& part : cut(piece, step)) {
        parts.push_back(std::move(part));
      }
    }
    pieces = std::move(parts);
  }
  return pieces;
}

std::vector<std::string> PreTokenizer::cut(const std::string& piece, const Step& step) {
  if (step.kind == Kind::kBytes) {
    return {symbols_of_bytes(piece)};
  }
  if (step.kind == Kind::kDigits) {
    return digits_apart(piece, step.one_by_one);
  }
  const bool prefixed = step.space_first && piece[0] != ' ';
  const std::string text = prefixed ? " " + piece : piece;
  std::vector<std::string> words;
  for (const std::string_view word : words_of(text, step.pattern)) {
    words.emplace_back(word);
  }
  return words;
}

}  // namespace rfa
