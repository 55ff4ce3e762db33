#include "ort.hpp"

#include <algorithm>

#include "rfa/error.hpp"

namespace rfa {
namespace {

constexpr std::size_t kLongestMessage = 300;
constexpr const char* kSpin = "20";  // microseconds that threads wait busily between two operators

const OrtApi& api() {
  static const OrtApi* const kApi = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (kApi == nullptr) {
    throw Error(std::string("ONNX Runtime ") + OrtGetApiBase()->GetVersionString() +
                " is older than the headers that this program was built with: use a newer one");
  }
  return *kApi;
}

void check(OrtStatus* status, const std::string& what) {
  if (status == nullptr) {
    return;
  }
  std::string said = api().GetErrorMessage(status);
  api().ReleaseStatus(status);
  std::replace(said.begin(), said.end(), '\n', ' ');
  throw Error(what + ": " + said.substr(0, kLongestMessage));
}

const OrtEnv* environment() {
  static const std::shared_ptr<OrtEnv> kEnvironment = [] {
    OrtEnv* made = nullptr;
    check(api().CreateEnv(ORT_LOGGING_LEVEL_FATAL, "rfa", &made), "ONNX Runtime does not start");
    return std::shared_ptr<OrtEnv>(made, [](OrtEnv* env) { api().ReleaseEnv(env); });
  }();
  return kEnvironment.get();
}

std::shared_ptr<OrtSessionOptions> options_for(int threads) {
  OrtSessionOptions* made = nullptr;
  check(api().CreateSessionOptions(&made), "session options");
  std::shared_ptr<OrtSessionOptions> options(made, [](OrtSessionOptions* old) { api().ReleaseSessionOptions(old); });
  check(api().SetIntraOpNumThreads(made, threads), "threads");
  check(api().SetInterOpNumThreads(made, 1), "threads");
  check(api().SetSessionLogSeverityLevel(made, ORT_LOGGING_LEVEL_FATAL), "log level");
  check(api().AddSessionConfigEntry(made, "session.intra_op.spin_duration_us", kSpin), "spinning");
  return options;
}

// Names of inputs or outputs, by the three calls that tell them.
template <typename Count, typename Name>
std::set<std::string> names(const OrtSession* session, Count count_of, Name name_of) {
  OrtAllocator* allocator = nullptr;
  check(api().GetAllocatorWithDefaultOptions(&allocator), "allocator");
  std::size_t count = 0;
  check(count_of(session, &count), "names");
  std::set<std::string> found;
  for (std::size_t place = 0; place < count; ++place) {
    char* name = nullptr;
    check(name_of(session, place, allocator, &name), "names");
    found.insert(name);
    check(api().AllocatorFree(allocator, name), "names");
  }
  return found;
}

}  // namespace

OrtTensor::OrtTensor(void* data, std::size_t bytes, const std::vector<std::int64_t>& shape,
                     ONNXTensorElementDataType type) {
  OrtMemoryInfo* info = nullptr;
  check(api().CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &info), "memory");
  const std::shared_ptr<OrtMemoryInfo> owned(info, [](OrtMemoryInfo* old) { api().ReleaseMemoryInfo(old); });
  OrtValue* made = nullptr;
  check(api().CreateTensorWithDataAsOrtValue(info, data, bytes, shape.data(), shape.size(), type, &made), "a tensor");
  value_ = std::shared_ptr<OrtValue>(made, [](OrtValue* old) { api().ReleaseValue(old); });
}

OrtGraph::OrtGraph(const std::filesystem::path& file, int threads) : name_(file.filename().string()) {
  const auto options = options_for(threads);
  OrtSession* made = nullptr;
  check(api().CreateSession(environment(), file.c_str(), options.get(), &made), name_ + " cannot be loaded");
  session_ = std::shared_ptr<OrtSession>(made, [](OrtSession* old) { api().ReleaseSession(old); });
}

std::set<std::string> OrtGraph::inputs() const {
  return names(get(), api().SessionGetInputCount, api().SessionGetInputName);
}

std::set<std::string> OrtGraph::outputs() const {
  return names(get(), api().SessionGetOutputCount, api().SessionGetOutputName);
}

OrtBinding::OrtBinding(const OrtGraph& graph) : graph_(graph) {
  OrtIoBinding* made = nullptr;
  check(api().CreateIoBinding(graph.get(), &made), graph.name());
  binding_ = std::shared_ptr<OrtIoBinding>(made, [](OrtIoBinding* old) { api().ReleaseIoBinding(old); });
}

void OrtBinding::input(const std::string& name, const OrtTensor& tensor) {
  tensors_.push_back(tensor);
  check(api().BindInput(binding_.get(), name.c_str(), tensor.get()), graph_.name() + ", input " + name);
}

void OrtBinding::output(const std::string& name, const OrtTensor& tensor) {
  tensors_.push_back(tensor);
  check(api().BindOutput(binding_.get(), name.c_str(), tensor.get()), graph_.name() + ", output " + name);
}

void OrtBinding::run() {
  check(api().RunWithBinding(graph_.get(), nullptr, binding_.get()), graph_.name() + " fails");
}

}  // namespace rfa
