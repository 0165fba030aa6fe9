// Memory-mapped packages, built here as their description says.
#include "graph/memmapped_package.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "graph/open.h"
#include "graph/proto/graph.pb.h"
#include "graph/proto/memmapped_file_system.pb.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Region {
  std::string name, bytes;
  uint64_t length = 0;
};

std::string Package(const std::vector<Region>& regions) {
  std::string package;
  tensorflow::MemmappedFileSystemDirectory directory;
  for (const Region& region : regions) {
    package.resize((package.size() + 63) / 64 * 64);
    tensorflow::MemmappedFileSystemDirectoryElement* element = directory.add_element();
    element->set_offset(package.size());
    element->set_name("memmapped_package://" + region.name);
    element->set_length(region.length);
    package += region.bytes;
  }
  const uint64_t end = package.size();
  package += directory.SerializeAsString();
  AppendFixed64(end, &package);
  return package;
}

std::string GraphOf(const std::string& region, const std::string& shape = "dim { size: 2 }") {
  tensorflow::GraphDef graph;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat("node { name: 'w' op: 'ImmutableConst' device: '/cpu:0' input: '^x' ",
                   "attr { key: 'dtype' value { type: DT_FLOAT } } ", "attr { key: 'shape' value { shape { ",
                   shape, " } } } ", "attr { key: 'memory_region_name' value { s: 'memmapped_package://",
                   region, "' } } } ",
                   "node { name: 'x' op: 'NoOp' } node { name: 'y' op: 'Identity' input: 'w' }"),
      &graph));
  return graph.SerializeAsString();
}

const std::string kTwoFloats("\0\0\x80\x3f\0\0\0\x40", 8);

TEST(MemmappedPackageTest, ConstantsAreWhatTheyWereBefore) {
  const std::string bytes = Package({{"w_1.v", kTwoFloats}, {".", GraphOf("w_1.v")}});
  std::string path = testing::TempDir() + "/package-XXXXXX";
  close(mkstemp(path.data()));
  std::ofstream(path, std::ios::binary) << bytes;
  absl::StatusOr<Model> model = OpenModel(path, {}, nullptr);
  ASSERT_OK(model.status());
  const Node node = model->graph().Find("w");
  EXPECT_EQ(node.op(), "Const");
  EXPECT_EQ(node.device(), "/cpu:0");
  EXPECT_EQ(node.control_inputs().size(), 1u);
  const absl::StatusOr<Tensor> value = node.constant();
  ASSERT_OK(value.status());
  EXPECT_THAT(value->Copy<float>(), ElementsAre(1, 2));
  EXPECT_THAT(value->dims, ElementsAre(2));
  std::remove(path.c_str());
}

TEST(MemmappedPackageTest, RegionsReachToTheNextOrAsFarAsTheySay) {
  const std::string package = Package({{"a", "abc"}, {"b", "defgh", 2}, {"c", ""}});
  const auto regions = ListPackageRegions(package, "p");
  ASSERT_OK(regions.status());
  EXPECT_EQ((*regions)[0].bytes.size(), 64u);  // With the zeros that align the next one.
  EXPECT_EQ((*regions)[1].bytes, "de");
  EXPECT_EQ((*regions)[2].bytes, "");
}

TEST(MemmappedPackageTest, DamageHasAPlaceAndAName) {
  const auto error = [](const std::string& package) {
    return ImportMemmappedPackage(package, nullptr, "p").status();
  };
  using absl::StatusCode;
  EXPECT_THAT(error(Package({{"w", kTwoFloats}})),
              StatusIs(StatusCode::kDataLoss, HasSubstr("holds no graph")));
  EXPECT_THAT(
      error(Package({{"w", kTwoFloats}, {".", GraphOf("v")}})),
      StatusIs(StatusCode::kDataLoss, HasSubstr("node 'w' (ImmutableConst) has its value in region "
                                                "'memmapped_package://v', which the package does not hold")));
  EXPECT_THAT(error(Package({{"w", kTwoFloats, 8}, {".", GraphOf("w", "dim { size: 3 }")}})),
              StatusIs(StatusCode::kDataLoss, HasSubstr("which has 8 bytes, but float[3] needs more")));
  EXPECT_THAT(error(Package({{"w", kTwoFloats}, {".", GraphOf("w", "dim { size: -1 }")}})),
              StatusIs(StatusCode::kDataLoss, HasSubstr("no dtype and shape")));
  EXPECT_THAT(error(Package({{"w/x", kTwoFloats}})),
              StatusIs(StatusCode::kDataLoss, HasSubstr("is no name of a region")));
  EXPECT_THAT(error(Package({{"w", kTwoFloats, 900}, {".", ""}})),
              StatusIs(StatusCode::kDataLoss, HasSubstr("said to have 900 bytes, but there is room for 64")));
  std::string package = Package({{"w", kTwoFloats}, {".", GraphOf("w")}});
  EXPECT_OK(error(package));
  for (size_t i = 0; i < package.size(); ++i) {
    EXPECT_FALSE(error(package.substr(0, i)).ok()) << i;
  }
}

}  // namespace
}  // namespace cryograph
