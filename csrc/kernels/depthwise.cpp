// Depthwise convolution over runs and segments (args.h). There is no sum over channels, so each vector of channels, or
// of samples of one channel, is summed over the taps on its own. Every sum adds its products in the order of the taps
// (or of the pixels), whichever tile it belongs to.
#include "kernels/kernels.h"
#include "kernels/prefetch.h"
#include "simd/vec.h"

namespace day33::DAY33_ISA {
namespace {

// One step over the channels: one channel of kLanes samples, kLanes channels of one sample, or one channel of one
// sample.
struct SampleVector {
  using Float = Vec;
  static constexpr int kFloats = kLanes, kChannels = 1;
  DAY33_INLINE Vec load(const float* p) { return DAY33_ISA::load(p); }
  DAY33_INLINE Vec weight(const float* w) { return broadcast(*w); }
  DAY33_INLINE void store(float* p, Vec v) { DAY33_ISA::store(p, v); }
};
struct ChannelVector {
  using Float = Vec;
  static constexpr int kFloats = kLanes, kChannels = kLanes;
  DAY33_INLINE Vec load(const float* p) { return DAY33_ISA::load(p); }
  DAY33_INLINE Vec weight(const float* w) { return DAY33_ISA::load(w); }
  DAY33_INLINE void store(float* p, Vec v) { DAY33_ISA::store(p, v); }
};
struct Single {
  using Float = float;
  static constexpr int kFloats = 1;
  DAY33_INLINE float load(const float* p) { return *p; }
  DAY33_INLINE float weight(const float* w) { return *w; }
  DAY33_INLINE void store(float* p, float v) { *p = v; }
};

// NaN is kept, since a comparison with NaN is false.
DAY33_INLINE Vec relu(Vec v) { return at_least(v, 0.0f); }
DAY33_INLINE float relu(float v) { return v < 0.0f ? 0.0f : v; }

// P pixels of one step over the channels. Three consecutive taps whose inputs are x_step apart, as the inputs of
// neighbouring outputs are, are taken together, so that each input is loaded once for all three.
template <typename Step, int P>
DAY33_INLINE void gather_tile(const GatherArgs& g, int64_t element, int64_t first, int64_t c) {
  using Float = typename Step::Float;
  const float* x = g.x + (first * g.x_step + c) * element;
  const float* w = g.weights + c;
  float* y = g.y + (first * g.y_step + c) * element;
  const int64_t x_step = g.x_step * element, y_step = g.y_step * element;
  Float sum[P];
  for (int p = 0; p < P; ++p) sum[p] = g.bias != nullptr ? Step::weight(g.bias + c) : Float{};
  for (int64_t k = 0; k < g.segment_count;) {
    const Segment* at = g.segments + k;
    const float* xs = x + at->x * element;
    const float* ws = w + at->weight * g.O;
    const Float weight = Step::weight(ws);
    if (P > 1 && k + 2 < g.segment_count && at[1].x == at[0].x + g.x_step && at[2].x == at[1].x + g.x_step) {
      const Float second = Step::weight(w + at[1].weight * g.O), third = Step::weight(w + at[2].weight * g.O);
#pragma GCC unroll 16
      for (int p = 0; p < P + 2; ++p) {
        const Float v = Step::load(xs + p * x_step);
        if (p < P) sum[p] += v * weight;
        if (p >= 1 && p < P + 1) sum[p - 1] += v * second;
        if (p >= 2) sum[p - 2] += v * third;
      }
      k += 3;
    } else {
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sum[p] += Step::load(xs + p * x_step) * weight;
      ++k;
    }
  }
  const bool positive = g.relu;  // read once: the compiler must assume that the stores change it
  for (int p = 0; p < P; ++p) Step::store(y + p * y_step, positive ? relu(sum[p]) : sum[p]);
}

// P pixels from `first` on, all channels, so that reads and writes are contiguous.
template <typename Step, int P>
__attribute__((noinline)) void gather_pixels(const GatherArgs& g, int64_t element, int64_t first) {
  if (P > 1 && element == 1 && g.y_step == g.O && g.segment_count > 0) {
    // Along a row, the last tap of the tile three ahead reads inputs that no earlier row has brought into the cache.
    constexpr int64_t kTilesAhead = 3;
    const int64_t next = first + kTilesAhead * P;
    const float* x = g.x + g.segments[g.segment_count - 1].x;
    const Ahead ahead = inputs_ahead(P, g.pixels - next, g.x_step, g.O);
    for (int64_t p = next; p < next + ahead.pieces; ++p)
      for (int64_t i = 0; i < ahead.floats; i += kCacheLineFloats) __builtin_prefetch(x + p * g.x_step + i);
  }
  int64_t c = 0;
  for (; c + Step::kChannels <= g.O; c += Step::kChannels) gather_tile<Step, P>(g, element, first, c);
  if (Step::kChannels > 1)
    for (; c < g.O; ++c) gather_tile<Single, P>(g, element, first, c);
}

// Computes a run in equal tiles of P pixels or, if `each` is less than P, of the largest size in Fewer that is at most
// `each`. The last tile is shifted back over pixels that are already done, which get the same values again.
template <typename Step, int P, int... Fewer>
DAY33_INLINE void gather_tiles(const GatherArgs& g, int64_t element, int64_t each) {
  if constexpr (sizeof...(Fewer) > 0)
    if (each < P) return gather_tiles<Step, Fewer...>(g, element, each);
  for (int64_t p = 0; p < g.pixels; p += P) gather_pixels<Step, P>(g, element, min_of(p, g.pixels - P));
}

template <typename Step>
void gather_run(const GatherArgs& g, int64_t element) {
  const int64_t tiles = (g.pixels + 7) / 8, each = (g.pixels + tiles - 1) / tiles;
  gather_tiles<Step, 8, 7, 6, 4, 1>(g, element, each);
}

// A tile of T taps by S steps over the channels.
template <typename Step, int T, int S>
__attribute__((noinline)) void correlate_tile(const CorrelateArgs& g, int64_t element, int64_t tap, int64_t c) {
  using Float = typename Step::Float;
  const float* b = g.b + c * element;
  const float* a[T];
  for (int t = 0; t < T; ++t) a[t] = g.a + (g.segments[tap + t].x + c) * element;
  const int64_t a_step = g.a_step * element, b_step = g.b_step * element;
  Float sum[T][S] = {};
  for (int64_t p = 0; p < g.pixels; ++p, b += b_step) {
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s) {
      const Float other = Step::load(b + s * Step::kFloats);
#pragma GCC unroll 4
      for (int t = 0; t < T; ++t) sum[t][s] += Step::load(a[t] + p * a_step + s * Step::kFloats) * other;
    }
  }
  for (int t = 0; t < T; ++t)
    for (int s = 0; s < S; ++s) {
      float* to = g.dw + (g.segments[tap + t].weight * g.dw_step + c) * element + s * Step::kFloats;
      Step::store(to, Step::load(to) + sum[t][s]);
    }
}

template <typename Step, int S>
void correlate_strip(const CorrelateArgs& g, int64_t element, int64_t c) {
  constexpr int kTaps = 4;
  int64_t tap = 0;
  for (; tap + kTaps <= g.segment_count; tap += kTaps) correlate_tile<Step, kTaps, S>(g, element, tap, c);
  for (; tap < g.segment_count; ++tap) correlate_tile<Step, 1, S>(g, element, tap, c);
}

}  // namespace

void gather_depthwise(const GatherArgs& g, int lanes) {
  if (lanes != 1)
    gather_run<SampleVector>(g, kLanes);
  else
    gather_run<ChannelVector>(g, 1);
}

void correlate_depthwise(const CorrelateArgs& g, int lanes) {
  int64_t c = 0;
  if (lanes != 1) {
    for (; c + 2 <= g.O; c += 2) correlate_strip<SampleVector, 2>(g, kLanes, c);
    for (; c < g.O; ++c) correlate_strip<SampleVector, 1>(g, kLanes, c);
    return;
  }
  for (; c + 2 * kLanes <= g.O; c += 2 * kLanes) correlate_strip<ChannelVector, 2>(g, 1, c);
  for (; c + kLanes <= g.O; c += kLanes) correlate_strip<ChannelVector, 1>(g, 1, c);
  for (; c < g.O; ++c) correlate_strip<Single, 1>(g, 1, c);
}

}  // namespace day33::DAY33_ISA
