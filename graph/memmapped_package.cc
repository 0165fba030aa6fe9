#include "graph/memmapped_package.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "graph/import.h"
#include "graph/tensor.h"
#include "graph/wire_check.h"

namespace cryograph {
namespace {

constexpr absl::string_view kPrefix = "memmapped_package://";
constexpr absl::string_view kGraphRegion = "memmapped_package://.";
constexpr size_t kFooterSize = 8;  // The offset of the directory.

bool IsRegionName(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kPrefix) || name.empty()) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
  });
}

// A value that lies in a region.
class RegionSource final : public TensorSource {
 public:
  RegionSource(DataType dtype, std::vector<int64_t> dims, absl::string_view bytes,
               std::shared_ptr<const void> owner)
      : dtype_(dtype), dims_(std::move(dims)), bytes_(bytes), owner_(std::move(owner)) {}

  DataType dtype() const override { return dtype_; }
  const std::vector<int64_t>& dims() const override { return dims_; }
  uint64_t num_bytes() const override { return bytes_.size(); }
  absl::StatusOr<Tensor> Load() const override {
    Tensor tensor;
    tensor.dtype = dtype_;
    tensor.dims = dims_;
    tensor.bytes = bytes_;
    tensor.owner = owner_;
    return tensor;
  }
  absl::Status Write(ByteSink& sink) const override { return sink.Append(bytes_); }

 private:
  const DataType dtype_;
  const std::vector<int64_t> dims_;
  const absl::string_view bytes_;
  const std::shared_ptr<const void> owner_;
};

}  // namespace

absl::StatusOr<std::vector<PackageRegion>> ListPackageRegions(absl::string_view package,
                                                              absl::string_view where) {
  const auto error = [where](uint64_t offset, absl::string_view what) {
    return absl::DataLossError(absl::StrCat(where, ": at byte ", offset, ": ", what));
  };
  if (package.size() < kFooterSize) return error(0, "the file is too short for a memory-mapped package");
  const uint64_t end = package.size() - kFooterSize;
  const uint64_t directory_offset = LoadFixed64(package.data() + end);
  if (directory_offset > end) {
    return error(
        end, absl::StrCat("the directory is said to begin at byte ", directory_offset, ", beyond the end"));
  }
  const absl::string_view directory = package.substr(directory_offset, end - directory_offset);
  RETURN_IF_ERROR(CheckWire(directory, MessageKind::kMemmappedFileSystemDirectory,
                            absl::StrCat(where, ": the directory at byte ", directory_offset)));
  struct Element {
    uint64_t offset = 0, length = 0;
  };
  std::vector<PackageRegion> regions;
  std::vector<Element> elements;
  WireReader reader(directory);
  for (WireField field; reader.Next(&field);) {
    if (field.number != 1) continue;
    PackageRegion region;
    Element element;
    WireReader parts(field.bytes);
    for (WireField part; parts.Next(&part);) {
      if (part.number == 1) element.offset = part.varint;
      if (part.number == 2) region.name = std::string(part.bytes);
      if (part.number == 3) element.length = part.varint;
    }
    if (!IsRegionName(region.name)) {
      return error(directory_offset,
                   absl::StrCat("'", absl::CHexEscape(region.name), "' is no name of a region"));
    }
    if (element.offset > directory_offset || (!elements.empty() && element.offset < elements.back().offset)) {
      return error(directory_offset, absl::StrCat("region '", region.name, "' is said to begin at byte ",
                                                  element.offset, ", outside of its place"));
    }
    regions.push_back(std::move(region));
    elements.push_back(element);
  }
  for (size_t i = 0; i < regions.size(); ++i) {
    const uint64_t offset = elements[i].offset;
    const uint64_t room = (i + 1 < elements.size() ? elements[i + 1].offset : directory_offset) - offset;
    const uint64_t length = elements[i].length == 0 ? room : elements[i].length;
    if (length > room) {
      return error(directory_offset,
                   absl::StrCat("region '", regions[i].name, "' at byte ", offset, " is said to have ",
                                length, " bytes, but there is room for ", room));
    }
    regions[i].bytes = package.substr(offset, length);
  }
  return regions;
}

absl::StatusOr<Model> ImportMemmappedPackage(absl::string_view package, std::shared_ptr<const void> owner,
                                             absl::string_view where) {
  ASSIGN_OR_RETURN(const std::vector<PackageRegion> regions, ListPackageRegions(package, where));
  absl::flat_hash_map<absl::string_view, absl::string_view> by_name;
  for (const PackageRegion& region : regions) by_name[region.name] = region.bytes;
  const auto found = by_name.find(kGraphRegion);
  if (found == by_name.end()) {
    return absl::DataLossError(absl::StrCat(where, ": the package holds no graph: there is no region '",
                                            kGraphRegion, "' among its ", regions.size()));
  }
  ASSIGN_OR_RETURN(Model model, ImportGraphDef(found->second, owner, where));
  for (const Node node : model.graph().nodes()) {
    if (node.op() != "ImmutableConst") continue;
    const std::string name(node.attr("memory_region_name").s());
    const auto defect = [&](absl::string_view what) {
      return absl::DataLossError(absl::StrCat(
          where, ": node '", node.name(), "' (ImmutableConst) has its value in region '", name, "', ", what));
    };
    const auto region = by_name.find(name);
    if (region == by_name.end()) return defect("which the package does not hold");
    const DataType dtype = node.attr<DataType>("dtype", DT_INVALID);
    const PartialShape shape = node.attr("shape").shape();
    const absl::StatusOr<int64_t> elements = NumElements(shape.dims);
    const uint64_t width = static_cast<uint64_t>(DataTypeBytes(dtype));
    if (width == 0 || shape.unknown_rank || !elements.ok())
      return defect("but no dtype and shape that fit raw bytes");
    const uint64_t size = static_cast<uint64_t>(*elements);
    if (size > region->second.size() / width) {
      return defect(absl::StrCat("which has ", region->second.size(), " bytes, but ", DataTypeName(dtype),
                                 ShapeText(shape.dims), " needs more"));
    }
    const std::string device(node.device());
    std::vector<Node> controls;
    for (const ControlEdge& edge : node.control_inputs()) controls.push_back(model.graph().node(edge.node));
    model.graph().Clear(node, "Const");
    model.graph().SetDevice(node, device);
    for (const Node control : controls) model.graph().AddControlInput(node, control);
    model.graph().SetAttr(node, "dtype", AttrType(dtype));
    model.graph().SetAttr(
        node, "value",
        std::make_shared<RegionSource>(dtype, shape.dims, region->second.substr(0, size * width), owner));
  }
  return model;
}

}  // namespace cryograph
