// RaggedTensorToTensor.
#include <algorithm>
#include <string>
#include <vector>

#include "graph/tensor.h"
#include "runtime/broadcast.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/element_lists.h"

namespace cryograph {
namespace {

enum class Partition { kFirstDimSize, kRowIds, kRowSplits };

class RaggedTensorToTensorKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::vector<std::string> names;
    RETURN_IF_ERROR(node.Attr("row_partition_types", &names));
    for (const std::string& name : names) {
      if (name == "FIRST_DIM_SIZE") {
        partitions_.push_back(Partition::kFirstDimSize);
      } else if (name == "VALUE_ROWIDS") {
        partitions_.push_back(Partition::kRowIds);
      } else if (name == "ROW_SPLITS") {
        partitions_.push_back(Partition::kRowSplits);
      } else {
        return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no type of row partition"));
      }
    }
    if (partitions_.empty() || node.num_inputs() != 3 + static_cast<int>(partitions_.size())) {
      return absl::InvalidArgumentError("row_partition_types must name each row partition");
    }
    // Row ids alone do not say how many rows there are.
    for (size_t k = 0; k < partitions_.size(); ++k) {
      const bool size = partitions_[k] == Partition::kFirstDimSize;
      if (size ? k != 0 || partitions_.size() < 2 || partitions_[1] != Partition::kRowIds
               : k == 0 && partitions_[0] == Partition::kRowIds) {
        return absl::InvalidArgumentError(
            "FIRST_DIM_SIZE must come first, before VALUE_ROWIDS, and these not without it");
      }
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& values = context.input(1);
    if (values.rank() < 1) return absl::InvalidArgumentError("the values must not be a scalar");
    const bool sized = partitions_[0] == Partition::kFirstDimSize;
    const size_t levels = partitions_.size() - (sized ? 1 : 0);
    const Value& first = context.input(3);
    int64_t rows = 0;
    if (sized) {
      ASSIGN_OR_RETURN(rows, ScalarInt(first, "the size of the first dimension"));
    } else {
      RETURN_IF_ERROR(ExpectVector(first, "splits"));
      rows = first.num_elements() - 1;
    }
    if (rows < 0) return absl::InvalidArgumentError("the first dimension is negative");

    // The row of each value of each level, and its place in it.
    std::vector<Level> table;
    int64_t parents = rows;
    for (size_t k = 0; k < levels; ++k) {
      const size_t slot = k + (sized ? 1 : 0);
      // How many values splits can hold, as far as the next level tells.
      int64_t most = kMostUntold;
      if (k + 1 == levels) {
        most = values.dim(0);
      } else if (partitions_[slot + 1] == Partition::kRowSplits) {
        most = context.input(static_cast<int>(slot) + 4).num_elements();
      }
      ASSIGN_OR_RETURN(Level level, ReadLevel(context, context.input(3 + static_cast<int>(slot)),
                                              partitions_[slot], parents, most));
      parents = static_cast<int64_t>(level.parents.size());
      table.push_back(std::move(level));
    }
    if (parents > values.dim(0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the partitions hold ", parents, " values, but there are ", values.dim(0)));
    }

    Shape shape = {rows};
    for (const Level& level : table) shape.push_back(level.longest);
    shape.insert(shape.end(), values.shape().begin() + 1, values.shape().end());
    RETURN_IF_ERROR(ApplyShape(context.input(0), levels, &shape));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    const Shape element(values.shape().begin() + 1, values.shape().end());
    ASSIGN_OR_RETURN(const int64_t inner, NumElements(element));
    if (output->num_elements() == 0) return absl::OkStatus();
    RETURN_IF_ERROR(FillWithDefault(context.input(2), element, output, inner));

    // From the outermost level in: where each value of the level goes, -1 for one that was cut off.
    std::vector<int64_t> places(static_cast<size_t>(std::min(rows, shape[0])));
    for (size_t i = 0; i < places.size(); ++i) places[i] = static_cast<int64_t>(i);
    for (size_t k = 0; k < levels; ++k) {
      std::vector<int64_t> next;
      for (size_t i = 0; i < table[k].parents.size(); ++i) {
        const auto parent = static_cast<size_t>(table[k].parents[i]);
        const int64_t row = parent < places.size() ? places[parent] : -1;
        const int64_t column = table[k].columns[i], width = shape[k + 1];
        next.push_back(row < 0 || column >= width ? -1 : row * width + column);
      }
      places = std::move(next);
    }
    for (size_t i = 0; i < places.size(); ++i) {
      if (places[i] < 0) continue;
      CopyElements(values, static_cast<int64_t>(i) * inner, output, places[i] * inner, inner);
    }
    return absl::OkStatus();
  }

 private:
  // Where row ids follow splits, no tensor tells how many values the splits hold.
  static constexpr int64_t kMostUntold = int64_t{1} << 24;

  struct Level {
    std::vector<int64_t> parents, columns;
    int64_t longest = 0;
    Value room;  // Is not written: it stands for the memory of the vectors.
  };

  static absl::StatusOr<Level> ReadLevel(KernelContext& context, const Value& tensor, Partition partition,
                                         int64_t parents, int64_t most) {
    Level level;
    RETURN_IF_ERROR(ExpectVector(tensor, "a row partition"));
    ASSIGN_OR_RETURN(const Shape numbers, IntVector(tensor, "a row partition"));
    const auto add = [&](int64_t parent, int64_t column) {
      level.parents.push_back(parent);
      level.columns.push_back(column);
      level.longest = std::max(level.longest, column + 1);
    };
    if (partition == Partition::kRowIds) {
      int64_t previous = -1, column = 0;
      for (const int64_t row : numbers) {
        if (row < 0 || row < previous || row >= parents) {
          return absl::InvalidArgumentError(absl::StrCat("row id ", row, " after ", previous, " of ", parents,
                                                         " rows: ids must be sorted and in range"));
        }
        column = row == previous ? column + 1 : 0;
        previous = row;
        add(row, column);
      }
      return level;
    }
    if (static_cast<int64_t>(numbers.size()) != parents + 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(numbers.size(), " splits for ", parents, " rows: there must be one more"));
    }
    // Only the lengths count for TensorFlow: splits may begin anywhere, and where they fall the row is empty.
    int64_t total = 0;
    for (size_t row = 0; row + 1 < numbers.size(); ++row) {
      int64_t length = 0;
      if (__builtin_sub_overflow(numbers[row + 1], numbers[row], &length) || length > most - total) {
        return absl::InvalidArgumentError(
            absl::StrCat("splits of more than the ", most, " values that there are"));
      }
      total += std::max<int64_t>(length, 0);
    }
    // Values without elements may be any number: their places count against the memory of the run.
    ASSIGN_OR_RETURN(level.room, context.AllocateTemp(DT_INT64, {2, total}));
    for (size_t row = 0; row + 1 < numbers.size(); ++row) {
      const int64_t length = numbers[row + 1] - numbers[row];
      for (int64_t column = 0; column < length; ++column) add(static_cast<int64_t>(row), column);
    }
    return level;
  }

  // Replaces the dimensions that the operand knows; a scalar -1 knows none.
  static absl::Status ApplyShape(const Value& operand, size_t levels, Shape* shape) {
    ASSIGN_OR_RETURN(const PartialShape wanted, ShapeOperand(operand));
    if (wanted.unknown_rank) return absl::OkStatus();
    if (wanted.dims.size() != shape->size()) {
      return absl::InvalidArgumentError(absl::StrCat("the shape has ", wanted.dims.size(),
                                                     " dimensions, but the ragged tensor ", shape->size()));
    }
    for (size_t d = 0; d < shape->size(); ++d) {
      if (wanted.dims[d] < 0) continue;
      if (d > levels && wanted.dims[d] != (*shape)[d]) {
        return absl::InvalidArgumentError(
            absl::StrCat("dimension ", d, " of the values is ", (*shape)[d], ", not ", wanted.dims[d]));
      }
      (*shape)[d] = wanted.dims[d];
    }
    return absl::OkStatus();
  }

  // The default is broadcast to one element of the ragged dimensions, of `inner` numbers.
  static absl::Status FillWithDefault(const Value& fallback, const Shape& element, Value* output,
                                      int64_t inner) {
    ASSIGN_OR_RETURN(const Broadcast broadcast, Broadcast::Of({&fallback.shape(), &element}));
    if (broadcast.shape() != element) {
      return absl::InvalidArgumentError(absl::StrCat("a default of shape ", ShapeText(fallback.shape()),
                                                     " does not broadcast to ", ShapeText(element)));
    }
    return DispatchWidth(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      T* out = output->mutable_data<T>();
      broadcast.ForEachRow([&](int64_t offset, const int64_t* from, int64_t count, const int64_t* step) {
        for (int64_t i = 0; i < count; ++i) out[offset + i] = fallback.data<T>()[from[0] + i * step[0]];
      });
      for (int64_t i = inner; i < output->num_elements(); ++i) out[i] = out[i - inner];
      return absl::OkStatus();
    });
  }

  std::vector<Partition> partitions_;
};
CRYOGRAPH_KERNEL(RaggedTensorToTensorKernel, "RaggedTensorToTensor");

}  // namespace
}  // namespace cryograph
