#include "ops/convolution.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "ops/conv_geometry.h"
#include "ops/linear_op.h"

namespace day33 {
namespace {

AxisWalk forward_axis(const ConvAxis& axis, bool transposed, int64_t scale) {
  return fold(transposed ? inverse(direct_walk(axis)) : direct_walk(axis), scale);
}

// The number of pixels whose products are summed in registers before they are added to the gradient in memory. Their
// inputs should stay in the L1 cache.
constexpr int64_t kCorrelatedPixels = 112;

// A block of pixels as lines of pixels. from, to: the distance in elements from one to the next, in the gathered array
// and in the other one.
struct PixelGrid {
  struct Side {
    int64_t count, from, to;
  };
  Side outer, inner;

  PixelGrid(const PixelBlock& block, int64_t from_channels, int64_t to_row, int64_t to_channels)
      : outer{block.rows.count, block.row_advance, block.rows.step * to_row},
        inner{block.columns.count, block.columns.advance * from_channels, block.columns.step * to_channels} {}

  PixelGrid long_side_inside() const {
    PixelGrid turned = *this;
    if (inner.count < outer.count) std::swap(turned.outer, turned.inner);
    return turned;
  }
};

// Pooling in registers pays while the sums are short: with long ones, four pixels by two outputs at a time are too few.
constexpr int64_t kFewTaps = 32;

// Measured on AVX2 and AVX-512: from outputs that are a multiple of this on, channels in the lanes are faster by a
// tenth to a half, but for a first layer of as few taps that pools.
constexpr int64_t kFullVectors = 16;

// Forward gathers x along `forward_`; the gradient of x gathers dy along its inverse. The gradient of the kernel
// gathers the input of the direct convolution (`big`), which is x for a convolution and dy for a transposed one: so its
// layout is that of the kernel in memory, [part][P][Q].
//
// Fused pooling works on bands: the rows of the convolution that a few rows of windows need are made in scratch memory
// and pooled while they are in the cache. The output of the convolution itself is never kept: the gradient before the
// pooling is zero except at the winners, and the values of the winners are the pooled ones.
class ConvolutionOp final : public LinearOp {
 public:
  ConvolutionOp(int x, std::vector<int> outputs, int kernel, int bias, const Convolution& c, ActivationSpec activation)
      : LinearOp(c.transposed ? "conv2d_transpose" : "conv2d", x, std::move(outputs), kernel, bias, activation),
        c_(c),
        in_channels_(c.transposed ? c.Q : c.P * c.groups),
        out_channels_(c.transposed ? c.P * c.groups : c.Q),
        depthwise_(!c.transposed && c.groups > 1 && c.P == 1 && c.Q == c.groups),
        forward_(forward_axis(c.height, c.transposed, c.scale_h), forward_axis(c.width, c.transposed, c.scale_w),
                 in_channels_, in_channels_ / c.groups),
        backward_(inverse(forward_axis(c.height, c.transposed, c.scale_h)),
                  inverse(forward_axis(c.width, c.transposed, c.scale_w)), out_channels_, out_channels_ / c.groups) {
    if (c.norm) parameters.insert(parameters.end(), {c.norm->gamma, c.norm->beta, c.norm->mean, c.norm->variance});
  }

  int64_t units(int64_t n) const override { return n * output_rows(); }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    if (pools_in_registers(tile.lanes)) return forward_pooled(tile, begin, end);
    for (int64_t unit = begin; unit < end;) {
      const int64_t sample = unit / output_rows(), row = unit % output_rows();
      const int64_t last = std::min(output_rows(), row + std::min(end - unit, rows_together(tile.lanes)));
      forward_rows(tile, sample, row, last);
      unit += last - row;
    }
  }

  void backward(const Tile& tile, float* const* dx) const override {
    float* dy = tile.gradient[outputs[0]];
    const int64_t sample_floats = output_rows() * output_row_floats(tile.lanes);
    backward_to_sum(tile, dy, tile.n * output_rows() * output_columns(), out_channels_);
    // If only the gradient of the kernel is wanted, which takes dy row by row, one band at a time is enough.
    const bool by_bands = pooled() && dx[0] == nullptr && !c_.transposed;
    for (int64_t sample = 0; sample < tile.n; ++sample, dy += sample_floats) {
      const float* x = tile.value[inputs[0]] + sample * forward_.input_size() * tile.lanes;
      if (by_bands) {
        if (tile.accumulate[kKernel] == nullptr) continue;
        if (has_whole_windows(tile.lanes) && c_.height.kernel == 3 && c_.width.kernel == 3) {
          kernel_gradient_of_windows(tile, x, dy);
          continue;
        }
        for (int64_t row = 0; row < output_rows(); ++row) {
          const Band band = band_of(row);
          unpool(tile, sample, row, dy, tile.scratch);
          kernel_gradient(tile, x, tile.scratch, band.first, band.last);
        }
        continue;
      }
      const float* sums = dy;
      if (pooled()) sums = unpool_all(tile, sample, dy);
      if (tile.accumulate[kKernel] != nullptr) {
        if (c_.transposed)
          kernel_gradient(tile, sums, x, 0, backward_.rows());
        else
          kernel_gradient(tile, x, sums, 0, forward_.rows());
      }
      if (dx[0] != nullptr)
        gather_rows(tile, backward_, tile.packed_backward, sums, dx[0] + sample * forward_.input_size() * tile.lanes, 0,
                    backward_.rows(), false);
    }
  }
  bool backward_reads_forward() const override { return pooled() || LinearOp::backward_reads_forward(); }

  int64_t scratch_size(const Kernels&, int lanes, int64_t) const override {
    if (!pooled()) return 0;
    const int64_t unpooled = forward_.rows() * forward_.columns() * out_channels_ * lanes;
    return has_whole_windows(lanes) ? std::max(unpooled, padded_rows() * padded_row() * lanes) : unpooled;
  }

  int64_t packed_size(const Kernels& kernels, int lanes, bool backward) const override {
    return weight_floats(kernels, lanes, backward) + (c_.norm ? out_channels_ : 0);
  }

  void pack(const Kernels& kernels, int lanes, bool backward, const float* const* parameter,
            float* packed) const override {
    const float* kernel = parameter[parameters[kKernel]];
    if (!c_.norm) return pack_weights(kernels, lanes, backward, kernel, packed);
    const std::vector<float> scaled = fold_norm(parameter, packed + weight_floats(kernels, lanes, backward));
    pack_weights(kernels, lanes, backward, scaled.data(), packed);
  }

  int64_t weight_floats(const Kernels& kernels, int lanes, bool backward) const {
    if (depthwise_) return (backward ? backward_ : forward_).reduction() * c_.Q;
    return c_.groups * (backward ? packed_floats(kernels, lanes, backward_.reduction(), in_channels_ / c_.groups)
                                 : packed_floats(kernels, lanes, forward_.reduction(), out_channels_ / c_.groups));
  }

  void pack_weights(const Kernels& kernels, int lanes, bool backward, const float* kernel, float* packed) const {
    const ConvGeometry& walk = backward ? backward_ : forward_;
    if (depthwise_) return pack_depthwise(walk, kernel, packed);
    const int64_t reduced = (backward ? out_channels_ : in_channels_) / c_.groups;
    const int64_t outputs = (backward ? in_channels_ : out_channels_) / c_.groups;
    // Whether the sum runs over P (rows of the kernel in memory) or over Q (columns).
    const bool over_p = backward == c_.transposed;
    const int64_t r_step = over_p ? c_.Q : 1, o_step = over_p ? 1 : c_.Q;
    const int64_t width = pack_width(kernels, lanes, outputs);
    const int64_t floats = packed_floats(kernels, lanes, walk.reduction(), outputs);
    std::memset(packed, 0, static_cast<size_t>(floats * c_.groups) * sizeof(float));
    for (int64_t group = 0; group < c_.groups; ++group, packed += floats)
      walk.each_kernel_cell([&](int64_t part, int64_t ky, int64_t kx) {
        const float* cell = kernel + (ky * c_.width.kernel + kx) * c_.P * c_.Q + group * (c_.Q / c_.groups);
        float* to = packed + part * reduced * width;
        for (int64_t first = 0; first < outputs; first += width, to += walk.reduction() * width) {
          const int64_t count = std::min(width, outputs - first);
          for (int64_t r = 0; r < reduced; ++r)
            for (int64_t o = 0; o < count; ++o) to[r * width + o] += cell[r * r_step + (first + o) * o_step];
        }
      });
  }

  int64_t accumulator_size(size_t i, int64_t parameter_size) const override {
    return i == kKernel ? kernel_walk().reduction() * c_.Q : parameter_size;
  }
  void add_gradient(size_t i, const float* accumulated, int64_t size, float* gradient) const override {
    if (i != kKernel) return Op::add_gradient(i, accumulated, size, gradient);
    const int64_t cell = c_.P * c_.Q;
    kernel_walk().each_kernel_cell([&](int64_t part, int64_t ky, int64_t kx) {
      float* to = gradient + (ky * c_.width.kernel + kx) * cell;
      for (int64_t j = 0; j < cell; ++j) to[j] += accumulated[part * cell + j];
    });
  }

  int64_t multiply_adds() const override { return forward_.multiply_adds() * out_channels_; }
  int64_t channels_for_layout() const override { return std::max(in_channels_, out_channels_); }
  bool gains_from_lanes(int lanes) const override {
    if (depthwise_) return out_channels_ % lanes != 0;
    if (c_.transposed || c_.scale_h * c_.scale_w > 1 || c_.groups > 1) return true;
    return out_channels_ % kFullVectors != 0 || (pools_in_registers(lanes) && forward_.reduction() <= kFullVectors);
  }
  std::string kernel(int lanes) const override {
    return pools_in_registers(lanes) ? "gather_pooled_lanes" : lanes > 1 ? "gather_lanes" : "gather_channels";
  }
  std::string detail() const override {
    const auto size = [](int64_t h, int64_t w) { return std::to_string(h) + "x" + std::to_string(w); };
    std::string text = size(c_.height.kernel, c_.width.kernel) + " " + std::to_string(in_channels_) + "->" +
                       std::to_string(out_channels_) + activation_detail();
    if (c_.scale_h * c_.scale_w > 1) text = "up_sampling2d " + size(c_.scale_h, c_.scale_w) + " + " + text;
    if (c_.norm) text += " + batch_normalization";
    if (pooled()) text += " + max_pool2d " + size(c_.pool_h, c_.pool_w);
    return text;
  }

 private:
  // Rows [first, last) of the convolution that one row of pooling windows covers; `above`: how many of the windows'
  // rows are in the padding above.
  struct Band {
    int64_t first, last, above;
  };

  bool pooled() const { return c_.pooled_h > 0; }
  // The number of output rows made at a time: several, so that the columns at the borders fill a tile of pixels. With
  // samples in the lanes, tiles are filled by output channels, and one row is large enough.
  static int64_t rows_together(int lanes) { return lanes > 1 ? 1 : 14; }

  // Output rows [first, last) of one sample.
  void forward_rows(const Tile& tile, int64_t sample, int64_t first, int64_t last) const {
    const int64_t row_floats = output_row_floats(tile.lanes), from = sample * output_rows() + first;
    const float* x = tile.value[inputs[0]] + sample * forward_.input_size() * tile.lanes;
    float* y = tile.value[outputs[0]] + from * row_floats;
    if (!pooled()) {
      float* to = sums(tile) + from * row_floats;
      gather_rows(tile, forward_, tile.packed, x, to, first, last, true);
      activate(tile, to, y, (last - first) * output_columns(), out_channels_);
      return;
    }
    const int64_t top = band_of(first).first, bottom = band_of(last - 1).last;
    gather_rows(tile, forward_, tile.packed, x, tile.scratch, top, bottom, true);
    activate(tile, tile.scratch, tile.scratch, (bottom - top) * forward_.columns(), out_channels_);
    int32_t* winner = reinterpret_cast<int32_t*>(tile.value[outputs[1]]);
    for (int64_t row = first; row < last; ++row, y += row_floats) {
      const Band band = band_of(row);
      tile.kernels->max_pool2d_forward(
          band_args(band, tile.lanes),
          tile.scratch + (band.first - top) * forward_.columns() * out_channels_ * tile.lanes, y,
          winner == nullptr ? nullptr : winner + (sample * output_rows() + row) * row_floats);
    }
  }

  // ---- pooling in windows of 2 x 2 that are whole, samples in the lanes ----
  //
  // The input is copied into scratch with its padding, since then all pixels have the same taps.

  bool has_whole_windows(int lanes) const {
    const auto whole = [](const ConvAxis& axis, int64_t window, int64_t before, int64_t pooled) {
      return axis.dilation == 1 && window == 2 && before == 0 && 2 * pooled <= axis.out;
    };
    return lanes > 1 && pooled() && !c_.transposed && c_.groups == 1 && out_channels_ % 4 == 0 &&
           c_.scale_h * c_.scale_w == 1 && whole(c_.height, c_.pool_h, c_.pool_top, c_.pooled_h) &&
           whole(c_.width, c_.pool_w, c_.pool_left, c_.pooled_w);
  }
  bool pools_in_registers(int lanes) const {
    return has_whole_windows(lanes) && (linear() || fused_relu()) && forward_.reduction() <= kFewTaps;
  }
  // The input cells that the taps of `out` neighbouring pixels cover, padding included.
  static int64_t covered(const ConvAxis& axis, int64_t out) { return (out - 1) * axis.stride + axis.kernel; }
  int64_t padded_rows() const { return covered(c_.height, 2 * c_.pooled_h); }
  int64_t padded_row() const { return covered(c_.width, 2 * c_.pooled_w) * in_channels_; }

  // Copies what rows [first, last) of windows read into `to`, with zeros in the padding.
  void pad(const float* x, int64_t first, int64_t last, int lanes, float* to) const {
    const int64_t row_floats = padded_row() * lanes, from_row = c_.width.in * in_channels_ * lanes;
    const int64_t left = c_.width.before * in_channels_ * lanes;
    const int64_t copied = std::min(from_row, row_floats - left);
    const int64_t top = 2 * first * c_.height.stride - c_.height.before;
    for (int64_t row = top; row < top + covered(c_.height, 2 * (last - first)); ++row, to += row_floats) {
      const bool inside = row >= 0 && row < c_.height.in;
      std::fill_n(to, inside ? left : row_floats, 0.0f);
      if (!inside) continue;
      std::memcpy(to + left, x + row * from_row, static_cast<size_t>(copied) * sizeof(float));
      std::fill_n(to + left + copied, row_floats - left - copied, 0.0f);
    }
  }

  void forward_pooled(const Tile& tile, int64_t begin, int64_t end) const {
    const int L = tile.lanes;
    const int64_t row_floats = output_row_floats(L);
    int32_t* winner = reinterpret_cast<int32_t*>(tile.value[outputs[1]]);
    pad(tile.value[inputs[0]], begin, end, L, tile.scratch);
    for (int64_t row = begin; row < end; ++row)
      tile.kernels->gather_pooled_lanes({.x = tile.scratch + 2 * (row - begin) * c_.height.stride * padded_row() * L,
                                         .weights = tile.packed,
                                         .bias = offsets(tile, tile.packed),
                                         .y = tile.value[outputs[0]] + row * row_floats,
                                         .winner = winner == nullptr ? nullptr : winner + row * row_floats,
                                         .windows = c_.pooled_w,
                                         .columns = forward_.columns(),
                                         .tap_rows = c_.height.kernel,
                                         .length = c_.width.kernel * in_channels_,
                                         .tap_row_step = padded_row(),
                                         .row_step = c_.height.stride * padded_row(),
                                         .pixel_step = c_.width.stride * in_channels_,
                                         .O = out_channels_,
                                         .relu = fused_relu()});
  }
  // Adds to the gradient of the kernel.
  void kernel_gradient_of_windows(const Tile& tile, const float* x, const float* dy) const {
    pad(x, 0, c_.pooled_h, tile.lanes, tile.scratch);
    tile.kernels->correlate_pooled_lanes({.x = tile.scratch,
                                          .dy = dy,
                                          .winner = reinterpret_cast<const int32_t*>(tile.value[outputs[1]]),
                                          .dw = tile.accumulate[kKernel],
                                          .rows = c_.pooled_h,
                                          .windows = c_.pooled_w,
                                          .columns = forward_.columns(),
                                          .length = c_.width.kernel * in_channels_,
                                          .tap_row_step = padded_row(),
                                          .row_step = c_.height.stride * padded_row(),
                                          .pixel_step = c_.width.stride * in_channels_,
                                          .O = out_channels_});
  }
  // What is added to the sums of each output channel.
  const float* offsets(const Tile& tile, const float* packed) const {
    return c_.norm ? packed + weight_floats(*tile.kernels, tile.lanes, false) : bias(tile);
  }

  int64_t output_rows() const { return pooled() ? c_.pooled_h : forward_.rows(); }
  int64_t output_columns() const { return pooled() ? c_.pooled_w : forward_.columns(); }
  int64_t output_row_floats(int lanes) const { return output_columns() * out_channels_ * lanes; }
  const ConvGeometry& kernel_walk() const { return c_.transposed ? backward_ : forward_; }

  Band band_of(int64_t row) const {
    const int64_t start = row * c_.pool_h - c_.pool_top;
    return {std::max<int64_t>(start, 0), std::min(start + c_.pool_h, forward_.rows()), std::max<int64_t>(-start, 0)};
  }
  Pool2dArgs band_args(const Band& band, int lanes) const {
    return {.H = band.last - band.first,
            .W = forward_.columns(),
            .OH = 1,
            .OW = c_.pooled_w,
            .inner = out_channels_ * lanes,
            .KH = c_.pool_h,
            .KW = c_.pool_w,
            .SH = c_.pool_h,
            .SW = c_.pool_w,
            .pad_top = band.above,
            .pad_left = c_.pool_left};
  }

  // The gradient before the pooling, for one band.
  void unpool(const Tile& tile, int64_t sample, int64_t row, const float* dy, float* sums) const {
    const int64_t floats = output_row_floats(tile.lanes);
    const int32_t* winner = reinterpret_cast<const int32_t*>(tile.value[outputs[1]]);
    tile.kernels->max_pool2d_backward(band_args(band_of(row), tile.lanes),
                                      winner + (sample * output_rows() + row) * floats, dy + row * floats, sums);
  }
  const float* unpool_all(const Tile& tile, int64_t sample, const float* dy) const {
    const int64_t row_floats = forward_.columns() * out_channels_ * tile.lanes;
    int64_t done = 0;
    for (int64_t row = 0; row < output_rows(); ++row) {
      unpool(tile, sample, row, dy, tile.scratch + band_of(row).first * row_floats);
      done = band_of(row).last;
    }
    // Rows that no window covers.
    std::memset(tile.scratch + done * row_floats, 0,
                static_cast<size_t>((forward_.rows() - done) * row_floats) * sizeof(float));
    return tile.scratch;
  }

  // Adds the part of rows [first, last) of the kernel's walk to dw; `small` begins at row `first`.
  void kernel_gradient(const Tile& tile, const float* big, const float* small, int64_t first, int64_t last) const {
    const ConvGeometry& walk = kernel_walk();
    const int64_t group_q = c_.Q / c_.groups;
    const int L = tile.lanes;
    walk.walk(first, last, [&](const PixelBlock& block) {
      const PixelGrid grid = PixelGrid(block, c_.P * c_.groups, walk.columns() * c_.Q, c_.Q).long_side_inside();
      const int64_t together = depthwise_ ? 1 : std::max<int64_t>(1, kCorrelatedPixels / grid.inner.count);
      for (int64_t group = 0; group < calls(); ++group)
        for (int64_t line = 0; line < grid.outer.count; line += together) {
          const CorrelateArgs args{
              .a = big + (block.base + line * grid.outer.from + group * c_.P) * L,
              .b = small + (((block.rows.first - first) * walk.columns() + block.columns.first) * c_.Q +
                            line * grid.outer.to + group * group_q) *
                               L,
              .dw = tile.accumulate[kKernel] + group * group_q * L,
              .segments = block.segments,
              .segment_count = block.segment_count,
              .lines = std::min(together, grid.outer.count - line),
              .pixels = grid.inner.count,
              .a_line = grid.outer.from,
              .b_line = grid.outer.to,
              .a_step = grid.inner.from,
              .b_step = grid.inner.to,
              .dw_step = c_.Q,
              .O = depthwise_ ? c_.Q : group_q};
          if (depthwise_)
            tile.kernels->correlate_depthwise(args, L);
          else
            correlate(tile, args);
        }
    });
  }

  // Rows [first, last) of one sample; `y` begins at row `first`. Forward adds the bias and applies relu.
  void gather_rows(const Tile& tile, const ConvGeometry& walk, const float* packed, const float* x, float* y,
                   int64_t first, int64_t last, bool forward) const {
    const int L = tile.lanes;
    const int64_t from_channels = forward ? in_channels_ : out_channels_;
    const int64_t to_channels = forward ? out_channels_ : in_channels_;
    const int64_t group_in = from_channels / c_.groups, group_out = to_channels / c_.groups;
    const int64_t group_weights = depthwise_ ? 0 : packed_floats(*tile.kernels, L, walk.reduction(), group_out);
    const float* added = forward ? offsets(tile, packed) : nullptr;
    walk.walk(first, last, [&](const PixelBlock& block) {
      PixelGrid grid(block, from_channels, walk.columns() * to_channels, to_channels);
      // A border is one column wide: along the column there are enough pixels for a tile.
      if (block.columns.count == 1) grid = grid.long_side_inside();
      for (int64_t line = 0; line < grid.outer.count; ++line)
        for (int64_t group = 0; group < calls(); ++group) {
          const GatherArgs args{
              .x = x + (block.base + line * grid.outer.from + group * group_in) * L,
              .weights = packed + group * group_weights,
              .bias = added == nullptr ? nullptr : added + group * group_out,
              .y = y + (((block.rows.first - first) * walk.columns() + block.columns.first) * to_channels +
                        line * grid.outer.to + group * group_out) *
                           L,
              .segments = block.segments,
              .segment_count = block.segment_count,
              .pixels = grid.inner.count,
              .x_step = grid.inner.from,
              .y_step = grid.inner.to,
              .K = walk.reduction(),
              .O = depthwise_ ? to_channels : group_out,
              .relu = forward && fused_relu()};
          if (depthwise_)
            tile.kernels->gather_depthwise(args, L);
          else
            gather(tile, args);
        }
    });
  }

  // Returns the kernel times the scale of each output channel, and writes the offsets of the channels, bias included.
  std::vector<float> fold_norm(const float* const* parameter, float* offsets) const {
    const auto values = [&](int slot) { return slot < 0 ? nullptr : parameter[slot]; };
    const float *gamma = values(c_.norm->gamma), *beta = values(c_.norm->beta), *bias = values(parameters[kBias]);
    std::vector<float> scale(static_cast<size_t>(out_channels_));
    for (int64_t o = 0; o < out_channels_; ++o) {
      const float spread = std::sqrt(parameter[c_.norm->variance][o] + c_.norm->epsilon);
      scale[o] = (gamma == nullptr ? 1.0f : gamma[o]) / spread;
      offsets[o] = ((bias == nullptr ? 0.0f : bias[o]) - parameter[c_.norm->mean][o]) * scale[o] +
                   (beta == nullptr ? 0.0f : beta[o]);
    }
    const float* kernel = parameter[parameters[kKernel]];
    std::vector<float> scaled(static_cast<size_t>(c_.height.kernel * c_.width.kernel * c_.P * c_.Q));
    for (int64_t i = 0; i < static_cast<int64_t>(scaled.size()); ++i)
      scaled[i] = kernel[i] * scale[c_.transposed ? i / c_.Q % c_.P : i % c_.Q];
    return scaled;
  }

  // How many times the kernels walk a run: once per group, or once in all if every channel is a group.
  int64_t calls() const { return depthwise_ ? 1 : c_.groups; }

  void pack_depthwise(const ConvGeometry& walk, const float* kernel, float* packed) const {
    std::memset(packed, 0, static_cast<size_t>(walk.reduction() * c_.Q) * sizeof(float));
    walk.each_kernel_cell([&](int64_t part, int64_t ky, int64_t kx) {
      const float* cell = kernel + (ky * c_.width.kernel + kx) * c_.Q;
      for (int64_t c = 0; c < c_.Q; ++c) packed[part * c_.Q + c] += cell[c];
    });
  }

  const Convolution c_;
  const int64_t in_channels_, out_channels_;
  const bool depthwise_;  // every channel is a group of its own
  const ConvGeometry forward_, backward_;
};

}  // namespace

std::unique_ptr<Op> make_convolution(int x, std::vector<int> outputs, int kernel, int bias,
                                     const Convolution& convolution, ActivationSpec activation) {
  return std::make_unique<ConvolutionOp>(x, std::move(outputs), kernel, bias, convolution, activation);
}

}  // namespace day33
