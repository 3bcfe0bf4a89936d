#include "ops/conv_ops.h"

#include <algorithm>

#include "ops/conv_geometry.h"

namespace day33 {
namespace {

constexpr int kKernel = 0, kBias = 1;  // parameters

int64_t gather_width(const Kernels& kernels, int lanes, int64_t outputs) {
  return lanes > 1 ? kernels.gather_lanes_width(outputs) : kernels.gather_channels_width(outputs);
}

int64_t packed_group_size(const Kernels& kernels, int lanes, int64_t K, int64_t outputs) {
  const int64_t width = gather_width(kernels, lanes, outputs);
  return (outputs + width - 1) / width * width * K;
}

// One group's weights as [block][K][width]; weight(k, o) says which value goes where.
template <typename WeightAt>
void pack_group(int64_t width, int64_t K, int64_t outputs, WeightAt&& weight, float* packed) {
  for (int64_t first = 0; first < outputs; first += width)
    for (int64_t k = 0; k < K; ++k)
      for (int64_t o = first; o < first + width; ++o) *packed++ = o < outputs ? weight(k, o) : 0.0f;
}

void gather(const Tile& tile, const GatherArgs& args) {
  if (tile.lanes > 1)
    tile.kernels->gather_lanes(args);
  else
    tile.kernels->gather_channels(args);
}

void correlate(const Tile& tile, const CorrelateArgs& args) {
  if (tile.lanes > 1)
    tile.kernels->correlate_lanes(args);
  else
    tile.kernels->correlate_channels(args);
}

// What convolutions and dense layers share: bias, fused activation, the order of the backward pass.
class LinearOp : public Op {
 public:
  using Op::Op;

  bool fuses_activation() const override { return true; }
  void set_activation(Activation activation, float alpha) override {
    activation_ = activation;
    alpha_ = alpha;
  }
  bool backward_reads_forward() const override { return activation_ != Activation::linear; }
  int accumulator_lanes(size_t i, int lanes) const override { return i == kKernel ? lanes : 1; }

  void backward(const Tile& tile, float* const* dx) const final {
    float* dy = tile.gradient[outputs[0]];
    const float* y = tile.value[outputs[0]];
    const int64_t rows = tile.n * output_rows();
    const int64_t count = rows * output_channels() * tile.lanes;
    if (activation_ == Activation::softmax)
      tile.kernels->softmax_backward(y, dy, dy, rows, output_channels(), tile.lanes);
    else if (activation_ != Activation::linear)
      tile.kernels->activation_backward(activation_, alpha_, y, dy, dy, count);
    if (parameters[kBias] >= 0 && tile.accumulate[kBias] != nullptr)
      tile.kernels->channel_sums(dy, rows, output_channels(), tile.lanes, tile.accumulate[kBias]);
    if (tile.accumulate[kKernel] != nullptr) kernel_gradient(tile, dy);
    if (dx[0] != nullptr) input_gradient(tile, dy, dx[0]);
  }

 protected:
  virtual int64_t output_rows() const = 0;  // of one sample: all axes but the channels
  virtual int64_t output_channels() const = 0;
  virtual void kernel_gradient(const Tile& tile, const float* dy) const = 0;
  virtual void input_gradient(const Tile& tile, const float* dy, float* dx) const = 0;

  bool fused_relu() const { return activation_ == Activation::relu; }
  const float* bias(const Tile& tile) const {
    return parameters[kBias] >= 0 ? tile.parameter[parameters[kBias]] : nullptr;
  }
  // Applies an activation that the kernels do not fuse to `rows` finished rows.
  void finish(const Tile& tile, float* y, int64_t rows) const {
    if (activation_ == Activation::softmax)
      tile.kernels->softmax_forward(y, y, rows, output_channels(), tile.lanes);
    else if (activation_ != Activation::linear && activation_ != Activation::relu)
      tile.kernels->activation_forward(activation_, alpha_, y, y, rows * output_channels() * tile.lanes);
  }
  std::string activation_detail() const {
    return activation_ == Activation::linear ? "" : "+" + to_string(activation_);
  }

 private:
  Activation activation_ = Activation::linear;
  float alpha_ = 0.0f;
};

// The direct walk goes from `big` tensors ([in][in][P * groups]) to `small` ones ([out][out][Q]); the transposed walk
// back. A convolution runs the first forward and the second backward, a transposed convolution the other way round.
class ConvolutionOp final : public LinearOp {
 public:
  ConvolutionOp(int x, int y, int kernel, int bias, const Convolution& c)
      : LinearOp(c.transposed ? "conv2d_transpose" : "conv2d", {x}, {y}, {kernel, bias}),
        c_(c),
        direct_(c.height, c.width, Walk::direct, c.P * c.groups, c.P),
        transposed_(c.height, c.width, Walk::transposed, c.Q, c.Q / c.groups) {}

  int64_t units(int64_t n) const override { return n * forward_walk().rows(); }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const ConvGeometry& walk = forward_walk();
    const int64_t row_floats = walk.columns() * output_channels() * tile.lanes;
    for (int64_t unit = begin; unit < end;) {
      const int64_t sample = unit / walk.rows(), row = unit % walk.rows();
      const int64_t rows = std::min(end - unit, walk.rows() - row);
      const float* x = tile.value[inputs[0]] + sample * walk.input_size() * tile.lanes;
      float* y = tile.value[outputs[0]] + sample * walk.rows() * row_floats;
      gather_rows(tile, walk, !c_.transposed, tile.packed, x, y, bias(tile), fused_relu(), row, row + rows);
      finish(tile, y + row * row_floats, rows * walk.columns());
      unit += rows;
    }
  }

  int64_t packed_size(const Kernels& kernels, int lanes, bool backward) const override {
    const bool direct = backward == c_.transposed;
    return c_.groups * packed_group_size(kernels, lanes, walk_of(direct).reduction(), group_outputs(direct));
  }

  void pack(const Kernels& kernels, int lanes, bool backward, const float* const* parameter,
            float* packed) const override {
    const bool direct = backward == c_.transposed;
    const float* kernel = parameter[parameters[kKernel]];
    const int64_t outputs = group_outputs(direct), K = walk_of(direct).reduction();
    const int64_t width = gather_width(kernels, lanes, outputs);
    const int64_t group_q = c_.Q / c_.groups;
    for (int64_t group = 0; group < c_.groups; ++group) {
      const float* from = kernel + group * group_q;
      if (direct) {
        pack_group(width, K, outputs, [&](int64_t k, int64_t o) { return from[k * c_.Q + o]; }, packed);
      } else {
        const int64_t taps = c_.height.kernel * c_.width.kernel;
        pack_group(
            width, K, outputs,
            [&](int64_t k, int64_t p) {
              const int64_t tap = taps - 1 - k / group_q;  // both axes are numbered from the far corner
              return from[(tap * c_.P + p) * c_.Q + k % group_q];
            },
            packed);
      }
      packed += packed_group_size(kernels, lanes, K, outputs);
    }
  }

  int64_t multiply_adds() const override {
    return c_.height.out * c_.width.out * c_.height.kernel * c_.width.kernel * c_.P * c_.Q;
  }
  int64_t channels() const override { return std::max(c_.P * c_.groups, c_.Q); }
  std::string detail() const override {
    return std::to_string(c_.height.kernel) + "x" + std::to_string(c_.width.kernel) + " " +
           std::to_string(c_.transposed ? c_.Q : c_.P * c_.groups) + "->" + std::to_string(output_channels()) +
           activation_detail();
  }

 protected:
  int64_t output_rows() const override { return forward_walk().rows() * forward_walk().columns(); }
  int64_t output_channels() const override { return c_.transposed ? c_.P * c_.groups : c_.Q; }

  void kernel_gradient(const Tile& tile, const float* dy) const override {
    const float* x = tile.value[inputs[0]];
    const float* big = c_.transposed ? dy : x;
    const float* small = c_.transposed ? x : dy;
    const int64_t group_q = c_.Q / c_.groups;
    const int L = tile.lanes;
    for (int64_t sample = 0; sample < tile.n; ++sample) {
      direct_.walk(
          0, direct_.rows(),
          [&](int64_t base, int64_t row, const ColumnRun& run, const Segment* segments, int64_t segment_count) {
            for (int64_t group = 0; group < c_.groups; ++group) {
              CorrelateArgs args;
              args.a = big + (base + group * c_.P) * L;
              args.b = small + ((row * direct_.columns() + run.first) * c_.Q + group * group_q) * L;
              args.dw = tile.accumulate[kKernel] + group * group_q * L;
              args.segments = segments;
              args.segment_count = segment_count;
              args.pixels = run.count;
              args.a_step = run.advance * c_.P * c_.groups;
              args.b_step = run.step * c_.Q;
              args.dw_step = c_.Q;
              args.O = group_q;
              correlate(tile, args);
            }
          });
      big += direct_.input_size() * L;
      small += transposed_.input_size() * L;
    }
  }

  void input_gradient(const Tile& tile, const float* dy, float* dx) const override {
    const bool direct = c_.transposed;
    const ConvGeometry& walk = walk_of(direct);
    for (int64_t sample = 0; sample < tile.n; ++sample) {
      gather_rows(tile, walk, direct, tile.packed_backward, dy, dx, nullptr, false, 0, walk.rows());
      dy += walk.input_size() * tile.lanes;
      dx += walk_of(!direct).input_size() * tile.lanes;
    }
  }

 private:
  const ConvGeometry& walk_of(bool direct) const { return direct ? direct_ : transposed_; }
  const ConvGeometry& forward_walk() const { return walk_of(!c_.transposed); }
  int64_t group_outputs(bool direct) const { return direct ? c_.Q / c_.groups : c_.P; }

  // Rows [begin, end) of one sample's output.
  void gather_rows(const Tile& tile, const ConvGeometry& walk, bool direct, const float* packed, const float* x,
                   float* y, const float* bias, bool relu, int64_t begin, int64_t end) const {
    const int L = tile.lanes;
    const int64_t in_channels = direct ? c_.P * c_.groups : c_.Q;
    const int64_t out_channels = direct ? c_.Q : c_.P * c_.groups;
    const int64_t group_in = in_channels / c_.groups, group_out = out_channels / c_.groups;
    const int64_t K = walk.reduction();
    const int64_t group_weights = packed_group_size(*tile.kernels, L, K, group_out);
    walk.walk(begin, end,
              [&](int64_t base, int64_t row, const ColumnRun& run, const Segment* segments, int64_t segment_count) {
                for (int64_t group = 0; group < c_.groups; ++group) {
                  GatherArgs args;
                  args.x = x + (base + group * group_in) * L;
                  args.weights = packed + group * group_weights;
                  args.bias = bias == nullptr ? nullptr : bias + group * group_out;
                  args.y = y + ((row * walk.columns() + run.first) * out_channels + group * group_out) * L;
                  args.segments = segments;
                  args.segment_count = segment_count;
                  args.pixels = run.count;
                  args.x_step = run.advance * in_channels;
                  args.y_step = run.step * out_channels;
                  args.K = K;
                  args.O = group_out;
                  args.relu = relu;
                  gather(tile, args);
                }
              });
  }

  const Convolution c_;
  const ConvGeometry direct_, transposed_;
};

// A dense layer is a convolution over a row of pixels with one tap, so it runs on the same kernels. With one output
// and channels in the lanes there would be one lane at work: then the reduction goes into the lanes.
class DenseOp final : public LinearOp {
 public:
  DenseOp(int x, int y, int kernel, int bias, int64_t rows, int64_t C, int64_t O)
      : LinearOp("dense", {x}, {y}, {kernel, bias}), rows_(rows), C_(C), O_(O) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const float* x = tile.value[inputs[0]];
    float* y = tile.value[outputs[0]];
    const int64_t rows = tile.n * rows_;
    if (single_output(tile.lanes)) {
      tile.kernels->dot_rows(x, tile.parameter[parameters[kKernel]], bias(tile), y, rows, C_);
      if (fused_relu()) tile.kernels->activation_forward(Activation::relu, 0.0f, y, y, rows);
    } else {
      gather_all(tile, tile.packed, x, y, rows, C_, O_, bias(tile), fused_relu());
    }
    finish(tile, y, rows);
  }

  int64_t packed_size(const Kernels& kernels, int lanes, bool backward) const override {
    if (!backward && single_output(lanes)) return 0;
    return packed_group_size(kernels, lanes, backward ? O_ : C_, backward ? C_ : O_);
  }

  void pack(const Kernels& kernels, int lanes, bool backward, const float* const* parameter,
            float* packed) const override {
    const float* kernel = parameter[parameters[kKernel]];
    if (backward)
      pack_group(
          gather_width(kernels, lanes, C_), O_, C_, [&](int64_t k, int64_t c) { return kernel[c * O_ + k]; }, packed);
    else if (!single_output(lanes))
      pack_group(
          gather_width(kernels, lanes, O_), C_, O_, [&](int64_t k, int64_t o) { return kernel[k * O_ + o]; }, packed);
  }

  int64_t multiply_adds() const override { return rows_ * C_ * O_; }
  int64_t channels() const override { return std::max(C_, O_); }
  std::string detail() const override { return std::to_string(C_) + "->" + std::to_string(O_) + activation_detail(); }

 protected:
  int64_t output_rows() const override { return rows_; }
  int64_t output_channels() const override { return O_; }

  void kernel_gradient(const Tile& tile, const float* dy) const override {
    const float* x = tile.value[inputs[0]];
    float* dw = tile.accumulate[kKernel];
    // (C, 1) and (1, C) are the same memory: with one output the wide side goes into the lanes.
    if (single_output(tile.lanes))
      outer(tile, dy, x, dw, 1, C_);
    else
      outer(tile, x, dy, dw, C_, O_);
  }

  void input_gradient(const Tile& tile, const float* dy, float* dx) const override {
    gather_all(tile, tile.packed_backward, dy, dx, tile.n * rows_, O_, C_, nullptr, false);
  }

 private:
  bool single_output(int lanes) const { return O_ == 1 && lanes == 1; }

  void outer(const Tile& tile, const float* a, const float* b, float* dw, int64_t K, int64_t O) const {
    const Segment all{0, 0, K};
    correlate(tile, {a, b, dw, &all, 1, tile.n * rows_, K, O, O, O});
  }

  static void gather_all(const Tile& tile, const float* packed, const float* x, float* y, int64_t rows, int64_t K,
                         int64_t O, const float* bias, bool relu) {
    const Segment all{0, 0, K};
    gather(tile, {x, packed, bias, y, &all, 1, rows, K, O, K, O, relu});
  }

  const int64_t rows_, C_, O_;
};

}  // namespace

std::unique_ptr<Op> make_convolution(int x, int y, int kernel, int bias, const Convolution& convolution) {
  return std::make_unique<ConvolutionOp>(x, y, kernel, bias, convolution);
}

std::unique_ptr<Op> make_dense(int x, int y, int kernel, int bias, int64_t rows, int64_t C, int64_t O) {
  return std::make_unique<DenseOp>(x, y, kernel, bias, rows, C, O);
}

}  // namespace day33
