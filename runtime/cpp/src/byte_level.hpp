// GPT-2's table: a printable symbol for each byte.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rfa {

// Write each byte as its symbol.
std::string symbols_of_bytes(std::string_view bytes);

// The bytes behind symbols; none where one of them is no symbol.
std::optional<std::string> bytes_of_symbols(const std::string& symbols);

}  // namespace rfa
