// rfa-run-cpp: continues a text with a bundle, as rfa-run does.

#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>

#include "options.hpp"
#include "rfa/decoder.hpp"
#include "rfa/error.hpp"

namespace {

constexpr int kRefused = 2;

using Clock = std::chrono::steady_clock;

// What was written, and how long it took from the first token to the last.
struct Written {
  std::string text;
  rfa::Tokens tokens;
  std::string finish_reason;
  double seconds = 0;
};

Written write(rfa::Text& text, bool shown) {
  Written written;
  Clock::time_point first;
  while (!text.over()) {
    const rfa::Piece piece = text.next();
    if (written.tokens.empty()) {
      first = Clock::now();
    }
    written.tokens.push_back(piece.token);
    written.text += piece.text;
    written.finish_reason = piece.finish_reason;
    if (shown) {
      std::cout << piece.text << std::flush;
    }
  }
  written.seconds = std::chrono::duration<double>(Clock::now() - first).count();
  return written;
}

void print_json(const Written& written) {
  const nlohmann::json result = {
      {"text", written.text},
      {"token_ids", written.tokens},
      {"finish_reason", written.finish_reason},
  };
  std::cout << result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

void print_speed(const Written& written, const rfa::Bundle& bundle) {
  const double later = static_cast<double>(written.tokens.size()) - 1;
  std::fprintf(stderr, "%zu tokens", written.tokens.size());
  if (later > 0) {
    std::fprintf(stderr, ", %.0f tokens/s", later / written.seconds);
  }
  std::fprintf(stderr, ", state %.0f kB\n", static_cast<double>(bundle.manifest.state_bytes()) / 1000);
}

void run(const rfa::Options& options) {
  const rfa::Bundle bundle = rfa::read_bundle(options.bundle);
  std::optional<rfa::Past> past;
  if (options.load_state) {
    past = rfa::load_past(bundle, *options.load_state);
  }
  const rfa::Decoder decoder(bundle, options.threads);
  rfa::Request request;
  request.sampling = decoder.sampling().over(options.sampling);
  request.max_new_tokens = options.max_new_tokens;
  request.stop = options.stop;
  request.ignore_eos = options.ignore_eos;
  rfa::Text text = options.ids ? decoder.begin(*options.ids, request, std::move(past))
                               : decoder.begin(options.prompt, request, std::move(past));
  if (!options.as_json) {
    std::cout << options.prompt << std::flush;
  }
  const Written written = write(text, !options.as_json);
  if (options.as_json) {
    print_json(written);
  } else {
    std::cout << "\n";
  }
  if (options.save_state) {
    rfa::save_past(text.past(), bundle, *options.save_state);
  }
  print_speed(written, bundle);
}

}  // namespace

int main(int count, char** words) {
  try {
    const rfa::Options options = rfa::read_options({words + 1, words + count});
    if (options.help) {
      std::cout << rfa::kHelp;
      return 0;
    }
    run(options);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "Error: " << error.what() << "\n";
    return kRefused;
  }
}
