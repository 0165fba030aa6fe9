// Nodes of a loop that read a tensor of the frame around it: it must enter the loop first.
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "graph/frames.h"
#include "transforms/repair.h"

namespace cryograph {
namespace {

class FrameRepairer {
 public:
  FrameRepairer(Graph& graph, RepairLog& log) : graph_(graph), log_(log) {}

  absl::Status Run() {
    frames_ = FrameInfo::Analyze(graph_);
    if (frames_.defects().empty()) return absl::OkStatus();
    std::vector<Node> nodes;
    for (Node node : graph_.nodes()) nodes.push_back(node);
    for (Node node : nodes) RETURN_IF_ERROR(Visit(node));
    return absl::OkStatus();
  }

 private:
  absl::Status Visit(Node node) {
    const int frame = frames_.input_frame(node.id());
    if (frame == 0) return absl::OkStatus();
    for (int slot = 0; slot < node.num_inputs(); ++slot) {
      const Output input = node.input(slot);
      if (frames_.frame(input.node) == frame) continue;
      ASSIGN_OR_RETURN(const Output inside, Enter(node, input, frame));
      if (inside != input) graph_.SetInput(node, slot, inside);
    }
    return absl::OkStatus();
  }

  // `input` of the frame around, as a tensor of `frame`; itself if nothing can be done.
  absl::StatusOr<Output> Enter(Node user, Output input, int frame) {
    const Node source = graph_.node(input.node);
    const Frame& loop = frames_.frames()[static_cast<size_t>(frame)];
    if (!graph_.alive(input.node) || frames_.frame(input.node) != loop.parent || IsEnter(user.op()))
      return input;
    const auto found = inside_.find({input, frame});
    if (found != inside_.end()) return found->second;
    const std::string why = absl::StrCat("node '", user.name(), "' reads it in ", frames_.FrameText(frame),
                                         ", and it is in ", frames_.FrameText(loop.parent));
    Output inside = input;
    if (source.op() == "Const" && source.control_inputs().empty()) {
      const Node anchor = frames_.Anchor(user);
      if (!anchor) return input;
      const absl::StatusOr<Node> copy =
          graph_.AddNode(graph_.UniqueName(absl::StrCat(source.name(), "/inside")), "Const", {}, user);
      RETURN_IF_ERROR(copy.status());
      graph_.CopyAttrs(source, {"dtype", "value"}, *copy);
      graph_.AddControlInput(*copy, anchor);
      inside = copy->out();
      log_.Add("frame", source, absl::StrCat("copied into the loop as '", copy->name(), "'"), why);
    } else {
      const Node model = graph_.node(loop.enter);
      const DataType dtype = source.attr("T", source.attr("dtype", DT_INVALID));
      if (dtype == DT_INVALID || input.index != 0) return input;
      const Output inputs[] = {input};
      const absl::StatusOr<Node> enter =
          graph_.AddNode(graph_.UniqueName(absl::StrCat(source.name(), "/Enter")), "Enter", inputs, user);
      RETURN_IF_ERROR(enter.status());
      graph_.SetAttr(*enter, "T", AttrType(dtype));
      graph_.SetAttr(*enter, "is_constant", AttrBool(true));
      graph_.CopyAttrs(model, {"frame_name", "parallel_iterations"}, *enter);
      inside = enter->out();
      log_.Add("frame", source, absl::StrCat("enters the loop through '", enter->name(), "'"), why);
    }
    inside_.emplace(std::make_pair(input, frame), inside);
    return inside;
  }

  Graph& graph_;
  RepairLog& log_;
  FrameInfo frames_;
  absl::flat_hash_map<std::pair<Output, int>, Output> inside_;
};

}  // namespace

absl::Status RepairFrames(Graph& graph, RepairLog& log) { return FrameRepairer(graph, log).Run(); }

}  // namespace cryograph
