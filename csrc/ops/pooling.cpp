#include "ops/pooling.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>

namespace day33 {
namespace {

class MaxPool2dOp final : public Op {
 public:
  MaxPool2dOp(int x, int y, int winner, int indices, const ConvAxis& height, const ConvAxis& width, int64_t channels)
      : Op("max_pool2d", {x}, {y, winner, indices}, {}),
        args_{height.in,    width.in,      height.out,   width.out,     channels,    height.kernel,
              width.kernel, height.stride, width.stride, height.before, width.before} {}

  int64_t units(int64_t n) const override { return n; }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const Pool2dArgs args = args_for(tile);
    const int64_t in = input_floats(args), out = output_floats(args);
    const float* x = tile.value[inputs[0]];
    float* y = tile.value[outputs[0]];
    int32_t* winner = reinterpret_cast<int32_t*>(tile.value[outputs[1]]);
    int32_t* indices = reinterpret_cast<int32_t*>(tile.value[outputs[2]]);
    for (int64_t sample = begin; sample < end; ++sample) {
      // The indices' memory serves as the winners' when backward does not need them.
      int32_t* won = winner != nullptr ? winner + sample * out : indices != nullptr ? indices + sample * out : nullptr;
      tile.kernels->max_pool2d_forward(args, x + sample * in, y + sample * out, won);
      if (indices != nullptr)
        tile.kernels->number_winners(won, indices + sample * out, args.OH * args.OW, args_.inner, tile.lanes);
    }
  }

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const Pool2dArgs args = args_for(tile);
    const int32_t* winner = reinterpret_cast<const int32_t*>(tile.value[outputs[1]]);
    for (int64_t sample = 0; sample < tile.n; ++sample)
      tile.kernels->max_pool2d_backward(args, winner + sample * output_floats(args),
                                        tile.gradient[outputs[0]] + sample * output_floats(args),
                                        dx[0] + sample * input_floats(args));
  }

  std::string detail() const override { return std::to_string(args_.KH) + "x" + std::to_string(args_.KW); }

 private:
  Pool2dArgs args_for(const Tile& tile) const {
    Pool2dArgs args = args_;
    args.inner *= tile.lanes;
    return args;
  }
  static int64_t input_floats(const Pool2dArgs& a) { return a.H * a.W * a.inner; }
  static int64_t output_floats(const Pool2dArgs& a) { return a.OH * a.OW * a.inner; }

  const Pool2dArgs args_;  // inner = C
};

class MaxUnpool2dOp final : public Op {
 public:
  MaxUnpool2dOp(int x, int indices, int y, int64_t in, int64_t out)
      : Op("max_unpool2d", {x, indices}, {y}, {}), in_(in), out_(out) {}

  int64_t units(int64_t n) const override { return n; }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const int64_t in = in_ * tile.lanes, out = out_ * tile.lanes;
    for (int64_t sample = begin; sample < end; ++sample)
      if (!tile.kernels->max_unpool2d_forward(tile.value[inputs[0]] + sample * in, index(tile) + sample * in,
                                              tile.value[outputs[0]] + sample * out, in_, out_, tile.lanes))
        throw std::invalid_argument("indices: an index is outside the output of " + std::to_string(out_) +
                                    " cells a sample");
  }

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const int64_t in = in_ * tile.lanes, out = out_ * tile.lanes;
    for (int64_t sample = 0; sample < tile.n; ++sample)
      tile.kernels->max_unpool2d_backward(index(tile) + sample * in, tile.gradient[outputs[0]] + sample * out,
                                          dx[0] + sample * in, reinterpret_cast<int32_t*>(tile.scratch), in_, out_,
                                          tile.lanes);
  }
  bool backward_reads_forward() const override { return false; }
  int64_t scratch_size(const Kernels&, int lanes, int64_t) const override { return out_ * lanes; }

 private:
  const int32_t* index(const Tile& tile) const { return reinterpret_cast<const int32_t*>(tile.value[inputs[1]]); }
  const int64_t in_, out_;
};

class UpSampling2dOp final : public Op {
 public:
  UpSampling2dOp(int x, int y, const UpSample2dArgs& args, Interpolation interpolation)
      : Op("up_sampling2d", {x}, {y}, {}), args_(args), interpolation_(interpolation) {}

  int64_t units(int64_t n) const override { return n; }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const Kernels& k = *tile.kernels;
    const auto kernel = pick(k.upsample_nearest_forward, k.upsample_bilinear_forward, k.upsample_nails_forward);
    each(tile, begin, end, tile.value[inputs[0]], tile.value[outputs[0]],
         [&](const UpSample2dArgs& args, float* small, float* large) { kernel(args, small, large); });
  }

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const Kernels& k = *tile.kernels;
    const auto kernel = pick(k.upsample_nearest_backward, k.upsample_bilinear_backward, k.upsample_nails_backward);
    each(tile, 0, tile.n, dx[0], tile.gradient[outputs[0]],
         [&](const UpSample2dArgs& args, float* small, float* large) { kernel(args, large, small); });
  }
  bool backward_reads_forward() const override { return false; }
  std::string detail() const override {
    return std::to_string(args_.scale_h) + "x" + std::to_string(args_.scale_w) +
           (interpolation_ == Interpolation::bilinear       ? " bilinear"
            : interpolation_ == Interpolation::bed_of_nails ? " bed_of_nails"
                                                            : " nearest");
  }

 private:
  template <typename F>
  F pick(F nearest, F bilinear, F nails) const {
    return interpolation_ == Interpolation::nearest    ? nearest
           : interpolation_ == Interpolation::bilinear ? bilinear
                                                       : nails;
  }
  template <typename Call>
  void each(const Tile& tile, int64_t begin, int64_t end, float* small, float* large, Call&& call) const {
    UpSample2dArgs args = args_;
    args.inner *= tile.lanes;
    for (int64_t sample = begin; sample < end; ++sample)
      call(args, small + sample * args.H * args.W * args.inner, large + sample * args.OH * args.OW * args.inner);
  }

  const UpSample2dArgs args_;  // inner = C
  const Interpolation interpolation_;
};

class GlobalAverageOp final : public Op {
 public:
  GlobalAverageOp(int x, int y, int64_t pixels, int64_t C)
      : Op("global_average_pooling2d", {x}, {y}, {}), pixels_(pixels), C_(C) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const int64_t inner = C_ * tile.lanes;
    for (int64_t sample = 0; sample < tile.n; ++sample)
      tile.kernels->global_average_forward(tile.value[inputs[0]] + sample * pixels_ * inner,
                                           tile.value[outputs[0]] + sample * inner, pixels_, inner);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const int64_t inner = C_ * tile.lanes;
    for (int64_t sample = 0; sample < tile.n; ++sample)
      tile.kernels->global_average_backward(tile.gradient[outputs[0]] + sample * inner,
                                            dx[0] + sample * pixels_ * inner, pixels_, inner);
  }
  bool backward_reads_forward() const override { return false; }

 private:
  const int64_t pixels_, C_;
};

class DropoutOp final : public Op {
 public:
  DropoutOp(int x, int y, int64_t repeats, int64_t features, float rate, uint64_t seed)
      : Op("dropout", {x}, {y}, {}), repeats_(repeats), features_(features), rate_(rate), seed_(seed) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    if (tile.training && rate_ > 0.0f)
      mask(tile, tile.value[inputs[0]], tile.value[outputs[0]]);
    else
      std::memcpy(tile.value[outputs[0]], tile.value[inputs[0]], bytes(tile));
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    if (tile.training && rate_ > 0.0f)
      mask(tile, tile.gradient[outputs[0]], dx[0]);
    else
      std::memcpy(dx[0], tile.gradient[outputs[0]], bytes(tile));
  }
  bool backward_reads_forward() const override { return false; }
  std::string detail() const override { return std::to_string(rate_); }

 private:
  size_t bytes(const Tile& tile) const {
    return static_cast<size_t>(tile.n * repeats_ * features_ * tile.lanes) * sizeof(float);
  }
  void mask(const Tile& tile, const float* x, float* y) const {
    // Weyl step between the seeds of layers and of training steps, so that no two pairs meet in one key.
    const uint64_t key = tile.seed + seed_ * 0x9E3779B97F4A7C15u;
    const int64_t floats = features_ * tile.lanes;
    for (int64_t row = 0; row < tile.n * repeats_; ++row)
      tile.kernels->dropout(x + row * floats, y + row * floats, features_, tile.lanes, key,
                            tile.first_sample + row / repeats_, rate_);
  }

  const int64_t repeats_, features_;
  const float rate_;
  const uint64_t seed_;
};

class ConcatenateOp final : public Op {
 public:
  ConcatenateOp(std::vector<int> xs, int y, int64_t outer, std::vector<int64_t> inner)
      : Op("concatenate", std::move(xs), {y}, {}),
        outer_(outer),
        inner_(std::move(inner)),
        total_(std::accumulate(inner_.begin(), inner_.end(), int64_t{0})) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    int64_t offset = 0;
    for (size_t i = 0; i < inputs.size(); offset += inner_[i++])
      blocks(tile, i, [&](int64_t at, int64_t block, size_t bytes) {
        std::memcpy(tile.value[outputs[0]] + (at * total_ + offset) * tile.lanes, tile.value[inputs[i]] + block, bytes);
      });
  }
  void backward(const Tile& tile, float* const* dx) const override {
    int64_t offset = 0;
    for (size_t i = 0; i < inputs.size(); offset += inner_[i++])
      if (dx[i] != nullptr)
        blocks(tile, i, [&](int64_t at, int64_t block, size_t bytes) {
          std::memcpy(dx[i] + block, tile.gradient[outputs[0]] + (at * total_ + offset) * tile.lanes, bytes);
        });
  }
  bool backward_reads_forward() const override { return false; }

 private:
  template <typename Visit>
  void blocks(const Tile& tile, size_t i, Visit&& visit) const {
    const int64_t floats = inner_[i] * tile.lanes;
    for (int64_t at = 0; at < tile.n * outer_; ++at)
      visit(at, at * floats, static_cast<size_t>(floats) * sizeof(float));
  }
  const int64_t outer_;
  const std::vector<int64_t> inner_;
  const int64_t total_;
};

class CopyOp final : public Op {
 public:
  CopyOp(int x, int y, int64_t features) : Op("copy", {x}, {y}, {}), features_(features) {}
  void forward(const Tile& tile, int64_t, int64_t) const override {
    std::memcpy(tile.value[outputs[0]], tile.value[inputs[0]], bytes(tile));
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] != nullptr) std::memcpy(dx[0], tile.gradient[outputs[0]], bytes(tile));
  }
  bool backward_reads_forward() const override { return false; }

 private:
  size_t bytes(const Tile& tile) const { return static_cast<size_t>(tile.n * features_ * tile.lanes) * sizeof(float); }
  const int64_t features_;
};

}  // namespace

std::unique_ptr<Op> make_max_pool2d(int x, int y, int winner, int indices, const ConvAxis& height,
                                    const ConvAxis& width, int64_t channels) {
  return std::make_unique<MaxPool2dOp>(x, y, winner, indices, height, width, channels);
}
std::unique_ptr<Op> make_max_unpool2d(int x, int indices, int y, int64_t in, int64_t out) {
  return std::make_unique<MaxUnpool2dOp>(x, indices, y, in, out);
}
std::unique_ptr<Op> make_up_sampling2d(int x, int y, int64_t H, int64_t W, int64_t C, int64_t scale_h, int64_t scale_w,
                                       Interpolation interpolation) {
  const UpSample2dArgs args{H, W, H * scale_h, W * scale_w, C, scale_h, scale_w};
  return std::make_unique<UpSampling2dOp>(x, y, args, interpolation);
}
std::unique_ptr<Op> make_global_average(int x, int y, int64_t pixels, int64_t C) {
  return std::make_unique<GlobalAverageOp>(x, y, pixels, C);
}
std::unique_ptr<Op> make_dropout(int x, int y, int64_t repeats, int64_t features, float rate, uint64_t seed) {
  return std::make_unique<DropoutOp>(x, y, repeats, features, rate, seed);
}
std::unique_ptr<Op> make_concatenate(std::vector<int> xs, int y, int64_t outer, std::vector<int64_t> inner) {
  return std::make_unique<ConcatenateOp>(std::move(xs), y, outer, std::move(inner));
}
std::unique_ptr<Op> make_copy(int x, int y, int64_t features) { return std::make_unique<CopyOp>(x, y, features); }

}  // namespace day33
