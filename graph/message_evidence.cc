#include "graph/message_evidence.h"

#include <algorithm>
#include <cstdint>

#include "base/wire.h"

namespace cryograph {
namespace {

constexpr int kMostFields = 64;  // Of a message that are looked at.

// Walks fields like WireReader, but gives the part that is left of a last one that is cut.
class CutReader {
 public:
  explicit CutReader(absl::string_view bytes) : bytes_(bytes), reader_(bytes) {}

  bool Next(WireField* field) {
    if (++count_ > kMostFields) return false;
    if (reader_.Next(field)) return true;
    if (reader_.ok()) return false;
    absl::string_view rest = bytes_.substr(reader_.position());
    uint64_t tag, length;
    if (cut_ || !ReadVarint(&rest, &tag) || (tag & 7) != static_cast<uint64_t>(WireType::kBytes))
      return false;
    if (tag >> 3 == 0 || tag >> 3 >= 1u << 29 || !ReadVarint(&rest, &length) || length <= rest.size())
      return false;
    cut_ = true;
    *field = WireField();
    field->number = static_cast<uint32_t>(tag >> 3);
    field->type = WireType::kBytes;
    field->bytes = rest;
    return true;
  }

  // `score` of the field given last. If that one is cut, nothing that it lacks speaks against it.
  int Of(int score) const { return cut_ ? std::max(score, 0) : score; }

  // False if the walk ended at something that is no field at all.
  bool ok() const { return reader_.ok() || cut_; }

 private:
  absl::string_view bytes_;
  WireReader reader_;
  int count_ = 0;
  bool cut_ = false;
};

bool IsPrintable(absl::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
}

bool IsBytes(const WireField& field) { return field.type == WireType::kBytes; }

// The first field `number` of `bytes`, if it is of bytes; false if there is none.
bool FindBytes(absl::string_view bytes, uint32_t number, absl::string_view* payload) {
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number != number || !IsBytes(field)) continue;
    *payload = field.bytes;
    return true;
  }
  return false;
}

// Evidence is counted in points: what only that message holds is worth ten, what cannot be there costs
// twenty.
constexpr int kStrong = 10;
constexpr int kFair = 5;
constexpr int kWeak = 1;
constexpr int kAgainst = -20;

int NodeScore(absl::string_view bytes) {
  if (bytes.empty()) return 0;
  absl::string_view name, op;
  if (!FindBytes(bytes, 1, &name)) return kAgainst;
  if (!IsPrintable(name)) return kAgainst;
  return FindBytes(bytes, 2, &op) ? (IsPrintable(op) ? kStrong : kAgainst) : 0;
}

}  // namespace

// {1: {1: name}}: a library's function with its signature, an OpList's op.
bool HasNamedElement(absl::string_view bytes, int depth) {
  absl::string_view inner = bytes;
  for (int i = 0; i < depth; ++i) {
    if (!FindBytes(inner, 1, &inner)) return false;
  }
  return IsPrintable(inner);
}

namespace {

int LibraryScore(absl::string_view bytes) {
  if (bytes.empty()) return 0;
  if (HasNamedElement(bytes, 3)) return kFair;
  absl::string_view gradient;
  return FindBytes(bytes, 2, &gradient) && HasNamedElement(gradient, 1) ? kFair : kAgainst;
}

int VersionsScore(absl::string_view bytes) {
  int score = 0;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    const bool fits = field.number <= 2
                          ? field.type == WireType::kVarint
                          : field.number == 3 && (IsBytes(field) || field.type == WireType::kVarint);
    score += fits ? kWeak : kAgainst;
  }
  return reader.ok() ? score : kAgainst;
}

}  // namespace

int GraphScore(absl::string_view bytes) {
  int score = 0;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    switch (field.number) {
      case 1:
        score += IsBytes(field) ? reader.Of(NodeScore(field.bytes)) : kAgainst;
        break;
      case 2:
        score += IsBytes(field) ? reader.Of(LibraryScore(field.bytes)) : kAgainst;
        break;
      case 3:
        score += field.type == WireType::kVarint ? kWeak : kAgainst;
        break;
      case 4:
        score += IsBytes(field) ? reader.Of(VersionsScore(field.bytes)) : kAgainst;
        break;
      default:
        score += field.number == 5 && IsBytes(field) ? 0 : -kWeak;
    }
  }
  return score;
}

namespace {

int MetaInfoScore(absl::string_view bytes) {
  int score = 0;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    switch (field.number) {
      case 2:  // stripped_op_list
        score += IsBytes(field) && (field.bytes.empty() || HasNamedElement(field.bytes, 2))
                     ? kWeak
                     : reader.Of(kAgainst);
        break;
      case 1:  // meta_graph_version
      case 4:  // tags
      case 5:  // tensorflow_version
      case 6:  // tensorflow_git_version
        score += IsBytes(field) && (field.bytes.empty() || IsPrintable(field.bytes)) ? kWeak : kAgainst;
        break;
      case 7:  // stripped_default_attrs
        score += field.type == WireType::kVarint ? kWeak : kAgainst;
        break;
      default:
        break;
    }
  }
  return std::min(score, kFair);
}

}  // namespace

int SaverScore(absl::string_view bytes) {
  int score = 0;
  bool named[4] = {};
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number <= 3) {
      const bool fits = IsBytes(field) && IsPrintable(field.bytes);
      score += fits ? kWeak : kAgainst;
      named[field.number] = fits;
    } else if (field.number <= 7) {
      const WireType type = field.number == 6 ? WireType::kFixed32 : WireType::kVarint;
      score += field.type == type ? kWeak : kAgainst;
    } else {
      score -= kWeak;
    }
  }
  return named[3] && (named[1] || named[2]) ? score : kAgainst;
}

namespace {

// Entry of a map from text to a message of bytes.
int MapEntryScore(absl::string_view bytes) {
  absl::string_view key, value;
  if (bytes.empty()) return 0;
  return FindBytes(bytes, 1, &key) && IsPrintable(key) && FindBytes(bytes, 2, &value) ? kFair : kAgainst;
}

}  // namespace

int MetaGraphScore(absl::string_view bytes) {
  int score = 0;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number > 7) {
      score -= kWeak;
    } else if (!IsBytes(field)) {
      score += kAgainst;
    } else if (field.number == 1) {
      score += reader.Of(MetaInfoScore(field.bytes));
    } else if (field.number == 2) {
      const int graph = reader.Of(GraphScore(field.bytes));
      score += graph > 0 ? kStrong : graph < 0 ? kAgainst : 0;
    } else if (field.number == 3) {
      score += SaverScore(field.bytes) > 0 ? kFair : reader.Of(kAgainst);
    } else if (field.number <= 5) {
      score += reader.Of(MapEntryScore(field.bytes));
    }
  }
  return score;
}

int SavedModelScore(absl::string_view bytes) {
  int score = 0;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number == 1) {
      score += field.type == WireType::kVarint ? kWeak : kAgainst;
    } else if (field.number == 2) {
      const int meta = IsBytes(field) ? reader.Of(MetaGraphScore(field.bytes)) : kAgainst;
      score += meta > 0 ? kStrong : meta < 0 ? kAgainst : 0;
    } else {
      score -= kWeak;
    }
  }
  return score;
}

int CheckpointStateScore(absl::string_view bytes) {
  int score = 0;
  bool has_path = false;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    const bool number = field.type == WireType::kFixed64 || (field.number == 3 && IsBytes(field));
    const bool text = IsBytes(field) && IsPrintable(field.bytes);
    has_path = has_path || (field.number == 1 && text);
    score += field.number <= 2 ? (text ? kWeak : kAgainst) : field.number <= 4 && number ? kWeak : kAgainst;
  }
  return has_path && reader.ok() ? score : kAgainst;
}

// ONNX's ModelProto: ir_version (1), producer's name (2) and version (3), graph (7), opset_import (8).
bool IsOnnx(absl::string_view bytes) {
  bool version = false, graph = false;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number == 1) {
      if (field.type != WireType::kVarint) return false;
      version = field.varint > 0 && field.varint < 1000;
    } else if (field.number == 2) {
      if (!IsBytes(field) || !IsPrintable(field.bytes)) return false;
    } else if (field.number == 7 || field.number == 8) {
      graph = graph || IsBytes(field);
    }
  }
  return version && graph;
}

}  // namespace cryograph
