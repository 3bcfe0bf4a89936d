#include "ops/elementwise.h"

#include <cstring>
#include <stdexcept>
#include <utility>

namespace day33 {
namespace {

constexpr std::pair<const char*, Merge> kMerges[] = {
    {"add", Merge::add},         {"subtract", Merge::subtract}, {"multiply", Merge::multiply},
    {"maximum", Merge::maximum}, {"minimum", Merge::minimum},   {"average", Merge::average},
};

void copy(float* to, const float* from, int64_t floats) {
  std::memcpy(to, from, static_cast<size_t>(floats) * sizeof(float));
}

class AveragePool2dOp final : public Op {
 public:
  AveragePool2dOp(int x, int y, const ConvAxis& height, const ConvAxis& width, int64_t channels)
      : Op("average_pool2d", {x}, {y}, {}),
        args_{height.in,    width.in,      height.out,   width.out,     channels,    height.kernel,
              width.kernel, height.stride, width.stride, height.before, width.before} {}

  int64_t units(int64_t n) const override { return n; }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const Pool2dArgs args = args_for(tile);
    for (int64_t sample = begin; sample < end; ++sample)
      tile.kernels->avg_pool2d_forward(args, tile.value[inputs[0]] + sample * args.H * args.W * args.inner,
                                       tile.value[outputs[0]] + sample * args.OH * args.OW * args.inner);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const Pool2dArgs args = args_for(tile);
    for (int64_t sample = 0; sample < tile.n; ++sample)
      tile.kernels->avg_pool2d_backward(args, tile.gradient[outputs[0]] + sample * args.OH * args.OW * args.inner,
                                        dx[0] + sample * args.H * args.W * args.inner);
  }
  bool backward_reads_forward() const override { return false; }
  std::string detail() const override { return std::to_string(args_.KH) + "x" + std::to_string(args_.KW); }

 private:
  Pool2dArgs args_for(const Tile& tile) const {
    Pool2dArgs args = args_;
    args.inner *= tile.lanes;
    return args;
  }
  const Pool2dArgs args_;  // inner = C
};

class GlobalMaxOp final : public Op {
 public:
  GlobalMaxOp(int x, int y, int64_t pixels, int64_t C)
      : Op("global_max_pooling2d", {x}, {y}, {}), pixels_(pixels), C_(C) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const int64_t inner = C_ * tile.lanes;
    for (int64_t sample = 0; sample < tile.n; ++sample)
      tile.kernels->global_max_forward(tile.value[inputs[0]] + sample * pixels_ * inner,
                                       tile.value[outputs[0]] + sample * inner, pixels_, inner);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const int64_t inner = C_ * tile.lanes;
    for (int64_t sample = 0; sample < tile.n; ++sample)
      tile.kernels->global_max_backward(
          tile.value[inputs[0]] + sample * pixels_ * inner, tile.value[outputs[0]] + sample * inner,
          tile.gradient[outputs[0]] + sample * inner, dx[0] + sample * pixels_ * inner, pixels_, inner);
  }

 private:
  const int64_t pixels_, C_;
};

class LayerNormOp final : public Op {
 public:
  LayerNormOp(int x, int y, int gamma, int beta, int64_t rows, int64_t C, float epsilon)
      : Op("layer_normalization", {x}, {y}, {gamma, beta}), rows_(rows), C_(C), epsilon_(epsilon) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    tile.kernels->layer_norm_forward(tile.value[inputs[0]], parameter(tile, kGamma), parameter(tile, kBeta), epsilon_,
                                     tile.value[outputs[0]], tile.n * rows_, C_, tile.lanes);
  }
  // The moments are worked out again: cheaper than to keep them, for x is read anyway.
  void backward(const Tile& tile, float* const* dx) const override {
    tile.kernels->layer_norm_backward(tile.value[inputs[0]], parameter(tile, kGamma), tile.gradient[outputs[0]],
                                      epsilon_, dx[0], tile.accumulate[kGamma], tile.accumulate[kBeta], tile.n * rows_,
                                      C_, tile.lanes);
  }
  bool backward_reads_forward() const override { return false; }
  int accumulator_lanes(size_t, int lanes) const override { return lanes; }

 private:
  static constexpr int kGamma = 0, kBeta = 1;  // parameters
  const float* parameter(const Tile& tile, int i) const {
    return parameters[i] < 0 ? nullptr : tile.parameter[parameters[i]];
  }
  const int64_t rows_, C_;
  const float epsilon_;
};

class RescalingOp final : public Op {
 public:
  RescalingOp(int x, int y, int64_t features, std::vector<float> scale, std::vector<float> offset)
      : Op("rescaling", {x}, {y}, {}),
        features_(features),
        scale_(std::move(scale)),
        offset_(std::move(offset)),
        zero_(offset_.size(), 0.0f) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    run(tile, tile.value[inputs[0]], offset_, tile.value[outputs[0]]);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] != nullptr) run(tile, tile.gradient[outputs[0]], zero_, dx[0]);
  }
  bool backward_reads_forward() const override { return false; }

 private:
  void run(const Tile& tile, const float* x, const std::vector<float>& shift, float* y) const {
    if (scale_.size() == 1)
      tile.kernels->scale_shift(x, scale_[0], shift[0], y, tile.n * features_ * tile.lanes);
    else
      tile.kernels->channel_affine({tile.n, features_, tile.lanes, tile.valid_lanes}, x, scale_.data(), shift.data(),
                                   y);
  }
  const int64_t features_;
  const std::vector<float> scale_, offset_, zero_;
};

class MergeOp final : public Op {
 public:
  MergeOp(Merge kind, std::vector<int> xs, int y, int64_t features)
      : Op(name_of(kind), std::move(xs), {y}, {}), kind_(kind), features_(features) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const int64_t floats = tile.n * features_ * tile.lanes;
    float* y = tile.value[outputs[0]];
    copy(y, tile.value[inputs[0]], floats);
    for (size_t i = 1; i < inputs.size(); ++i) tile.kernels->merge_with(kind_, tile.value[inputs[i]], y, floats);
    if (kind_ == Merge::average) tile.kernels->scale_by(y, share(), floats);
  }

  void backward(const Tile& tile, float* const* dx) const override {
    const int64_t floats = tile.n * features_ * tile.lanes;
    const float* dy = tile.gradient[outputs[0]];
    const float* y = tile.value[outputs[0]];
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (dx[i] == nullptr) continue;
      if (kind_ == Merge::maximum || kind_ == Merge::minimum) {
        tile.kernels->keep_where_equal(tile.value[inputs[i]], y, true, dy, dx[i], floats);
        for (size_t j = 0; j < i; ++j)
          tile.kernels->keep_where_equal(tile.value[inputs[j]], y, false, dx[i], dx[i], floats);
        continue;
      }
      copy(dx[i], dy, floats);
      if (kind_ == Merge::average) tile.kernels->scale_by(dx[i], share(), floats);
      if (kind_ == Merge::subtract && i > 0) tile.kernels->scale_by(dx[i], -1.0f, floats);
      if (kind_ == Merge::multiply)
        for (size_t j = 0; j < inputs.size(); ++j)
          if (j != i) tile.kernels->merge_with(Merge::multiply, tile.value[inputs[j]], dx[i], floats);
    }
  }
  bool backward_reads_forward() const override { return kind_ == Merge::maximum || kind_ == Merge::minimum; }

 private:
  static std::string name_of(Merge kind) {
    for (const auto& [name, value] : kMerges)
      if (value == kind) return name;
    return "merge";
  }
  float share() const { return 1.0f / static_cast<float>(inputs.size()); }

  const Merge kind_;
  const int64_t features_;
};

}  // namespace

std::unique_ptr<Op> make_average_pool2d(int x, int y, const ConvAxis& height, const ConvAxis& width, int64_t channels) {
  return std::make_unique<AveragePool2dOp>(x, y, height, width, channels);
}
std::unique_ptr<Op> make_global_max(int x, int y, int64_t pixels, int64_t C) {
  return std::make_unique<GlobalMaxOp>(x, y, pixels, C);
}
std::unique_ptr<Op> make_layer_norm(int x, int y, int gamma, int beta, int64_t rows, int64_t C, float epsilon) {
  return std::make_unique<LayerNormOp>(x, y, gamma, beta, rows, C, epsilon);
}
std::unique_ptr<Op> make_rescaling(int x, int y, int64_t features, std::vector<float> scale,
                                   std::vector<float> offset) {
  return std::make_unique<RescalingOp>(x, y, features, std::move(scale), std::move(offset));
}
std::unique_ptr<Op> make_merge(Merge kind, std::vector<int> xs, int y, int64_t features) {
  return std::make_unique<MergeOp>(kind, std::move(xs), y, features);
}

Merge parse_merge(const std::string& name) {
  std::string known;
  for (const auto& [known_name, kind] : kMerges) {
    if (name == known_name) return kind;
    known += std::string(known.empty() ? "" : ", ") + known_name;
  }
  throw std::invalid_argument("kind: got '" + name + "', expected one of " + known);
}

}  // namespace day33
