#include "whole_file.hpp"

#include <fstream>
#include <random>
#include <system_error>

#include "rfa/error.hpp"

namespace rfa {
namespace {

namespace fs = std::filesystem;

void write_to(const fs::path& file, const std::string& bytes) {
  std::ofstream stream(file, std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) {
    throw Error(file.string() + " cannot be written");
  }
}

}  // namespace

void write_whole(const fs::path& given, const std::string& bytes) {
  std::error_code problem;
  const fs::path file = fs::weakly_canonical(given, problem);  // a link stays one, and leads to the new file
  if (problem || (fs::exists(file) && !fs::is_regular_file(file))) {
    throw Error(given.string() + " is a folder, a pipe or a device: name a file");
  }
  const std::string mark = std::to_string(std::random_device()());
  const fs::path draft = file.parent_path() / ("." + file.filename().string() + "." + mark + ".tmp");
  try {
    write_to(draft, bytes);
    fs::rename(draft, file);
  } catch (...) {
    fs::remove(draft, problem);
    throw;
  }
}

}  // namespace rfa
