// numpy's SeedSequence, which mixes a seed into a pool of four words, and PCG64 (O'Neill, "PCG: A Family of Simple Fast
// Space-Efficient Statistically Good Algorithms for Random Number Generation", 2014), variant XSL RR 128/64.

#include "random.hpp"

#include <array>
#include <random>
#include <vector>

namespace rfa {
namespace {

using Word = std::uint32_t;

constexpr int kShift = 16;
constexpr std::size_t kPool = 4;

// A hash whose constant changes with every use.
class Hash {
 public:
  Hash(Word constant, Word factor) : constant_(constant), factor_(factor) {}

  Word operator()(Word value) {
    value ^= constant_;
    constant_ *= factor_;
    value *= constant_;
    return value ^ (value >> kShift);
  }

 private:
  Word constant_;
  Word factor_;
};

Word mixed(Word first, Word second) {
  const Word value = 0xca01f9ddu * first - 0x4973f715u * second;
  return value ^ (value >> kShift);
}

// A number as words, the lowest first; zero has one.
void append(std::vector<Word>& words, std::uint64_t number) {
  do {
    words.push_back(static_cast<Word>(number));
    number >>= 32;
  } while (number > 0);
}

std::array<Word, kPool> pool_of(const std::vector<Word>& entropy) {
  Hash hash(0x43b0d7e5u, 0x931e8875u);
  std::array<Word, kPool> pool;
  for (std::size_t place = 0; place < kPool; ++place) {
    pool[place] = hash(place < entropy.size() ? entropy[place] : 0);
  }
  for (std::size_t source = 0; source < kPool; ++source) {
    for (std::size_t target = 0; target < kPool; ++target) {
      if (source != target) {
        pool[target] = mixed(pool[target], hash(pool[source]));
      }
    }
  }
  for (std::size_t source = kPool; source < entropy.size(); ++source) {
    for (Word& word : pool) {
      word = mixed(word, hash(entropy[source]));
    }
  }
  return pool;
}

std::array<std::uint64_t, 4> state_of(const std::array<Word, kPool>& pool) {
  Hash hash(0x8b51f9ddu, 0x58f38dedu);
  std::array<std::uint64_t, 4> state;
  for (std::size_t place = 0; place < state.size(); ++place) {
    const std::uint64_t low = hash(pool[2 * place % kPool]);
    const std::uint64_t high = hash(pool[(2 * place + 1) % kPool]);
    state[place] = low | (high << 32);
  }
  return state;
}

std::vector<Word> entropy_of(std::optional<std::uint64_t> seed, std::uint64_t row) {
  std::vector<Word> words;
  if (seed) {
    append(words, *seed);
    append(words, row);
    return words;
  }
  std::random_device device;
  for (std::size_t place = 0; place < kPool; ++place) {
    words.push_back(device());
  }
  return words;
}

}  // namespace

Random::Random(std::optional<std::uint64_t> seed, std::uint64_t row) {
  const auto words = state_of(pool_of(entropy_of(seed, row)));
  const Wide start = (static_cast<Wide>(words[0]) << 64) | words[1];
  const Wide sequence = (static_cast<Wide>(words[2]) << 64) | words[3];
  increment_ = (sequence << 1) | 1;
  step();
  state_ += start;
  step();
}

double Random::next() {
  step();
  const auto high = static_cast<std::uint64_t>(state_ >> 64);
  const auto folded = high ^ static_cast<std::uint64_t>(state_);
  const auto turn = static_cast<unsigned>(high >> 58);
  const std::uint64_t bits = (folded >> turn) | (folded << ((64 - turn) & 63));
  return static_cast<double>(bits >> 11) * (1.0 / 9007199254740992.0);
}

void Random::step() {
  constexpr Wide factor = (static_cast<Wide>(2549297995355413924ull) << 64) | 4865540595714422341ull;
  state_ = state_ * factor + increment_;
}

}  // namespace rfa
