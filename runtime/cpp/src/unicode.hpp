// Kinds of characters, as regular expressions name them.
#pragma once

namespace rfa {

bool is_letter(char32_t code);  // \p{L}
bool is_number(char32_t code);  // \p{N}
bool is_space(char32_t code);   // \s

}  // namespace rfa
