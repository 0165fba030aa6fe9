// A sample model beside the project (../shared/data/models), held against what TensorFlow gave for it.
#ifndef CRYOGRAPH_TESTS_END_TO_END_GOLDEN_MODEL_H_
#define CRYOGRAPH_TESTS_END_TO_END_GOLDEN_MODEL_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/memory.h"
#include "tests/json.h"
#include "tools/session_setup.h"

namespace cryograph {

class GoldenModel {
 public:
  // `folder` holds the model's case.json. NotFound, InvalidArgument: of that file.
  static absl::StatusOr<GoldenModel> Open(const std::string& folder);

  // Names of all models, sorted as in the manifest; empty if the sample data are not there.
  static std::vector<std::string> All();

  const Json& json() const { return json_; }
  // There are inputs, what TensorFlow gave for them, and a graph to run.
  bool has_runs() const;
  // Running it is expected to fail.
  bool expects_error() const;
  // What the error should name: groups of words, of each of which one must be there, whatever its case.
  std::vector<std::vector<std::string>> ErrorWords() const;

  // Makes all runs on `threads` threads. Empty if every output is as TensorFlow's within the model's
  // tolerance; else what is wrong, errors included.
  std::string Check(int threads) const;

  // Loads the model and computes its outputs for inputs of zeros; what became of it.
  absl::Status RunOnZeros(int threads) const;

 private:
  GoldenModel(std::string folder, Json json) : folder_(std::move(folder)), json_(std::move(json)) {}

  std::string Path(const std::string& file) const;
  absl::StatusOr<std::unique_ptr<Session>> Load(const std::string& tags, int threads) const;
  absl::StatusOr<Tensor> Read(const Json& descriptor) const;
  // These two return what is wrong with the outputs; empty if nothing is.
  absl::StatusOr<std::string> RunOne(const Json& run, Executor& executor) const;
  absl::StatusOr<std::string> Compare(const Json& descriptor, const Value& value) const;

  std::string folder_;
  Json json_;
  std::shared_ptr<MemoryPool> pool_ = MemoryPool::Create();
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TESTS_END_TO_END_GOLDEN_MODEL_H_
