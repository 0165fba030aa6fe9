// Runs a model inside of a C++ program: load, feed by name, run, fetch by name. Needs no other header of the
// project.
#ifndef CRYOGRAPH_CRYOGRAPH_INFERENCE_H_
#define CRYOGRAPH_CRYOGRAPH_INFERENCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cryograph {

// One caller's view of a loaded model: its feeds, and the results of its last run.
//
// Threads: an Inference is used by one thread at a time. To run one model on many threads, give each its own
// Inference by Share(): they have the model in common (weights, variables, tables, plans, thread pool), not
// the feeds and results. Share() itself may be called on many threads at a time.
//
// Tensors are "name" (output 0) or "name:index"; any tensor of the graph can be fed and fetched.
class Inference {
 public:
  // Element types, by the numbers of tensorflow.DataType. Others that a graph may have pass as numbers.
  enum Type : int32_t {
    kFloat = 1,
    kDouble = 2,
    kInt32 = 3,
    kUint8 = 4,
    kInt16 = 5,
    kInt8 = 6,
    kString = 7,
    kComplex64 = 8,
    kInt64 = 9,
    kBool = 10,
    kBfloat16 = 14,
    kUint16 = 17,
    kComplex128 = 18,
    kHalf = 19,
    kUint32 = 22,
    kUint64 = 23,
  };

  struct Options {
    std::string tags;        // Of a SavedModel's graph, by commas; empty: its only one, or "serve".
    std::string checkpoint;  // Where variables are; empty: a SavedModel's own, or none.
    std::vector<std::string> init_nodes;  // Run once at loading: those that fill tables, say.
    int threads = 1;                      // Of a run, the caller's counted; results do not depend on it.
    uint64_t memory_limit_bytes = 0;      // For all values alive at a time, in all runs; 0: none.
    double time_limit_seconds = 0;        // For each run; 0: none.
    bool allow_file_writes = false;       // By ops of the model: SaveV2, WriteFile. It may name any path.
  };

  // A result: shows elements that the Inference keeps until its next Run() or its end.
  struct View {
    Type type;
    std::vector<int64_t> shape;
    const void* data;  // Row major, aligned for the type; of kString std::string elements.
    int64_t num_elements;
    size_t num_bytes;  // Of kString those of the std::string objects.

    // Null if T is not of the view's type.
    template <typename T>
    const T* as() const {
      return TypeOf(static_cast<const T*>(nullptr)) == type ? static_cast<const T*>(data) : nullptr;
    }
  };

  // Reads a frozen graph, GraphDef, MetaGraphDef or SavedModel, restores its variables and fills its tables.
  // NotFound for a file that is not there, InvalidArgument or DataLoss for one that is damaged, with file and
  // offset; InvalidArgument for options out of range.
  static absl::StatusOr<Inference> Load(const std::string& path);
  static absl::StatusOr<Inference> Load(const std::string& path, const Options& options);

  Inference(Inference&&) noexcept;
  Inference& operator=(Inference&&) noexcept;
  ~Inference();

  // The same model with no feeds and no results. It may outlive this one.
  Inference Share() const;

  // What loading had to guess, a line each.
  const std::vector<std::string>& notes() const;

  // The type of a tensor; 0 where the graph does not say. NotFound with the names nearest to `name`.
  absl::StatusOr<Type> TypeOfTensor(const std::string& name) const;

  // The shape that a placeholder declares, -1 for a dimension of any size. None where the graph leaves even
  // the rank open, and for tensors of other nodes. NotFound with the names nearest to `name`.
  absl::StatusOr<std::optional<std::vector<int64_t>>> ShapeOfTensor(const std::string& name) const;

  // Gives a tensor its value for the next run. Elements are copied. NotFound, with the nearest names, if
  // there is no such tensor; InvalidArgument for a type that is not the tensor's, a negative dimension, or
  // `num_bytes` that do not make up the shape. A tensor that is fed again has its last value.
  absl::Status Feed(const std::string& name, Type type, const std::vector<int64_t>& shape, const void* data,
                    size_t num_bytes);
  // The same for `num_elements` elements of a C++ type.
  template <typename T>
  absl::Status Feed(const std::string& name, const T* data, size_t num_elements,
                    const std::vector<int64_t>& shape) {
    return Feed(name, TypeOf(static_cast<const T*>(nullptr)), shape, data, num_elements * sizeof(T));
  }
  absl::Status FeedStrings(const std::string& name, const std::vector<std::string>& elements,
                           const std::vector<int64_t>& shape);

  // Computes `fetches` from the feeds and runs `targets`, nodes that are not fetched. Feeds hold for one run,
  // also if it fails; results of the run before are gone. Repeated sets of feeds and fetches are planned
  // once. NotFound for a wrong name; Unimplemented for an op that is not there; InvalidArgument for a feed
  // whose shape is not the tensor's, or what an op refuses; ResourceExhausted, DeadlineExceeded for the
  // limits.
  absl::Status Run(const std::vector<std::string>& fetches, const std::vector<std::string>& targets = {});

  // A result of the last run; NotFound, with the nearest of its fetches, for another name; InvalidArgument
  // for resources and variants.
  absl::StatusOr<View> Fetch(const std::string& name) const;

 private:
  struct Loaded;
  struct Call;

  static constexpr Type TypeOf(const float*) { return kFloat; }
  static constexpr Type TypeOf(const double*) { return kDouble; }
  static constexpr Type TypeOf(const int32_t*) { return kInt32; }
  static constexpr Type TypeOf(const uint8_t*) { return kUint8; }
  static constexpr Type TypeOf(const int16_t*) { return kInt16; }
  static constexpr Type TypeOf(const int8_t*) { return kInt8; }
  static constexpr Type TypeOf(const std::string*) { return kString; }
  static constexpr Type TypeOf(const int64_t*) { return kInt64; }
  static constexpr Type TypeOf(const bool*) { return kBool; }
  static constexpr Type TypeOf(const uint16_t*) { return kUint16; }
  static constexpr Type TypeOf(const uint32_t*) { return kUint32; }
  static constexpr Type TypeOf(const uint64_t*) { return kUint64; }

  explicit Inference(std::shared_ptr<Loaded> loaded);

  std::shared_ptr<Loaded> loaded_;
  std::unique_ptr<Call> call_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CRYOGRAPH_INFERENCE_H_
