#include "unicode.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace rfa {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

#include "unicode_ranges.inc"

template <std::size_t Count>
bool is_in(const Range (&ranges)[Count], char32_t code) {
  const auto ends_before = [](const Range& range, char32_t wanted) { return range.last < wanted; };
  const Range* found = std::lower_bound(std::begin(ranges), std::end(ranges), code, ends_before);
  return found != std::end(ranges) && found->first <= code;
}

}  // namespace

bool is_letter(char32_t code) { return is_in(kLetters, code); }
bool is_number(char32_t code) { return is_in(kNumbers, code); }
bool is_space(char32_t code) { return is_in(kSpaces, code); }

}  // namespace rfa
