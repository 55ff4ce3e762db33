// The command line of rfa-run-cpp.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "rfa/decoder.hpp"

namespace rfa {

struct Options {
  std::filesystem::path bundle;
  std::string prompt;
  std::optional<Tokens> ids;
  std::map<std::string, double> sampling;
  std::int64_t max_new_tokens = 128;
  std::vector<std::string> stop;
  bool ignore_eos = false;
  int threads = 1;
  std::optional<std::filesystem::path> load_state;
  std::optional<std::filesystem::path> save_state;
  bool as_json = false;
  bool help = false;
};

extern const char* const kHelp;

// Read the words behind the program's name.  Throws Error for what cannot be.
Options read_options(const std::vector<std::string>& words);

}  // namespace rfa
