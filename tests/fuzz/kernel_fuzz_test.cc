// Single ops with hostile attributes, types, shapes, indices and values. The input is a stream of choices;
// one that begins with "every op" tries each op that has a kernel, as often as its second line says, with
// choices of its own; one that begins with "only OP OP…" those that it names.
#include <algorithm>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "graph/attr.h"
#include "graph/op_schema.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/node_info.h"
#include "runtime/resource.h"
#include "runtime/run_state.h"
#include "runtime/thread_pool.h"
#include "runtime/value.h"

namespace cryograph {
namespace {

constexpr uint64_t kMemoryLimit = uint64_t{64} << 20;
constexpr absl::Duration kTimeLimit = absl::Seconds(2);

// Choices from bytes; when they are used up, from a generator that they seed (or zeros).
class Choices {
 public:
  explicit Choices(absl::string_view bytes) : bytes_(bytes) {}
  explicit Choices(uint64_t seed) : state_(seed | 1) {}

  uint32_t Below(uint32_t limit) { return limit == 0 ? 0 : Next() % limit; }
  bool OneIn(uint32_t n) { return Below(n) == n - 1; }

 private:
  uint32_t Next() {
    if (state_ != 0) {  // xorshift64
      state_ ^= state_ << 13;
      state_ ^= state_ >> 7;
      state_ ^= state_ << 17;
      return static_cast<uint32_t>(state_ >> 24);
    }
    uint32_t value = 0;
    for (int i = 0; i < 2 && !bytes_.empty(); ++i) {
      value = value << 8 | static_cast<uint8_t>(bytes_[0]);
      bytes_.remove_prefix(1);
    }
    return value;
  }

  absl::string_view bytes_;
  uint64_t state_ = 0;
};

int64_t OddInt(Choices& choices) {
  static constexpr int64_t kInts[] = {0,
                                      1,
                                      2,
                                      3,
                                      -1,
                                      1,
                                      2,
                                      4,
                                      5,
                                      -2,
                                      7,
                                      -7,
                                      8,
                                      16,
                                      255,
                                      -128,
                                      31,
                                      32,
                                      63,
                                      100,
                                      1000,
                                      2147483647,
                                      -2147483648,
                                      std::numeric_limits<int64_t>::max(),
                                      std::numeric_limits<int64_t>::min()};
  return kInts[choices.Below(choices.OneIn(4) ? 25 : 12)];
}

double OddFloat(Choices& choices) {
  static const double kFloats[] = {0,
                                   1,
                                   -1,
                                   0.5,
                                   2,
                                   3.7,
                                   -2.25,
                                   1e-3,
                                   100,
                                   -0.0,
                                   1e30,
                                   -1e30,
                                   1e-40,
                                   std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<double>::quiet_NaN()};
  return kFloats[choices.Below(16)];
}

std::string OddString(Choices& choices) {
  static const char* const kStrings[] = {
      "",       "a", "hello, world", "12",    "-3.5e2",           "a b  c",  "\xff\xfe",  "NHWC",
      "(a|b)*", "[", "%d",           "UTF-8", "\xd0\x9f\xd1\x80", "b,i->bi", "ij,jk->ik", "add"};
  return kStrings[choices.Below(16)];
}

DataType AnyType(Choices& choices) {
  static constexpr DataType kTypes[] = {
      DT_FLOAT,  DT_INT32, DT_INT64,  DT_DOUBLE, DT_STRING,    DT_BOOL,       DT_HALF,
      DT_UINT8,  DT_INT8,  DT_INT16,  DT_UINT16, DT_COMPLEX64, DT_COMPLEX128, DT_BFLOAT16,
      DT_QUINT8, DT_QINT8, DT_QINT32, DT_UINT32, DT_UINT64,    DT_RESOURCE,   DT_VARIANT};
  return kTypes[choices.Below(21)];
}

std::vector<int64_t> AnyDims(Choices& choices) {
  std::vector<int64_t> dims(choices.Below(choices.OneIn(5) ? 7 : 5));
  for (int64_t& dim : dims) dim = choices.OneIn(8) ? 0 : choices.OneIn(12) ? 9 : 1 + choices.Below(4);
  // No elements, but no end of rows.
  if (dims.size() > 1 && choices.OneIn(20)) {
    dims.front() = 0;
    dims.back() = int64_t{1} << 60;
    if (choices.OneIn(2)) std::swap(dims.front(), dims.back());
  }
  return dims;
}

PartialShape AnyPartialShape(Choices& choices) {
  PartialShape shape;
  shape.unknown_rank = choices.OneIn(4);
  if (!shape.unknown_rank) shape.dims = AnyDims(choices);
  for (int64_t& dim : shape.dims) {
    if (choices.OneIn(4)) dim = -1;
  }
  return shape;
}

DataType TypeFor(const AttrSchema& schema, Choices& choices) {
  if (schema.allowed_types.empty()) return AnyType(choices);
  return schema.allowed_types[choices.Below(static_cast<uint32_t>(schema.allowed_types.size()))];
}

// A serialized AttrValue; empty: leave the attribute out.
std::string AnyAttr(const AttrSchema& schema, Choices& choices) {
  const absl::string_view type = schema.type;
  if (schema.has_default && choices.OneIn(2)) return "";
  if (type == "type") return AttrType(TypeFor(schema, choices));
  if (type == "bool") return AttrBool(choices.OneIn(2));
  if (type == "int") {
    const bool count = !schema.has_default && schema.has_minimum;  // How many inputs, mostly.
    return AttrInt(count ? static_cast<int64_t>(choices.Below(4)) : OddInt(choices));
  }
  if (type == "float") return AttrFloat(static_cast<float>(OddFloat(choices)));
  if (type == "shape") return AttrShape(AnyPartialShape(choices));
  if (type == "string") {
    if (schema.allowed_strings.empty()) return AttrString(OddString(choices));
    return AttrString(
        schema.allowed_strings[choices.Below(static_cast<uint32_t>(schema.allowed_strings.size()))]);
  }
  const uint32_t length = choices.OneIn(3) ? choices.Below(6) : 4;
  if (type == "list(int)") {
    std::vector<int64_t> list(length);
    for (int64_t& each : list) each = choices.OneIn(3) ? OddInt(choices) : 1;
    return AttrIntList(list);
  }
  if (type == "list(type)") {
    std::vector<DataType> list(choices.Below(4));
    for (DataType& each : list) each = TypeFor(schema, choices);
    return AttrTypeList(list);
  }
  if (type == "list(string)") {
    std::vector<std::string> list(length);
    for (std::string& each : list) each = OddString(choices);
    return AttrStringList(list);
  }
  if (type == "list(shape)") {
    std::vector<PartialShape> list(choices.Below(4));
    for (PartialShape& each : list) each = AnyPartialShape(choices);
    return AttrShapeList(list);
  }
  return "";
}

// Fills in elements; `small` keeps integers to what may be a size or an index.
void Fill(Value& value, Choices& choices) {
  const bool small = !choices.OneIn(4);
  for (int64_t i = 0; i < value.num_elements(); ++i) {
    const auto set = [&](auto element) {
      std::memcpy(value.mutable_raw() + i * sizeof(element), &element, sizeof(element));
    };
    const int64_t integer =
        small ? static_cast<int64_t>(choices.Below(5)) - (choices.OneIn(6) ? 2 : 0) : OddInt(choices);
    switch (value.dtype()) {
      case DT_FLOAT:
        set(static_cast<float>(OddFloat(choices)));
        break;
      case DT_DOUBLE:
        set(OddFloat(choices));
        break;
      case DT_HALF:
        set(Half(static_cast<float>(OddFloat(choices))));
        break;
      case DT_BFLOAT16:
        set(Bfloat16(static_cast<float>(OddFloat(choices))));
        break;
      case DT_COMPLEX64:
        set(std::complex<float>(static_cast<float>(OddFloat(choices)),
                                static_cast<float>(OddFloat(choices))));
        break;
      case DT_COMPLEX128:
        set(std::complex<double>(OddFloat(choices), OddFloat(choices)));
        break;
      case DT_BOOL:
        set(choices.OneIn(2));
        break;
      case DT_STRING:
        value.mutable_data<std::string>()[i] = OddString(choices);
        break;
      case DT_RESOURCE:
      case DT_VARIANT:
        break;
      default:
        switch (DataTypeBytes(value.dtype())) {
          case 1:
            set(static_cast<int8_t>(integer));
            break;
          case 2:
            set(static_cast<int16_t>(integer));
            break;
          case 4:
            set(static_cast<int32_t>(integer));
            break;
          default:
            set(integer);
        }
    }
  }
}

// True for ops that do more than compute: not here.
bool IsOutside(const OpSchema& schema) {
  for (const AttrSchema& attr : schema.attrs) {
    if (attr.type == "func" || attr.type == "list(func)") return true;
  }
  return absl::StrContains(schema.name, "File") || absl::StrContains(schema.name, "Print") ||
         schema.name == "Save" || absl::StartsWith(schema.name, "Save") ||
         absl::StartsWith(schema.name, "Restore");
}

// Ops whose outputs are handles of use to other ops.
constexpr absl::string_view kMakers[] = {
    "EmptyTensorList",    "HashTable",       "HashTableV2",   "MutableHashTable",
    "MutableHashTableV2", "TensorArrayV2",   "TensorArrayV3", "TensorListFromTensor",
    "TensorListReserve",  "TensorListSplit", "VarHandleOp",   "VariableV2",
};

absl::StatusOr<std::vector<Value>> Compute(absl::string_view op, Choices& choices, RunState& run, int depth);

// A handle that some op made; empty if none of that type came.
Value AnyHandle(DataType dtype, Choices& choices, RunState& run, int depth) {
  const absl::string_view maker = kMakers[choices.Below(static_cast<uint32_t>(std::size(kMakers)))];
  absl::StatusOr<std::vector<Value>> made = Compute(maker, choices, run, depth + 1);
  if (made.ok() && !made->empty() && (*made)[0].dtype() == dtype) return (*made)[0];
  return Value();
}

absl::StatusOr<Value> AnyInput(DataType dtype, const std::vector<int64_t>& usual_dims, Choices& choices,
                               RunState& run, int depth) {
  const bool is_handle = IsRefType(dtype) || dtype == DT_RESOURCE || dtype == DT_VARIANT;
  if (is_handle && depth == 0 && choices.OneIn(2)) {
    if (Value handle = AnyHandle(dtype, choices, run, depth); handle.has_value()) return handle;
  }
  if (IsRefType(dtype) || (dtype == DT_RESOURCE && choices.OneIn(2))) {
    ASSIGN_OR_RETURN(Value value, Value::Allocate(dtype, {}, *run.pool));
    const auto variable =
        std::make_shared<Variable>("v", BaseType(dtype) == DT_RESOURCE ? DT_FLOAT : BaseType(dtype));
    if (!choices.OneIn(4)) {
      ASSIGN_OR_RETURN(Value content, Value::Allocate(variable->dtype(), AnyDims(choices), *run.pool));
      Fill(content, choices);
      variable->Assign(std::move(content));
    }
    *value.mutable_data<Handle>() = variable;
    return value;
  }
  std::vector<int64_t> dims = usual_dims;
  if (choices.OneIn(2)) dims = AnyDims(choices);
  if ((dtype == DT_INT32 || dtype == DT_INT64) && choices.OneIn(2))
    dims.resize(std::min<size_t>(dims.size(), 1));
  ASSIGN_OR_RETURN(Value value, Value::Allocate(dtype, dims, *run.pool));
  Fill(value, choices);
  return value;
}

// One node of that op, everything about it chosen. An error if there can be no such node, and the kernel's.
absl::StatusOr<std::vector<Value>> Compute(absl::string_view op, Choices& choices, RunState& run, int depth) {
  const OpSchema* const schema = FindOp(op);
  const KernelFactory factory = FindKernel(op);
  if (schema == nullptr || factory == nullptr) return absl::NotFoundError(op);
  std::vector<std::pair<std::string, std::string>> bytes;
  for (const AttrSchema& attr : schema->attrs) {
    std::string value = AnyAttr(attr, choices);
    if (!value.empty()) bytes.emplace_back(std::string(attr.name), std::move(value));
  }
  std::sort(bytes.begin(), bytes.end());
  std::vector<std::pair<absl::string_view, AttrView>> attrs;
  for (const auto& [key, value] : bytes) attrs.emplace_back(key, AttrView(value));
  NodeInfo info("node", op, schema, attrs);
  RETURN_IF_ERROR(info.CheckAttrs());
  RETURN_IF_ERROR(info.FindTypes());
  if (info.num_inputs() > 16 || info.num_outputs() > 64) return absl::OutOfRangeError(op);
  const std::unique_ptr<Kernel> kernel = factory();
  RETURN_IF_ERROR(kernel->Init(info));

  const std::vector<int64_t> dims = AnyDims(choices);
  std::vector<Value> inputs(info.num_inputs());
  std::vector<const Value*> constants;
  std::vector<Value*> pointers;
  for (int i = 0; i < info.num_inputs(); ++i) {
    ASSIGN_OR_RETURN(inputs[i], AnyInput(info.input_type(i), dims, choices, run, depth));
    pointers.push_back(&inputs[i]);
    constants.push_back(choices.OneIn(2) ? &inputs[i] : nullptr);
  }
  PrepareContext prepare(constants, *run.pool, nullptr);
  RETURN_IF_ERROR(kernel->Prepare(prepare));
  std::vector<Value> outputs(info.num_outputs());
  KernelContext context(info, run, pointers, choices.OneIn(2) ? ~uint64_t{0} : 0, absl::MakeSpan(outputs));
  RETURN_IF_ERROR(kernel->Compute(context));
  return outputs;
}

void RunOp(absl::string_view op, Choices& choices) {
  const OpSchema* const schema = FindOp(op);
  if (schema == nullptr || IsOutside(*schema)) return;
  static ThreadPool& threads = *new ThreadPool(2);
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create(kMemoryLimit);
  ResourceManager resources, step_resources;
  RunState run;
  run.pool = pool.get();
  run.threads = choices.OneIn(2) ? &threads : nullptr;
  run.resources = &resources;
  run.step_resources = &step_resources;
  run.deadline = absl::Now() + kTimeLimit;
  const absl::StatusOr<std::vector<Value>> outputs = Compute(op, choices, run, 0);
  const bool in_time = absl::Now() < run.deadline + kTimeLimit * 10;
  if (!in_time || pool->peak_bytes() > kMemoryLimit) {
    std::fprintf(stderr, "%s: beyond the limit of %s: %s\n", std::string(op).c_str(),
                 in_time ? "memory" : "time", outputs.status().ToString().c_str());
    std::abort();
  }
  if (!outputs.ok()) return;
  for (const Value& output : *outputs) {
    // Every element is there to be read.
    unsigned sum = 0;
    if (IsPlainType(output.dtype())) {
      for (char byte : absl::string_view(output.raw(), output.num_bytes()))
        sum += static_cast<unsigned char>(byte);
    }
    volatile unsigned sink = sum;
    (void)sink;
  }
}

void RunOften(const std::vector<absl::string_view>& ops, uint32_t rounds) {
  for (uint32_t round = 0; round < rounds; ++round) {
    for (const absl::string_view op : ops) {
      uint64_t seed = round;
      for (const char c : op) seed = (seed ^ static_cast<uint8_t>(c)) * 0x100000001b3;
      Choices choices(seed * 0x9e3779b97f4a7c15);
      RunOp(op, choices);
    }
  }
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using cryograph::Choices;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<absl::string_view> ops = cryograph::KernelOps();
  if (ops.empty()) return 0;
  const std::vector<absl::string_view> lines = absl::StrSplit(bytes, absl::MaxSplits('\n', 1));
  uint32_t rounds = 0;
  if (lines.size() == 2 && absl::SimpleAtoi(lines[1], &rounds)) {
    absl::string_view named = lines[0];
    if (named == "every op") return cryograph::RunOften(ops, rounds), 0;
    if (absl::ConsumePrefix(&named, "only "))
      return cryograph::RunOften(absl::StrSplit(named, ' '), rounds), 0;
  }
  Choices choices(bytes);
  cryograph::RunOp(ops[choices.Below(static_cast<uint32_t>(ops.size()))], choices);
  return 0;
}
