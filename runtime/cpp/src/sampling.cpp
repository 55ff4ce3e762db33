// Letters: N vocabulary, C candidates still in the draw.

#include "rfa/sampling.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <numeric>

#include "random.hpp"
#include "rfa/error.hpp"

namespace rfa {
namespace {

using Tokens = std::vector<std::size_t>;
using Numbers = std::vector<double>;

constexpr double kNoLimit = 1e308;
constexpr double kLargestSeed = 9007199254740991;  // beyond it, two seeds are one double

double in_range(const std::string& name, double value, double lowest, double highest) {
  if (!(lowest <= value && value <= highest)) {
    throw Error(name + " is " + std::to_string(value) + ", wanted a number from " + std::to_string(lowest) + " to " +
                std::to_string(highest));
  }
  return value;
}

double whole(const std::string& name, double value, double lowest, double highest) {
  if (value != std::floor(value)) {
    throw Error(name + " is " + std::to_string(value) + ", wanted a whole number");
  }
  return in_range(name, value, lowest, highest);
}

std::size_t place_of_largest(const std::vector<float>& logits) {
  return static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

void check_finite(const std::vector<float>& logits) {
  for (const float logit : logits) {
    if (std::isnan(logit) || logit == HUGE_VALF) {
      throw Error("the graph gave logits that are no numbers: its weights or its state are damaged");
    }
  }
}

// Probabilities of the candidates, in float64.
Numbers softmax(const std::vector<float>& logits, const Tokens& tokens, double temperature) {
  double largest = -HUGE_VAL;
  for (const std::size_t token : tokens) {
    largest = std::max(largest, static_cast<double>(logits[token]));
  }
  Numbers weights;
  double sum = 0.0;
  for (const std::size_t token : tokens) {
    weights.push_back(std::exp((static_cast<double>(logits[token]) - largest) / temperature));
    sum += weights.back();
  }
  for (double& weight : weights) {
    weight /= sum;
  }
  return weights;
}

// The k most likely tokens, by their numbers.
Tokens top_k(const std::vector<float>& logits, std::size_t count) {
  Tokens tokens(logits.size());
  std::iota(tokens.begin(), tokens.end(), 0);
  if (count >= tokens.size()) {
    return tokens;
  }
  const auto likelier = [&logits](std::size_t one, std::size_t other) { return logits[one] > logits[other]; };
  std::nth_element(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(count), tokens.end(), likelier);
  tokens.resize(count);
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

// Of an order, the fewest places whose probabilities add up to `mass`, one at least.
Tokens first_of(Tokens order, const Numbers& probabilities, double mass) {
  double heap = 0.0;
  std::size_t kept = 0;
  for (const std::size_t place : order) {
    const double grown = heap + probabilities[place];
    if (!(grown - probabilities[place] < mass)) {
      break;
    }
    heap = grown;
    ++kept;
  }
  order.resize(std::max<std::size_t>(1, kept));
  std::sort(order.begin(), order.end());
  return order;
}

Tokens all_places(std::size_t count) {
  Tokens places(count);
  std::iota(places.begin(), places.end(), 0);
  return places;
}

Tokens most_likely(const Numbers& probabilities, double mass) {
  Tokens order = all_places(probabilities.size());
  std::stable_sort(order.begin(), order.end(), [&probabilities](std::size_t one, std::size_t other) {
    return probabilities[one] > probabilities[other];
  });
  return first_of(std::move(order), probabilities, mass);
}

// Meister et al., "Locally Typical Sampling" (TACL 2023), equation 6.
Tokens typical(Numbers probabilities, double mass) {
  const double sum = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  double entropy = 0.0;
  Numbers unusual;
  for (double& probability : probabilities) {
    probability /= sum;
    unusual.push_back(-std::log(std::max(probability, DBL_MIN)));
    entropy += probability * unusual.back();
  }
  for (double& surprise : unusual) {
    surprise = std::abs(surprise - entropy);
  }
  Tokens order = all_places(probabilities.size());
  std::stable_sort(order.begin(), order.end(),
                   [&unusual](std::size_t one, std::size_t other) { return unusual[one] < unusual[other]; });
  return first_of(std::move(order), probabilities, mass);
}

Tokens at_least(const Numbers& probabilities, double part) {
  const double bound = part * *std::max_element(probabilities.begin(), probabilities.end());
  Tokens kept;
  for (std::size_t place = 0; place < probabilities.size(); ++place) {
    if (probabilities[place] >= bound) {
      kept.push_back(place);
    }
  }
  return kept;
}

// Leave only some places of the candidates.
void keep(const Tokens& places, Tokens& tokens, Numbers& probabilities) {
  for (std::size_t place = 0; place < places.size(); ++place) {
    tokens[place] = tokens[places[place]];
    probabilities[place] = probabilities[places[place]];
  }
  tokens.resize(places.size());
  probabilities.resize(places.size());
}

std::size_t draw(const std::vector<float>& logits, const SamplingConfig& config, Random& random) {
  Tokens tokens = top_k(logits, config.top_k ? static_cast<std::size_t>(*config.top_k) : logits.size());
  Numbers probabilities = softmax(logits, tokens, config.temperature);
  if (config.top_p) {
    keep(most_likely(probabilities, *config.top_p), tokens, probabilities);
  }
  if (config.typical_p) {
    keep(typical(probabilities, *config.typical_p), tokens, probabilities);
  }
  if (config.min_p) {
    keep(at_least(probabilities, *config.min_p), tokens, probabilities);
  }
  Numbers heaps(probabilities.size());
  std::partial_sum(probabilities.begin(), probabilities.end(), heaps.begin());
  const auto place = std::upper_bound(heaps.begin(), heaps.end(), random.next() * heaps.back());
  return tokens[std::min(static_cast<std::size_t>(place - heaps.begin()), tokens.size() - 1)];
}

}  // namespace

SamplingConfig SamplingConfig::over(const std::map<std::string, double>& settings) const {
  SamplingConfig config = *this;
  bool chance = false;
  for (const auto& [name, value] : settings) {
    if (name == "temperature") {
      config.temperature = in_range(name, value, 0, 1e6);
    } else if (name == "repetition_penalty") {
      config.repetition_penalty = in_range(name, value, 1e-3, 1e3);
    } else if (name == "presence_penalty") {
      config.presence_penalty = in_range(name, value, -100, 100);
    } else if (name == "frequency_penalty") {
      config.frequency_penalty = in_range(name, value, -100, 100);
    } else if (name == "seed") {
      config.seed = static_cast<std::uint64_t>(whole(name, value, 0, kLargestSeed));
      chance = true;
    } else if (name == "top_k") {
      const bool off = value == 0 || value == -1;
      config.top_k.reset();
      if (!off) {
        config.top_k = static_cast<std::int64_t>(whole(name, value, 1, 2147483648.0));
        chance = true;
      }
    } else if (name == "top_p" || name == "typical_p" || name == "min_p") {
      const bool off = value == (name == "min_p" ? 0 : 1);
      auto& setting = name == "top_p" ? config.top_p : name == "min_p" ? config.min_p : config.typical_p;
      setting.reset();
      if (!off) {
        setting = in_range(name, value, 0, 1);
        chance = true;
      }
    } else {
      throw Error("sampling has the unknown setting '" + name + "'");
    }
  }
  if (chance && temperature == 0.0 && settings.count("temperature") == 0) {
    config.temperature = 1.0;
  }
  return config;
}

struct Sampler::Parts {
  Parts(const SamplingConfig& given, std::int64_t vocab_size)
      : config(given), random(given.seed), known(static_cast<std::size_t>(vocab_size)), said(known.size()) {}

  std::vector<float> adjusted(std::vector<float> logits) const {
    const auto presence = static_cast<float>(config.presence_penalty);
    const auto penalty = static_cast<float>(config.repetition_penalty);
    for (std::size_t token = 0; token < logits.size(); ++token) {
      float& logit = logits[token];
      if (known[token] && penalty != 1.0f) {
        logit = logit > 0 ? logit / penalty : logit * penalty;
      }
      if (said[token] > 0) {
        logit -= static_cast<float>(presence + config.frequency_penalty * said[token]);
      }
    }
    return logits;
  }

  SamplingConfig config;
  Random random;
  std::vector<bool> known;        // whether a token came in the prompt or in the text
  std::vector<std::int32_t> said;  // how often it came in the text
};

Sampler::Sampler(const SamplingConfig& config, std::int64_t vocab_size, const std::vector<std::int64_t>& prompt)
    : parts_(std::make_unique<Parts>(config, vocab_size)) {
  for (const std::int64_t token : prompt) {
    parts_->known[static_cast<std::size_t>(token)] = true;
  }
}

Sampler::~Sampler() = default;

std::int64_t Sampler::choose(const std::vector<float>& given) {
  check_finite(given);
  const SamplingConfig& config = parts_->config;
  const std::vector<float> logits = config.counts() ? parts_->adjusted(given) : given;
  const std::size_t token = config.temperature == 0.0 ? place_of_largest(logits) : draw(logits, config, parts_->random);
  parts_->known[token] = true;
  ++parts_->said[token];
  return static_cast<std::int64_t>(token);
}

}  // namespace rfa
