// Reads JSON from strangers: every value is asked for by name, type and range, and errors say where it stood.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace rfa {

using Json = nlohmann::json;

// Parse a document whose top is an object.  Refuses repeated keys, and lists and objects nested more than 64 deep.
// where: what errors call the document.  Throws Error.
Json parse_json(std::string_view text, const std::string& where);

// A name out of a document as a message can hold it: short, on one line.
std::string shown_name(const std::string& name);

// An object that knows where it stands in its document.  It only points to the document, which must outlive it.
class JsonObject {
 public:
  JsonObject(const Json& value, std::string where);

  const std::string& where() const { return where_; }
  const Json& table() const { return *table_; }
  bool has(const std::string& key) const { return table_->contains(key); }

  // What stands under a key.  Throws Error where it is missing.
  const Json& value(const std::string& key) const;

  // A string that is not empty and has at most 1,024 bytes.
  std::string text(const std::string& key) const;

  // A string of any length.
  std::string string(const std::string& key) const;

  // One of some strings.
  std::string choice(const std::string& key, std::initializer_list<const char*> choices) const;

  // A whole number within bounds, both included.
  std::int64_t integer(const std::string& key, std::int64_t lowest, std::int64_t highest) const;

  // A list, its items unchecked.
  const Json& array(const std::string& key) const;

  // A list of distinct strings, one at least.
  std::vector<std::string> names(const std::string& key) const;

  // An object within this one.
  JsonObject child(const std::string& key) const;

  // Say what came and what was wanted.
  [[noreturn]] void refuse(const std::string& key, const Json& value, const std::string& wanted) const;

 private:
  const Json* table_;
  std::string where_;
};

}  // namespace rfa
