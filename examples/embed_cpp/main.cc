// Tells the digits in pictures of 12 x 12 floats: embed_cpp MODEL PICTURES
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "cryograph/inference.h"

namespace {

constexpr int64_t kSide = 12;

absl::Status TellDigits(const std::string& model, const std::string& pictures) {
  absl::StatusOr<cryograph::Inference> inference = cryograph::Inference::Load(model);
  if (!inference.ok()) return inference.status();

  std::ifstream file(pictures, std::ios::binary);
  if (!file) return absl::NotFoundError(pictures + ": cannot be read");
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const int64_t count = static_cast<int64_t>(bytes.size() / (kSide * kSide * sizeof(float)));

  absl::Status status = inference->Feed("image", cryograph::Inference::kFloat, {count, kSide, kSide, 1},
                                        bytes.data(), bytes.size());
  if (!status.ok()) return status;
  status = inference->Run({"probabilities"});
  if (!status.ok()) return status;
  const absl::StatusOr<cryograph::Inference::View> result = inference->Fetch("probabilities");
  if (!result.ok()) return result.status();

  const float* row = result->as<float>();
  const int64_t classes = result->shape[1];
  for (int64_t i = 0; i < count; ++i, row += classes) {
    std::printf("%d\n", static_cast<int>(std::max_element(row, row + classes) - row));
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: embed_cpp MODEL PICTURES\n");
    return 2;
  }
  const absl::Status status = TellDigits(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "embed_cpp: %s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
