// StringJoin, StringStrip, StringLength, Substr, ReduceJoin, UnsortedSegmentJoin.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "runtime/broadcast.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/reduction_axes.h"
#include "runtime/kernels/strided_copy.h"
#include "runtime/kernels/utf8.h"

namespace cryograph {
namespace {

// out[i] = function(in[i]) for strings.
template <typename Function>
absl::Status MapStrings(KernelContext& context, Function function) {
  const Value& input = context.input(0);
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
  for (int64_t i = 0; i < input.num_elements(); ++i) {
    output->mutable_data<std::string>()[i] = function(input.data<std::string>()[i]);
  }
  return absl::OkStatus();
}

class StringJoinKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("separator", &separator_); }

  absl::Status Compute(KernelContext& context) const override {
    Shape shape;
    for (int k = 0; k < context.num_inputs(); ++k) {
      const Value& input = context.input(k);
      if (input.is_scalar()) continue;
      if (shape.empty()) shape = input.shape();
      if (input.shape() != shape) {
        return absl::InvalidArgumentError(absl::StrCat("shapes ", ShapeText(shape), " and ",
                                                       ShapeText(input.shape()),
                                                       " differ, and neither is a scalar"));
      }
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    for (int64_t i = 0; i < output->num_elements(); ++i) {
      std::string& out = output->mutable_data<std::string>()[i];
      for (int k = 0; k < context.num_inputs(); ++k) {
        if (k > 0) out += separator_;
        out += context.input(k).data<std::string>()[context.input(k).is_scalar() ? 0 : i];
      }
    }
    return absl::OkStatus();
  }

 private:
  std::string separator_;
};
CRYOGRAPH_KERNEL(StringJoinKernel, "StringJoin");

class StringStripKernel final : public Kernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    return MapStrings(context,
                      [](const std::string& text) { return std::string(absl::StripAsciiWhitespace(text)); });
  }
};
CRYOGRAPH_KERNEL(StringStripKernel, "StringStrip");

absl::Status ReadUnit(const NodeInfo& node, bool* utf8) {
  if (node.attr("unit").kind() == AttrView::kNone) return absl::OkStatus();
  std::string unit;
  RETURN_IF_ERROR(node.Attr("unit", &unit));
  if (unit != "BYTE" && unit != "UTF8_CHAR")
    return absl::InvalidArgumentError("unit must be BYTE or UTF8_CHAR");
  *utf8 = unit == "UTF8_CHAR";
  return absl::OkStatus();
}

class StringLengthKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return ReadUnit(node, &utf8_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      const std::string& text = input.data<std::string>()[i];
      output->mutable_data<int32_t>()[i] =
          static_cast<int32_t>(utf8_ ? Utf8CharStarts(text).size() : text.size());
    }
    return absl::OkStatus();
  }

 private:
  bool utf8_ = false;
};
CRYOGRAPH_KERNEL(StringLengthKernel, "StringLength");

class SubstrKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return ReadUnit(node, &utf8_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(ExpectSameShape(context.input(1), context.input(2)));
    ASSIGN_OR_RETURN(const Broadcast broadcast,
                     Broadcast::Of({&input.shape(), &context.input(1).shape(), &context.input(2).shape()}));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, broadcast.shape()));
    return DispatchType<IndexTypes>(context.input(1).dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      absl::Status status;
      broadcast.ForEachRow([&](int64_t offset, const int64_t* from, int64_t count, const int64_t* step) {
        for (int64_t i = 0; i < count && status.ok(); ++i) {
          const std::string& text = input.data<std::string>()[from[0] + i * step[0]];
          const int64_t position = context.input(1).data<T>()[from[1] + i * step[1]];
          const int64_t length = context.input(2).data<T>()[from[2] + i * step[2]];
          status = Cut(text, position, length, &output->mutable_data<std::string>()[offset + i]);
        }
      });
      return status;
    });
  }

 private:
  absl::Status Cut(const std::string& text, int64_t position, int64_t length, std::string* out) const {
    std::vector<size_t> starts;
    if (utf8_) starts = Utf8CharStarts(text);
    const auto size = static_cast<int64_t>(utf8_ ? starts.size() : text.size());
    const int64_t begin = position < 0 ? position + size : position;
    if (begin < 0 || begin > size || length < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("position ", position, " and length ", length, " do not lie in a string of ", size));
    }
    const int64_t end = length > size - begin ? size : begin + length;
    const auto place = [&](int64_t i) {
      return !utf8_ ? static_cast<size_t>(i) : i < size ? starts[static_cast<size_t>(i)] : text.size();
    };
    *out = text.substr(place(begin), place(end) - place(begin));
    return absl::OkStatus();
  }

  bool utf8_ = false;
};
CRYOGRAPH_KERNEL(SubstrKernel, "Substr");

class ReduceJoinKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("keep_dims", &keep_dims_));
    return node.Attr("separator", &separator_);
  }

  // The first axis given varies fastest.
  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const Shape listed,
                     IntVector(context.input(1).Reshaped({context.input(1).num_elements()}), "the axes"));
    if (listed.empty()) {
      context.SetOutput(0, input);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::vector<int> axes, DistinctAxes(listed, input.rank()));
    Shape shape;
    std::vector<int> kept;
    for (int d = 0; d < input.rank(); ++d) {
      if (std::find(axes.begin(), axes.end(), d) == axes.end()) {
        kept.push_back(d);
        shape.push_back(input.dim(d));
      } else if (keep_dims_) {
        shape.push_back(1);
      }
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    // The input with the kept dimensions outside and the reduced ones inside, the last axis outermost.
    std::vector<int> order = kept;
    order.insert(order.end(), axes.rbegin(), axes.rend());
    const Strides strides = StridesOf(input.shape());
    Shape sizes;
    Strides steps;
    int64_t run = 1;
    for (const int d : order) {
      sizes.push_back(input.dim(d));
      steps.push_back(strides[d]);
    }
    for (const int d : axes) run *= input.dim(d);
    if (output->num_elements() == 0 || run == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(Value ordered, context.AllocateTemp(DT_STRING, sizes));
    GatherStrided(input.data<std::string>(), sizes, steps, ordered.mutable_data<std::string>());
    for (int64_t i = 0; i < output->num_elements(); ++i) {
      std::string& out = output->mutable_data<std::string>()[i];
      for (int64_t k = 0; k < run; ++k) {
        if (k > 0) out += separator_;
        out += ordered.data<std::string>()[i * run + k];
      }
    }
    return absl::OkStatus();
  }

 private:
  bool keep_dims_ = false;
  std::string separator_;
};
CRYOGRAPH_KERNEL(ReduceJoinKernel, "ReduceJoin");

class UnsortedSegmentJoinKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("separator", &separator_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    const Value& ids_value = context.input(1);
    RETURN_IF_ERROR(ExpectScalar(context.input(2), "num_segments"));
    ASSIGN_OR_RETURN(const int64_t segments, ScalarInt(context.input(2), "num_segments"));
    if (segments < 0) return absl::InvalidArgumentError("num_segments must not be negative");
    if (ids_value.rank() > input.rank() ||
        !std::equal(ids_value.shape().begin(), ids_value.shape().end(), input.shape().begin())) {
      return absl::InvalidArgumentError("the shape of the input must begin with that of segment_ids");
    }
    ASSIGN_OR_RETURN(const Shape ids,
                     IntVector(ids_value.Reshaped({ids_value.num_elements()}), "segment_ids"));
    Shape shape = {segments};
    shape.insert(shape.end(), input.shape().begin() + ids_value.rank(), input.shape().end());
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    const int64_t inner = output->num_elements() / segments;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] < 0 || ids[i] >= segments) {
        return absl::InvalidArgumentError(
            absl::StrCat("segment id ", ids[i], " is not in [0, ", segments, ")"));
      }
      for (int64_t n = 0; n < inner; ++n) {
        std::string& out = output->mutable_data<std::string>()[ids[i] * inner + n];
        // TensorFlow puts none behind an empty beginning.
        if (!out.empty()) out += separator_;
        out += input.data<std::string>()[static_cast<int64_t>(i) * inner + n];
      }
    }
    return absl::OkStatus();
  }

 private:
  std::string separator_;
};
CRYOGRAPH_KERNEL(UnsortedSegmentJoinKernel, "UnsortedSegmentJoin");

}  // namespace
}  // namespace cryograph
