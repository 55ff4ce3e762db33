// What a bundle says about itself: the contents of manifest.json, checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rfa {

enum class Dtype { kFloat32, kFloat16 };

std::size_t bytes_of(Dtype dtype);

// One tensor of fixed size that is carried from step to step.
struct StateSpec {
  std::string past;     // the graph input that it comes in by
  std::string present;  // the graph output that it leaves by; bound to the same buffer
  Dtype dtype = Dtype::kFloat32;
  std::vector<std::int64_t> shape;  // of one row: the first dimension is the batch, 1 here

  std::size_t elements() const;
  std::size_t bytes() const { return elements() * bytes_of(dtype); }
};

// One ONNX graph.
struct GraphSpec {
  std::string file;
  std::vector<std::string> inputs;   // without the states
  std::vector<std::string> outputs;  // without the states
  std::string logits;                // "last", "all", "sequence" or "none"
};

struct FileEntry {
  std::uint64_t bytes = 0;
  std::string sha256;
};

struct Manifest {
  std::string producer;
  std::int64_t vocab_size = 0;
  std::map<std::string, GraphSpec> graphs;  // by role: `model` takes steps, `throughput` those of many tokens
  std::vector<StateSpec> states;
  std::optional<std::int64_t> bos;          // starts every text
  std::set<std::int64_t> ends;              // end every text
  std::map<std::string, double> sampling;   // the bundle's own settings
  std::map<std::string, FileEntry> files;   // all but the manifest

  std::size_t state_bytes() const;
};

// Read and check the text of manifest.json.  Throws Error, also for a bundle that this library cannot run: another
// task than `language-model`, or a state that grows with the text.
Manifest parse_manifest(std::string_view text);

}  // namespace rfa
