// SampleDistortedBoundingBox, SampleDistortedBoundingBoxV2, StatelessSampleDistortedBoundingBox: a random
// crop of an image that covers enough of some box.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/philox.h"
#include "runtime/kernels/random_source.h"

namespace cryograph {
namespace {

// Single words of the generator's blocks, in order.
class Words {
 public:
  explicit Words(Philox generator) : generator_(generator) {}

  uint32_t Next() {
    if (place_ == 4) {
      words_ = generator_.Next();
      place_ = 0;
    }
    return words_[place_++];
  }

  // A number in [0, bound), each as probable as the others.
  int Below(int bound) {
    const auto n = static_cast<uint32_t>(bound);
    if ((n & (n - 1)) == 0) return static_cast<int>(Next() & (n - 1));
    const uint32_t rest = std::numeric_limits<uint32_t>::max() % n + 1;
    uint32_t word = Next();
    while (word < rest) word = Next();
    return static_cast<int>(word % n);
  }

  float Unit() { return UniformFloat(Next()); }

 private:
  Philox generator_;
  Philox::Block words_{};
  size_t place_ = 4;
};

struct Rectangle {
  int left = 0, top = 0, right = 0, bottom = 0;

  float Area() const {
    if (right <= left || bottom <= top) return 0;
    return static_cast<float>(int64_t{right - left} * (bottom - top));
  }
  Rectangle Intersect(const Rectangle& other) const {
    return {std::max(left, other.left), std::max(top, other.top), std::min(right, other.right),
            std::min(bottom, other.bottom)};
  }
};

struct Limits {
  std::vector<float> aspect, area;
  int64_t attempts = 0;
};

int Round(float x) { return static_cast<int>(std::lrint(x)); }

// A crop of the given aspect (width to height), uniform in its height and place; nothing where rounding or
// the image's size forbids it. In floats, step by step as TensorFlow, since every rounding shows in the
// result.
bool DrawCrop(int image_width, int image_height, const Limits& limits, float aspect, Words& words,
              Rectangle* crop) {
  if (limits.area[1] <= 0 || aspect <= 0 || image_width <= 0 || image_height <= 0 ||
      limits.area[0] > limits.area[1]) {
    return false;
  }
  const auto wide = static_cast<float>(image_width), high = static_cast<float>(image_height);
  const float least_area = limits.area[0] * wide * high, most_area = limits.area[1] * wide * high;
  const auto width_at = [aspect](int height) { return Round(static_cast<float>(height) * aspect); };
  const auto area_of = [](int width, int height) { return static_cast<float>(int64_t{width} * height); };

  int height = Round(std::sqrt(least_area / aspect));
  int highest = Round(std::sqrt(most_area / aspect));
  if (width_at(highest) > image_width) {
    // The largest height whose width still rounds to the image's.
    constexpr float kSlack = 0.0000001F;
    highest = static_cast<int>(static_cast<float>(
        (static_cast<double>(wide) + 0.5 - static_cast<double>(kSlack)) / static_cast<double>(aspect)));
    if (width_at(highest) > image_width) --highest;
  }
  highest = std::min(highest, image_height);
  height = std::min(height, highest);
  if (height < highest) height += words.Below(highest - height + 1);
  int width = width_at(height);

  // What rounding alone moved out of the limits may come back by one row.
  if (area_of(width, height) < least_area) width = width_at(++height);
  if (area_of(width, height) > most_area) width = width_at(--height);
  const float area = area_of(width, height);
  if (area < least_area || area > most_area || width > image_width || height > image_height || width <= 0 ||
      height <= 0) {
    return false;
  }
  const int top = height < image_height ? words.Below(image_height - height) : 0;
  const int left = width < image_width ? words.Below(image_width - width) : 0;
  *crop = {left, top, left + width, top + height};
  return true;
}

bool CoversSome(const Rectangle& crop, float least, const std::vector<Rectangle>& boxes) {
  if (crop.Area() < 1) return false;
  return std::any_of(boxes.begin(), boxes.end(), [&](const Rectangle& box) {
    return box.Area() >= 1 && crop.Intersect(box).Area() / box.Area() >= least;
  });
}

// Boxes of [0, 1] in pixels.
absl::StatusOr<std::vector<Rectangle>> PixelBoxes(const Value& boxes, int width, int height) {
  RETURN_IF_ERROR(ExpectRank(boxes, 3, "the bounding boxes"));
  if (boxes.dim(2) != 4) return absl::InvalidArgumentError("bounding boxes must have four coordinates");
  std::vector<Rectangle> result;
  const auto pixel = [](float part, int size) { return static_cast<int>(part * static_cast<float>(size)); };
  const auto coordinates = boxes.span<float>();
  for (const float each : coordinates) {
    if (!(each >= 0 && each <= 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("a coordinate of a bounding box is ", each, ", not in [0, 1]"));
    }
  }
  for (size_t i = 0; i + 3 < coordinates.size(); i += 4) {
    result.push_back({pixel(coordinates[i + 1], width), pixel(coordinates[i], height),
                      pixel(coordinates[i + 3], width), pixel(coordinates[i + 2], height)});
  }
  return result;
}

class DistortedBoxKernel final : public SeededKernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("aspect_ratio_range", &limits_.aspect));
    RETURN_IF_ERROR(node.Attr("area_range", &limits_.area));
    RETURN_IF_ERROR(node.Attr("max_attempts", &limits_.attempts));
    RETURN_IF_ERROR(node.Attr("use_image_if_no_bounding_boxes", &use_image_));
    if (limits_.aspect.size() != 2 || !(limits_.aspect[0] > 0 && limits_.aspect[1] > 0)) {
      return absl::InvalidArgumentError("aspect_ratio_range must be two positive numbers");
    }
    if (limits_.area.size() != 2 || !(limits_.area[0] > 0 && limits_.area[1] > 0) || limits_.area[0] > 1 ||
        limits_.area[1] > 1) {
      return absl::InvalidArgumentError("area_range must be two numbers in (0, 1]");
    }
    if (limits_.attempts <= 0) return absl::InvalidArgumentError("max_attempts must be positive");
    stateless_ = node.op() == "StatelessSampleDistortedBoundingBox";
    if (node.op() == "SampleDistortedBoundingBox") {
      covered_is_attr_ = true;
      RETURN_IF_ERROR(node.Attr("min_object_covered", &covered_));
    }
    return stateless_ ? absl::OkStatus() : SeededKernel::Init(node);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& image_size = context.input(0);
    RETURN_IF_ERROR(ExpectVector(image_size, "image_size"));
    if (image_size.num_elements() != 3) return absl::InvalidArgumentError("image_size must have 3 elements");
    int size[3] = {};
    RETURN_IF_ERROR(DispatchType<IntTypes>(image_size.dtype(), [&](auto tag) -> absl::Status {
      for (int i = 0; i < 2; ++i) {
        const auto each = image_size.data<TypeOf<decltype(tag)>>()[i];
        if (each < 0 || static_cast<uint64_t>(each) >= std::numeric_limits<int32_t>::max()) {
          return absl::InvalidArgumentError(absl::StrCat("an image of size ", each, " cannot be"));
        }
        size[i] = static_cast<int>(each);
      }
      return absl::OkStatus();
    }));
    const int height = size[0], width = size[1];
    float least_covered = covered_;
    if (!covered_is_attr_) {
      RETURN_IF_ERROR(ExpectScalar(context.input(2), "min_object_covered"));
      least_covered = context.input(2).scalar<float>();
    }
    if (!(least_covered >= 0 && least_covered <= 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("min_object_covered is ", least_covered, ", not in [0, 1]"));
    }
    const Rectangle image{0, 0, width, height};
    ASSIGN_OR_RETURN(std::vector<Rectangle> boxes, PixelBoxes(context.input(1), width, height));
    if (boxes.empty()) {
      if (!use_image_) {
        return absl::InvalidArgumentError(
            "there are no bounding boxes, and use_image_if_no_bounding_boxes is not set");
      }
      boxes.push_back(image);
    }
    ASSIGN_OR_RETURN(const Philox generator, stateless_
                                                 ? GeneratorOfSeed(context.input(3))
                                                 : Reserve(context, static_cast<uint64_t>(limits_.attempts)));
    Words words(generator);
    Rectangle crop = image;
    for (int64_t attempt = 0; attempt < limits_.attempts; ++attempt) {
      const float aspect = words.Unit() * (limits_.aspect[1] - limits_.aspect[0]) + limits_.aspect[0];
      Rectangle drawn;
      if (DrawCrop(width, height, limits_, aspect, words, &drawn) &&
          CoversSome(drawn, least_covered, boxes)) {
        crop = drawn;
        break;
      }
      if (attempt % 1024 == 0) RETURN_IF_ERROR(context.CheckLimits());
    }
    return Write(context, image, crop);
  }

 private:
  static absl::Status Write(KernelContext& context, const Rectangle& image, const Rectangle& crop) {
    ASSIGN_OR_RETURN(Value * begin, context.AllocateOutput(0, {3}));
    ASSIGN_OR_RETURN(Value * size, context.AllocateOutput(1, {3}));
    RETURN_IF_ERROR(DispatchType<IntTypes>(begin->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const int from[] = {crop.top, crop.left, 0};
      const int sizes[] = {crop.bottom - crop.top, crop.right - crop.left, -1};
      std::transform(from, from + 3, begin->mutable_data<T>(), [](int x) { return static_cast<T>(x); });
      std::transform(sizes, sizes + 3, size->mutable_data<T>(), [](int x) { return static_cast<T>(x); });
      return absl::OkStatus();
    }));
    ASSIGN_OR_RETURN(Value * box, context.AllocateOutput(2, {1, 1, 4}));
    const auto part = [](int place, int whole) {
      return static_cast<float>(place) / static_cast<float>(whole);
    };
    float* out = box->mutable_data<float>();
    out[0] = part(crop.top, image.bottom);
    out[1] = part(crop.left, image.right);
    out[2] = part(crop.bottom, image.bottom);
    out[3] = part(crop.right, image.right);
    return absl::OkStatus();
  }

  Limits limits_;
  bool use_image_ = false, stateless_ = false, covered_is_attr_ = false;
  float covered_ = 0;
};
CRYOGRAPH_KERNEL(DistortedBoxKernel, "SampleDistortedBoundingBox", "SampleDistortedBoundingBoxV2",
                 "StatelessSampleDistortedBoundingBox");

}  // namespace
}  // namespace cryograph
