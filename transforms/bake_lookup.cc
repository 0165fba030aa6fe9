// A look-up in a table of constant contents, as ops on tensors.
#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/frames.h"
#include "transforms/freeze_tables.h"

namespace cryograph {
namespace {

class Baker {
 public:
  Baker(Graph& graph, Node lookup, const KeyValues& contents)
      : graph_(graph),
        lookup_(lookup),
        contents_(contents),
        keys_(lookup.input(1)),
        default_(lookup.input(2)) {
    const FrameInfo frames = FrameInfo::Analyze(graph);
    if (frames.InLoop(lookup.id())) anchor_ = frames.Anchor(lookup);
  }

  // With n entries, row number n of the values is the default: index = hit * (position - n) + n.
  absl::Status Run() {
    const DataType key_dtype = contents_.keys.dtype;
    const int64_t n = contents_.keys.num_elements();
    ASSIGN_OR_RETURN(const Output values, ValuesAndDefault());
    Output index;
    DataType index_dtype = DT_INT64;
    int64_t least = 0;
    if (n == 0) {
      ASSIGN_OR_RETURN(index, Nowhere(key_dtype));
      index_dtype = DT_INT32;
    } else if (key_dtype != DT_STRING && IsDense(&least)) {
      index_dtype = key_dtype;
      ASSIGN_OR_RETURN(index, CountedOff(least, n));
    } else {
      ASSIGN_OR_RETURN(index, Compared(n));
    }
    const Node axis = Constant("axis", Tensor::Of<int32_t>(DT_INT32, {}, {0}));
    while (lookup_.num_inputs() > 0) graph_.RemoveInput(lookup_, lookup_.num_inputs() - 1);
    std::vector<std::string> gone;
    for (absl::string_view key : lookup_.attr_keys()) {
      if (key != "_output_shapes") gone.emplace_back(key);
    }
    for (const std::string& key : gone) graph_.RemoveAttr(lookup_, key);
    graph_.SetOp(lookup_, "GatherV2");
    for (Output input : {values, index, axis.out()}) graph_.AddInput(lookup_, input);
    graph_.SetAttr(lookup_, "Tparams", AttrType(contents_.values.dtype));
    graph_.SetAttr(lookup_, "Tindices", AttrType(index_dtype));
    graph_.SetAttr(lookup_, "Taxis", AttrType(DT_INT32));
    return absl::OkStatus();
  }

 private:
  Node Constant(absl::string_view name, Tensor value) {
    const Node node = graph_.AddConst(absl::StrCat(lookup_.name(), "/", name), std::move(value), lookup_);
    if (anchor_) graph_.AddControlInput(node, anchor_);
    return node;
  }

  using Types = std::vector<std::pair<absl::string_view, DataType>>;
  absl::StatusOr<Output> Op(absl::string_view name, absl::string_view op, std::vector<Output> inputs,
                            const Types& types) {
    ASSIGN_OR_RETURN(
        const Node node,
        graph_.AddNode(graph_.UniqueName(absl::StrCat(lookup_.name(), "/", name)), op, inputs, lookup_));
    for (const auto& [key, dtype] : types) graph_.SetAttr(node, key, AttrType(dtype));
    return node.out();
  }

  // A whole number of the index's type.
  Node Number(absl::string_view name, DataType dtype, int64_t value) {
    return Constant(name, dtype == DT_INT32 ? Tensor::Of<int32_t>(dtype, {}, {static_cast<int32_t>(value)})
                                            : Tensor::Of<int64_t>(dtype, {}, {value}));
  }

  // The values in the order of the keys, and the default behind them.
  absl::StatusOr<Output> ValuesAndDefault() {
    const DataType dtype = contents_.values.dtype;
    const Node values = Constant("values", contents_.values);
    const Node dim = Constant("dim", Tensor::Of<int32_t>(DT_INT32, {}, {0}));
    ASSIGN_OR_RETURN(const Output row,
                     Op("default", "ExpandDims", {default_, dim.out()}, {{"T", dtype}, {"Tdim", DT_INT32}}));
    ASSIGN_OR_RETURN(const Output all, Op("values_and_default", "ConcatV2", {values.out(), row, dim.out()},
                                          {{"T", dtype}, {"Tidx", DT_INT32}}));
    graph_.SetAttr(graph_.node(all.node), "N", AttrInt(2));
    return all;
  }

  std::vector<int64_t> IntegerKeys() const {
    if (contents_.keys.dtype == DT_INT64) return contents_.keys.Copy<int64_t>();
    const std::vector<int32_t> narrow = contents_.keys.Copy<int32_t>();
    return {narrow.begin(), narrow.end()};
  }

  // Whole numbers from *least on, each once and in order.
  bool IsDense(int64_t* least) {
    const std::vector<int64_t> keys = IntegerKeys();
    *least = *std::min_element(keys.begin(), keys.end());
    const int64_t most = *std::max_element(keys.begin(), keys.end());
    const int64_t n = static_cast<int64_t>(keys.size());
    // No overflow: both are of one sign, or small.
    if (*least < 0 && most > std::numeric_limits<int64_t>::max() + *least) return false;
    return most - *least == n - 1 && std::is_sorted(keys.begin(), keys.end());
  }

  // hit * (position - n) + n.
  absl::StatusOr<Output> Index(Output position, Output hit, DataType dtype, int64_t n) {
    const Node count = Number("size", dtype, n);
    ASSIGN_OR_RETURN(const Output number, Op("hit", "Cast", {hit}, {{"SrcT", DT_BOOL}, {"DstT", dtype}}));
    ASSIGN_OR_RETURN(const Output before, Op("from_end", "Sub", {position, count.out()}, {{"T", dtype}}));
    ASSIGN_OR_RETURN(const Output product, Op("if_hit", "Mul", {before, number}, {{"T", dtype}}));
    return Op("index", "Add", {product, count.out()}, {{"T", dtype}});
  }

  absl::StatusOr<Output> CountedOff(int64_t least, int64_t n) {
    const DataType dtype = contents_.keys.dtype;
    const Node first = Number("first", dtype, least), last = Number("last", dtype, least + n - 1);
    ASSIGN_OR_RETURN(const Output above, Op("above", "Maximum", {keys_, first.out()}, {{"T", dtype}}));
    ASSIGN_OR_RETURN(const Output inside, Op("inside", "Minimum", {above, last.out()}, {{"T", dtype}}));
    ASSIGN_OR_RETURN(const Output equal, Op("equal", "Equal", {keys_, inside}, {{"T", dtype}}));
    ASSIGN_OR_RETURN(const Output position, Op("position", "Sub", {inside, first.out()}, {{"T", dtype}}));
    return Index(position, equal, dtype, n);
  }

  absl::StatusOr<Output> Compared(int64_t n) {
    const DataType dtype = contents_.keys.dtype;
    const Node keys = Constant("keys", contents_.keys);
    const Node last = Constant("last_dim", Tensor::Of<int32_t>(DT_INT32, {}, {-1}));
    ASSIGN_OR_RETURN(const Output wide,
                     Op("wide", "ExpandDims", {keys_, last.out()}, {{"T", dtype}, {"Tdim", DT_INT32}}));
    ASSIGN_OR_RETURN(const Output equal, Op("equal", "Equal", {wide, keys.out()}, {{"T", dtype}}));
    ASSIGN_OR_RETURN(const Output numbers,
                     Op("numbers", "Cast", {equal}, {{"SrcT", DT_BOOL}, {"DstT", DT_FLOAT}}));
    ASSIGN_OR_RETURN(const Output position,
                     Op("position", "ArgMax", {numbers, last.out()},
                        {{"T", DT_FLOAT}, {"Tidx", DT_INT32}, {"output_type", DT_INT64}}));
    ASSIGN_OR_RETURN(const Output any, Op("any", "Any", {equal, last.out()}, {{"Tidx", DT_INT32}}));
    return Index(position, any, DT_INT64, n);
  }

  // Zeros in the keys' shape: an empty table has the default alone.
  absl::StatusOr<Output> Nowhere(DataType dtype) {
    ASSIGN_OR_RETURN(const Output shape,
                     Op("shape", "Shape", {keys_}, {{"T", dtype}, {"out_type", DT_INT32}}));
    const Node zero = Constant("zero", Tensor::Of<int32_t>(DT_INT32, {}, {0}));
    return Op("index", "Fill", {shape, zero.out()}, {{"T", DT_INT32}, {"index_type", DT_INT32}});
  }

  Graph& graph_;
  Node lookup_;
  const KeyValues& contents_;
  Output keys_, default_;
  Node anchor_;
};

}  // namespace

absl::Status BakeLookup(Graph& graph, Node lookup, const KeyValues& contents) {
  return Baker(graph, lookup, contents).Run();
}

}  // namespace cryograph
