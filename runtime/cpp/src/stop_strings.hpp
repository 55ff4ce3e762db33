// Stop strings in a stream of text, whatever pieces it comes in.
#pragma once

#include <string>
#include <vector>

namespace rfa {

// Lets text through up to the first stop string, and never a part of one.
class StopStrings {
 public:
  // Throws Error for an empty string.
  explicit StopStrings(std::vector<std::string> stops);

  // Take the next piece of text, return what may be shown.
  std::string push(const std::string& piece);

  // Return what was held back, when no more text comes.
  std::string flush();

  // Whether a stop string has come: nothing follows it.
  bool found() const { return found_; }

 private:
  std::size_t begun_at_end(const std::string& text) const;

  std::vector<std::string> stops_;
  std::string held_;
  bool found_ = false;
};

}  // namespace rfa
