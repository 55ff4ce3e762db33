#include "file_names.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "json_object.hpp"
#include "rfa/error.hpp"

namespace rfa {
namespace {

constexpr std::size_t kLongest = 255;
constexpr const char* kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-";

// Windows opens these as devices, whatever comes after a dot.
bool is_device(std::string stem) {
  std::transform(stem.begin(), stem.end(), stem.begin(), [](unsigned char c) { return std::tolower(c); });
  static const std::set<std::string> kDevices = {"con", "prn", "aux", "nul"};
  if (kDevices.count(stem) > 0) {
    return true;
  }
  const std::string port = stem.substr(0, 3);
  return stem.size() == 4 && (port == "com" || port == "lpt") && std::isdigit(static_cast<unsigned char>(stem[3])) != 0;
}

}  // namespace

void check_file_name(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= kLongest;
  const bool plain = fits && name.find_first_not_of(kPlain) == std::string::npos;
  if (!plain || name[0] == '.' || name[0] == '+' || name[0] == '-') {
    throw Error("the file name '" + shown_name(name) + "' is refused: wanted only letters, digits and _ . + -");
  }
  if (is_device(name.substr(0, name.find('.'))) || name.back() == '.') {
    throw Error("the file name '" + name + "' is refused: on some systems it is a device or another file");
  }
}

}  // namespace rfa
