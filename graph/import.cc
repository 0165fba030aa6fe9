#include "graph/import.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/node_import.h"
#include "graph/wire_check.h"

namespace cryograph {
namespace {

enum GraphDefField : uint32_t { kNode = 1, kLibrary = 2, kVersion = 3, kVersions = 4 };
enum LibraryField : uint32_t { kFunction = 1 };
enum MetaGraphField : uint32_t { kMetaInfo = 1, kGraphDef = 2 };
enum MetaInfoField : uint32_t { kTags = 4 };
enum SavedModelField : uint32_t { kMetaGraph = 2 };

Versions DecodeVersions(absl::string_view wire) {
  Versions versions;
  WireReader reader(wire);
  for (WireField field; reader.Next(&field);) {
    const int32_t value = static_cast<int32_t>(field.varint);
    if (field.number == 1) versions.producer = value;
    if (field.number == 2) versions.min_consumer = value;
    if (field.number != 3) continue;
    if (field.type == WireType::kVarint) versions.bad_consumers.push_back(value);
    for (uint64_t each; !field.bytes.empty() && ReadVarint(&field.bytes, &each);) {
      versions.bad_consumers.push_back(static_cast<int32_t>(each));
    }
  }
  return versions;
}

std::string TagSetText(const std::vector<std::string>& tags) {
  return tags.empty() ? "(no tags)" : absl::StrCat("'", absl::StrJoin(tags, ","), "'");
}

}  // namespace

// Builds a Model from checked messages.
class GraphImporter {
 public:
  explicit GraphImporter(std::shared_ptr<const void> owner) : owner_(std::move(owner)) {
    if (owner_ != nullptr) model_.KeepAlive(owner_);
    if (owner_ != nullptr) model_.graph_.KeepAlive(owner_);
  }

  // One GraphDef, or one of several pieces that make one up.
  void AddGraphDef(absl::string_view bytes) {
    WireReader reader(bytes);
    for (WireField field; reader.Next(&field);) {
      switch (field.number) {
        case kNode:
          nodes_.push_back(field.bytes);
          break;
        case kLibrary:
          AddLibrary(field.bytes);
          break;
        case kVersion:
          old_producer_ = static_cast<int32_t>(field.varint);
          model_.graph_fields.push_back({field.number, field.raw, field.bytes});
          break;
        case kVersions:
          versions_.push_back(field.bytes);
          break;
        default:
          model_.graph_fields.push_back({field.number, field.raw, field.bytes});
      }
    }
  }

  void AddMetaField(const WireField& field) {
    model_.meta_fields.push_back({field.number, field.raw, field.bytes});
  }

  Model Finish(absl::string_view where) {
    NodeImporter(&model_.graph_).AddNodes(nodes_);
    model_.path = std::string(where);
    if (versions_.size() == 1) {
      model_.versions_ = DecodeVersions(versions_[0]);
      model_.versions_wire_ = versions_[0];
    } else if (!versions_.empty()) {
      // Several occurrences merge: for this message, as if their bytes stood one after the other.
      model_.versions_bytes_ = std::make_unique<std::string>(absl::StrJoin(versions_, ""));
      model_.versions_wire_ = *model_.versions_bytes_;
      model_.versions_ = DecodeVersions(model_.versions_wire_);
    } else {
      model_.versions_.producer = old_producer_;
    }
    return std::move(model_);
  }

 private:
  void AddLibrary(absl::string_view bytes) {
    WireReader reader(bytes);
    for (WireField field; reader.Next(&field);) {
      if (field.number == kFunction) {
        model_.functions_.emplace_back(field.bytes, owner_);
      } else {
        model_.library_fields.push_back({field.number, field.raw, field.bytes});
      }
    }
  }

  Model model_;
  std::shared_ptr<const void> owner_;
  std::vector<absl::string_view> nodes_, versions_;
  int32_t old_producer_ = 0;
};

absl::StatusOr<Model> ImportGraphDef(absl::string_view bytes, std::shared_ptr<const void> owner,
                                     absl::string_view where) {
  RETURN_IF_ERROR(CheckWire(bytes, MessageKind::kGraphDef, where));
  GraphImporter importer(std::move(owner));
  importer.AddGraphDef(bytes);
  return importer.Finish(where);
}

absl::StatusOr<Model> ImportMetaGraphDef(absl::string_view bytes, std::shared_ptr<const void> owner,
                                         absl::string_view where) {
  RETURN_IF_ERROR(CheckWire(bytes, MessageKind::kMetaGraphDef, where));
  GraphImporter importer(std::move(owner));
  WireReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number == kGraphDef) {
      importer.AddGraphDef(field.bytes);
    } else {
      importer.AddMetaField(field);
    }
  }
  return importer.Finish(where);
}

absl::StatusOr<std::vector<MetaGraphSlice>> ListMetaGraphs(absl::string_view saved_model,
                                                           absl::string_view where) {
  RETURN_IF_ERROR(CheckWire(saved_model, MessageKind::kSavedModel, where));
  std::vector<MetaGraphSlice> meta_graphs;
  WireReader reader(saved_model);
  for (WireField field; reader.Next(&field);) {
    if (field.number != kMetaGraph) continue;
    MetaGraphSlice slice;
    slice.bytes = field.bytes;
    WireReader meta_graph(field.bytes);
    for (WireField part; meta_graph.Next(&part);) {
      if (part.number != kMetaInfo) continue;
      WireReader info(part.bytes);
      for (WireField tag; info.Next(&tag);) {
        if (tag.number == kTags) slice.tags.emplace_back(tag.bytes);
      }
    }
    meta_graphs.push_back(std::move(slice));
  }
  return meta_graphs;
}

absl::StatusOr<MetaGraphSlice> ChooseMetaGraph(const std::vector<MetaGraphSlice>& meta_graphs,
                                               absl::string_view tags, absl::string_view where) {
  std::set<std::string> wanted;
  for (absl::string_view tag : absl::StrSplit(tags, ',')) {
    tag = absl::StripAsciiWhitespace(tag);
    if (!tag.empty()) wanted.emplace(tag);
  }
  if (meta_graphs.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": the SavedModel holds no MetaGraph (CG129)"));
  }
  if (wanted.empty() && meta_graphs.size() == 1) return meta_graphs[0];
  const bool guess = wanted.empty();
  if (guess) wanted = {"serve"};
  for (const MetaGraphSlice& each : meta_graphs) {
    if (std::set<std::string>(each.tags.begin(), each.tags.end()) == wanted) return each;
  }
  std::vector<std::string> sets;
  for (const MetaGraphSlice& each : meta_graphs) sets.push_back(TagSetText(each.tags));
  const std::string have = absl::StrCat("\nwhy: its tag-sets are ", absl::StrJoin(sets, "; "));
  const std::string try_one =
      absl::StrCat("\ntry: --saved_model_tags=", absl::StrJoin(meta_graphs[0].tags, ","));
  if (guess) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": the SavedModel holds ", meta_graphs.size(),
                                                   " MetaGraphs, so say which (CG129)", have, try_one));
  }
  return absl::NotFoundError(absl::StrCat(where, ": no MetaGraph of the SavedModel has the tag-set '",
                                          absl::StrJoin(wanted, ","), "' (CG129)", have, try_one));
}

}  // namespace cryograph
