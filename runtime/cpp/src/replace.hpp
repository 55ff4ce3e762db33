// A string in place of another, wherever it stands in a text.
#pragma once

#include <string>

namespace rfa {

inline std::string replaced(const std::string& text, const std::string& pattern, const std::string& content) {
  if (pattern.empty()) {
    return text;
  }
  std::string result;
  std::size_t place = 0;
  for (std::size_t found = text.find(pattern); found != std::string::npos; found = text.find(pattern, place)) {
    result += text.substr(place, found - place) + content;
    place = found + pattern.size();
  }
  return result + text.substr(place);
}

}  // namespace rfa
