#include "rfa/manifest.hpp"

#include <algorithm>
#include <initializer_list>

#include "file_names.hpp"
#include "json_object.hpp"
#include "rfa/error.hpp"

namespace rfa {
namespace {

constexpr const char* kManifest = "manifest.json";
constexpr const char* kTask = "language-model";
constexpr const char* kOurTarget = "ort";
constexpr std::int64_t kFormatVersion = 1;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;
constexpr std::int64_t kLargestSize = (std::int64_t{1} << 31) - 1;
constexpr std::int64_t kLargestFile = std::int64_t{1} << 44;
constexpr std::size_t kMostStates = 10'000;
constexpr std::size_t kLargestRank = 8;
constexpr std::uint64_t kLargestRow = std::uint64_t{8} << 30;  // bytes of all states of one text

FileEntry file_entry(const std::string& name, const JsonObject& entry) {
  check_file_name(name);
  if (name == kManifest) {
    throw Error("manifest.json lists itself among its files");
  }
  const std::string digest = entry.text("sha256");
  const bool hexadecimal = digest.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (digest.size() != 64 || !hexadecimal) {
    entry.refuse("sha256", entry.value("sha256"), "64 hexadecimal digits in lower case");
  }
  return {static_cast<std::uint64_t>(entry.integer("bytes", 0, kLargestFile)), digest};
}

GraphSpec graph_spec(const JsonObject& entry, const std::map<std::string, FileEntry>& files) {
  GraphSpec graph;
  graph.file = entry.text("file");
  check_file_name(graph.file);
  if (files.count(graph.file) == 0) {
    entry.refuse("file", entry.value("file"), "a file of the list");
  }
  graph.inputs = entry.names("inputs");
  graph.outputs = entry.has("outputs") ? entry.names("outputs") : std::vector<std::string>{"logits"};
  graph.logits = entry.choice("logits", {"last", "all", "sequence", "none"});
  entry.text("target");
  if (entry.has("rows")) {
    entry.integer("rows", 0, kLargestSize);
  }
  return graph;
}

// Bytes are multiplied as they come: a shape must not be larger than arithmetic can bear.
std::vector<std::int64_t> state_shape(const JsonObject& entry) {
  const Json& dims = entry.array("shape");
  const std::string wanted = "'batch' at 0, among at most 8 sizes above 0";
  const bool begins = !dims.empty() && dims[0].is_string() && dims[0].get<std::string>() == "batch";
  if (!begins || dims.size() > kLargestRank) {
    entry.refuse("shape", dims, wanted);
  }
  std::vector<std::int64_t> shape = {1};
  std::uint64_t elements = 1;
  for (std::size_t axis = 1; axis < dims.size(); ++axis) {
    const bool whole = dims[axis].is_number_unsigned() && dims[axis].get<std::uint64_t>() <= kLargestSize;
    const std::uint64_t size = whole ? dims[axis].get<std::uint64_t>() : 0;
    if (size == 0) {
      entry.refuse("shape", dims, wanted);
    }
    elements *= size;
    if (elements > kLargestRow) {
      throw Error(entry.where() + ".shape is of more than 8 GB for one text");
    }
    shape.push_back(static_cast<std::int64_t>(size));
  }
  return shape;
}

StateSpec state_spec(const JsonObject& entry) {
  const std::string kind = entry.choice("kind", {"recurrent", "cache", "cross"});
  if (kind != "recurrent") {
    throw Error(entry.where() + " is of kind '" + kind + "', which grows with the text: this program runs models whose "
                "state has a fixed size");
  }
  StateSpec state;
  state.past = entry.text("past");
  state.present = entry.text("present");
  state.dtype = entry.choice("dtype", {"float16", "float32"}) == "float16" ? Dtype::kFloat16 : Dtype::kFloat32;
  state.shape = state_shape(entry);
  return state;
}

std::vector<StateSpec> state_specs(const JsonObject& top) {
  const Json& entries = top.array("state");
  if (entries.size() > kMostStates) {
    throw Error("manifest.json lists " + std::to_string(entries.size()) + " states, at most 10000 are allowed");
  }
  std::vector<StateSpec> states;
  std::set<std::string> used;
  std::uint64_t total = 0;
  for (std::size_t place = 0; place < entries.size(); ++place) {
    const std::string where = "manifest.json.state[" + std::to_string(place) + "]";
    states.push_back(state_spec(JsonObject(entries[place], where)));
    total += states.back().bytes();
    for (const std::string& name : {states.back().past, states.back().present}) {
      if (!used.insert(name).second) {
        throw Error("manifest.json uses the state name '" + shown_name(name) + "' twice");
      }
    }
  }
  if (total > kLargestRow) {
    throw Error("the states take " + std::to_string(total) + " bytes for one text, at most 8 GB are allowed");
  }
  return states;
}

std::optional<std::int64_t> special_id(const JsonObject& ids, const std::string& name, std::int64_t vocab_size) {
  if (ids.value(name).is_null()) {
    return std::nullopt;
  }
  return ids.integer(name, 0, vocab_size - 1);
}

std::set<std::int64_t> end_ids(const JsonObject& ids, std::int64_t vocab_size) {
  std::set<std::int64_t> ends;
  if (const auto eos = special_id(ids, "eos", vocab_size)) {
    ends.insert(*eos);
  }
  if (!ids.has("other_ends")) {
    return ends;
  }
  const Json& others = ids.array("other_ends");
  for (const Json& token : others) {
    const bool known = token.is_number_unsigned() && token.get<std::uint64_t>() < static_cast<std::uint64_t>(vocab_size);
    if (!known) {
      ids.refuse("other_ends", others, "a list of whole numbers from 0 to " + std::to_string(vocab_size - 1));
    }
    ends.insert(token.get<std::int64_t>());
  }
  return ends;
}

std::map<std::string, double> sampling_of(const JsonObject& entry) {
  std::map<std::string, double> found;
  for (const auto& [name, value] : entry.table().items()) {
    if (value.is_null()) {
      continue;
    }
    if (!value.is_number()) {
      entry.refuse(name, value, "a number or null");
    }
    found[name] = value.get<double>();
  }
  return found;
}

// What only the Python runtime uses: it must be possible nevertheless.
void check_the_rest(const JsonObject& top) {
  top.child("parity");
  const JsonObject scoring = top.child("scoring");
  if (!scoring.table().empty()) {
    scoring.integer("segment_length", 0, kLargestSize);
  }
  if (top.has("max_tokens")) {
    top.integer("max_tokens", 0, kLargestSize);
  }
  if (top.has("conversion")) {
    top.child("conversion");
  }
  for (const char* key : {"labels", "notes"}) {
    if (top.has(key) && !top.array(key).empty()) {
      top.names(key);
    }
  }
}

void check_version(const JsonObject& top) {
  const std::int64_t version = top.integer("format_version", 1, std::int64_t{1} << 31);
  if (version > kFormatVersion) {
    throw Error("the bundle has format " + std::to_string(version) + ", this reader knows formats up to " +
                std::to_string(kFormatVersion) + ": use a newer one");
  }
}

}  // namespace

std::size_t bytes_of(Dtype dtype) { return dtype == Dtype::kFloat16 ? 2 : 4; }

std::size_t StateSpec::elements() const {
  std::size_t count = 1;
  for (const std::int64_t size : shape) {
    count *= static_cast<std::size_t>(size);
  }
  return count;
}

std::size_t Manifest::state_bytes() const {
  std::size_t total = 0;
  for (const StateSpec& state : states) {
    total += state.bytes();
  }
  return total;
}

Manifest parse_manifest(std::string_view text) {
  const Json document = parse_json(text, kManifest);
  const JsonObject top(document, kManifest);
  check_version(top);
  Manifest manifest;
  manifest.vocab_size = top.integer("vocab_size", 1, kMostTokens);
  manifest.producer = top.text("producer");
  const std::string task = top.text("task");
  if (task != kTask) {
    throw Error("the bundle is for the task '" + shown_name(task) + "', this program runs bundles for 'language-model'");
  }
  const JsonObject files = top.child("files");
  for (const auto& [name, value] : files.table().items()) {
    manifest.files[name] = file_entry(name, files.child(name));
  }
  const JsonObject graphs = top.child("graphs");
  for (const auto& [role, value] : graphs.table().items()) {
    const JsonObject entry = graphs.child(role);
    GraphSpec graph = graph_spec(entry, manifest.files);
    if (entry.text("target") == kOurTarget) {
      manifest.graphs[role] = std::move(graph);
    }
  }
  manifest.states = state_specs(top);
  const JsonObject ids = top.child("special_ids");
  manifest.bos = special_id(ids, "bos", manifest.vocab_size);
  manifest.ends = end_ids(ids, manifest.vocab_size);
  manifest.sampling = sampling_of(top.child("sampling"));
  check_the_rest(top);
  return manifest;
}

}  // namespace rfa
