#include "rfa/session.hpp"

#include <onnxruntime_c_api.h>

#include <mutex>
#include <numeric>
#include <set>
#include <string>

#include "ort.hpp"
#include "rfa/error.hpp"

namespace rfa {
namespace {

constexpr const char* kModel = "model";
constexpr const char* kThroughput = "throughput";
constexpr const char* kInputIds = "input_ids";
constexpr const char* kPositionIds = "position_ids";
constexpr const char* kLogits = "logits";
constexpr const char* kTopLogit = "top_logit";
constexpr const char* kTopToken = "top_token";
constexpr std::size_t kManyTokens = 16;  // from which a step takes the graph for many, as in the Python runtime
constexpr int kMostThreads = 256;

ONNXTensorElementDataType type_of(Dtype dtype) {
  return dtype == Dtype::kFloat16 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}

// A graph that is loaded and held to its manifest.
class Graph {
 public:
  Graph(const Bundle& bundle, const std::string& role, int threads)
      : spec_(bundle.graph(role)), states_(bundle.manifest.states), session_(bundle.folder / spec_.file, threads) {
    check_known(spec_.inputs, kInputIds, {kInputIds, kPositionIds}, "inputs");
    check_known(spec_.outputs, kLogits, {kLogits, kTopLogit, kTopToken}, "outputs");
    if (spec_.logits != "last") {
      throw Error(spec_.file + " gives " + spec_.logits + " logits, wanted those of the last position");
    }
    std::set<std::string> inputs(spec_.inputs.begin(), spec_.inputs.end());
    std::set<std::string> outputs(spec_.outputs.begin(), spec_.outputs.end());
    for (const StateSpec& state : states_) {
      inputs.insert(state.past);
      outputs.insert(state.present);
    }
    check_same(session_.inputs(), inputs, "inputs");
    check_same(session_.outputs(), outputs, "outputs");
  }

  const GraphSpec& spec() const { return spec_; }
  const std::vector<StateSpec>& states() const { return states_; }
  const OrtGraph& session() const { return session_; }

 private:
  void check_known(const std::vector<std::string>& declared, const std::string& needed,
                   const std::set<std::string>& known, const std::string& what) const {
    bool found = false;
    for (const std::string& name : declared) {
      if (known.count(name) == 0) {
        throw Error(spec_.file + " has '" + name + "' among its " + what + ", which this program does not know: export "
                    "the bundle again");
      }
      found = found || name == needed;
    }
    if (!found) {
      throw Error(spec_.file + " has no '" + needed + "' among its " + what + ": export the bundle again");
    }
  }

  void check_same(const std::set<std::string>& found, const std::set<std::string>& declared,
                  const std::string& what) const {
    if (found != declared) {
      throw Error(spec_.file + " and the manifest disagree on the " + what + ": export the bundle again");
    }
  }

  const GraphSpec& spec_;
  const std::vector<StateSpec>& states_;
  OrtGraph session_;
};

OrtTensor integers(Tokens& values, const std::vector<std::int64_t>& shape) {
  return OrtTensor(values.data(), values.size() * sizeof(std::int64_t), shape, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64);
}

OrtTensor floats(float* values, std::size_t count) {
  const auto width = static_cast<std::int64_t>(count);
  return OrtTensor(values, count * sizeof(float), {1, 1, width}, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
}

// Steps of one number of tokens on one state: a step then only writes its tokens.
class Bound {
 public:
  // Past and present of a state share their memory: nothing is allocated or copied in a step.
  Bound(const Graph& graph, State& state, std::size_t count)
      : state_(state), ids_(count), positions_(count), binding_(graph.session()) {
    const std::vector<std::int64_t> shape = {1, static_cast<std::int64_t>(count)};
    for (const std::string& name : graph.spec().inputs) {
      binding_.input(name, integers(name == kInputIds ? ids_ : positions_, shape));
    }
    for (std::size_t place = 0; place < graph.states().size(); ++place) {
      const StateSpec& spec = graph.states()[place];
      auto& bytes = state.tensors[place];
      const OrtTensor shared(bytes.data(), bytes.size(), spec.shape, type_of(spec.dtype));
      binding_.input(spec.past, shared);
      binding_.output(spec.present, shared);
    }
    for (const std::string& name : graph.spec().outputs) {
      binding_.output(name, output(name));
    }
  }

  void run(const Tokens& tokens) {
    ids_ = tokens;
    std::iota(positions_.begin(), positions_.end(), state_.length);
    binding_.run();
    state_.length += static_cast<std::int64_t>(tokens.size());
  }

 private:
  OrtTensor output(const std::string& name) {
    if (name == kLogits) {
      return floats(state_.logits.data(), state_.logits.size());
    }
    return name == kTopLogit ? floats(&top_logit_, 1) : integers(top_token_, {1, 1, 1});
  }

  State& state_;
  Tokens ids_;
  Tokens positions_;
  Tokens top_token_ = Tokens(1);
  float top_logit_ = 0;
  OrtBinding binding_;
};

}  // namespace

struct Session::Parts {
  Parts(const Bundle& given, int count) : bundle(given), threads(count), few(bundle, kModel, threads) {}

  // The graph for steps of so many tokens: their number alone decides, so the same step gives the same numbers.
  const Graph& for_tokens(std::size_t count) {
    if (count < kManyTokens || !bundle.has_graph(kThroughput)) {
      return few;
    }
    std::call_once(loading, [this] { many = std::make_unique<Graph>(bundle, kThroughput, threads); });
    return *many;
  }

  Bundle bundle;
  int threads;
  Graph few;
  std::once_flag loading;
  std::unique_ptr<Graph> many;  // for many tokens, once it is needed
};

Session::Session(const Bundle& bundle, int threads) {
  if (threads < 1 || threads > kMostThreads) {
    throw Error("threads is " + std::to_string(threads) + ", wanted 1 to 256");
  }
  parts_ = std::make_unique<Parts>(bundle, threads);
}

Session::~Session() = default;

struct Steps::Parts {
  Session::Parts& session;
  State& state;
  std::unique_ptr<Bound> bound;  // for as many tokens as the last step had
  std::size_t count = 0;
};

Steps::Steps(const Session& session, State& state) {
  const auto vocab_size = static_cast<std::size_t>(session.parts_->bundle.manifest.vocab_size);
  state.logits.resize(vocab_size);
  parts_ = std::unique_ptr<Parts>(new Parts{*session.parts_, state, nullptr});
}

Steps::~Steps() = default;

void Steps::read(const Tokens& tokens) {
  const std::int64_t vocab_size = parts_->session.bundle.manifest.vocab_size;
  for (const std::int64_t token : tokens) {
    if (token < 0 || token >= vocab_size) {
      throw Error("token " + std::to_string(token) + " came, wanted 0 to " + std::to_string(vocab_size - 1));
    }
  }
  if (tokens.empty()) {
    throw Error("no tokens came, wanted one at least");
  }
  if (parts_->count != tokens.size()) {
    const Graph& graph = parts_->session.for_tokens(tokens.size());
    parts_->bound = std::make_unique<Bound>(graph, parts_->state, tokens.size());
    parts_->count = tokens.size();
  }
  parts_->bound->run(tokens);
}

}  // namespace rfa
