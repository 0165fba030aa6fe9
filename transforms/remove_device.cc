// Lets TensorFlow place every node: clears their devices.
#include "transforms/pass.h"

namespace cryograph {
namespace {

class RemoveDevice final : public Pass {
 public:
  RemoveDevice() : Pass("remove_device", "Clears the device of every node.") {}

  absl::Status Run(Graph&, PassContext& context) override {
    return context.ForEachGraph(*functions_, [&](Graph& graph) {
      for (Node node : graph.nodes()) {
        if (node.device().empty()) continue;
        graph.SetDevice(node, "");
        context.Count("cleared");
      }
      return absl::OkStatus();
    });
  }

 private:
  Param<bool> functions_{this, "functions", false, "Also in the functions of the library."};
};
CRYOGRAPH_REGISTER_PASS(RemoveDevice, "clear_devices");

}  // namespace
}  // namespace cryograph
