#include "json_object.hpp"

#include <algorithm>
#include <set>

#include "rfa/error.hpp"

namespace rfa {
namespace {

constexpr std::size_t kLongestText = 1024;
constexpr int kDeepest = 64;
constexpr std::size_t kLongestReason = 200;
constexpr std::size_t kShown = 60;  // characters of a value in a message

std::string cut(std::string text) {
  return text.size() <= kShown ? text : text.substr(0, kShown - 3) + "...";
}

std::string kind_of(const Json& value) {
  if (value.is_object()) {
    return "an object";
  }
  if (value.is_array()) {
    return "a list";
  }
  return cut(value.dump(-1, ' ', true, Json::error_handler_t::replace));
}

// Watches a parse: readers differ in which of two equal keys counts, and what is nested without end fills the stack.
class Watch {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (depth >= kDeepest && (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start)) {
      throw Error("nested too deep");
    }
    if (event == Json::parse_event_t::object_start) {
      keys_.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys_.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto key = parsed.get<std::string>();
      if (!keys_.back().insert(key).second) {
        throw Error("the key '" + shown_name(key) + "' comes twice");
      }
    }
    return true;
  }

 private:
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  try {
    Watch watch;
    auto callback = [&watch](int depth, Json::parse_event_t event, Json& parsed) { return watch(depth, event, parsed); };
    return Json::parse(text.begin(), text.end(), callback);
  } catch (const Error& error) {
    throw Error(where + " is not JSON: " + error.what());
  } catch (const Json::exception& error) {
    throw Error(where + " is not JSON: " + std::string(error.what()).substr(0, kLongestReason));  // it repeats its input
  }
}

std::string shown_name(const std::string& name) {
  const std::string quoted = Json(name).dump(-1, ' ', true, Json::error_handler_t::replace);
  return cut(quoted.substr(1, quoted.size() - 2));
}

JsonObject::JsonObject(const Json& value, std::string where) : table_(&value), where_(std::move(where)) {
  if (!value.is_object()) {
    throw Error(where_ + " is " + kind_of(value) + ", wanted an object");
  }
}

const Json& JsonObject::value(const std::string& key) const {
  const auto found = table_->find(key);
  if (found == table_->end()) {
    throw Error(where_ + " has no '" + key + "'");
  }
  return *found;
}

std::string JsonObject::text(const std::string& key) const {
  const Json& found = value(key);
  if (found.is_string()) {
    auto text = found.get<std::string>();
    if (!text.empty() && text.size() <= kLongestText) {
      return text;
    }
  }
  refuse(key, found, "a string of 1 to " + std::to_string(kLongestText) + " characters");
}

std::string JsonObject::string(const std::string& key) const {
  const Json& found = value(key);
  if (!found.is_string()) {
    refuse(key, found, "a string");
  }
  return found.get<std::string>();
}

std::string JsonObject::choice(const std::string& key, std::initializer_list<const char*> choices) const {
  const Json& found = value(key);
  std::string wanted;
  for (const char* one : choices) {
    if (found.is_string() && found.get<std::string>() == one) {
      return one;
    }
    wanted += (wanted.empty() ? "'" : " or '") + std::string(one) + "'";
  }
  refuse(key, found, wanted);
}

std::int64_t JsonObject::integer(const std::string& key, std::int64_t lowest, std::int64_t highest) const {
  const Json& found = value(key);
  const bool small = !found.is_number_unsigned() || found.get<std::uint64_t>() <= INT64_MAX;
  if (found.is_number_integer() && small) {
    const auto number = found.get<std::int64_t>();
    if (lowest <= number && number <= highest) {
      return number;
    }
  }
  refuse(key, found, "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest));
}

const Json& JsonObject::array(const std::string& key) const {
  const Json& found = value(key);
  if (!found.is_array()) {
    refuse(key, found, "a list");
  }
  return found;
}

std::vector<std::string> JsonObject::names(const std::string& key) const {
  const Json& found = array(key);
  std::vector<std::string> names;
  for (const Json& item : found) {
    if (!item.is_string() || item.get<std::string>().empty()) {
      refuse(key, found, "a list of distinct names");
    }
    names.push_back(item.get<std::string>());
  }
  const std::set<std::string> distinct(names.begin(), names.end());
  if (names.empty() || distinct.size() != names.size()) {
    refuse(key, found, "a list of distinct names");
  }
  return names;
}

JsonObject JsonObject::child(const std::string& key) const { return JsonObject(value(key), where_ + "." + shown_name(key)); }

void JsonObject::refuse(const std::string& key, const Json& value, const std::string& wanted) const {
  throw Error(where_ + "." + shown_name(key) + " is " + kind_of(value) + ", wanted " + wanted);
}

}  // namespace rfa
