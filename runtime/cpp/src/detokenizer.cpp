#include "detokenizer.hpp"

#include <algorithm>

#include "decoder_chain.hpp"

namespace rfa {
namespace {

constexpr std::size_t kPromptTokens = 64;  // last tokens of a prompt that are looked at
constexpr std::size_t kCharacterBytes = 4;
constexpr std::size_t kContext = 4;
constexpr std::size_t kLongestContext = 2 * kContext;
constexpr std::size_t kLongestRun = 32;  // bytes that are held

Tokens last_of(const Tokens& tokens, std::size_t count) {
  const std::size_t kept = std::min(count, tokens.size());
  return Tokens(tokens.end() - static_cast<std::ptrdiff_t>(kept), tokens.end());
}

Tokens joined(Tokens first, const Tokens& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::string signs(std::size_t count) {
  std::string text;
  for (std::size_t done = 0; done < count; ++done) {
    append(text, kReplacement);
  }
  return text;
}

std::size_t length_of(const std::string& text) { return characters_of(text).size(); }

}  // namespace

ByteDetokenizer::ByteDetokenizer(NameOf name_of, const Tokens& prompt) : name_of_(std::move(name_of)) {
  std::string before;
  for (const std::int64_t token : last_of(prompt, kPromptTokens)) {
    before += bytes_of(token);
  }
  decoder_.push(before.substr(before.size() - std::min(before.size(), kCharacterBytes)));
  told_ = signs(decoder_.held().empty() ? 0 : 1);
}

std::string ByteDetokenizer::push(std::int64_t token) { return after_prompt(decoder_.push(bytes_of(token))); }

std::string ByteDetokenizer::flush() { return after_prompt(decoder_.flush()); }

std::string ByteDetokenizer::bytes_of(std::int64_t token) const {
  const std::string* name = name_of_(token);
  return name == nullptr ? "" : bytes_of_name(*name);
}

// Leave out the sign that the prompt's text has, where nothing completed its last character.
std::string ByteDetokenizer::after_prompt(std::string text) {
  if (text.empty() || told_.empty()) {
    return text;
  }
  if (text.compare(0, told_.size(), told_) == 0) {
    text.erase(0, told_.size());
  }
  told_.clear();
  return text;
}

void Window::begin_after(const Tokens& context) {
  context_ = context;
  known_ = length_of(decode_(context_));
}

std::string Window::text_of(const Tokens& tokens) const {
  const std::string all = decode_(joined(context_, tokens));
  const auto characters = characters_of(all);
  return known_ < characters.size() ? all.substr(characters[known_].begin) : "";
}

void Window::take(const Tokens& tokens, const std::string& text) {
  context_ = joined(context_, tokens);
  known_ += length_of(text);
  if (context_.size() > kLongestContext) {
    begin_after(last_of(context_, kContext));
  }
}

FallbackDetokenizer::FallbackDetokenizer(NameOf name_of, Decode decode, const Tokens& prompt)
    : name_of_(std::move(name_of)), window_(std::move(decode)) {
  begin_run();
  for (const std::int64_t token : end_of(prompt)) {
    push(token);
  }
  if (window_.text_of(run_).empty()) {
    return;
  }
  const std::size_t whole = run_.size() - decoder_.held().size();
  if (whole > 0) {
    release(whole);
  }
  of_prompt_ = run_.size();
}

std::string FallbackDetokenizer::push(std::int64_t token) {
  const std::string* name = name_of_(token);
  if (name == nullptr) {
    return "";
  }
  if (const auto byte = byte_of(*name)) {
    return push_byte(token, *byte);
  }
  const std::string before = flush();
  const std::string text = window_.text_of({token});
  window_.take({token}, text);
  return before + text;
}

std::string FallbackDetokenizer::flush() {
  std::string text;
  if (!decoder_.held().empty()) {
    text = broken();
  } else if (!run_.empty()) {
    text = window_.text_of(run_);
    window_.take(run_, text);
  }
  begin_run();
  return text;
}

std::string FallbackDetokenizer::push_byte(std::int64_t token, unsigned char byte) {
  if (broken_) {
    return signs(1);
  }
  run_.push_back(token);
  const std::string text = decoder_.push(std::string(1, static_cast<char>(byte)));
  if (decoder_.wrong()) {
    return broken();
  }
  if (text.empty() || run_.size() < kLongestRun) {
    return "";
  }
  return release(run_.size());
}

void FallbackDetokenizer::begin_run() {
  run_.clear();
  decoder_.reset();
  broken_ = false;
  of_prompt_ = 0;
}

// A byte is wrong: so are all that the run holds.
std::string FallbackDetokenizer::broken() {
  const std::string text = signs(run_.size() - of_prompt_);
  window_.begin_after(last_of(run_, 1));
  decoder_.reset();
  run_.clear();
  broken_ = true;
  return text;
}

// Give the text of the first tokens of the run, which are whole characters.
std::string FallbackDetokenizer::release(std::size_t count) {
  const Tokens first(run_.begin(), run_.begin() + static_cast<std::ptrdiff_t>(count));
  const std::string text = window_.text_of(first);
  window_.begin_after(first);
  run_.erase(run_.begin(), run_.begin() + static_cast<std::ptrdiff_t>(count));
  return text;
}

// The last tokens of a prompt, the rest of a character that begins before them left out.
Tokens FallbackDetokenizer::end_of(const Tokens& prompt) const {
  Tokens tokens = last_of(prompt, kPromptTokens);
  if (prompt.size() <= kPromptTokens) {
    return tokens;
  }
  while (!tokens.empty()) {
    const std::string* name = name_of_(tokens.front());
    const auto byte = name == nullptr ? std::nullopt : byte_of(*name);
    if (!byte || *byte < 0x80 || *byte >= 0xC0) {
      break;
    }
    tokens.erase(tokens.begin());
  }
  return tokens;
}

}  // namespace rfa
