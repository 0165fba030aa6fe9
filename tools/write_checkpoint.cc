// write_checkpoint: the constants of a graph become the tensors of a V2 checkpoint, so that weights can be
// written down as text.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "checkpoint/bundle_writer.h"
#include "graph/model.h"
#include "graph/open.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::UsageError;

struct Flags {
  std::string tensors, checkpoint;
};

absl::Status Write(const Flags& flags) {
  if (flags.tensors.empty())
    return UsageError("--tensors must name a graph whose Const nodes are the tensors");
  if (flags.checkpoint.empty())
    return UsageError("--checkpoint must be the prefix of the checkpoint to write");
  std::vector<std::string> notes;
  absl::StatusOr<Model> model = OpenModel(flags.tensors, OpenOptions(), &notes);
  for (const std::string& note : notes) cli::PrintNote(note);
  RETURN_IF_ERROR(model.status());
  ASSIGN_OR_RETURN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(flags.checkpoint));
  uint64_t count = 0;
  for (const Node node : model->graph().nodes()) {
    if (node.op() != "Const") continue;
    ASSIGN_OR_RETURN(const Tensor value, node.constant());
    RETURN_IF_ERROR(writer->Add(node.name(), value));
    ++count;
  }
  if (count == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(flags.tensors, ": no node is a Const, so there is no tensor to write"));
  }
  RETURN_IF_ERROR(writer->Finish());
  std::fprintf(stderr, "wrote %s\n", cli::Counted(count, "tensor").c_str());
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("write_checkpoint", Family::kCpp, "writes the constants of a graph into a checkpoint.");
  command.Usage("--tensors=FILE --checkpoint=PREFIX");
  command.Add(&flags.tensors, "tensors", "A graph, binary or text: each Const is a tensor of its name.")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.checkpoint, "checkpoint",
           "The checkpoint: PREFIX.index and PREFIX.data-00000-of-00001, format V2.")
      .Value("PREFIX")
      .Path();
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Write(flags));
}

CRYOGRAPH_REGISTER_TOOL(write_checkpoint, "The constants of a graph become a checkpoint.", Run);

}  // namespace
}  // namespace cryograph
