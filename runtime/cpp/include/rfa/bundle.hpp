// A bundle: a folder with a manifest and the files that it lists, all of them checked.
#pragma once

#include <filesystem>
#include <string>

#include "rfa/manifest.hpp"

namespace rfa {

struct Bundle {
  std::filesystem::path folder;
  Manifest manifest;
  std::string sha256;  // equal for the same files: what a saved state belongs to

  // The graph of a role such as `model`.  Throws Error where there is none.
  const GraphSpec& graph(const std::string& role) const;

  bool has_graph(const std::string& role) const { return manifest.graphs.count(role) > 0; }
  bool has_file(const std::string& name) const { return manifest.files.count(name) > 0; }
};

// Read and check a bundle from anyone: names, sizes and sums of all files, before anything is opened.  Throws Error.
Bundle read_bundle(const std::filesystem::path& folder);

}  // namespace rfa
