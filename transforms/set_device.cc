// Puts nodes on a device.
#include "re2/re2.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

// A device as TensorFlow's placer reads it, in full or in part; "/gpu:0" is the old way to write
// "/device:GPU:0".
bool IsDeviceName(absl::string_view text) {
  static const re2::RE2& pattern = *new re2::RE2(
      R"((/job:[A-Za-z][A-Za-z0-9_]*|/(replica|task):(\d+|\*)|/device:(\*|[A-Za-z_]\w*)(:(\d+|\*))?|/[cC][pP][uU])"
      R"((:(\d+|\*))?|/[gG][pP][uU](:(\d+|\*))?)*)");
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

class SetDevice final : public Pass {
 public:
  SetDevice() : Pass("set_device", "Puts every node, or every node without a device, on one device.") {}

  std::string doc() const override {
    return "A device that TensorFlow's placer could not read is set all the same, with a warning. `op` and "
           "`functions`\n"
           "are additions to what transform_graph has.";
  }

  absl::Status Run(Graph&, PassContext& context) override {
    if (!IsDeviceName(*device_)) {
      context.Warn("'" + *device_ + "' is no device name that TensorFlow can read, such as '/device:GPU:0'");
    }
    return context.ForEachGraph(*functions_, [&](Graph& graph) {
      OpFilter selected(*op_, true);
      for (Node node : graph.nodes()) {
        if (node.device() == *device_ || !selected.Matches(node)) continue;
        if (*if_default_ && !node.device().empty()) continue;
        graph.SetDevice(node, *device_);
        context.Count("set");
      }
      return absl::OkStatus();
    });
  }

 private:
  Param<std::string> device_{this, "device", "", "The device, such as \"/device:GPU:0\"; empty clears it."};
  Param<bool> if_default_{this, "if_default", false, "Only nodes that have no device."};
  Param<std::vector<Regex>> op_{this, "op", {}, "Only nodes of these op types."};
  Param<bool> functions_{this, "functions", false, "Also in the functions of the library."};
};
CRYOGRAPH_REGISTER_PASS(SetDevice);

}  // namespace
}  // namespace cryograph
