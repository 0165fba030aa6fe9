// Hash tables: HashTable, MutableHashTable, their filling and look-ups.
#include "runtime/kernels/lookup_table.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/mapped_file.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/element_lists.h"

namespace cryograph {

absl::Status LookupTable::CheckInitialized() const {
  return initialized_ ? absl::OkStatus() : absl::FailedPreconditionError("the table was never filled");
}

absl::Status LookupTable::Initialize(std::vector<std::pair<std::string, std::string>> entries) {
  std::vector<std::pair<std::string, std::string>> fresh;
  absl::flat_hash_map<std::string, size_t> index;
  for (auto& entry : entries) {
    const auto [found, is_new] = index.emplace(entry.first, fresh.size());
    if (is_new) {
      fresh.push_back(std::move(entry));
    } else if (fresh[found->second].second != entry.second) {
      return absl::InvalidArgumentError("a key has two different values");
    }
  }
  absl::MutexLock lock(&mutex_);
  if (!initialized_) {
    entries_ = std::move(fresh);
    index_ = std::move(index);
    initialized_ = true;
    return absl::OkStatus();
  }
  bool same = fresh.size() == entries_.size();
  for (const auto& [key, value] : fresh) {
    const auto found = index_.find(key);
    same = same && found != index_.end() && entries_[found->second].second == value;
  }
  return same ? absl::OkStatus()
              : absl::FailedPreconditionError("the table was filled before, with other entries");
}

void LookupTable::Insert(std::vector<std::pair<std::string, std::string>> entries, bool clear_first) {
  absl::MutexLock lock(&mutex_);
  if (clear_first) {
    entries_.clear();
    index_.clear();
  }
  for (auto& entry : entries) {
    const auto [found, is_new] = index_.emplace(entry.first, entries_.size());
    if (is_new) {
      entries_.push_back(std::move(entry));
    } else {
      entries_[found->second].second = std::move(entry.second);
    }
  }
}

void LookupTable::Remove(const std::vector<std::string>& keys) {
  absl::MutexLock lock(&mutex_);
  for (const std::string& key : keys) index_.erase(key);
  std::vector<std::pair<std::string, std::string>> left;
  for (auto& entry : entries_) {
    const auto found = index_.find(entry.first);
    if (found == index_.end()) continue;
    found->second = left.size();
    left.push_back(std::move(entry));
  }
  entries_ = std::move(left);
}

absl::StatusOr<int64_t> LookupTable::Size() const {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckInitialized());
  return static_cast<int64_t>(entries_.size());
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> LookupTable::Entries() const {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckInitialized());
  return entries_;
}

std::vector<std::string> ElementBytes(const Value& value) {
  if (value.dtype() == DT_STRING) {
    return std::vector<std::string>(value.span<std::string>().begin(), value.span<std::string>().end());
  }
  const int width = ValueElementBytes(value.dtype());
  std::vector<std::string> elements;
  for (int64_t i = 0; i < value.num_elements(); ++i) elements.emplace_back(value.raw() + i * width, width);
  return elements;
}

void SetElement(Value* value, int64_t index, absl::string_view bytes) {
  if (value->dtype() == DT_STRING) {
    value->mutable_data<std::string>()[index].assign(bytes.data(), bytes.size());
  } else {
    std::memcpy(value->mutable_raw() + index * ValueElementBytes(value->dtype()), bytes.data(), bytes.size());
  }
}

namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

bool CanBeElement(DataType dtype) { return dtype == DT_STRING || IsPlainType(dtype); }

class TableKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("key_dtype", &key_type_));
    RETURN_IF_ERROR(node.Attr("value_dtype", &value_type_));
    if (!CanBeElement(key_type_)) return node.UnsupportedType(key_type_);
    if (!CanBeElement(value_type_)) return node.UnsupportedType(value_type_);
    is_mutable_ = absl::StartsWith(node.op(), "Mutable");
    const absl::string_view shared = node.attr("shared_name").s();
    name_ = absl::StrCat("table\n", node.attr("container").s(), "\n", shared.empty() ? node.name() : shared);
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(std::shared_ptr<LookupTable> table,
                     context.resources().FindOrMake<LookupTable>(name_, [this] {
                       return std::make_shared<LookupTable>(key_type_, value_type_, is_mutable_);
                     }));
    if (table->key_type() != key_type_ || table->value_type() != value_type_) {
      return absl::InvalidArgumentError(absl::StrCat("the table of that name maps ",
                                                     DataTypeName(table->key_type()), " to ",
                                                     DataTypeName(table->value_type())));
    }
    return context.SetScalarOutput<Handle>(0, std::move(table));
  }

 private:
  DataType key_type_ = DT_INVALID, value_type_ = DT_INVALID;
  bool is_mutable_ = false;
  std::string name_;
};
CRYOGRAPH_KERNEL(TableKernel, "HashTable", "HashTableV2", "MutableHashTable", "MutableHashTableV2");

absl::Status CheckKeyType(const LookupTable& table, DataType dtype) {
  if (table.key_type() == dtype) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the keys of the table are ", DataTypeName(table.key_type()),
                                                 ", not ", DataTypeName(dtype)));
}
absl::Status CheckValueType(const LookupTable& table, DataType dtype) {
  if (table.value_type() == dtype) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the values of the table are ", DataTypeName(table.value_type()), ", not ", DataTypeName(dtype)));
}

// Inputs 1 and 2, which must be of one shape.
absl::StatusOr<Entries> InputEntries(KernelContext& context, const LookupTable& table) {
  RETURN_IF_ERROR(CheckKeyType(table, context.input(1).dtype()));
  RETURN_IF_ERROR(CheckValueType(table, context.input(2).dtype()));
  RETURN_IF_ERROR(ExpectSameShape(context.input(1), context.input(2)));
  std::vector<std::string> keys = ElementBytes(context.input(1)), values = ElementBytes(context.input(2));
  Entries entries;
  for (size_t i = 0; i < keys.size(); ++i) entries.emplace_back(std::move(keys[i]), std::move(values[i]));
  return entries;
}

absl::Status Initialize(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto table, ObjectOf<LookupTable>(context.input(0)));
  RETURN_IF_ERROR(ExpectVector(context.input(1), "keys"));
  if (table->is_mutable()) return absl::InvalidArgumentError("the table is mutable");
  ASSIGN_OR_RETURN(Entries entries, InputEntries(context, *table));
  return table->Initialize(std::move(entries));
}
CRYOGRAPH_KERNEL_FUNCTION(Initialize, "InitializeTable", "InitializeTableV2");

// LookupTableInsert adds, LookupTableImport replaces. An immutable table is filled by one import: saved
// models restore their tables that way.
absl::Status Insert(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto table, ObjectOf<LookupTable>(context.input(0)));
  const bool import = absl::StartsWith(context.node().op(), "LookupTableImport");
  if (!table->is_mutable() && !import) return absl::UnimplementedError("the table is not mutable");
  ASSIGN_OR_RETURN(Entries entries, InputEntries(context, *table));
  if (!table->is_mutable()) return table->Initialize(std::move(entries));
  table->Insert(std::move(entries), import);
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Insert, "LookupTableImport", "LookupTableImportV2", "LookupTableInsert",
                          "LookupTableInsertV2");

absl::Status Remove(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto table, ObjectOf<LookupTable>(context.input(0)));
  if (!table->is_mutable()) return absl::UnimplementedError("the table is not mutable");
  RETURN_IF_ERROR(CheckKeyType(*table, context.input(1).dtype()));
  table->Remove(ElementBytes(context.input(1)));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Remove, "LookupTableRemoveV2");

// The default is a scalar, or, for a mutable table, may have the shape of the keys.
absl::Status Find(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto table, ObjectOf<LookupTable>(context.input(0)));
  const Value& keys = context.input(1);
  const Value& fallback = context.input(2);
  RETURN_IF_ERROR(CheckKeyType(*table, keys.dtype()));
  RETURN_IF_ERROR(CheckValueType(*table, fallback.dtype()));
  const bool one_each = table->is_mutable() && !fallback.is_scalar();
  if (one_each) {
    RETURN_IF_ERROR(ExpectSameShape(keys, fallback));
  } else {
    RETURN_IF_ERROR(ExpectScalar(fallback, "default_value"));
  }
  ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(0, keys.shape()));
  return table->Find(
      ElementBytes(keys), [&](int64_t i, const std::string& bytes) { SetElement(values, i, bytes); },
      [&](int64_t i) { CopyElements(fallback, one_each ? i : 0, values, i, 1); });
}
CRYOGRAPH_KERNEL_FUNCTION(Find, "LookupTableFind", "LookupTableFindV2");

absl::Status Size(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto table, ObjectOf<LookupTable>(context.input(0)));
  ASSIGN_OR_RETURN(const int64_t size, table->Size());
  return context.SetScalarOutput<int64_t>(0, size);
}
CRYOGRAPH_KERNEL_FUNCTION(Size, "LookupTableSize", "LookupTableSizeV2");

absl::Status Export(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto table, ObjectOf<LookupTable>(context.input(0)));
  RETURN_IF_ERROR(CheckKeyType(*table, context.node().output_type(0)));
  RETURN_IF_ERROR(CheckValueType(*table, context.node().output_type(1)));
  ASSIGN_OR_RETURN(const Entries entries, table->Entries());
  const int64_t size = static_cast<int64_t>(entries.size());
  ASSIGN_OR_RETURN(Value * keys, context.AllocateOutput(0, {size}));
  ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(1, {size}));
  for (int64_t i = 0; i < size; ++i) {
    SetElement(keys, i, entries[i].first);
    SetElement(values, i, entries[i].second);
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Export, "LookupTableExport", "LookupTableExportV2");

// Lines of a file: each part of a line, the whole line, or its number can be key or value.
class InitializeFromFileKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("key_index", &key_index_));
    RETURN_IF_ERROR(node.Attr("value_index", &value_index_));
    RETURN_IF_ERROR(node.Attr("vocab_size", &vocab_size_));
    RETURN_IF_ERROR(node.Attr("delimiter", &delimiter_));
    if (node.attr("offset").kind() == AttrView::kInt) RETURN_IF_ERROR(node.Attr("offset", &offset_));
    return delimiter_.size() == 1 ? absl::OkStatus()
                                  : absl::InvalidArgumentError("delimiter must be one character");
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const auto table, ObjectOf<LookupTable>(context.input(0)));
    RETURN_IF_ERROR(ExpectScalar(context.input(1), "filename"));
    const std::string& path = context.input(1).scalar<std::string>();
    ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
    Entries entries;
    int64_t number = 0, skipped = 0;
    absl::string_view rest = file->bytes();
    while (!rest.empty() && (vocab_size_ < 0 || number < vocab_size_)) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      absl::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(rest.size(), end + 1));
      if (skipped++ < offset_) continue;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      std::string key, value;
      RETURN_IF_ERROR(Part(line, number, key_index_, table->key_type(), &key));
      RETURN_IF_ERROR(Part(line, number, value_index_, table->value_type(), &value));
      entries.emplace_back(std::move(key), std::move(value));
      ++number;
    }
    if (vocab_size_ >= 0 && number < vocab_size_) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, " has ", number, " lines, but vocab_size is ", vocab_size_));
    }
    return table->Initialize(std::move(entries));
  }

 private:
  static constexpr int64_t kWholeLine = -2, kLineNumber = -1;

  absl::Status Part(absl::string_view line, int64_t number, int64_t index, DataType dtype,
                    std::string* bytes) const {
    if (index == kLineNumber) {
      if (dtype != DT_INT64) return absl::InvalidArgumentError("line numbers are int64");
      bytes->assign(reinterpret_cast<const char*>(&number), sizeof(number));
      return absl::OkStatus();
    }
    absl::string_view text = line;
    if (index != kWholeLine) {
      const std::vector<absl::string_view> parts = absl::StrSplit(line, delimiter_);
      if (index < 0 || index >= static_cast<int64_t>(parts.size())) {
        return absl::InvalidArgumentError(absl::StrCat("line ", number + 1, " has no part ", index));
      }
      text = parts[index];
    }
    if (dtype == DT_STRING) {
      bytes->assign(text.data(), text.size());
      return absl::OkStatus();
    }
    const absl::Status status = DispatchType<
        JoinTypes<IndexTypes, TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>>>(
        dtype, [&](auto tag) {
          TypeOf<decltype(tag)> parsed{};
          if (!Parse(text, &parsed)) {
            return absl::InvalidArgumentError(
                absl::StrCat("line ", number + 1, ": '", text, "' is no number"));
          }
          bytes->assign(reinterpret_cast<const char*>(&parsed), sizeof(parsed));
          return absl::OkStatus();
        });
    return status;
  }

  static bool Parse(absl::string_view text, int32_t* number) { return absl::SimpleAtoi(text, number); }
  static bool Parse(absl::string_view text, int64_t* number) { return absl::SimpleAtoi(text, number); }
  static bool Parse(absl::string_view text, float* number) { return absl::SimpleAtof(text, number); }
  static bool Parse(absl::string_view text, double* number) { return absl::SimpleAtod(text, number); }

  int64_t key_index_ = 0, value_index_ = 0, vocab_size_ = -1, offset_ = 0;
  std::string delimiter_;
};
CRYOGRAPH_KERNEL(InitializeFromFileKernel, "InitializeTableFromTextFile", "InitializeTableFromTextFileV2");

}  // namespace
}  // namespace cryograph
