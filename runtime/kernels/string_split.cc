// StringSplit, StringSplitV2.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

using Pieces = std::vector<absl::string_view>;

// The pieces of each text as a sparse matrix: places, values, shape.
absl::Status StoreSparse(KernelContext& context, const std::vector<Pieces>& rows) {
  int64_t total = 0, longest = 0;
  for (const Pieces& row : rows) {
    total += static_cast<int64_t>(row.size());
    longest = std::max(longest, static_cast<int64_t>(row.size()));
  }
  ASSIGN_OR_RETURN(Value * indices, context.AllocateOutput(0, {total, 2}));
  ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(1, {total}));
  ASSIGN_OR_RETURN(Value * shape, context.AllocateOutput(2, {2}));
  int64_t* index = indices->mutable_data<int64_t>();
  std::string* value = values->mutable_data<std::string>();
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < rows[r].size(); ++c) {
      *index++ = static_cast<int64_t>(r);
      *index++ = static_cast<int64_t>(c);
      *value++ = std::string(rows[r][c]);
    }
  }
  shape->mutable_data<int64_t>()[0] = static_cast<int64_t>(rows.size());
  shape->mutable_data<int64_t>()[1] = longest;
  return absl::OkStatus();
}

// Every character of `delimiters` separates; without any, every byte is a piece.
Pieces SplitAtAny(absl::string_view text, absl::string_view delimiters, bool skip_empty) {
  Pieces pieces;
  if (text.empty()) return pieces;
  if (delimiters.empty()) {
    for (size_t i = 0; i < text.size(); ++i) pieces.push_back(text.substr(i, 1));
    return pieces;
  }
  size_t begin = 0;
  for (;;) {
    const size_t end = std::min(text.find_first_of(delimiters, begin), text.size());
    if (end > begin || !skip_empty) pieces.push_back(text.substr(begin, end - begin));
    if (end == text.size()) return pieces;
    begin = end + 1;
  }
}

class StringSplitKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("skip_empty", &skip_empty_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(ExpectVector(input, "the input"));
    RETURN_IF_ERROR(ExpectScalar(context.input(1), "the delimiter"));
    std::vector<Pieces> rows;
    for (const std::string& text : input.span<std::string>()) {
      rows.push_back(SplitAtAny(text, context.input(1).scalar<std::string>(), skip_empty_));
    }
    return StoreSparse(context, rows);
  }

 private:
  bool skip_empty_ = true;
};
CRYOGRAPH_KERNEL(StringSplitKernel, "StringSplit");

// An empty separator stands for runs of white space and gives no empty pieces, but for what is left behind
// the last split that is allowed.
Pieces SplitAtWhole(absl::string_view text, absl::string_view separator, int64_t most) {
  if (most == 0) return {text};
  Pieces pieces;
  if (!separator.empty()) {
    size_t begin = 0;
    for (;;) {
      const bool enough = most >= 0 && static_cast<int64_t>(pieces.size()) >= most;
      const size_t end = enough ? text.npos : text.find(separator, begin);
      if (end == text.npos) {
        pieces.push_back(text.substr(begin));
        return pieces;
      }
      pieces.push_back(text.substr(begin, end - begin));
      begin = end + separator.size();
    }
  }
  const auto space = [](char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); };
  size_t begin = 0;
  while (begin < text.size() && space(text[begin])) ++begin;
  while (begin < text.size()) {
    size_t end = begin;
    while (end < text.size() && !space(text[end])) ++end;
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
    while (begin < text.size() && space(text[begin])) ++begin;
    // What is left stays together, even if it is nothing.
    if (most >= 0 && static_cast<int64_t>(pieces.size()) >= most) {
      pieces.push_back(text.substr(begin));
      break;
    }
  }
  return pieces;
}

class StringSplitV2Kernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("maxsplit", &most_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(ExpectVector(input, "the input"));
    RETURN_IF_ERROR(ExpectScalar(context.input(1), "sep"));
    std::vector<Pieces> rows;
    for (const std::string& text : input.span<std::string>()) {
      rows.push_back(SplitAtWhole(text, context.input(1).scalar<std::string>(), most_));
    }
    return StoreSparse(context, rows);
  }

 private:
  int64_t most_ = -1;
};
CRYOGRAPH_KERNEL(StringSplitV2Kernel, "StringSplitV2");

}  // namespace
}  // namespace cryograph
