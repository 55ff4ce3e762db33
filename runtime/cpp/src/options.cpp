#include "options.hpp"

#include <charconv>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>

#include "rfa/error.hpp"

namespace rfa {

const char* const kHelp = R"(Usage: rfa-run-cpp [OPTIONS] DIR [PROMPT]

  Continue PROMPT with the language model in DIR, a bundle of rfa-export.  The text is the one that rfa-run writes, with
  the same seed, too.

Options:
  --ids ID,...            Token ids as the prompt.
  --max-new-tokens N      128 by default, 0 sets no limit.
  --temperature X         0 picks the most likely token.
  --top-k N               Draw from the k most likely tokens; 0 from all.
  --top-p X               Draw from the fewest tokens whose probabilities add up to p.
  --typical-p X           Draw from the tokens of the usual surprise that add up to p.
  --min-p X               Draw from tokens at least this part as likely as the most likely one.
  --repetition-penalty X  Above 1, what was said becomes less likely.
  --presence-penalty X    Taken from the logits of tokens that the text has.
  --frequency-penalty X   The same, for each time that the text has the token.
  --seed N                The same seed gives the same text.
  --stop TEXT             End the text before this; may be repeated.
  --ignore-eos            Go on where the model would end the text.
  --load-state FILE       Go on from a saved state, with or without PROMPT.
  --save-state FILE       Write what was read and written to a small file.
  --threads N             Of one step; 1 by default.
  --json                  Print the result as one JSON object.
  --help                  Show this message and exit.

  Example:  rfa-run-cpp stories.rfa "Once upon a time" --max-new-tokens 200 --temperature 0.8 --seed 3
)";

namespace {

constexpr std::int64_t kMostNewTokens = std::int64_t{1} << 62;

double real(const std::string& option, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') {
    throw Error(option + " is '" + text + "', wanted a number");
  }
  return value;
}

std::int64_t whole(const std::string& option, const std::string& text, std::int64_t lowest, std::int64_t highest) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stopped != end || value < lowest || value > highest) {
    throw Error(option + " is '" + text + "', wanted a whole number from " + std::to_string(lowest) + " to " +
                std::to_string(highest));
  }
  return value;
}

Tokens token_ids(const std::string& option, const std::string& text) {
  Tokens ids;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    ids.push_back(whole(option, text.substr(begin, end - begin), 0, INT32_MAX));
    begin = end + 1;
  }
  return ids;
}

// `--top-p` is the setting `top_p`.
std::string setting_of(const std::string& option) {
  std::string name = option.substr(2);
  for (char& character : name) {
    if (character == '-') {
      character = '_';
    }
  }
  return name;
}

const std::set<std::string>& sampling_options() {
  static const std::set<std::string> kOptions = {
      "--temperature",        "--top-k",            "--top-p",             "--typical-p", "--min-p",
      "--repetition-penalty", "--presence-penalty", "--frequency-penalty", "--seed",
  };
  return kOptions;
}

using Setter = std::function<void(Options&, const std::string&)>;

// Options that take a value.
const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> kSetters = {
      {"--ids", [](Options& o, const std::string& v) { o.ids = token_ids("--ids", v); }},
      {"--max-new-tokens",
       [](Options& o, const std::string& v) { o.max_new_tokens = whole("--max-new-tokens", v, 0, kMostNewTokens); }},
      {"--stop", [](Options& o, const std::string& v) { o.stop.push_back(v); }},
      {"--load-state", [](Options& o, const std::string& v) { o.load_state = v; }},
      {"--save-state", [](Options& o, const std::string& v) { o.save_state = v; }},
      {"--threads", [](Options& o, const std::string& v) { o.threads = static_cast<int>(whole("--threads", v, 1, 256)); }},
  };
  return kSetters;
}

bool set_flag(const std::string& word, Options& options) {
  if (word == "--json") {
    options.as_json = true;
  } else if (word == "--ignore-eos") {
    options.ignore_eos = true;
  } else if (word == "--help") {
    options.help = true;
  } else {
    return false;
  }
  return true;
}

void set_value(const std::string& option, const std::string& value, Options& options) {
  if (sampling_options().count(option) > 0) {
    options.sampling[setting_of(option)] = real(option, value);
    return;
  }
  const auto setter = setters().find(option);
  if (setter == setters().end()) {
    throw Error("there is no option " + option + ": see --help");
  }
  setter->second(options, value);
}

void take_arguments(const std::vector<std::string>& arguments, Options& options) {
  if (arguments.empty() || arguments.size() > 2) {
    throw Error(std::to_string(arguments.size()) + " arguments came, wanted DIR and PROMPT: see --help");
  }
  options.bundle = arguments[0];
  if (arguments.size() == 2) {
    options.prompt = arguments[1];
  }
  if (options.ids && !options.prompt.empty()) {
    throw Error("PROMPT and --ids came, wanted one of them");
  }
}

}  // namespace

Options read_options(const std::vector<std::string>& words) {
  Options options;
  std::vector<std::string> arguments;
  bool only_arguments = false;
  for (std::size_t place = 0; place < words.size(); ++place) {
    const std::string& word = words[place];
    if (only_arguments || word.compare(0, 2, "--") != 0) {
      arguments.push_back(word);
    } else if (word == "--") {
      only_arguments = true;
    } else if (!set_flag(word, options)) {
      if (place + 1 == words.size()) {
        throw Error(word + " came without a value: see --help");
      }
      ++place;
      set_value(word, words[place], options);
    }
  }
  if (!options.help) {
    take_arguments(arguments, options);
  }
  return options;
}

}  // namespace rfa
