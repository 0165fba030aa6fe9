#include "graph/tensor_infos.h"

#include <memory>
#include <utility>

#include "base/wire.h"

namespace cryograph {
namespace {

constexpr uint32_t kSignatureDef = 5;  // Of MetaGraphDef.
enum MapField : uint32_t { kKey = 1, kValue = 2 };
enum SignatureField : uint32_t { kInputs = 1, kOutputs = 2 };
enum TensorInfoField : uint32_t { kName = 1, kDtype = 2, kShape = 3, kCooSparse = 4, kCompositeTensor = 5 };
constexpr uint32_t kComponents = 2;  // Of CompositeTensor.
constexpr uint32_t kAttrShape = 7;   // Of AttrValue.

absl::string_view LastBytes(absl::string_view message, uint32_t number) {
  absl::string_view result;
  WireReader reader(message);
  for (WireField field; reader.Next(&field);) {
    if (field.number == number && field.type == WireType::kBytes) result = field.bytes;
  }
  return result;
}

// The payload of the shape in an AttrValue: a TensorShapeProto.
std::string ShapeProto(const PartialShape& shape) {
  return std::string(LastBytes(AttrShape(shape), kAttrShape));
}

PartialShape ReadShape(absl::string_view proto) {
  std::string attr;
  AppendBytesField(kAttrShape, proto, &attr);
  return AttrView(attr).shape();
}

// Rewrites what it reads; `changed_` counts.
class SignatureEditor {
 public:
  explicit SignatureEditor(absl::FunctionRef<bool(TensorInfo&)> edit) : edit_(edit) {}

  // A map entry of signature_def.
  std::string Signature(absl::string_view entry) {
    signature_ = LastBytes(entry, kKey);
    return Copy(entry, [this](const WireField& field, std::string* payload) {
      if (field.number != kValue) return false;
      *payload = Copy(field.bytes, [this](const WireField& part, std::string* text) {
        if (part.number != kInputs && part.number != kOutputs) return false;
        is_input_ = part.number == kInputs;
        key_ = LastBytes(part.bytes, kKey);
        *text = Copy(part.bytes, [this](const WireField& value, std::string* info) {
          if (value.number != kValue) return false;
          *info = Info(value.bytes, 0);
          return true;
        });
        return true;
      });
      return true;
    });
  }

  int changed() const { return changed_; }

 private:
  template <typename Edit>
  static std::string Copy(absl::string_view message, const Edit& edit) {
    std::string copy;
    WireReader reader(message);
    for (WireField field; reader.Next(&field);) {
      std::string payload;
      if (field.type == WireType::kBytes && edit(field, &payload)) {
        AppendBytesField(field.number, payload, &copy);
      } else {
        copy.append(field.raw.data(), field.raw.size());
      }
    }
    return copy;
  }

  TensorInfo Describe(absl::string_view name, bool is_dense) const {
    TensorInfo info;
    info.signature = signature_;
    info.key = key_;
    info.is_input = is_input_;
    info.is_dense = is_dense;
    info.name = std::string(name);
    info.shape.unknown_rank = true;
    return info;
  }

  // Depth of composite tensors is what the reader of the file allowed.
  std::string Info(absl::string_view bytes, int depth) {
    constexpr int kDeepest = 100;
    if (!LastBytes(bytes, kCooSparse).empty()) {
      return Copy(bytes, [this](const WireField& field, std::string* payload) {
        if (field.number != kCooSparse) return false;
        *payload = Copy(field.bytes, [this](const WireField& part, std::string* text) {
          if (part.number < 1 || part.number > 3) return false;
          TensorInfo info = Describe(part.bytes, false);
          changed_ += edit_(info) ? 1 : 0;
          *text = info.name;
          return true;
        });
        return true;
      });
    }
    if (!LastBytes(bytes, kCompositeTensor).empty() && depth < kDeepest) {
      return Copy(bytes, [this, depth](const WireField& field, std::string* payload) {
        if (field.number != kCompositeTensor) return false;
        *payload = Copy(field.bytes, [this, depth](const WireField& part, std::string* text) {
          if (part.number != kComponents) return false;
          *text = Info(part.bytes, depth + 1);
          return true;
        });
        return true;
      });
    }
    TensorInfo info = Describe(LastBytes(bytes, kName), true);
    WireReader reader(bytes);
    for (WireField field; reader.Next(&field);) {
      if (field.number == kDtype) info.dtype = static_cast<DataType>(field.varint);
      if (field.number == kShape) info.shape = ReadShape(field.bytes);
    }
    if (!edit_(info)) return std::string(bytes);
    ++changed_;
    std::string text;
    AppendBytesField(kName, info.name, &text);
    AppendVarintField(kDtype, static_cast<uint64_t>(static_cast<int64_t>(info.dtype)), &text);
    AppendBytesField(kShape, ShapeProto(info.shape), &text);
    WireReader others(bytes);
    for (WireField field; others.Next(&field);) {
      if (field.number > kShape) text.append(field.raw.data(), field.raw.size());
    }
    return text;
  }

  absl::FunctionRef<bool(TensorInfo&)> edit_;
  absl::string_view signature_, key_;
  bool is_input_ = false;
  int changed_ = 0;
};

}  // namespace

int EditTensorInfos(Model& model, absl::FunctionRef<bool(TensorInfo& info)> edit) {
  int all = 0;
  for (RawField& field : model.meta_fields) {
    if (field.number != kSignatureDef) continue;
    SignatureEditor editor(edit);
    const std::string entry = editor.Signature(field.payload);
    if (editor.changed() == 0) continue;
    all += editor.changed();
    auto owned = std::make_shared<std::string>();
    AppendBytesField(kSignatureDef, entry, owned.get());
    field.raw = *owned;
    field.payload = field.raw.substr(field.raw.size() - entry.size());
    model.KeepAlive(std::move(owned));
  }
  return all;
}

}  // namespace cryograph
