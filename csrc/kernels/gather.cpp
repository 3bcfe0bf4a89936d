// Sums of the convolution family over runs and segments (args.h): a tile of a few pixels by a few outputs stays in
// registers during the reduction over all segments.
//
// Every sum adds its products in the order of k, whichever tile it belongs to, so that results do not depend on how
// rows are split. The gradients of weights are in correlate.cpp.
#include "kernels/kernels.h"
#include "kernels/prefetch.h"
#include "simd/body.h"

namespace day33::DAY33_ISA {
namespace {

// The number of vector registers determines the tile sizes: 32 with AVX-512 and NEON, 16 otherwise. A tile of one
// vector has fewer pixels than the registers could hold, since each pixel needs an address: only as many as keep the
// arithmetic units busy.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kPixelsWide = 6;        // lanes layout: pixels x 4 outputs
constexpr int kPixelsChannels = 14;   // channels layout: pixels x 2 vectors
constexpr int kPixelsOneVector = 14;  // channels layout: pixels x 1 vector
#else
constexpr int kPixelsWide = 3;
constexpr int kPixelsChannels = 6;
constexpr int kPixelsOneVector = 10;
#endif
constexpr int kPixelsTwo = 2 * kPixelsWide;  // lanes layout: pixels x 2 outputs
constexpr int kPixelsOne = 8;                // lanes layout: pixels x 1 output
constexpr int kPixelsDot = 4;                // channels layout, one output: pixels, k in the lanes
constexpr int kShort = min_of(kLanes, 8);    // lanes of a vector for few outputs

// ---- gather, samples in the lanes ----

// P pixels x B blocks of W outputs. More than one block keeps the arithmetic units busy if there are few pixels.
template <int P, int W, int B>
__attribute__((noinline)) void lanes_tile(const GatherArgs& g, const float* x, const float* w, const float* bias,
                                          float* y, int outputs) {
  constexpr int O = W * B;
  Vec sum[P][O];
#pragma GCC unroll 16
  for (int o = 0; o < O; ++o) {
    const Vec start = broadcast(bias != nullptr && o < outputs ? bias[o] : 0.0f);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) sum[p][o] = start;
  }
  const int64_t step = g.x_step * kLanes;
  for (int64_t s = 0; s < g.segment_count; ++s) {
    const float* xs = x + g.segments[s].x * kLanes;
    const float* ws = w + g.segments[s].weight * W;
    for (int64_t k = 0; k < g.segments[s].length; ++k, xs += kLanes, ws += W) {
      Vec in[P];
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) in[p] = load(xs + p * step);
#pragma GCC unroll 16
      for (int o = 0; o < O; ++o) {
        const Vec weight = broadcast(ws[o / W * g.K * W + o % W]);
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) sum[p][o] += in[p] * weight;
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
    for (int o = 0; o < O; ++o)
      if (o < outputs) store(y + (p * g.y_step + o) * kLanes, g.relu ? at_least(sum[p][o], 0.0f) : sum[p][o]);
}

// The last R (< P) pixels of a run are computed for as many blocks of outputs at once as the registers hold, so that
// there are always enough independent sums to keep the arithmetic units busy.
template <int R, int P, int W>
void lanes_rest(const GatherArgs& g, int64_t first) {
  if constexpr (R < P) {
    if (g.pixels - first != R) return lanes_rest<R + 1, P, W>(g, first);
    constexpr int B = P / R;
    const float* x = g.x + first * g.x_step * kLanes;
    float* y = g.y + first * g.y_step * kLanes;
    int64_t o = 0;
    for (; B > 1 && g.O - o > W * (B - 1); o += W * B)
      lanes_tile<R, W, B>(g, x, g.weights + o * g.K, g.bias == nullptr ? nullptr : g.bias + o, y + o * kLanes,
                          static_cast<int>(min_of<int64_t>(g.O - o, W * B)));
    for (; o < g.O; o += W)
      lanes_tile<R, W, 1>(g, x, g.weights + o * g.K, g.bias == nullptr ? nullptr : g.bias + o, y + o * kLanes,
                          static_cast<int>(min_of<int64_t>(g.O - o, W)));
  }
}

template <int P, int W>
void lanes_run(const GatherArgs& g) {
  const int64_t whole = g.pixels - g.pixels % P;
  for (int64_t o = 0; o < g.O; o += W)
    for (int64_t p = 0; p < whole; p += P)
      lanes_tile<P, W, 1>(g, g.x + p * g.x_step * kLanes, g.weights + o * g.K, g.bias == nullptr ? nullptr : g.bias + o,
                          g.y + (p * g.y_step + o) * kLanes, static_cast<int>(min_of<int64_t>(g.O - o, W)));
  if (whole < g.pixels) lanes_rest<1, P, W>(g, whole);
}

// ---- gather, output channels in the lanes ----

// P pixels x B blocks of V vectors of L outputs; `left` more pixels of the run come after them.
template <int L, int P, int V, int B>
__attribute__((noinline)) void channels_tile(const GatherArgs& g, const float* x, const float* w, const float* bias,
                                             float* y, int64_t left) {
  using Lanes = Wide<L>;
  using Vector = typename Lanes::Float;
  constexpr Lanes lanes{};
  constexpr int N = V * B;
  constexpr int64_t width = V * L;
  // Prefetch the outputs' cache lines during the sums: stores complete in order, and each would wait for its own line.
  for (int p = 0; p < P; ++p)
    for (int v = 0; v < N * L; v += kCacheLineFloats) __builtin_prefetch(y + p * g.y_step + v);
  Vector sum[P][N];
#pragma GCC unroll 16
  for (int v = 0; v < N; ++v) {
    const Vector start = bias == nullptr ? lanes.fill(0.0f) : lanes.load(bias + v * L);
#pragma GCC unroll 32
    for (int p = 0; p < P; ++p) sum[p][v] = start;
  }
  for (int64_t s = 0; s < g.segment_count; ++s) {
    const float* xs = x + g.segments[s].x;
    const float* ws = w + g.segments[s].weight * width;
    // With one block of outputs, no other tile reads these inputs, so prefetch those of the next tile.
    if (B == 1 && g.O <= width) {
      const Ahead ahead = inputs_ahead(P, left, g.x_step, g.segments[s].length);
      for (int64_t p = P; p < P + ahead.pieces; ++p)
        for (int64_t i = 0; i < ahead.floats; i += kCacheLineFloats) __builtin_prefetch(xs + p * g.x_step + i);
    }
    for (int64_t k = 0; k < g.segments[s].length; ++k, ++xs, ws += width) {
      Vector weight[N];
#pragma GCC unroll 16
      for (int v = 0; v < N; ++v) weight[v] = lanes.load(ws + v / V * g.K * width + v % V * L);
#pragma GCC unroll 32
      for (int p = 0; p < P; ++p) {
        const Vector in = lanes.fill(xs[p * g.x_step]);
#pragma GCC unroll 16
        for (int v = 0; v < N; ++v) sum[p][v] += in * weight[v];
      }
    }
  }
  const bool positive = g.relu;
#pragma GCC unroll 32
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
    for (int v = 0; v < N; ++v) {
      const Vector value = sum[p][v];
      lanes.store(y + p * g.y_step + v * L, positive ? lanes.choose(value < 0.0f, Vector{}, value) : value);
    }
}

// P pixels from `p` on, for the block of outputs from `o` on. A last block with fewer outputs goes through a buffer.
template <int L, int P, int V>
void channels_block(const GatherArgs& g, int64_t p, int64_t o) {
  constexpr int64_t width = V * L;
  const float* x = g.x + p * g.x_step;
  float* y = g.y + p * g.y_step + o;
  const float* w = g.weights + o * g.K;
  const float* bias = g.bias == nullptr ? nullptr : g.bias + o;
  const int64_t left = g.pixels - p - P;
  if (g.O - o >= width) return channels_tile<L, P, V, 1>(g, x, w, bias, y, left);
  float padded[width] = {}, sums[P * width];
  if (bias != nullptr) copy_floats(padded, bias, g.O - o);
  GatherArgs whole = g;
  whole.y_step = width;
  channels_tile<L, P, V, 1>(whole, x, w, padded, sums, left);
  for (int64_t i = 0; i < P; ++i) copy_floats(y + i * g.y_step, sums + i * width, g.O - o);
}

// A run of R (< P) pixels is computed for as many blocks of outputs at once as the registers hold, as in lanes_rest.
template <int L, int R, int P, int V>
void channels_rest(const GatherArgs& g) {
  if constexpr (R < P) {
    if (g.pixels != R) return channels_rest<L, R + 1, P, V>(g);
    constexpr int B = min_of(P / R, 4);
    constexpr int64_t width = V * L;
    int64_t o = 0;
    for (; B > 1 && g.O - o >= width * B; o += width * B)
      channels_tile<L, R, V, B>(g, g.x, g.weights + o * g.K, g.bias == nullptr ? nullptr : g.bias + o, g.y + o, 0);
    for (; o < g.O; o += width) channels_block<L, R, V>(g, 0, o);
  }
}

using ChannelsBlock = void (*)(const GatherArgs&, int64_t, int64_t);

template <int L, int R, int P, int V>
ChannelsBlock block_of(int64_t pixels) {
  if constexpr (R < P)
    if (pixels != R) return block_of<L, R + 1, P, V>(pixels);
  return channels_block<L, R, V>;
}

// Tiles of nearly equal size: a small tile at the end would leave the arithmetic units idle.
template <int L, int P, int V>
void channels_run(const GatherArgs& g) {
  if (g.pixels < P) return channels_rest<L, 1, P, V>(g);
  const int64_t tiles = (g.pixels + P - 1) / P, size = g.pixels / tiles, larger = g.pixels % tiles;
  const ChannelsBlock block = block_of<L, P / 2, P, V>(size), larger_block = block_of<L, P / 2, P, V>(size + 1);
  for (int64_t o = 0; o < g.O; o += V * L) {
    int64_t p = 0;
    for (int64_t tile = 0; tile < larger; ++tile, p += size + 1) larger_block(g, p, o);
    for (; p < g.pixels; p += size) block(g, p, o);
  }
}

// One output: whole vectors of k in the lanes, the rest of a segment one k at a time. A sum is bias + lanes + rest.
template <int P>
__attribute__((noinline)) void dot_tile(const GatherArgs& g, const float* x, float* y) {
  Vec sum[P] = {};
  float rest[P] = {};
  for (int64_t s = 0; s < g.segment_count; ++s) {
    const Segment& segment = g.segments[s];
    const float* xs = x + segment.x;
    const float* ws = g.weights + segment.weight;
    int64_t k = 0;
    for (; k + kLanes <= segment.length; k += kLanes) {
      const Vec weight = load(ws + k);
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) sum[p] += load(xs + p * g.x_step + k) * weight;
    }
    for (; k < segment.length; ++k)
      for (int p = 0; p < P; ++p) rest[p] += xs[p * g.x_step + k] * ws[k];
  }
  for (int p = 0; p < P; ++p) {
    const float value = (g.bias != nullptr ? g.bias[0] : 0.0f) + sum_lanes(sum[p]) + rest[p];
    y[p * g.y_step] = g.relu && value < 0.0f ? 0.0f : value;
  }
}

template <int P>
void dot_run(const GatherArgs& g, int64_t first) {
  int64_t p = first;
  for (; p + P <= g.pixels; p += P) dot_tile<P>(g, g.x + p * g.x_step, g.y + p * g.y_step);
  if constexpr (P > 1) {
    if (p < g.pixels) dot_run<(P + 1) / 2>(g, p);
  }
}

}  // namespace

int64_t gather_lanes_width(int64_t O) { return O == 1 ? 1 : O == 2 ? 2 : 4; }

void gather_lanes(const GatherArgs& g) {
  if (g.O == 1)
    lanes_run<kPixelsOne, 1>(g);
  else if (g.O == 2)
    lanes_run<kPixelsTwo, 2>(g);
  else
    lanes_run<kPixelsWide, 4>(g);
}

int64_t gather_channels_width(int64_t O) {
  return O == 1 ? 1 : O <= kShort ? kShort : O <= kLanes ? kLanes : 2 * kLanes;
}

void gather_channels(const GatherArgs& g) {
  if (g.O == 1)
    dot_run<kPixelsDot>(g, 0);
  else if (g.O <= kShort)
    channels_run<kShort, kPixelsOneVector, 1>(g);
  else if (g.O <= kLanes)
    channels_run<kLanes, kPixelsOneVector, 1>(g);
  else
    channels_run<kLanes, kPixelsChannels, 2>(g);
}

void dot_rows(const float* x, const float* w, const float* bias, float* y, int64_t rows, int64_t K) {
  constexpr int kChains = 4;  // independent sums hide the latency of an FMA
  for (int64_t r = 0; r < rows; ++r, x += K) {
    Vec sum[kChains] = {};
    int64_t k = 0;
    for (; k + kChains * kLanes <= K; k += kChains * kLanes)
      for (int c = 0; c < kChains; ++c) sum[c] += load(x + k + c * kLanes) * load(w + k + c * kLanes);
    for (; k + kLanes <= K; k += kLanes) sum[0] += load(x + k) * load(w + k);
    if (k < K) {
      const int left = static_cast<int>(K - k);
      sum[1] += load_first(x + k, left) * load_first(w + k, left);
    }
    y[r] = sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3])) + (bias != nullptr ? bias[0] : 0.0f);
  }
}

}  // namespace day33::DAY33_ISA
