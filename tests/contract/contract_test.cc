// What every pass must do on every golden input, so that no author of a pass has to test it.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/verify.h"
#include "gtest/gtest.h"
#include "tests/contract/contract_runs.h"
#include "transforms/pass_manager.h"

namespace cryograph {
namespace {

std::vector<std::string>* golden_inputs = nullptr;

// insert_logging logs what the nodes of the first run pass on, and the spec for rename_node adds a prefix to
// any name.
bool Settles(absl::string_view spec) {
  return !absl::StartsWith(spec, "insert_logging") && !absl::StartsWith(spec, "rename_node");
}

struct Outcome {
  absl::Status status;
  uint64_t edits = 0;
  std::string bytes;
};

// On the model that is there, which is changed.
Outcome RunOn(Model& model, const PassOptions& options, const std::string& spec) {
  Outcome outcome;
  absl::StatusOr<PassManager> manager = PassManager::Parse(spec);
  EXPECT_OK(manager.status());
  if (!manager.ok()) return {manager.status(), 0, ""};
  PassContext context(&model, options);
  outcome.status = manager->Run(model, context);
  for (const StepReport& step : context.run_report().steps) outcome.edits += step.edits;
  outcome.bytes = BytesOf(model);
  return outcome;
}

TEST(ContractTest, EveryPassOnEveryInput) {
  ASSERT_GE(golden_inputs->size(), 100u);
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> specs, ContractSpecs());
  int64_t succeeded = 0, edited = 0;
  for (const std::string& path : *golden_inputs) {
    for (const std::string& spec : specs) {
      SCOPED_TRACE(absl::StrCat(spec, " on ", path));
      ASSERT_OK_AND_ASSIGN(Model model, LoadGolden(path));
      const PassOptions options = PromisesOf(model);
      const std::string before = BytesOf(model);
      const bool was_sound = VerifyStructure(model).ok();
      const Outcome first = RunOn(model, options, spec);

      // The same again gives the same, an error included.
      ASSERT_OK_AND_ASSIGN(Model other, LoadGolden(path));
      const Outcome again = RunOn(other, options, spec);
      EXPECT_EQ(again.status, first.status);
      EXPECT_EQ(again.bytes == first.bytes, true) << "two runs give different bytes";

      if (!first.status.ok()) {
        // A mistake of the file or of the request, never one of ours.
        EXPECT_NE(first.status.code(), absl::StatusCode::kInternal) << first.status;
        EXPECT_NE(first.status.code(), absl::StatusCode::kUnknown) << first.status;
        continue;
      }
      ++succeeded;
      edited += first.edits > 0;
      if (was_sound) {
        EXPECT_OK(VerifyStructure(model));
      }
      EXPECT_EQ(first.edits > 0 || first.bytes == before, true) << "bytes changed, but no edit was counted";
      for (const auto* names : {&options.inputs, &options.outputs}) {
        for (const TensorName& name : *names) {
          EXPECT_TRUE(static_cast<bool>(model.graph().Find(name.node))) << "'" << name.node << "' is gone";
        }
      }
      EXPECT_EQ(model.versions().producer, other.versions().producer);
      if (!Settles(spec)) continue;
      const Outcome second = RunOn(model, options, spec);
      EXPECT_OK(second.status);
      EXPECT_EQ(second.bytes == first.bytes, true) << "a second run does not settle";
      EXPECT_EQ(second.edits, 0u) << "a second run does not settle";
    }
  }
  // So that the loop above is known to have looked at something.
  EXPECT_GT(succeeded, static_cast<int64_t>(golden_inputs->size()) * 5);
  EXPECT_GT(edited, static_cast<int64_t>(golden_inputs->size()));
}

TEST(ContractTest, EveryPassIsDocumented) {
  for (const std::string& name : PassRegistry::Global().names()) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Pass> pass, PassRegistry::Global().Create(name));
    EXPECT_TRUE(absl::EndsWith(pass->summary(), ".")) << name;
    EXPECT_LT(pass->summary().size(), 140u) << name;
    std::set<std::string> seen;
    for (const ParamBase* param : pass->params()) {
      EXPECT_TRUE(seen.insert(param->name()).second)
          << name << " has two parameters '" << param->name() << "'";
      EXPECT_TRUE(absl::EndsWith(param->doc(), ".")) << name << "(" << param->name() << ")";
      EXPECT_NE(param->name(), "ignore_errors") << name;
    }
  }
}

}  // namespace
}  // namespace cryograph

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::vector<std::string> inputs = cryograph::GoldenInputs(argc, argv);
  cryograph::golden_inputs = &inputs;
  return RUN_ALL_TESTS();
}
