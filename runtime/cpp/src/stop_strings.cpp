#include "stop_strings.hpp"

#include <algorithm>

#include "rfa/error.hpp"

namespace rfa {
namespace {

// Length of the longest end of a text that is the beginning of a stop string, but not the whole of it.
std::size_t longest_beginning(const std::string& stop, const std::string& text) {
  for (std::size_t length = std::min(stop.size() - 1, text.size()); length > 0; --length) {
    if (text.compare(text.size() - length, length, stop, 0, length) == 0) {
      return length;
    }
  }
  return 0;
}

}  // namespace

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const std::string& stop : stops_) {
    if (stop.empty()) {
      throw Error("a stop string is empty, wanted some text");
    }
  }
}

std::string StopStrings::push(const std::string& piece) {
  const std::string text = held_ + piece;
  std::size_t first_end = std::string::npos;
  std::size_t beginning = std::string::npos;
  for (const std::string& stop : stops_) {  // that which is complete first counts, of several the longest
    const std::size_t place = text.find(stop);
    if (place == std::string::npos) {
      continue;
    }
    const std::size_t end = place + stop.size();
    if (end < first_end || (end == first_end && place < beginning)) {
      first_end = end;
      beginning = place;
    }
  }
  if (beginning != std::string::npos) {
    found_ = true;
    held_.clear();
    return text.substr(0, beginning);
  }
  const std::size_t shown = text.size() - begun_at_end(text);
  held_ = text.substr(shown);
  return text.substr(0, shown);
}

std::string StopStrings::flush() {
  std::string text;
  text.swap(held_);
  return text;
}

std::size_t StopStrings::begun_at_end(const std::string& text) const {
  std::size_t longest = 0;
  for (const std::string& stop : stops_) {
    longest = std::max(longest, longest_beginning(stop, text));
  }
  return longest;
}

}  // namespace rfa
