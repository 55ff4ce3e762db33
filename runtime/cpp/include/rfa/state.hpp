// The memory of one text between two steps.  It belongs to the caller; a session holds none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "rfa/bundle.hpp"

namespace rfa {

using Tokens = std::vector<std::int64_t>;

// What a model remembers of one text.  A step advances it in place; a copy goes on by itself.
struct State {
  explicit State(const Manifest& manifest);

  std::vector<std::vector<std::byte>> tensors;  // in the order of the manifest; zero at first
  std::int64_t length = 0;                      // tokens that were read
  std::vector<float> logits;                    // after the last token; empty where nothing was read
};

// A state with the tokens that it has read: what a file holds.
struct Past {
  State state;
  Tokens tokens;
};

// Write the file that the Python runtime writes, whole or not at all.  Throws Error.
void save_past(const Past& past, const Bundle& bundle, const std::filesystem::path& file);

// Read such a file.  Throws Error for one that is damaged in any byte, of another bundle, of several texts or of a newer
// format.
Past load_past(const Bundle& bundle, const std::filesystem::path& file);

}  // namespace rfa
