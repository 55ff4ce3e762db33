#include "decoder_chain.hpp"

#include <algorithm>

#include "byte_level.hpp"
#include "replace.hpp"
#include "rfa/error.hpp"
#include "utf8.hpp"

namespace rfa {
namespace {

constexpr std::int64_t kMostStripped = 1 << 16;

using Names = std::vector<std::string>;

int digit_of(char character) {
  if (character >= '0' && character <= '9') {
    return character - '0';
  }
  if (character >= 'A' && character <= 'F') {
    return character - 'A' + 10;
  }
  return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

// A run of bytes is its characters where all of it is UTF-8, else a sign for each byte.
std::string text_of_run(const std::string& bytes) {
  Utf8Decoder decoder;
  const std::string text = decoder.push(bytes);
  if (decoder.held().empty() && !decoder.wrong()) {
    return text;
  }
  std::string signs;
  for (std::size_t count = 0; count < bytes.size(); ++count) {
    append(signs, kReplacement);
  }
  return signs;
}

Names with_bytes_joined(const Names& names) {
  Names found;
  std::string run;
  const auto end_run = [&] {
    if (!run.empty()) {
      found.push_back(text_of_run(run));
      run.clear();
    }
  };
  for (const std::string& name : names) {
    if (const auto byte = byte_of(name)) {
      run += static_cast<char>(*byte);
    } else {
      end_run();
      found.push_back(name);
    }
  }
  end_run();
  return found;
}

Names fused(const Names& names) {
  std::string text;
  for (const std::string& name : names) {
    text += name;
  }
  return {text};
}

std::string stripped(std::string text, const std::string& content, std::size_t start, std::size_t stop) {
  for (std::size_t count = 0; count < start && text.compare(0, content.size(), content) == 0; ++count) {
    text.erase(0, content.size());
  }
  for (std::size_t count = 0; count < stop; ++count) {
    const bool ends = text.size() >= content.size() &&
                      text.compare(text.size() - content.size(), content.size(), content) == 0;
    if (!ends) {
      break;
    }
    text.erase(text.size() - content.size());
  }
  return text;
}

}  // namespace

DecoderChain::DecoderChain(const Json& description) { add(JsonObject(description, "tokenizer.json.decoder")); }

void DecoderChain::add(const JsonObject& step) {
  const std::string type = step.text("type");
  if (type == "ByteLevel" && steps_.empty()) {
    byte_level_ = true;
  } else if (type == "Sequence") {
    for (const Json& one : step.array("decoders")) {
      add(JsonObject(one, step.where()));
    }
  } else if (type == "Replace") {
    steps_.push_back({Kind::kReplace, step.child("pattern").text("String"), step.string("content")});
  } else if (type == "ByteFallback") {
    steps_.push_back({Kind::kBytes, "", ""});
  } else if (type == "Fuse") {
    steps_.push_back({Kind::kFuse, "", ""});
  } else if (type == "Strip") {
    const auto start = static_cast<std::size_t>(step.integer("start", 0, kMostStripped));
    const auto stop = static_cast<std::size_t>(step.integer("stop", 0, kMostStripped));
    steps_.push_back({Kind::kStrip, "", step.text("content"), start, stop});
  } else {
    step.refuse("type", step.value("type"),
                "ByteLevel, or a Sequence of Replace, ByteFallback, Fuse and Strip; for other tokenizers give token ids");
  }
}

std::string DecoderChain::decode(Names names) const {
  if (byte_level_) {
    std::string bytes;
    for (const std::string& name : names) {
      bytes += bytes_of_name(name);
    }
    Utf8Decoder decoder;
    const std::string text = decoder.push(bytes);
    return text + decoder.flush();
  }
  for (const Step& step : steps_) {
    if (step.kind == Kind::kBytes) {
      names = with_bytes_joined(names);
    } else if (step.kind == Kind::kFuse) {
      names = fused(names);
    } else {
      for (std::string& name : names) {
        name = step.kind == Kind::kReplace ? replaced(name, step.pattern, step.content)
                                           : stripped(name, step.content, step.start, step.stop);
      }
    }
  }
  return fused(names)[0];
}

std::optional<unsigned char> byte_of(const std::string& name) {
  const bool shaped = name.size() == 6 && name.compare(0, 3, "<0x") == 0 && name[5] == '>';
  if (!shaped || digit_of(name[3]) < 0 || digit_of(name[4]) < 0) {
    return std::nullopt;
  }
  return static_cast<unsigned char>(16 * digit_of(name[3]) + digit_of(name[4]));
}

std::string bytes_of_name(const std::string& name) { return bytes_of_symbols(name).value_or(name); }

}  // namespace rfa
