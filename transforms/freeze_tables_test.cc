// Tables that are filled from files, and files that are wrong; the rest is in testdata/freeze_variables.
#include "transforms/freeze_tables.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"
#include "transforms/freeze_test_graph.h"
#include "transforms/vocabulary_file.h"

namespace cryograph {
namespace {

using testing::HasSubstr;

VocabularyFormat Format(int64_t key, DataType key_dtype, int64_t value, DataType value_dtype) {
  VocabularyFormat format;
  format.key_index = key;
  format.key_dtype = key_dtype;
  format.value_index = value;
  format.value_dtype = value_dtype;
  return format;
}

std::vector<std::string> Texts(const Tensor& tensor) {
  return {tensor.strings.begin(), tensor.strings.end()};
}

TEST(VocabularyFileTest, LinesAndTheirNumbers) {
  ASSERT_OK_AND_ASSIGN(KeyValues table, ParseVocabulary("a\r\nb b\n\nc", VocabularyFormat(), "v.txt"));
  EXPECT_EQ(Texts(table.keys), (std::vector<std::string>{"a", "b b", "", "c"}));
  EXPECT_EQ(table.values.Copy<int64_t>(), (std::vector<int64_t>{0, 1, 2, 3}));
  VocabularyFormat reverse =
      Format(VocabularyFormat::kLineNumber, DT_INT64, VocabularyFormat::kWholeLine, DT_STRING);
  reverse.offset = 10;
  reverse.size = 2;
  ASSERT_OK_AND_ASSIGN(table, ParseVocabulary("a\nb\nc\n", reverse, "v.txt"));
  EXPECT_EQ(table.keys.Copy<int64_t>(), (std::vector<int64_t>{10, 11}));
  EXPECT_EQ(Texts(table.values), (std::vector<std::string>{"a", "b"}));
}

TEST(VocabularyFileTest, Columns) {
  ASSERT_OK_AND_ASSIGN(const KeyValues table,
                       ParseVocabulary("x\t3\t0.5\ny\t-4\t2\n", Format(1, DT_INT64, 2, DT_FLOAT), "v.txt"));
  EXPECT_EQ(table.keys.Copy<int64_t>(), (std::vector<int64_t>{3, -4}));
  EXPECT_EQ(table.values.Copy<float>(), (std::vector<float>{0.5, 2}));
}

TEST(VocabularyFileTest, SaysWhereAFileIsWrong) {
  EXPECT_THAT(ParseVocabulary("a\t1\nb\n", Format(0, DT_STRING, 1, DT_INT64), "v.txt").status().message(),
              HasSubstr("v.txt, line 2: there are 1 columns, and the table reads column 1"));
  EXPECT_THAT(ParseVocabulary("a\tone\n", Format(0, DT_STRING, 1, DT_INT64), "v.txt").status().message(),
              HasSubstr("v.txt, line 1: a field is no number"));
  VocabularyFormat format;
  format.size = 3;
  EXPECT_THAT(ParseVocabulary("a\nb\n", format, "v.txt").status().message(),
              HasSubstr("v.txt has 2 lines, and the table asks for 3"));
  EXPECT_THAT(ParseVocabulary("a\n", Format(VocabularyFormat::kWholeLine, DT_INT64, 0, DT_STRING), "v.txt")
                  .status()
                  .message(),
              HasSubstr("column -2 cannot be of type int64"));
}

std::string FileGraph(const std::string& path) {
  return absl::StrCat("path = Const() dtype=t:string value=str:", path, R"(
    table = HashTableV2() key_dtype=t:string value_dtype=t:int64
    fill = InitializeTableFromTextFileV2(table, path) key_index=i:-2 value_index=i:-1 vocab_size=i:-1 delimiter=s:,
    q = Placeholder() dtype=t:string
    none = Const() dtype=t:int64 value=i64:-1
    y = LookupTableFindV2(table, q, none) Tin=t:string Tout=t:int64
  )");
}

TEST(FreezeTablesTest, AFileIsWrittenIntoTheGraph) {
  const std::string path = testing::TempDir() + "vocabulary.txt";
  std::ofstream(path) << "red\ngreen\n";
  Model model = GraphOf(FileGraph(path));
  ASSERT_OK_AND_ASSIGN(const FrozenTables tables,
                       FreezeTables(model, {model.graph().Find("y")}, TablePolicy::kKeepInit));
  ASSERT_EQ(tables.tables.size(), 1u);
  EXPECT_EQ(tables.tables[0].source, path);
  EXPECT_EQ(tables.tables[0].size, 2);
  EXPECT_EQ(tables.init_node, "init_all_tables");
  const Node fill = model.graph().Find("fill");
  EXPECT_EQ(fill.op(), "InitializeTableV2");
  ASSERT_EQ(fill.num_inputs(), 3);
  ASSERT_OK_AND_ASSIGN(const Tensor keys, fill.input_node(1).constant());
  EXPECT_EQ(Texts(keys), (std::vector<std::string>{"red", "green"}));
  EXPECT_TRUE(model.graph().HasControlEdge(model.graph().Find("init_all_tables"), fill));
}

TEST(FreezeTablesTest, AMissingFileIsNamed) {
  Model model = GraphOf(FileGraph("/nosuch/vocabulary.txt"));
  EXPECT_THAT(FreezeTables(model, {model.graph().Find("y")}, TablePolicy::kBake).status().message(),
              HasSubstr("/nosuch/vocabulary.txt"));
  ASSERT_OK_AND_ASSIGN(const FrozenTables tables,
                       FreezeTables(model, {model.graph().Find("y")}, TablePolicy::kKeepInit));
  ASSERT_EQ(tables.notes.size(), 2u);
  EXPECT_THAT(tables.notes[0], HasSubstr("/nosuch/vocabulary.txt"));
  EXPECT_EQ(model.graph().Find("fill").op(), "InitializeTableFromTextFileV2");
}

TEST(FreezeTablesTest, OneKeyWithTwoValuesIsRefused) {
  Model model = GraphOf(R"(
    keys = Const() dtype=t:int64 value=i64:3,3
    values = Const() dtype=t:int64 value=i64:1,2
    table = HashTableV2() key_dtype=t:int64 value_dtype=t:int64
    fill = InitializeTableV2(table, keys, values) Tkey=t:int64 Tval=t:int64
    q = Placeholder() dtype=t:int64
    none = Const() dtype=t:int64 value=i64:-1
    y = LookupTableFindV2(table, q, none) Tin=t:int64 Tout=t:int64
  )");
  EXPECT_THAT(FreezeTables(model, {model.graph().Find("y")}, TablePolicy::kBake).status().message(),
              HasSubstr("entries 0 and 1 have one key and two values"));
}

TEST(FreezeTablesTest, WhatTheOutputsDoNotNeedIsLeftAlone) {
  Model model = GraphOf(FileGraph("/nosuch/vocabulary.txt"));
  ASSERT_OK_AND_ASSIGN(const FrozenTables tables,
                       FreezeTables(model, {model.graph().Find("q")}, TablePolicy::kError));
  EXPECT_TRUE(tables.tables.empty());
  EXPECT_TRUE(tables.init_node.empty());
}

}  // namespace
}  // namespace cryograph
