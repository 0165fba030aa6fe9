#include "tools/image_feed.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/model.h"
#include "graph/tensor.h"
#include "runtime/dispatch.h"
#include "runtime/executor.h"

namespace cryograph {
namespace {

// How the input wants its image.
struct Target {
  int64_t height = 0, width = 0;  // 0: any.
  int channels = 3;
  bool channels_first = false, batched = true;
};

bool IsChannels(int64_t dim) { return dim == 1 || dim == 3 || dim == 4; }

absl::StatusOr<Target> TargetOf(const PartialShape& shape, const ImageOptions& options) {
  Target target;
  target.channels_first = options.layout == "nchw";
  if (!shape.unknown_rank) {
    std::vector<int64_t> dims = shape.dims;
    target.batched = dims.size() == 4;
    if (dims.size() == 3) dims.insert(dims.begin(), 1);
    if (dims.size() != 4 || (dims[0] >= 0 && dims[0] != 1)) {
      return absl::InvalidArgumentError(absl::StrCat("the input has the shape ", PartialShapeText(shape),
                                                     ", and one image gives ", "[1,height,width,channel]"));
    }
    if (options.layout == "auto") target.channels_first = IsChannels(dims[1]) && !IsChannels(dims[3]);
    const int64_t channels = target.channels_first ? dims[1] : dims[3];
    if (channels >= 0 && !IsChannels(channels)) {
      return absl::InvalidArgumentError(absl::StrCat("the input has the shape ", PartialShapeText(shape),
                                                     ", and images have 1, 3 or 4 channels, not ", channels,
                                                     "\ntry: --layout=nchw or nhwc, if it is the other"));
    }
    if (channels >= 0) target.channels = static_cast<int>(channels);
    target.height = std::max<int64_t>(0, dims[target.channels_first ? 2 : 1]);
    target.width = std::max<int64_t>(0, dims[target.channels_first ? 3 : 2]);
  }
  if (options.height > 0) target.height = options.height;
  if (options.width > 0) target.width = options.width;
  return target;
}

// A graph of one chain of nodes behind the placeholder "contents".
class Chain {
 public:
  absl::Status Add(absl::string_view op, std::vector<std::pair<std::string, std::string>> attrs,
                   const std::vector<int32_t>* second_input = nullptr) {
    Graph& graph = model_.graph();
    std::vector<Output> inputs;
    if (last_) inputs.push_back(last_.out());
    if (second_input != nullptr) {
      const Tensor value = Tensor::Of<int32_t>(
          DT_INT32, second_input->size() == 1 ? std::vector<int64_t>() : std::vector<int64_t>{2},
          *second_input);
      inputs.push_back(graph.AddConst("const", value).out());
    }
    ASSIGN_OR_RETURN(last_, graph.AddNode(last_ ? op : "contents", op, inputs));
    for (auto& [key, value] : attrs) graph.SetAttr(last_, key, std::move(value));
    return absl::OkStatus();
  }

  absl::StatusOr<Value> Run(absl::string_view contents, MemoryPool& pool) {
    ExecutorOptions options;
    options.memory_limit = pool.limit();
    const std::string fetch(last_.name());
    ASSIGN_OR_RETURN(const std::unique_ptr<Executor> executor, Executor::Create(std::move(model_), options));
    ASSIGN_OR_RETURN(Value feed, Value::Allocate(DT_STRING, {}, executor->pool()));
    feed.mutable_data<std::string>()->assign(contents.data(), contents.size());
    ASSIGN_OR_RETURN(std::vector<Value> results, executor->RunOnce({{"contents", std::move(feed)}}, {fetch}));
    return std::move(results[0]);
  }

 private:
  Model model_;
  Node last_;
};

// The pixels of the image as floats in [0, 255], [1,height,width,channel]; the values that TensorFlow's
// label_image has before it subtracts the mean.
absl::StatusOr<Value> Pixels(absl::string_view bytes, const Target& target, MemoryPool& pool) {
  const auto chain = [&](int64_t height, int64_t width) -> absl::StatusOr<Value> {
    Chain graph;
    RETURN_IF_ERROR(graph.Add("Placeholder", {{"dtype", AttrType(DT_STRING)}}));
    RETURN_IF_ERROR(graph.Add("DecodeImage", {{"channels", AttrInt(target.channels)},
                                              {"dtype", AttrType(DT_UINT8)},
                                              {"expand_animations", AttrBool(false)}}));
    RETURN_IF_ERROR(graph.Add("Cast", {{"SrcT", AttrType(DT_UINT8)}, {"DstT", AttrType(DT_FLOAT)}}));
    const std::vector<int32_t> first = {0};
    RETURN_IF_ERROR(
        graph.Add("ExpandDims", {{"T", AttrType(DT_FLOAT)}, {"Tdim", AttrType(DT_INT32)}}, &first));
    if (height > 0) {
      const std::vector<int32_t> size = {static_cast<int32_t>(height), static_cast<int32_t>(width)};
      RETURN_IF_ERROR(graph.Add("ResizeBilinear", {{"T", AttrType(DT_FLOAT)}}, &size));
    }
    return graph.Run(bytes, pool);
  };
  if (target.height > 0 && target.width > 0) return chain(target.height, target.width);
  ASSIGN_OR_RETURN(Value own, chain(0, 0));
  if (target.height == 0 && target.width == 0) return own;
  return chain(target.height > 0 ? target.height : own.dim(1), target.width > 0 ? target.width : own.dim(2));
}

absl::StatusOr<std::vector<float>> PerChannel(const std::vector<std::string>& texts, const char* flag,
                                              float fallback, int channels) {
  std::vector<float> numbers;
  for (const std::string& text : texts) {
    float number = 0;
    if (!absl::SimpleAtof(text, &number) || !std::isfinite(number)) {
      return cli::UsageError(absl::StrCat(flag, ": '", text, "' is no number"));
    }
    numbers.push_back(number);
  }
  if (numbers.empty()) numbers.push_back(fallback);
  if (numbers.size() == 1) numbers.resize(static_cast<size_t>(channels), numbers[0]);
  if (numbers.size() == static_cast<size_t>(channels)) return numbers;
  return cli::UsageError(absl::StrCat(flag, " has ", numbers.size(), " numbers; the image has ", channels,
                                      " channels: give one number, or one for each"));
}

template <typename T>
T Stored(float value) {
  if constexpr (std::is_integral_v<T>) {
    const double rounded = std::nearbyint(static_cast<double>(value));
    return static_cast<T>(std::clamp(rounded, static_cast<double>(std::numeric_limits<T>::min()),
                                     std::min(static_cast<double>(std::numeric_limits<T>::max()), 0x1p53)));
  } else {
    return T(value);
  }
}

}  // namespace

void DeclareImageOptions(ImageOptions& options, cli::Command& command) {
  command
      .Add(&options.width, "input_width",
           "Pixels of a row that an image is resized to; 0: those of the input's shape.")
      .AtLeast(0)
      .Extension();
  command.Add(&options.height, "input_height", "Rows that an image is resized to; 0: as above.")
      .AtLeast(0)
      .Extension();
  command
      .Add(&options.mean, "input_mean",
           "What is subtracted from pixels, which are in [0, 255]: a number, or one for each channel; "
           "default: "
           "0.")
      .Alias("mean")
      .Value("M,M…")
      .Extension();
  command
      .Add(&options.deviation, "input_std",
           "What they are divided by then; default: 255 where the input is of a floating-point type, else 1.")
      .Alias("std")
      .Value("S,S…")
      .Extension();
  command.Add(&options.channel_order, "channel_order", "Order of the channels that the model wants.")
      .Choices({"rgb", "bgr"})
      .Extension();
  command
      .Add(&options.layout, "layout",
           "Where they are, first (nchw) or last (nhwc); auto: as the input's shape says.")
      .Choices({"auto", "nhwc", "nchw"})
      .Extension();
}

bool IsImage(absl::string_view bytes) {
  for (const absl::string_view magic : {"\xff\xd8\xff", "\x89PNG", "GIF8", "BM"}) {
    if (bytes.substr(0, magic.size()) == magic) return true;
  }
  return false;
}

absl::StatusOr<Value> ImageValue(absl::string_view bytes, DataType dtype, const PartialShape& shape,
                                 const ImageOptions& options, MemoryPool& pool) {
  using Types = RealTypes;
  const DataType plain = dtype == DT_QUINT8 ? DT_UINT8 : dtype == DT_QINT8 ? DT_INT8 : BaseType(dtype);
  ASSIGN_OR_RETURN(const Target target, TargetOf(shape, options));
  const bool is_float = plain == DT_FLOAT || plain == DT_HALF || plain == DT_BFLOAT16 || plain == DT_DOUBLE;
  ASSIGN_OR_RETURN(const std::vector<float> mean,
                   PerChannel(options.mean, "--input_mean", 0, target.channels));
  ASSIGN_OR_RETURN(const std::vector<float> deviation,
                   PerChannel(options.deviation, "--input_std", is_float ? 255 : 1, target.channels));
  if (std::find(deviation.begin(), deviation.end(), 0.0f) != deviation.end()) {
    return cli::UsageError("--input_std is 0");
  }
  const absl::StatusOr<Value> pixels = Pixels(bytes, target, pool);
  if (!pixels.ok()) {
    return absl::Status(pixels.status().code(),
                        absl::StrCat("the image cannot be used: ", pixels.status().message()));
  }
  const int64_t height = pixels->dim(1), width = pixels->dim(2), channels = pixels->dim(3);
  std::vector<int64_t> dims = {1, height, width, channels};
  if (target.channels_first) dims = {1, channels, height, width};
  if (!target.batched) dims.erase(dims.begin());
  ASSIGN_OR_RETURN(Value value, Value::Allocate(plain, dims, pool));
  const bool swap = options.channel_order == "bgr" && channels >= 3;
  const absl::Status status = DispatchType<Types>(plain, [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const float* from = pixels->data<float>();
    T* const to = value.mutable_data<T>();
    for (int64_t place = 0; place < height * width; ++place, from += channels) {
      for (int64_t c = 0; c < channels; ++c) {
        const float pixel = from[swap && c < 3 ? 2 - c : c];
        const T stored =
            Stored<T>((pixel - mean[static_cast<size_t>(c)]) / deviation[static_cast<size_t>(c)]);
        to[target.channels_first ? c * height * width + place : place * channels + c] = stored;
      }
    }
    return absl::OkStatus();
  });
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("an image cannot be fed to an input of type ", DataTypeName(dtype)));
  }
  return plain == dtype ? value : value.WithType(BaseType(dtype));
}

}  // namespace cryograph
