// What the tools that edit graphs have in common: reading a model, checking and writing the result.
#ifndef CRYOGRAPH_TOOLS_GRAPH_EDIT_FLAGS_H_
#define CRYOGRAPH_TOOLS_GRAPH_EDIT_FLAGS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/model.h"
#include "tools/cli.h"

namespace cryograph {

struct GraphEditFlags {
  std::string out_graph, saved_model_tags, format = "auto";
  bool output_as_text = false, in_place = false, verify = true, json = false;
};

// Declares --out_graph, --output_format, --output_as_text, --in_place, --saved_model_tags, --verify, --json.
void DeclareGraphEditFlags(GraphEditFlags& flags, cli::Command& command);

// Opens a model and prints what there is to note.
absl::StatusOr<Model> OpenForEdit(const std::string& path, const GraphEditFlags& flags);

// Checks `model` as lint does, unless --verify=off, and writes it; `inputs` are the files it came from.
// Returns the size in bytes.
absl::StatusOr<uint64_t> WriteEdited(Model& model, const GraphEditFlags& flags,
                                     const std::vector<std::string>& inputs);

// "name=value" at the first '='; usage error for text without one.
absl::StatusOr<std::pair<std::string, std::string>> ParsePair(const std::string& text,
                                                              const std::string& flag);

// Prints `line` on stderr, or with --json `json` on stdout.
void PrintResult(const GraphEditFlags& flags, const std::string& line, const std::string& json);

// A JSON array of strings.
std::string JsonList(const std::vector<std::string>& texts);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_GRAPH_EDIT_FLAGS_H_
