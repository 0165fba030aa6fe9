// Holds our messages against what TensorFlow says of its own, and against files that it wrote.
#include <dirent.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/unknown_field_set.h"
#include "graph/proto/checkpoint.pb.h"
#include "graph/proto/collections.pb.h"
#include "graph/proto/graph.pb.h"
#include "graph/proto/memmapped_file_system.pb.h"
#include "graph/proto/meta_graph.pb.h"
#include "graph/proto/proto_splitter.pb.h"
#include "graph/proto/session_bundle.pb.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::DescriptorPool;
using ::google::protobuf::EnumDescriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FileDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::google::protobuf::TextFormat;
using ::google::protobuf::UnknownFieldSet;
using ::testing::IsEmpty;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The files of the schema; naming a message of each keeps the linker from dropping it.
std::vector<const FileDescriptor*> SchemaFiles() {
  std::set<const FileDescriptor*> found;
  std::vector<const FileDescriptor*> queue = {
      tensorflow::BundleEntryProto::descriptor()->file(),
      tensorflow::QueueRunnerDef::descriptor()->file(),
      tensorflow::MemmappedFileSystemDirectory::descriptor()->file(),
      tensorflow::SavedModel::descriptor()->file(),
  };
  while (!queue.empty()) {
    const FileDescriptor* const file = queue.back();
    queue.pop_back();
    if (!absl::StartsWith(file->name(), "graph/proto/") || !found.insert(file).second) continue;
    for (int i = 0; i < file->dependency_count(); ++i) queue.push_back(file->dependency(i));
  }
  return {found.begin(), found.end()};
}

std::string TypeName(const FieldDescriptor& field) {
  if (field.message_type() != nullptr) return field.message_type()->full_name();
  if (field.enum_type() != nullptr) return field.enum_type()->full_name();
  return field.type_name();
}

std::string Line(const FieldDescriptor& field) {
  std::string type = TypeName(field), cardinality = "one";
  if (field.is_map()) {
    const Descriptor& entry = *field.message_type();
    type = absl::StrCat("map<", TypeName(*entry.map_key()), ",", TypeName(*entry.map_value()), ">");
    cardinality = "map";
  } else if (field.containing_oneof() != nullptr) {
    cardinality = absl::StrCat("oneof:", field.containing_oneof()->name());
  } else if (field.is_repeated()) {
    cardinality = "repeated";
  }
  return absl::StrCat(field.containing_type()->full_name(), " ", field.number(), " ", field.name(), " ", type,
                      " ", cardinality);
}

void Describe(const EnumDescriptor& type, std::set<std::string>& lines) {
  for (int i = 0; i < type.value_count(); ++i) {
    lines.insert(absl::StrCat(type.full_name(), " ", type.value(i)->number(), " ", type.value(i)->name()));
  }
}

void Describe(const Descriptor& type, std::set<std::string>& lines) {
  if (type.options().map_entry()) return;
  lines.insert(absl::StrCat(type.full_name(), " message"));
  for (int i = 0; i < type.field_count(); ++i) lines.insert(Line(*type.field(i)));
  for (int i = 0; i < type.nested_type_count(); ++i) Describe(*type.nested_type(i), lines);
  for (int i = 0; i < type.enum_type_count(); ++i) Describe(*type.enum_type(i), lines);
}

TEST(SchemaTest, EveryMessageFieldAndNumberIsTensorFlows) {
  std::set<std::string> theirs;
  for (absl::string_view line : absl::StrSplit(Read("graph/proto/testdata/tensorflow_fields.txt"), '\n')) {
    if (!line.empty() && line[0] != '#') theirs.emplace(line);
  }
  ASSERT_GT(theirs.size(), 500u);
  std::set<std::string> ours;
  for (const FileDescriptor* file : SchemaFiles()) {
    for (int i = 0; i < file->message_type_count(); ++i) Describe(*file->message_type(i), ours);
    for (int i = 0; i < file->enum_type_count(); ++i) Describe(*file->enum_type(i), ours);
  }
  std::vector<std::string> missing, surplus;
  std::set_difference(theirs.begin(), theirs.end(), ours.begin(), ours.end(), std::back_inserter(missing));
  std::set_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(), std::back_inserter(surplus));
  EXPECT_THAT(missing, IsEmpty());
  EXPECT_THAT(surplus, IsEmpty());
}

TEST(SchemaTest, OnlyDebugInfoIsProto2) {
  for (const FileDescriptor* file : SchemaFiles()) {
    const bool proto2 = file->syntax() == FileDescriptor::SYNTAX_PROTO2;
    EXPECT_EQ(proto2, file->name() == "graph/proto/graph_debug_info.proto") << file->name();
  }
  tensorflow::GraphDebugInfo info;
  info.add_files("a.py");
  (*info.mutable_traces())["n"].add_file_line_cols()->set_line(0);
  // files "a.py"; traces { key "n"; value { file_line_cols { line: 0 } } }: the zero is there.
  EXPECT_EQ(info.SerializeAsString(), std::string("\x0a\x04"
                                                  "a.py\x12\x09\x0a\x01n\x12\x04\x0a\x02\x10\x00",
                                                  17));
}

TEST(SchemaTest, UnknownFieldsAndEnumValuesSurvive) {
  // node { name: "a" <field 99: 5> } <field 1000: "x">; dtype 77 of no version that exists.
  const std::string graph("\x0a\x06\x0a\x01\x61\x98\x06\x05\xc2\x3e\x01x", 12);
  tensorflow::GraphDef parsed;
  ASSERT_TRUE(parsed.ParseFromString(graph));
  EXPECT_EQ(parsed.node(0).name(), "a");
  EXPECT_EQ(parsed.SerializeAsString(), graph);

  tensorflow::TensorProto tensor;
  ASSERT_TRUE(tensor.ParseFromString("\x08\x4d"));
  EXPECT_EQ(static_cast<int>(tensor.dtype()), 77);
  EXPECT_EQ(tensor.SerializeAsString(), "\x08\x4d");
}

// Bytes worked out by hand from the wire format.
TEST(SchemaTest, WireFormsThatAreEasilyWrong) {
  tensorflow::BundleEntryProto entry;
  entry.set_crc32c(0x01020304);
  EXPECT_EQ(entry.SerializeAsString(), "\x35\x04\x03\x02\x01") << "fixed32, field 6";

  tensorflow::StructuredValue value;
  value.set_int64_value(-2);
  EXPECT_EQ(value.SerializeAsString(), "\x60\x03") << "sint64, field 12";

  tensorflow::TensorProto tensor;
  tensor.add_half_val(15360);
  tensor.add_half_val(1);
  EXPECT_EQ(tensor.SerializeAsString(), "\x6a\x03\x80\x78\x01") << "packed, field 13";
  tensorflow::TensorProto unpacked;
  ASSERT_TRUE(unpacked.ParseFromString("\x68\x80\x78\x68\x01"));
  EXPECT_EQ(unpacked.SerializeAsString(), tensor.SerializeAsString());

  tensorflow::TensorSliceProto slice;
  slice.add_extent();
  slice.add_extent()->set_length(0);
  EXPECT_EQ(slice.SerializeAsString(), std::string("\x0a\x00\x0a\x02\x10\x00", 6))
      << "a length of 0 is written";

  tensorflow::proto_splitter::ChunkedMessage chunk;
  chunk.set_chunk_index(0);
  EXPECT_EQ(chunk.SerializeAsString(), std::string("\x08\x00", 2)) << "chunk 0 is written";

  tensorflow::serving::Signatures signatures;
  signatures.mutable_default_signature()->mutable_generic_signature();
  EXPECT_EQ(signatures.SerializeAsString(), std::string("\x0a\x02\x1a\x00", 4));
}

// Appends the path of each message below `message` that holds fields we do not know.
void FindUnknown(const Message& message, const std::string& path, std::set<std::string>& found) {
  const Reflection& reflection = *message.GetReflection();
  const UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i)
    found.insert(absl::StrCat(path, " ", unknown.field(i).number()));
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->message_type() == nullptr) continue;
    const std::string below = absl::StrCat(path, ".", field->name());
    if (!field->is_repeated()) {
      FindUnknown(reflection.GetMessage(message, field), below, found);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      FindUnknown(reflection.GetRepeatedMessage(message, field, i), below, found);
    }
  }
}

// Files below `folder`, sorted.
std::vector<std::string> Files(const std::string& folder) {
  std::vector<std::string> files;
  DIR* const directory = opendir(folder.c_str());
  if (directory == nullptr) return files;
  while (const dirent* entry = readdir(directory)) {
    const std::string path = absl::StrCat(folder, "/", entry->d_name);
    if (entry->d_name[0] == '.') continue;
    if (entry->d_type == DT_DIR) {
      for (std::string& each : Files(path)) files.push_back(std::move(each));
    } else {
      files.push_back(path);
    }
  }
  closedir(directory);
  std::sort(files.begin(), files.end());
  return files;
}

// The message that a file of this name holds; null for other files.
std::unique_ptr<Message> MessageOf(absl::string_view path) {
  if (absl::StrContains(path, "/hostile/") || absl::EndsWith(path, "keras_metadata.pb")) return nullptr;
  if (absl::EndsWith(path, "/saved_model.pb") || absl::EndsWith(path, "/saved_model.pbtxt")) {
    return std::make_unique<tensorflow::SavedModel>();
  }
  if (absl::EndsWith(path, "/fingerprint.pb")) return std::make_unique<tensorflow::FingerprintDef>();
  if (absl::EndsWith(path, "/saver.pb")) return std::make_unique<tensorflow::SaverDef>();
  if (absl::EndsWith(path, ".meta")) return std::make_unique<tensorflow::MetaGraphDef>();
  if (absl::EndsWith(path, ".pb") || absl::EndsWith(path, ".pbtxt"))
    return std::make_unique<tensorflow::GraphDef>();
  if (absl::EndsWith(path, "/checkpoint")) return std::make_unique<tensorflow::CheckpointState>();
  return nullptr;
}

// Deterministic bytes: maps sorted by key.
std::string Bytes(const Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    EXPECT_TRUE(message.SerializeToCodedStream(&coded));
  }
  return bytes;
}

TEST(SampleTest, FilesOfTensorFlowHoldNothingUnknown) {
  const std::string models = SharedData("models"), formats = SharedData("formats");
  if (models.empty() || formats.empty()) GTEST_SKIP() << "the samples of ../shared/data are not here";
  std::vector<std::string> files = Files(models);
  for (std::string& each : Files(formats)) files.push_back(std::move(each));
  int binary = 0, text = 0;
  for (const std::string& path : files) {
    const std::unique_ptr<Message> message = MessageOf(path);
    if (message == nullptr) continue;
    const std::string bytes = Read(path);
    if (absl::EndsWith(path, ".pbtxt") || absl::EndsWith(path, "/checkpoint")) {
      ASSERT_TRUE(TextFormat::ParseFromString(bytes, message.get())) << path;
      // Text to binary to text and back: nothing is lost on the way.
      std::unique_ptr<Message> again(message->New()), last(message->New());
      ASSERT_TRUE(again->ParseFromString(Bytes(*message))) << path;
      std::string printed;
      ASSERT_TRUE(TextFormat::PrintToString(*again, &printed)) << path;
      ASSERT_TRUE(TextFormat::ParseFromString(printed, last.get())) << path;
      EXPECT_TRUE(Bytes(*last) == Bytes(*message)) << path;
      ++text;
    } else {
      ASSERT_TRUE(message->ParseFromString(bytes)) << path;
      ++binary;
    }
    std::set<std::string> unknown;
    FindUnknown(*message, message->GetTypeName(), unknown);
    EXPECT_THAT(unknown, IsEmpty()) << path;
  }
  EXPECT_GT(binary, 50);
  EXPECT_GT(text, 5);
}

}  // namespace
}  // namespace cryograph
