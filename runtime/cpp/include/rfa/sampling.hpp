// How the next token is chosen, as rfa-run does it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rfa {

struct SamplingConfig {
  double temperature = 0.0;           // 0 picks the most likely token
  std::optional<std::int64_t> top_k;  // draw from the k most likely tokens
  std::optional<double> top_p;        // draw from the fewest tokens whose probabilities add up to p
  std::optional<double> typical_p;    // the same, tokens of the usual surprise first
  std::optional<double> min_p;        // draw from tokens at least this part as likely as the most likely one
  double repetition_penalty = 1.0;    // above 1, what was said becomes less likely
  double presence_penalty = 0.0;      // taken from the logits of tokens that the text has
  double frequency_penalty = 0.0;     // the same, for each time that it has them
  std::optional<std::uint64_t> seed;  // the same seed gives the same text

  bool counts() const { return repetition_penalty != 1.0 || presence_penalty != 0.0 || frequency_penalty != 0.0; }
  bool greedy() const { return temperature == 0.0 && !counts(); }

  // Settings by their names in Python, put over these.  Where the most likely token is taken and one asks for chance,
  // the temperature is 1 unless it is given.  Throws Error for an unknown name or a number out of range.
  SamplingConfig over(const std::map<std::string, double>& settings) const;
};

// Chooses the tokens of one text.
class Sampler {
 public:
  // prompt: what a repetition is measured against, too.
  Sampler(const SamplingConfig& config, std::int64_t vocab_size, const std::vector<std::int64_t>& prompt);
  ~Sampler();

  // The next token.  logits: one for each token of the vocabulary.  Throws Error where they are not finite.
  std::int64_t choose(const std::vector<float>& logits);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace rfa
