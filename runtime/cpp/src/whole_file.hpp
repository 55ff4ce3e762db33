// Files that are written whole or not at all: a kill or a full disk leaves the old one.
#pragma once

#include <filesystem>
#include <string>

namespace rfa {

// Throws Error.
void write_whole(const std::filesystem::path& file, const std::string& bytes);

}  // namespace rfa
