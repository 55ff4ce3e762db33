// Runs the graphs of a bundle in ONNX Runtime, step by step.
#pragma once

#include <memory>

#include "rfa/bundle.hpp"
#include "rfa/state.hpp"

namespace rfa {

// Loaded graphs.  A session holds no text: several threads may use it at once, each with its own states.
class Session {
 public:
  // threads: of one step.  Throws Error where a graph does not run or is not what the manifest says.
  explicit Session(const Bundle& bundle, int threads = 1);
  ~Session();

 private:
  friend class Steps;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Steps on one state, whose memory is bound to the graph once.  Session and state must outlive it, and stay where they
// are.
class Steps {
 public:
  Steps(const Session& session, State& state);
  ~Steps();

  // Read tokens, one at least, and advance the state in place.  Throws Error for tokens that the model does not know,
  // and where the graph fails: then the state is of no use.
  void read(const Tokens& tokens);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace rfa
