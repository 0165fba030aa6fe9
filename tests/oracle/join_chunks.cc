// Joins the chunks of PREFIX.cpb with the library inside TensorFlow 2.21 and writes the SavedModel to a file:
// an oracle for our writer of chunked files. Built by hand against the wheel:
//   dir=$("$TF2" -c 'import tensorflow as tf; print(tf.sysconfig.get_include())')/..
//   g++ -std=c++17 $("$TF2" -c 'import tensorflow as tf; print(*tf.sysconfig.get_compile_flags())')
//   join_chunks.cc -o join
//     -L$dir -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,$dir
#include <cstdio>
#include <fstream>
#include <string>

#include "tensorflow/core/protobuf/saved_model.pb.h"
#include "tensorflow/tools/proto_splitter/merge.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: join_chunks PREFIX OUT\n");
    return 2;
  }
  tensorflow::SavedModel model;
  const absl::Status status = tensorflow::tools::proto_splitter::Merger::Read(argv[1], &model);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return 1;
  }
  std::string bytes;
  if (!model.SerializeToString(&bytes)) return 1;
  std::ofstream(argv[2], std::ios::binary) << bytes;
  return 0;
}
