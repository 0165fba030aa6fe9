// docs/passes.md is what the registry says.
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "transforms/registry.h"

namespace cryograph {
namespace {

TEST(PassesMdTest, IsUpToDate) {
  std::ifstream file("docs/passes.md", std::ios::binary);
  ASSERT_TRUE(file) << "docs/passes.md is missing";
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, PassRegistry::Global().Markdown())
      << "rewrite it: ./bazelw run //tools:transform_graph -- --passes_markdown > docs/passes.md";
}

}  // namespace
}  // namespace cryograph
