// Saves and restores variables by a map from names to variables, as tf.train.Saver does.
#ifndef CRYOGRAPH_CHECKPOINT_SAVER_H_
#define CRYOGRAPH_CHECKPOINT_SAVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/history.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {

// A variable, or a part of a partitioned one, and the name by which checkpoints know it.
struct NamedVariable {
  std::string key;       // In the checkpoint.
  std::string variable;  // In the program; any text that the caller knows it by.
  DataType dtype = DT_INVALID;
  PartialShape shape;      // Of the variable itself. One that is not fully known accepts any shape.
  std::string slice_spec;  // "4 2 0,2:0,2": the variable is this part of the tensor `key`.
};

// Usage, for Saver({"v2": v2}):
//   ASSIGN_OR_RETURN(Saver saver, Saver::Create({{"v2", "v2", DT_FLOAT, {false, {2}}}}));
//   ASSIGN_OR_RETURN(std::vector<Saver::Value> values, saver.Restore(*checkpoint));
//   ASSIGN_OR_RETURN(std::string prefix, saver.Save(values, "dir/model", 7, now));
class Saver {
 public:
  struct Options {
    int version = 2;  // Of what it saves.
    int num_shards = 1;
    bool reshape = false;  // Restore also what has another shape but as many elements.
    bool pad_step_number = false;
    CheckpointHistory::Options history;
  };
  using Value = std::shared_ptr<const TensorSource>;

  // Variables are sorted by key. InvalidArgument, in the words of tf.train.Saver: no variable; two variables
  // of one key; one variable under two keys; slices and a whole variable of one key.
  static absl::StatusOr<Saver> Create(std::vector<NamedVariable> variables, const Options& options);
  static absl::StatusOr<Saver> Create(std::vector<NamedVariable> variables) {
    return Create(std::move(variables), Options());
  }

  const std::vector<NamedVariable>& variables() const { return variables_; }

  // A value for each of variables(), in their order; types, shapes and places are checked, the bytes when
  // they are read. Where a key is missing and the checkpoint is object-based, the full names of its variables
  // are tried for all of them, and *notes (if not null) says so. NotFound (CG117): keys that are missing,
  // all of them, with similar ones; for an object-based checkpoint also the variables that nobody asked for.
  // InvalidArgument: shapes (CG118) or types (CG119) that differ, all of them.
  absl::StatusOr<std::vector<Value>> Restore(const Checkpoint& checkpoint,
                                             std::vector<std::string>* notes = nullptr) const;

  // Opens `path` and restores from it. InvalidArgument, in the words of tf.train.Saver: the path is empty, or
  // there is no valid checkpoint.
  absl::StatusOr<std::vector<Value>> Restore(const std::string& path,
                                             std::vector<std::string>* notes = nullptr) const;

  // Writes a value for each of variables() to "SAVE_PATH-STEP" (or SAVE_PATH without a step), then the state
  // file beside it, and removes checkpoints that are too many. Returns the prefix or, for a V1 checkpoint of
  // several shards, the pattern, as Restore() takes it. `now` is in seconds since 1970. InvalidArgument:
  // other types or shapes than the variables have, a state file's name that cannot be.
  absl::StatusOr<std::string> Save(absl::Span<const Value> values, const std::string& save_path,
                                   absl::optional<int64_t> global_step, double now) const;

 private:
  Saver(std::vector<NamedVariable> variables, const Options& options)
      : variables_(std::move(variables)), options_(options) {}

  absl::StatusOr<std::vector<std::string>> KeysIn(const Checkpoint& checkpoint,
                                                  std::vector<std::string>* notes) const;

  std::vector<NamedVariable> variables_;
  Options options_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_SAVER_H_
