// What goes wrong, in one line for people.
#pragma once

#include <stdexcept>

namespace rfa {

// Every error that this library raises on purpose: what came, what was wanted, what to do next.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace rfa
