// Graphs of float matrices for tests of the executor, and what they are fed.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_MATRIX_GRAPH_H_
#define CRYOGRAPH_RUNTIME_KERNELS_MATRIX_GRAPH_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/executor.h"

namespace cryograph {

// Attribute T of a node, as text.
inline constexpr char kFloat[] = "attr { key: 'T' value { type: DT_FLOAT } } ";

// A node as text.
std::string N(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
              const std::string& attrs = kFloat);

// The placeholder "x".
std::string Placeholder();

// A constant [rows, columns], whose element i is (i % 7) - 3.
std::string Const(const std::string& name, int64_t rows, int64_t columns);

// The session of a graph's text. Null, and the test has failed, if there can be none.
std::unique_ptr<Executor> Load(const std::string& text, const ExecutorOptions& options = ExecutorOptions());

// A value [rows, columns], whose element i is first + i % 5.
Value Filled(int64_t rows, int64_t columns, float first, MemoryPool& pool);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_MATRIX_GRAPH_H_
