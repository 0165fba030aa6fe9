// The sample models beside the project at what TensorFlow gave, one line for each: by hand, while a model
// does not run yet, or under a sanitizer. model_goldens [--threads=N] [MODEL…]
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/end_to_end/golden_model.h"
#include "tests/shared_data.h"

int main(int argc, char** argv) {
  using cryograph::GoldenModel;
  int threads = 1;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    absl::string_view arg = argv[i];
    if (!absl::ConsumePrefix(&arg, "--threads=")) {
      names.emplace_back(arg);
    } else if (!absl::SimpleAtoi(arg, &threads)) {
      return 2;
    }
  }
  if (names.empty()) names = GoldenModel::All();
  if (names.empty()) std::puts("SKIPPED: ../shared/data/models is not there");
  int failed = 0, passed = 0;
  for (const std::string& name : names) {
    const auto model = GoldenModel::Open(absl::StrCat(cryograph::SharedData("models"), "/", name));
    if (model.ok() && !model->has_runs()) continue;
    const std::string wrong = model.ok() ? model->Check(threads) : model.status().ToString();
    std::printf("%s %s%s%s\n", wrong.empty() ? "PASS" : "FAIL", name.c_str(), wrong.empty() ? "" : ": ",
                wrong.c_str());
    std::fflush(stdout);
    (wrong.empty() ? passed : failed) += 1;
  }
  std::printf("%d models pass, %d fail\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
