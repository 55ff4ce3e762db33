// ONNX Runtime's C interface, with owners for what it hands out and errors as exceptions.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace rfa {

// A tensor over memory of somebody else, which must outlive it.
class OrtTensor {
 public:
  OrtTensor(void* data, std::size_t bytes, const std::vector<std::int64_t>& shape, ONNXTensorElementDataType type);

  const OrtValue* get() const { return value_.get(); }

 private:
  std::shared_ptr<OrtValue> value_;
};

// A graph that is loaded.
class OrtGraph {
 public:
  // Throws Error where it cannot be loaded.
  OrtGraph(const std::filesystem::path& file, int threads);

  OrtSession* get() const { return session_.get(); }
  const std::string& name() const { return name_; }
  std::set<std::string> inputs() const;
  std::set<std::string> outputs() const;

 private:
  std::string name_;
  std::shared_ptr<OrtSession> session_;
};

// Inputs and outputs of one call.
class OrtBinding {
 public:
  explicit OrtBinding(const OrtGraph& graph);

  void input(const std::string& name, const OrtTensor& tensor);
  void output(const std::string& name, const OrtTensor& tensor);

  // Throws Error where the graph fails.
  void run();

 private:
  const OrtGraph& graph_;
  std::shared_ptr<OrtIoBinding> binding_;
  std::vector<OrtTensor> tensors_;
};

}  // namespace rfa
