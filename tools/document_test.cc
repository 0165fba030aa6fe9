#include "tools/document.h"

#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

Document Sample() {
  Document part = Document::Object();
  part.Set("name", Document::String("a\n\"b\""));
  part.SetString("absent", "");
  part.SetInt("absent", 0);
  part.SetBool("absent", false);
  part.SetIfAny("absent", Document::Array());
  part.SetBool("yes", true);
  Document list = Document::Array();
  list.Add(part);
  Document document = Document::Object();
  document.Set("n", Document::Int(-3));
  document.Set("tags", Document::Strings({"serve", "gpu"}));
  document.Set("none", Document::Array());
  document.Set("parts", list);
  Document table = Document::Object();
  table.Set("x", Document::Float(0.5));
  document.Set("table", table);
  document.Set("inf", Document::Float(std::numeric_limits<double>::infinity()));
  return document;
}

TEST(DocumentTest, Json) {
  EXPECT_EQ(Sample().Json(),
            "{\n  \"n\": -3,\n  \"tags\": [\n    \"serve\",\n    \"gpu\"\n  ],\n  \"none\": [],\n  "
            "\"parts\": [\n    {\n"
            "      \"name\": \"a\\n\\\"b\\\"\",\n      \"yes\": true\n    }\n  ],\n  \"table\": {\n    "
            "\"x\": 0.5\n  },\n"
            "  \"inf\": \"inf\"\n}\n");
}

TEST(DocumentTest, Text) {
  EXPECT_EQ(Sample().Text(),
            "n: -3\ntags: [serve, gpu]\nnone: []\nparts:\n  - name: \"a\\n\\\"b\\\"\", yes: true\ntable:\n  "
            "x: 0.5\ninf: inf\n");
}

TEST(DocumentTest, LongListsHaveALineForEachElement) {
  Document document = Document::Object();
  document.Set("names", Document::Strings({std::string(60, 'a'), std::string(60, 'b')}));
  EXPECT_EQ(document.Text(), "names:\n  - " + std::string(60, 'a') + "\n  - " + std::string(60, 'b') + "\n");
}

}  // namespace
}  // namespace cryograph
