// Convolution and max pooling in one (args.h), samples in the lanes: the four pixels of a window are summed side by
// side and only the largest is stored.
// Backward, the gradient of a window goes to the kernel by way of its winner, without the picture in between.
//
// Every sum adds its products in the order of k, as in gather.cpp; here the taps in the padding add zeros.
#include "kernels/kernels.h"
#include "simd/body.h"

namespace day33::DAY33_ISA {
namespace {

constexpr int kBlock = 4;  // outputs of a block of packed weights
// Outputs summed at a time, of four pixels each: with 16 registers, two.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTogether = 4;
#else
constexpr int kTogether = 2;
#endif

// The numbers of the pixels of a window: row * columns + column within its two rows.
struct WindowPixels {
  VecI of[4];
  inline __attribute__((always_inline)) WindowPixels(int64_t window, int64_t columns) {
    const int32_t corner = static_cast<int32_t>(2 * window), below = corner + static_cast<int32_t>(columns);
    of[0] = broadcast_i(corner), of[1] = broadcast_i(corner + 1);
    of[2] = broadcast_i(below), of[3] = broadcast_i(below + 1);
  }
};

// A row of windows for the outputs from `o` on.
template <bool kWinner>
__attribute__((noinline)) void row_of_windows(const PooledGatherArgs& g, int64_t o) {
  const float* weights = g.weights + o / kBlock * kBlock * g.tap_rows * g.length + o % kBlock;
  Vec start[kTogether];
  for (int i = 0; i < kTogether; ++i) start[i] = broadcast(g.bias == nullptr ? 0.0f : g.bias[o + i]);
  const int64_t right = g.pixel_step * kLanes, below = g.row_step * kLanes;
  for (int64_t window = 0; window < g.windows; ++window) {
    Vec sum[4][kTogether];
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p)
#pragma GCC unroll 4
      for (int i = 0; i < kTogether; ++i) sum[p][i] = start[i];
    const float *x = g.x + 2 * window * right, *w = weights;
    for (int64_t row = 0; row < g.tap_rows; ++row, x += g.tap_row_step * kLanes) {
      const float *upper = x, *lower = x + below;
      for (int64_t k = 0; k < g.length; ++k, upper += kLanes, lower += kLanes, w += kBlock) {
        Vec in[4] = {load(upper), load(upper + right), load(lower), load(lower + right)};
#pragma GCC unroll 4
        for (int p = 0; p < 4; ++p) keep_in_register(in[p]);
#pragma GCC unroll 4
        for (int i = 0; i < kTogether; ++i) {
          const Vec weight = broadcast(w[i]);
#pragma GCC unroll 4
          for (int p = 0; p < 4; ++p) sum[p][i] += in[p] * weight;
        }
      }
    }
    const int64_t to = (window * g.O + o) * kLanes;
    const WindowPixels number(window, g.columns);
#pragma GCC unroll 4
    for (int i = 0; i < kTogether; ++i) {
      // The first of the largest, or the last NaN: whose gradient is NaN, whichever it is.
      Vec best = sum[0][i];
      VecI winner = number.of[0];
#pragma GCC unroll 4
      for (int p = 1; p < 4; ++p) {
        const Vec v = sum[p][i];
        const VecI take = (v > best) | (v != v);
        best = select(take, v, best);
        if (kWinner) winner = select_i(take, number.of[p], winner);
      }
      store(g.y + to + i * kLanes, g.relu ? at_least(best, 0.0f) : best);
      if (kWinner) store_i(g.winner + to + i * kLanes, winner);
    }
  }
}

// Outputs whose gradients are summed at a time, of 3 x 3 taps each.
constexpr int kGradients = kTogether / 2;

// Adds to three columns of taps, from element `first` of `length` on, for the outputs from `o` on.
__attribute__((noinline)) void taps_of_windows(const PooledCorrelateArgs& g, int64_t first, int64_t o) {
  Vec sum[kGradients][3][3] = {};
  const int64_t right = g.pixel_step * kLanes, below = g.row_step * kLanes, tap_row = g.tap_row_step * kLanes;
  int64_t at = o * kLanes;
  for (int64_t row = 0; row < g.rows; ++row)
    for (int64_t window = 0; window < g.windows; ++window, at += g.O * kLanes) {
      const float* x = g.x + 2 * row * below + 2 * window * right + first * kLanes;
      const WindowPixels number(window, g.columns);
      Vec gradient[kGradients][4];
#pragma GCC unroll 2
      for (int i = 0; i < kGradients; ++i) {
        const Vec dy = load(g.dy + at + i * kLanes);
        const VecI winner = load_i(g.winner + at + i * kLanes);
#pragma GCC unroll 4
        for (int p = 0; p < 4; ++p) gradient[i][p] = keep_where(winner == number.of[p], dy);
      }
#pragma GCC unroll 4
      for (int p = 0; p < 4; ++p) {
        const float* pixel = x + p / 2 * below + p % 2 * right;
#pragma GCC unroll 3
        for (int ky = 0; ky < 3; ++ky)
#pragma GCC unroll 3
          for (int k = 0; k < 3; ++k) {
            const Vec in = load(pixel + ky * tap_row + k * kLanes);
#pragma GCC unroll 2
            for (int i = 0; i < kGradients; ++i) sum[i][ky][k] += in * gradient[i][p];
          }
      }
    }
  for (int ky = 0; ky < 3; ++ky)
    for (int k = 0; k < 3; ++k)
      for (int i = 0; i < kGradients; ++i) {
        float* to = g.dw + ((ky * g.length + first + k) * g.O + o + i) * kLanes;
        store(to, load(to) + sum[i][ky][k]);
      }
}

}  // namespace

void correlate_pooled_lanes(const PooledCorrelateArgs& g) {
  for (int64_t o = 0; o < g.O; o += kGradients)
    for (int64_t first = 0; first < g.length; first += 3) taps_of_windows(g, first, o);
}

void gather_pooled_lanes(const PooledGatherArgs& g) {
  for (int64_t o = 0; o < g.O; o += kTogether)
    g.winner != nullptr ? row_of_windows<true>(g, o) : row_of_windows<false>(g, o);
}

}  // namespace day33::DAY33_ISA
