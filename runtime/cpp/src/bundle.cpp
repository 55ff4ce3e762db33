#include "rfa/bundle.hpp"

#include <fstream>
#include <sstream>
#include <system_error>

#include "rfa/error.hpp"
#include "sha256.hpp"

namespace rfa {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "manifest.json";
constexpr std::uint64_t kLargestManifest = 16 << 20;
constexpr const char* kCopyAgain = ": copy or export the bundle again";

// The size of a file, which may stand behind a link.
std::uint64_t plain_file_size(const fs::path& file) {
  const std::string shown = file.parent_path().filename().string() + "/" + file.filename().string();
  std::error_code problem;
  const fs::file_status status = fs::status(file, problem);
  if (!fs::exists(status)) {
    throw Error(shown + " is missing" + kCopyAgain);
  }
  if (!fs::is_regular_file(status)) {
    throw Error(shown + " is no plain file" + kCopyAgain);
  }
  return fs::file_size(file);
}

std::string read_manifest(const fs::path& file) {
  if (plain_file_size(file) > kLargestManifest) {
    throw Error("manifest.json is larger than 16 MB: it is not one of ours");
  }
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) {
    throw Error(file.string() + " cannot be read");
  }
  return text.str();
}

void check_file(const fs::path& folder, const std::string& name, const FileEntry& entry) {
  const std::string shown = folder.filename().string() + "/" + name;
  const std::uint64_t size = plain_file_size(folder / name);
  if (size != entry.bytes) {
    throw Error(shown + " has " + std::to_string(size) + " bytes, the manifest says " + std::to_string(entry.bytes) +
                kCopyAgain);
  }
  if (sha256_of_file(folder / name) != entry.sha256) {
    throw Error(shown + " has changed since the bundle was written (its sha256 differs)" + kCopyAgain);
  }
}

// The sum of all sums, as the Python runtime writes them: a list of pairs in JSON, by name.
std::string sha256_of_bundle(const Manifest& manifest) {
  std::string list = "[";
  for (const auto& [name, entry] : manifest.files) {
    list += list.size() > 1 ? ", " : "";
    list += "[\"" + name + "\", \"" + entry.sha256 + "\"]";
  }
  return sha256_of(list + "]");
}

}  // namespace

const GraphSpec& Bundle::graph(const std::string& role) const {
  const auto found = manifest.graphs.find(role);
  if (found == manifest.graphs.end()) {
    throw Error(folder.filename().string() + " has no graph '" + role + "' for ONNX Runtime: export it again with ort "
                "among its targets");
  }
  return found->second;
}

Bundle read_bundle(const fs::path& given) {
  std::error_code problem;
  if (!fs::is_directory(given, problem)) {
    const char* what = fs::exists(given, problem) ? " is a file" : " does not exist";
    throw Error(given.string() + what + ", wanted a bundle: the folder that rfa-export writes");
  }
  const fs::path folder = fs::canonical(given);
  if (!fs::exists(folder / kManifest, problem)) {
    throw Error(given.string() + " has no manifest.json, wanted a bundle: the folder that rfa-export writes");
  }
  Bundle bundle;
  bundle.folder = folder;
  bundle.manifest = parse_manifest(read_manifest(folder / kManifest));
  for (const auto& [name, entry] : bundle.manifest.files) {
    check_file(folder, name, entry);
  }
  bundle.sha256 = sha256_of_bundle(bundle.manifest);
  return bundle;
}

}  // namespace rfa
