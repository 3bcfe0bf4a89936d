#include "ops/pooling.h"

#include <stdexcept>
#include <string>

namespace day33 {
namespace {

Pool2dArgs pool_args(const ConvAxis& height, const ConvAxis& width, int64_t channels) {
  return {.H = height.in,
          .W = width.in,
          .OH = height.out,
          .OW = width.out,
          .inner = channels,
          .KH = height.kernel,
          .KW = width.kernel,
          .SH = height.stride,
          .SW = width.stride,
          .pad_top = height.before,
          .pad_left = width.before};
}

// The arguments for a tile, from those whose `inner` is the number of channels.
Pool2dArgs on_tile(Pool2dArgs args, const Tile& tile) {
  args.inner *= tile.lanes;
  return args;
}

int64_t input_floats(const Pool2dArgs& a) { return a.H * a.W * a.inner; }
int64_t output_floats(const Pool2dArgs& a) { return a.OH * a.OW * a.inner; }

class MaxPool2dOp final : public Op {
 public:
  MaxPool2dOp(int x, int y, int winner, int indices, const ConvAxis& height, const ConvAxis& width, int64_t channels)
      : Op("max_pool2d", {x}, {y, winner, indices}, {}), args_(pool_args(height, width, channels)) {}

  int64_t units(int64_t n) const override { return n; }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const Pool2dArgs args = on_tile(args_, tile);
    const int64_t in = input_floats(args), out = output_floats(args);
    const float* x = tile.value[inputs[0]];
    float* y = tile.value[outputs[0]];
    int32_t* winner = reinterpret_cast<int32_t*>(tile.value[outputs[1]]);
    int32_t* indices = reinterpret_cast<int32_t*>(tile.value[outputs[2]]);
    for (int64_t sample = begin; sample < end; ++sample) {
      // If backward does not need the winners, they are written to the memory of the indices.
      int32_t* won = winner != nullptr ? winner + sample * out : indices != nullptr ? indices + sample * out : nullptr;
      tile.kernels->max_pool2d_forward(args, x + sample * in, y + sample * out, won);
      if (indices != nullptr)
        tile.kernels->number_winners(won, indices + sample * out, args.OH * args.OW, args_.inner, tile.lanes);
    }
  }

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const Pool2dArgs args = on_tile(args_, tile);
    const int32_t* winner = reinterpret_cast<const int32_t*>(tile.value[outputs[1]]);
    for (int64_t sample = 0; sample < tile.n; ++sample)
      tile.kernels->max_pool2d_backward(args, winner + sample * output_floats(args),
                                        tile.gradient[outputs[0]] + sample * output_floats(args),
                                        dx[0] + sample * input_floats(args));
  }

  std::string detail() const override { return std::to_string(args_.KH) + "x" + std::to_string(args_.KW); }

 private:
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

class AveragePool2dOp final : public Op {
 public:
  AveragePool2dOp(int x, int y, const ConvAxis& height, const ConvAxis& width, int64_t channels)
      : Op("average_pool2d", {x}, {y}, {}), args_(pool_args(height, width, channels)) {}

  int64_t units(int64_t n) const override { return n; }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const Pool2dArgs args = on_tile(args_, tile);
    for (int64_t sample = begin; sample < end; ++sample)
      tile.kernels->avg_pool2d_forward(args, tile.value[inputs[0]] + sample * input_floats(args),
                                       tile.value[outputs[0]] + sample * output_floats(args));
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const Pool2dArgs args = on_tile(args_, tile);
    for (int64_t sample = 0; sample < tile.n; ++sample)
      tile.kernels->avg_pool2d_backward(args, tile.gradient[outputs[0]] + sample * output_floats(args),
                                        dx[0] + sample * input_floats(args));
  }
  bool backward_reads_forward() const override { return false; }
  std::string detail() const override { return std::to_string(args_.KH) + "x" + std::to_string(args_.KW); }

 private:
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

}  // namespace

std::unique_ptr<Op> make_max_pool2d(int x, int y, int winner, int indices, const ConvAxis& height,
                                    const ConvAxis& width, int64_t channels) {
  return std::make_unique<MaxPool2dOp>(x, y, winner, indices, height, width, channels);
}
std::unique_ptr<Op> make_max_unpool2d(int x, int indices, int y, int64_t in, int64_t out) {
  return std::make_unique<MaxUnpool2dOp>(x, indices, y, in, out);
}
std::unique_ptr<Op> make_global_average(int x, int y, int64_t pixels, int64_t C) {
  return std::make_unique<GlobalAverageOp>(x, y, pixels, C);
}
std::unique_ptr<Op> make_average_pool2d(int x, int y, const ConvAxis& height, const ConvAxis& width, int64_t channels) {
  return std::make_unique<AveragePool2dOp>(x, y, height, width, channels);
}
std::unique_ptr<Op> make_global_max(int x, int y, int64_t pixels, int64_t C) {
  return std::make_unique<GlobalMaxOp>(x, y, pixels, C);
}

}  // namespace day33
