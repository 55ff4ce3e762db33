// The random numbers of numpy's default_rng([seed, row]): the same seed gives the same text in every runtime.
#pragma once

#include <cstdint>
#include <optional>

namespace rfa {

class Random {
 public:
  // Without a seed, numbers that nobody can foresee.
  explicit Random(std::optional<std::uint64_t> seed, std::uint64_t row = 0);

  // Even from 0 to 1, 1 left out.
  double next();

 private:
  __extension__ typedef unsigned __int128 Wide;

  void step();

  Wide state_ = 0;
  Wide increment_ = 0;
};

}  // namespace rfa
