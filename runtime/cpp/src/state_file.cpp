// A state as one file in the layout of safetensors; runtime/rfa_runtime/session/saved.py describes it.

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "json_object.hpp"
#include "rfa/error.hpp"
#include "rfa/state.hpp"
#include "sha256.hpp"
#include "whole_file.hpp"

namespace rfa {
namespace {

constexpr const char* kEntry = "rfa_state";
constexpr const char* kLogits = "logits";
constexpr const char* kTokens = "token_ids.0";
constexpr std::int64_t kFormatVersion = 1;
constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLargestHeader = 1 << 20;
constexpr std::int64_t kLargestLength = std::int64_t{1} << 62;
constexpr std::size_t kAlignment = 8;

const std::string kNoDigest(64, '0');

// One tensor of a file.
struct Tensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string_view bytes;
};

[[noreturn]] void damaged(const std::string& origin, const std::string& problem) {
  throw Error(origin + ": no state, or a damaged one (" + problem +
              "): save it again, or get it again from where it came");
}

const char* name_of(Dtype dtype) { return dtype == Dtype::kFloat16 ? "F16" : "F32"; }

std::string_view view_of(const void* data, std::size_t bytes) { return {static_cast<const char*>(data), bytes}; }

// Tensors in the order in which safetensors writes them: wide numbers first, then by name.
std::vector<std::pair<std::string, Tensor>> in_order(const std::map<std::string, Tensor>& tensors) {
  std::vector<std::pair<std::string, Tensor>> found(tensors.begin(), tensors.end());
  const auto narrow = [](const Tensor& tensor) { return tensor.dtype == "F16"; };
  std::stable_sort(found.begin(), found.end(), [&narrow](const auto& one, const auto& other) {
    return !narrow(one.second) && narrow(other.second);
  });
  return found;
}

std::string header_of(const std::vector<std::pair<std::string, Tensor>>& tensors, const std::string& table) {
  Json header = Json::object();
  header["__metadata__"] = {{kEntry, table}};
  std::size_t place = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t end = place + tensor.bytes.size();
    header[name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {place, end}}};
    place = end;
  }
  std::string text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  return text;
}

std::string length_of(std::uint64_t count) {
  std::string bytes;
  for (std::size_t place = 0; place < kLengthBytes; ++place) {
    bytes += static_cast<char>(count >> (8 * place));
  }
  return bytes;
}

std::string table_of(const Past& past, const Bundle& bundle) {
  const Json table = {
      {"format_version", kFormatVersion},
      {"bundle", bundle.sha256},
      {"lengths", {past.state.length}},
      {"sha256", kNoDigest},
  };
  return table.dump();
}

std::string packed(const Past& past, const Bundle& bundle) {
  std::map<std::string, Tensor> tensors;
  for (std::size_t place = 0; place < bundle.manifest.states.size(); ++place) {
    const StateSpec& spec = bundle.manifest.states[place];
    const auto& bytes = past.state.tensors[place];
    tensors[spec.past] = {name_of(spec.dtype), spec.shape, view_of(bytes.data(), bytes.size())};
  }
  const auto& logits = past.state.logits;
  if (!logits.empty()) {
    const auto width = static_cast<std::int64_t>(logits.size());
    tensors[kLogits] = {"F32", {1, width}, view_of(logits.data(), logits.size() * sizeof(float))};
  }
  const std::vector<std::int32_t> ids(past.tokens.begin(), past.tokens.end());
  const auto count = static_cast<std::int64_t>(ids.size());
  tensors[kTokens] = {"I32", {count}, view_of(ids.data(), ids.size() * sizeof(std::int32_t))};
  const auto ordered = in_order(tensors);
  const std::string header = header_of(ordered, table_of(past, bundle));
  std::string data = length_of(header.size()) + header;
  for (const auto& [name, tensor] : ordered) {
    data += tensor.bytes;
  }
  const std::string digest = sha256_of(data);
  data.replace(data.find(kNoDigest), kNoDigest.size(), digest);
  return data;
}

std::uint64_t header_size(std::string_view data, const std::string& origin) {
  if (data.size() < kLengthBytes) {
    damaged(origin, "it has no header");
  }
  std::uint64_t size = 0;
  for (std::size_t place = 0; place < kLengthBytes; ++place) {
    size |= static_cast<std::uint64_t>(static_cast<unsigned char>(data[place])) << (8 * place);
  }
  if (size == 0 || size > kLargestHeader || size > data.size() - kLengthBytes) {
    damaged(origin, "it has no header");
  }
  return size;
}

// Every byte of the file is under its sum, in which these digits are zeros.
void check_digest(std::string data, const std::string& digest, const std::string& origin) {
  const std::size_t place = digest.size() == kNoDigest.size() ? data.find(digest) : std::string::npos;
  if (place != std::string::npos) {
    data.replace(place, digest.size(), kNoDigest);
    if (sha256_of(data) == digest) {
      return;
    }
  }
  damaged(origin, "its bytes are not those that were written");
}

Tensor tensor_of(const JsonObject& entry, std::string_view payload) {
  Tensor tensor;
  tensor.dtype = entry.text("dtype");
  for (const Json& size : entry.array("shape")) {
    if (!size.is_number_unsigned()) {
      entry.refuse("shape", entry.value("shape"), "a list of sizes");
    }
    tensor.shape.push_back(size.get<std::int64_t>());
  }
  const Json& offsets = entry.array("data_offsets");
  const bool shaped = offsets.size() == 2 && offsets[0].is_number_unsigned() && offsets[1].is_number_unsigned();
  const std::uint64_t begin = shaped ? offsets[0].get<std::uint64_t>() : 1;
  const std::uint64_t end = shaped ? offsets[1].get<std::uint64_t>() : 0;
  if (begin > end || end > payload.size()) {
    entry.refuse("data_offsets", offsets, "a part of the file");
  }
  tensor.bytes = payload.substr(begin, end - begin);
  return tensor;
}

// Copy a tensor to where it belongs, where it has the type and the shape that are wanted.
template <typename Number>
void take(const std::map<std::string, Tensor>& tensors, const std::string& name, const std::string& dtype,
          const std::vector<std::int64_t>& shape, std::vector<Number>& target, const std::string& origin) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    damaged(origin, "it has no tensor '" + name + "'");
  }
  const Tensor& tensor = found->second;
  const std::size_t wanted = target.size() * sizeof(Number);
  if (tensor.dtype != dtype || tensor.shape != shape || tensor.bytes.size() != wanted) {
    damaged(origin, "its tensor '" + name + "' is not that of the bundle");
  }
  if (wanted > 0) {
    std::memcpy(target.data(), tensor.bytes.data(), wanted);
  }
}

std::int64_t length_in(const JsonObject& table, const std::string& origin) {
  const Json& lengths = table.array("lengths");
  if (lengths.size() != 1) {
    throw Error(origin + ": holds " + std::to_string(lengths.size()) + " texts, wanted one");
  }
  const bool whole = lengths[0].is_number_unsigned() && lengths[0].get<std::uint64_t>() <= kLargestLength;
  if (!whole) {
    damaged(origin, "it does not say how many tokens were read");
  }
  return lengths[0].get<std::int64_t>();
}

std::map<std::string, Tensor> tensors_of(const JsonObject& header, std::string_view payload) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, value] : header.table().items()) {
    if (name != "__metadata__") {
      tensors[name] = tensor_of(header.child(name), payload);
    }
  }
  return tensors;
}

Past taken_apart(const std::map<std::string, Tensor>& tensors, std::int64_t length, const Bundle& bundle,
                 const std::string& origin) {
  Past past{State(bundle.manifest), {}};
  past.state.length = length;
  for (std::size_t place = 0; place < bundle.manifest.states.size(); ++place) {
    const StateSpec& spec = bundle.manifest.states[place];
    take(tensors, spec.past, name_of(spec.dtype), spec.shape, past.state.tensors[place], origin);
  }
  if (tensors.count(kLogits) > 0) {
    past.state.logits.resize(static_cast<std::size_t>(bundle.manifest.vocab_size));
    take(tensors, kLogits, "F32", {1, bundle.manifest.vocab_size}, past.state.logits, origin);
  }
  const auto ids = tensors.find(kTokens);
  const std::size_t bytes = ids == tensors.end() ? 0 : ids->second.bytes.size();
  std::vector<std::int32_t> tokens(bytes / sizeof(std::int32_t));
  take(tensors, kTokens, "I32", {length}, tokens, origin);
  past.tokens.assign(tokens.begin(), tokens.end());
  for (const std::int64_t token : past.tokens) {
    if (token < 0 || token >= bundle.manifest.vocab_size) {
      damaged(origin, "it has a token that the model does not know");
    }
  }
  const std::size_t known = bundle.manifest.states.size() + tensors.count(kLogits) + 1;
  if (tensors.size() != known) {
    damaged(origin, "it has tensors that the bundle does not know");
  }
  return past;
}

Past unpacked(const std::string& data, const Bundle& bundle, const std::string& origin) {
  const std::uint64_t size = header_size(data, origin);
  const Json document = parse_json(std::string_view(data).substr(kLengthBytes, size), "its header");
  const JsonObject header(document, "its header");
  const Json inner = parse_json(header.child("__metadata__").string(kEntry), "its table");
  const JsonObject table(inner, "its table");
  const std::int64_t version = table.integer("format_version", 1, INT64_MAX);
  if (version > kFormatVersion) {
    throw Error(origin + ": a state of format " + std::to_string(version) + ", this program reads up to " +
                std::to_string(kFormatVersion) + ": use a newer one");
  }
  check_digest(data, table.text("sha256"), origin);
  if (table.text("bundle") != bundle.sha256) {
    throw Error(origin + ": a state of another bundle: open the bundle that it was saved with");
  }
  const auto tensors = tensors_of(header, std::string_view(data).substr(kLengthBytes + size));
  return taken_apart(tensors, length_in(table, origin), bundle, origin);
}

}  // namespace

State::State(const Manifest& manifest) {
  for (const StateSpec& spec : manifest.states) {
    tensors.emplace_back(spec.bytes(), std::byte{0});
  }
}

void save_past(const Past& past, const Bundle& bundle, const std::filesystem::path& file) {
  write_whole(file, packed(past, bundle));
}

Past load_past(const Bundle& bundle, const std::filesystem::path& file) {
  const std::string origin = file.string();
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  if (!stream) {
    throw Error(origin + " cannot be read");
  }
  try {
    return unpacked(bytes.str(), bundle, origin);
  } catch (const Error& error) {
    const std::string said = error.what();
    if (said.compare(0, origin.size(), origin) == 0) {
      throw;
    }
    damaged(origin, said);
  }
}

}  // namespace rfa
