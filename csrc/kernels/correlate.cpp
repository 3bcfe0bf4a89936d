// Gradients of weights over runs and segments (args.h): a tile of a few k by a few outputs stays in registers during
// the loop over the pixels. Every sum adds its products in the order of the pixels, whichever tile it belongs to.
#include "kernels/kernels.h"
#include "simd/vec.h"

namespace day33::DAY33_ISA {
namespace {

// The number of vector registers determines the tile sizes: 32 with AVX-512 and NEON, 16 otherwise.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kStepsWide = 6;       // lanes layout: k x 4 outputs
constexpr int kStepsChannels = 12;  // channels layout: k x 2 vectors
#else
constexpr int kStepsWide = 3;
constexpr int kStepsChannels = 6;
#endif
constexpr int kStepsTwo = 2 * kStepsWide;                // lanes layout: k x 2 outputs
constexpr int kStepsOne = 8;                             // lanes layout: k x 1 output
constexpr int kStepsOneVector = 2 * kStepsChannels - 2;  // channels layout: k x 1 vector
constexpr int kVectorsDot = 6;                           // channels layout, one output: vectors of k

// Calls body(a, b) for each pixel of each line; an element has `element` floats.
template <typename Body>
DAY33_INLINE void each_pixel(const CorrelateArgs& c, int64_t element, const float* a, const float* b, Body body) {
  for (int64_t line = 0; line < c.lines; ++line) {
    const float *al = a + line * c.a_line * element, *bl = b + line * c.b_line * element;
    for (int64_t p = 0; p < c.pixels; ++p, al += c.a_step * element, bl += c.b_step * element) body(al, bl);
  }
}

template <int K, int O>
__attribute__((noinline)) void lanes_outer(const CorrelateArgs& c, const float* a, const float* b, float* dw) {
  Vec sum[K][O];
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 16
    for (int o = 0; o < O; ++o) sum[k][o] = load(dw + (k * c.dw_step + o) * kLanes);
  each_pixel(c, kLanes, a, b, [&](const float* a, const float* b) __attribute__((always_inline)) {
    Vec left[K];
#pragma GCC unroll 16
    for (int k = 0; k < K; ++k) left[k] = load(a + k * kLanes);
#pragma GCC unroll 16
    for (int o = 0; o < O; ++o) {
      const Vec right = load(b + o * kLanes);
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) sum[k][o] += left[k] * right;
    }
  });
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 16
    for (int o = 0; o < O; ++o) store(dw + (k * c.dw_step + o) * kLanes, sum[k][o]);
}

// One segment in tiles of K values of k, the remainder in smaller tiles.
template <int K, int O>
void lanes_segment(const CorrelateArgs& c, const Segment& s, int64_t first, int64_t o) {
  int64_t k = first;
  for (; k + K <= s.length; k += K)
    lanes_outer<K, O>(c, c.a + (s.x + k) * kLanes, c.b + o * kLanes, c.dw + ((s.weight + k) * c.dw_step + o) * kLanes);
  if constexpr (K > 1) {
    if (k < s.length) lanes_segment<(K + 1) / 2, O>(c, s, k, o);
  }
}

// A tile of K values of k by V vectors of outputs. With kTail, only `tail` floats of the last vector are used; what
// lies behind them, the beginning of the next pixel, is read as well, but not behind the last pixel.
template <int K, int V, bool kTail>
__attribute__((noinline)) void channels_outer(const CorrelateArgs& c, const float* a, const float* b, float* dw,
                                              int tail) {
  Vec sum[K][V];
#pragma GCC unroll 32
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const float* from = dw + k * c.dw_step + v * kLanes;
      sum[k][v] = kTail && v + 1 == V ? load_first(from, tail) : load(from);
    }
  const float* whole_until = b + (c.lines - 1) * c.b_line + (c.pixels - 1) * c.b_step - (kLanes - tail);
  each_pixel(c, 1, a, b, [&](const float* a, const float* b) __attribute__((always_inline)) {
    Vec right[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
      right[v] = kTail && v + 1 == V && b > whole_until ? load_first(b + v * kLanes, tail) : load(b + v * kLanes);
#pragma GCC unroll 32
    for (int k = 0; k < K; ++k) {
      const Vec left = broadcast(a[k]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[k][v] += left * right[v];
    }
  });
#pragma GCC unroll 32
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      float* to = dw + k * c.dw_step + v * kLanes;
      if (kTail && v + 1 == V)
        store_first(to, sum[k][v], tail);
      else
        store(to, sum[k][v]);
    }
}

template <int K, int V, bool kTail>
void channels_segment(const CorrelateArgs& c, const Segment& s, int64_t first, int64_t o, int tail) {
  int64_t k = first;
  for (; k + K <= s.length; k += K)
    channels_outer<K, V, kTail>(c, c.a + s.x + k, c.b + o, c.dw + (s.weight + k) * c.dw_step + o, tail);
  if constexpr (K > 1) {
    if (k < s.length) channels_segment<(K + 1) / 2, V, kTail>(c, s, k, o, tail);
  }
}

template <int K, int V>
void channels_segment(const CorrelateArgs& c, const Segment& s, int64_t first, int64_t o, int tail) {
  if (tail == kLanes)
    channels_segment<K, V, false>(c, s, first, o, tail);
  else
    channels_segment<K, V, true>(c, s, first, o, tail);
}

// One output: V vectors of k at a time.
template <int V>
__attribute__((noinline)) void single_outer(const CorrelateArgs& c, const float* a, float* dw) {
  Vec sum[V];
  for (int v = 0; v < V; ++v) sum[v] = load(dw + v * kLanes);
  each_pixel(c, 1, a, c.b, [&](const float* a, const float* b) __attribute__((always_inline)) {
    const Vec right = broadcast(*b);
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[v] += load(a + v * kLanes) * right;
  });
  for (int v = 0; v < V; ++v) store(dw + v * kLanes, sum[v]);
}

// The k of a segment from `first` on, as far as they fill whole vectors; returns the first k that is left over.
template <int V>
int64_t single_segment(const CorrelateArgs& c, const Segment& s, int64_t first) {
  int64_t k = first;
  for (; k + V * kLanes <= s.length; k += V * kLanes) single_outer<V>(c, c.a + s.x + k, c.dw + s.weight + k);
  if constexpr (V > 1) return single_segment<V / 2>(c, s, k);
  return k;
}

}  // namespace

void correlate_lanes(const CorrelateArgs& c) {
  for (int64_t s = 0; s < c.segment_count; ++s) {
    const Segment& segment = c.segments[s];
    int64_t o = 0;
    for (; o + 4 <= c.O; o += 4) lanes_segment<kStepsWide, 4>(c, segment, 0, o);
    if (c.O - o >= 2) {
      lanes_segment<kStepsTwo, 2>(c, segment, 0, o);
      o += 2;
    }
    if (c.O - o == 1) lanes_segment<kStepsOne, 1>(c, segment, 0, o);
  }
}

void correlate_channels(const CorrelateArgs& c) {
  for (int64_t s = 0; s < c.segment_count; ++s) {
    const int64_t first = c.O == 1 && c.dw_step == 1 ? single_segment<kVectorsDot>(c, c.segments[s], 0) : 0;
    for (int64_t o = 0; o < c.O; o += 2 * kLanes) {
      const int left = static_cast<int>(min_of(c.O - o, static_cast<int64_t>(2 * kLanes)));
      if (left > kLanes)
        channels_segment<kStepsChannels, 2>(c, c.segments[s], first, o, left - kLanes);
      else
        channels_segment<kStepsOneVector, 1>(c, c.segments[s], first, o, left);
    }
  }
}

void collapse_lanes(const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = sum_lanes(load(x + i * kLanes));
}

}  // namespace day33::DAY33_ISA
