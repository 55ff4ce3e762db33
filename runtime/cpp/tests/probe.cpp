// Answers questions about the library's parts: a line of JSON goes in, a line comes out.  The Python tests compare.
//
//   {"ask": "random", "seed": 7, "count": 3}                          -> numbers from 0 to 1
//   {"ask": "choose", "settings": {}, "vocab_size": 4, "logits": []}  -> tokens, one for each list of logits
//   {"ask": "tokenizer", "file": ""}                                  -> null; it serves the questions after it
//   {"ask": "encode", "text": ""}                                     -> token ids
//   {"ask": "pieces", "prompt": [], "tokens": []}                     -> texts, one for each token, and what is left
//   {"ask": "manifest", "text": ""}                                   -> null
//   {"ask": "bundle", "folder": ""}                                   -> its sha256; it serves the questions after it
//   {"ask": "state", "file": ""}                                      -> the tokens that it has read

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "random.hpp"
#include "rfa/bundle.hpp"
#include "rfa/error.hpp"
#include "rfa/sampling.hpp"
#include "rfa/state.hpp"
#include "rfa/tokenizer.hpp"

namespace {

using Json = nlohmann::json;

class Probe {
 public:
  Json answer(const Json& question) {
    const auto ask = question.at("ask").get<std::string>();
    if (ask == "random") {
      return random(question);
    }
    if (ask == "choose") {
      return choose(question);
    }
    if (ask == "tokenizer") {
      tokenizer_ = std::make_unique<rfa::Tokenizer>(question.at("file").get<std::string>());
      return nullptr;
    }
    if (ask == "encode") {
      return tokenizer_->encode(question.at("text").get<std::string>());
    }
    if (ask == "pieces") {
      return pieces(question);
    }
    if (ask == "manifest") {
      rfa::parse_manifest(question.at("text").get<std::string>());
      return nullptr;
    }
    if (ask == "bundle") {
      bundle_ = rfa::read_bundle(question.at("folder").get<std::string>());
      return bundle_->sha256;
    }
    if (ask == "state") {
      return rfa::load_past(*bundle_, question.at("file").get<std::string>()).tokens;
    }
    throw rfa::Error("nobody knows the question '" + ask + "'");
  }

 private:
  static Json random(const Json& question) {
    rfa::Random random(question.at("seed").get<std::uint64_t>());
    Json numbers = Json::array();
    for (int count = question.at("count").get<int>(); count > 0; --count) {
      numbers.push_back(random.next());
    }
    return numbers;
  }

  static Json choose(const Json& question) {
    const auto settings = question.at("settings").get<std::map<std::string, double>>();
    const auto prompt = question.value("prompt", rfa::Tokens());
    rfa::Sampler sampler(rfa::SamplingConfig().over(settings), question.at("vocab_size").get<std::int64_t>(), prompt);
    Json tokens = Json::array();
    for (const Json& logits : question.at("logits")) {
      tokens.push_back(sampler.choose(logits.get<std::vector<float>>()));
    }
    return tokens;
  }

  Json pieces(const Json& question) const {
    const auto detokenizer = tokenizer_->detokenizer(question.at("prompt").get<rfa::Tokens>());
    Json texts = Json::array();
    for (const std::int64_t token : question.at("tokens").get<rfa::Tokens>()) {
      texts.push_back(detokenizer->push(token));
    }
    texts.push_back(detokenizer->flush());
    return texts;
  }

  std::unique_ptr<rfa::Tokenizer> tokenizer_;
  std::optional<rfa::Bundle> bundle_;
};

}  // namespace

int main() {
  Probe probe;
  std::string line;
  while (std::getline(std::cin, line)) {
    Json answer;
    try {
      answer = {{"answer", probe.answer(Json::parse(line))}};
    } catch (const rfa::Error& error) {
      answer = {{"error", error.what()}};
    }
    std::cout << answer.dump(-1, ' ', true, Json::error_handler_t::replace) << std::endl;
  }
}
