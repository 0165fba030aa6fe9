// SparseCross, SparseCrossV2, SparseCrossHashed: every combination of the features of a row, one of each
// column.
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/sparse_tensor.h"
#include "runtime/kernels/string_hash.h"

namespace cryograph {
namespace {

// How SparseCrossHashed hashes bytes.
struct Salt {
  bool strong = false;
  uint64_t key[2] = {0, 0};  // Of the strong hash.

  uint64_t Hash(absl::string_view bytes) const {
    return strong ? SipHash(key[0], key[1], bytes) : Fingerprint64(bytes);
  }
};

// The features of each row, strings or int64.
class Column {
 public:
  // One feature for each element; every row of `dense` has as many.
  static absl::StatusOr<Column> Dense(const Value& dense) {
    RETURN_IF_ERROR(ExpectMatrix(dense, "a dense input"));
    Column column(dense);
    column.width_ = dense.dim(1);
    column.rows_ = dense.dim(0);
    return column;
  }

  // `indices` must be sorted by row.
  static absl::StatusOr<Column> Sparse(const SparseTensor& tensor) {
    Column column(tensor.values);
    column.rows_ = tensor.shape[0];
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const int64_t row = tensor.place(i)[0];
      if (!column.starts_.empty() && row < column.starts_.back().row) {
        return absl::InvalidArgumentError("the indices are not sorted by row");
      }
      if (column.starts_.empty() || row != column.starts_.back().row) column.starts_.push_back({row, i});
    }
    return column;
  }

  int64_t rows() const { return rows_; }
  bool sparse() const { return width_ < 0; }
  // Rows that have features; of a sparse column.
  std::vector<int64_t> FilledRows() const {
    std::vector<int64_t> filled;
    for (const Start& start : starts_) filled.push_back(start.row);
    return filled;
  }

  // How many features `row` has. Rows are asked for in order.
  int64_t Enter(int64_t row) {
    if (width_ >= 0) {
      first_ = row * width_;
      return width_;
    }
    while (next_ < starts_.size() && starts_[next_].row < row) ++next_;
    if (next_ == starts_.size() || starts_[next_].row != row) return 0;
    first_ = starts_[next_].first;
    const int64_t end = next_ + 1 < starts_.size() ? starts_[next_ + 1].first : values_.num_elements();
    return end - first_;
  }

  std::string Text(int64_t n) const {
    if (values_.dtype() == DT_STRING) return values_.data<std::string>()[first_ + n];
    return absl::StrCat(values_.data<int64_t>()[first_ + n]);
  }

  uint64_t Hash(int64_t n) const {
    if (values_.dtype() != DT_STRING) return static_cast<uint64_t>(values_.data<int64_t>()[first_ + n]);
    return Fingerprint64(values_.data<std::string>()[first_ + n]);
  }

  // As SparseCrossHashed has it: numbers of dense columns stand for themselves; of those of sparse columns
  // TensorFlow hashes the lower four bytes.
  uint64_t Hash(int64_t n, const Salt& salt) const {
    if (values_.dtype() != DT_STRING) {
      const int64_t number = values_.data<int64_t>()[first_ + n];
      if (!sparse()) return static_cast<uint64_t>(number);
      const auto low = static_cast<uint32_t>(number);
      char bytes[4];
      for (int i = 0; i < 4; ++i) bytes[i] = static_cast<char>(low >> 8 * i);
      return salt.Hash(absl::string_view(bytes, sizeof(bytes)));
    }
    return salt.Hash(values_.data<std::string>()[first_ + n]);
  }

 private:
  struct Start {
    int64_t row, first;
  };
  explicit Column(Value values) : values_(std::move(values)) {}

  Value values_;
  int64_t rows_ = 0, width_ = -1;
  std::vector<Start> starts_;  // Of the rows that have features.
  size_t next_ = 0;
  int64_t first_ = 0;  // Of the row that was entered.
};

class SparseCrossKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("N", &sparse_count_));
    version1_ = node.op() == "SparseCross";
    salted_ = node.op() == "SparseCrossHashed";
    std::vector<DataType> dense_types;
    RETURN_IF_ERROR(node.Attr("dense_types", &dense_types));
    dense_count_ = static_cast<int64_t>(dense_types.size());
    RETURN_IF_ERROR(CheckTypes(node));
    hashed_ = node.output_type(1) == DT_INT64;
    if (!version1_) return absl::OkStatus();
    int64_t buckets = 0, key = 0;
    RETURN_IF_ERROR(node.Attr("num_buckets", &buckets));
    RETURN_IF_ERROR(node.Attr("hash_key", &key));
    if (buckets < 0) return absl::InvalidArgumentError("num_buckets must not be negative");
    buckets_ = static_cast<uint64_t>(buckets);
    hash_key_ = static_cast<uint64_t>(key);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(std::vector<Column> columns, Columns(context));
    std::string separator = "_X_";
    Hashing hashing{buckets_, Salt()};
    if (salted_) {
      ASSIGN_OR_RETURN(hashing, HashingOf(context));
    } else if (!version1_) {
      const Value& given = context.input(context.num_inputs() - 1);
      RETURN_IF_ERROR(ExpectScalar(given, "sep"));
      separator = given.scalar<std::string>();
    }
    if (columns.empty()) return absl::InvalidArgumentError("there is nothing to cross");
    const int64_t rows = columns[0].rows();
    for (const Column& column : columns) {
      if (column.rows() != rows) {
        return absl::InvalidArgumentError(
            absl::StrCat("columns of ", rows, " and of ", column.rows(), " rows"));
      }
    }
    std::vector<int64_t> counts(columns.size());
    int64_t total = 0, longest = 0;
    RETURN_IF_ERROR(ForEachRow(context, columns, rows, &counts, [&](int64_t, int64_t combinations) {
      longest = std::max(longest, combinations);
      return __builtin_add_overflow(total, combinations, &total) || total > kMostCombinations
                 ? absl::ResourceExhaustedError("there are too many combinations")
                 : absl::OkStatus();
    }));
    ASSIGN_OR_RETURN(columns, Columns(context));
    Value *indices, *values;
    RETURN_IF_ERROR(AllocateSparse(context, 0, 1, 2, total, {rows, longest}, &indices, &values));
    int64_t at = 0;
    std::vector<int64_t> places;
    return ForEachRow(context, columns, rows, &counts, [&](int64_t row, int64_t combinations) {
      places.assign(columns.size(), 0);
      for (int64_t i = 0; i < combinations; ++i, ++at) {
        indices->mutable_data<int64_t>()[2 * at] = row;
        indices->mutable_data<int64_t>()[2 * at + 1] = i;
        if (hashed_) {
          values->mutable_data<int64_t>()[at] = Hash(columns, places, hashing);
        } else {
          values->mutable_data<std::string>()[at] = Text(columns, places, separator);
        }
        // The last column varies fastest.
        for (size_t c = columns.size(); c-- > 0 && ++places[c] == counts[c];) places[c] = 0;
      }
      return absl::OkStatus();
    });
  }

 private:
  static constexpr int64_t kMostCombinations = int64_t{1} << 40;

  static bool IsFeature(DataType type) { return type == DT_INT64 || type == DT_STRING; }

  struct Hashing {
    uint64_t buckets;
    Salt salt;
  };

  // The last three inputs: num_buckets, strong_hash, salt.
  static absl::StatusOr<Hashing> HashingOf(KernelContext& context) {
    const int first = context.num_inputs() - 3;
    ASSIGN_OR_RETURN(const int64_t buckets, ScalarInt(context.input(first), "num_buckets"));
    RETURN_IF_ERROR(ExpectScalar(context.input(first + 1), "strong_hash"));
    RETURN_IF_ERROR(ExpectVector(context.input(first + 2), "salt"));
    if (context.input(first + 2).dim(0) != 2) return absl::InvalidArgumentError("salt must be two numbers");
    Hashing hashing{static_cast<uint64_t>(std::max<int64_t>(buckets, 0)), Salt()};
    hashing.salt.strong = context.input(first + 1).scalar<bool>();
    for (int i = 0; i < 2; ++i) {
      hashing.salt.key[i] = static_cast<uint64_t>(context.input(first + 2).data<int64_t>()[i]);
    }
    return hashing;
  }

  // Inputs: N indices, N values, N shapes, the dense ones; in version 2 the separator, or how to hash.
  absl::Status CheckTypes(const NodeInfo& node) const {
    const int64_t inputs = node.num_inputs(), more = version1_ ? 0 : salted_ ? 3 : 1;
    if (sparse_count_ < 0 || sparse_count_ > inputs || dense_count_ > inputs ||
        inputs != 3 * sparse_count_ + dense_count_ + more) {
      return absl::InvalidArgumentError(absl::StrCat(inputs, " inputs do not go with N=", sparse_count_,
                                                     " and ", dense_count_, " dense types"));
    }
    for (int64_t i = 0; i < inputs - more; ++i) {
      const DataType type = node.input_type(static_cast<int>(i));
      const bool is_feature = (i >= sparse_count_ && i < 2 * sparse_count_) || i >= 3 * sparse_count_;
      if (is_feature ? !IsFeature(type) : type != DT_INT64) {
        return absl::InvalidArgumentError(absl::StrCat("input ", i, " is of type ", DataTypeName(type)));
      }
    }
    const auto last = [&](int64_t from_end) { return node.input_type(static_cast<int>(inputs - from_end)); };
    if (more == 1 && last(1) != DT_STRING) return absl::InvalidArgumentError("the separator is not a string");
    if (more == 3 && (last(3) != DT_INT64 || last(2) != DT_BOOL || last(1) != DT_INT64)) {
      return absl::InvalidArgumentError("num_buckets, strong_hash and salt are not int64, bool and int64");
    }
    if (node.num_outputs() != 3 || !IsFeature(node.output_type(1))) {
      return absl::InvalidArgumentError("the crossed features are neither strings nor int64");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Column>> Columns(KernelContext& context) const {
    std::vector<Column> columns;
    const int n = static_cast<int>(sparse_count_);
    for (int i = 0; i < n; ++i) {
      ASSIGN_OR_RETURN(
          const SparseTensor tensor,
          SparseTensor::Unbounded(context.input(i), context.input(n + i), context.input(2 * n + i), context));
      if (tensor.rank() != 2) return absl::InvalidArgumentError("a sparse input must have two dimensions");
      for (int64_t k = 0; k < tensor.count(); ++k) {
        const int64_t row = tensor.place(k)[0];
        if (row < 0 || row >= tensor.shape[0])
          return absl::InvalidArgumentError(absl::StrCat("row ", row, " of ", tensor.shape[0]));
      }
      ASSIGN_OR_RETURN(Column column, Column::Sparse(tensor));
      columns.push_back(std::move(column));
    }
    for (int64_t i = 0; i < dense_count_; ++i) {
      ASSIGN_OR_RETURN(Column column, Column::Dense(context.input(3 * n + static_cast<int>(i))));
      columns.push_back(std::move(column));
    }
    return columns;
  }

  // Calls visit(row, combinations) for rows that have any; *counts is how many features each column has
  // there.
  template <typename Visit>
  absl::Status ForEachRow(KernelContext& context, std::vector<Column>& columns, int64_t rows,
                          std::vector<int64_t>* counts, Visit visit) const {
    // A shape may promise any number of rows. Those that one sparse column fills are all that matter.
    const auto sparse =
        std::find_if(columns.begin(), columns.end(), [](const Column& each) { return each.sparse(); });
    std::vector<int64_t> filled;
    if (sparse != columns.end()) filled = sparse->FilledRows();
    const int64_t count = sparse == columns.end() ? rows : static_cast<int64_t>(filled.size());
    for (int64_t i = 0; i < count; ++i) {
      if (i % 1024 == 0) RETURN_IF_ERROR(context.CheckLimits());
      const int64_t row = sparse == columns.end() ? i : filled[static_cast<size_t>(i)];
      int64_t combinations = 1;
      for (size_t c = 0; c < columns.size(); ++c) {
        (*counts)[c] = columns[c].Enter(row);
        if (__builtin_mul_overflow(combinations, (*counts)[c], &combinations)) {
          return absl::ResourceExhaustedError("there are too many combinations");
        }
      }
      if (combinations > 0) RETURN_IF_ERROR(visit(row, combinations));
    }
    return absl::OkStatus();
  }

  std::string Text(const std::vector<Column>& columns, const std::vector<int64_t>& places,
                   const std::string& separator) const {
    std::string text = columns[0].Text(places[0]);
    for (size_t c = 1; c < columns.size(); ++c) absl::StrAppend(&text, separator, columns[c].Text(places[c]));
    return text;
  }

  int64_t Hash(const std::vector<Column>& columns, const std::vector<int64_t>& places,
               const Hashing& hashing) const {
    uint64_t hash = salted_ ? columns[0].Hash(places[0], hashing.salt) : hash_key_;
    for (size_t c = salted_ ? 1 : 0; c < columns.size(); ++c) {
      hash = FingerprintPair(hash,
                             salted_ ? columns[c].Hash(places[c], hashing.salt) : columns[c].Hash(places[c]));
    }
    constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return static_cast<int64_t>(hash % (hashing.buckets > 0 ? hashing.buckets : kMost));
  }

  int64_t sparse_count_ = 0, dense_count_ = 0;
  bool hashed_ = false, version1_ = true, salted_ = false;
  uint64_t buckets_ = 0, hash_key_ = 0;
};
CRYOGRAPH_KERNEL(SparseCrossKernel, "SparseCross", "SparseCrossHashed", "SparseCrossV2");

}  // namespace
}  // namespace cryograph
