// Depthwise convolution over runs and segments (args.h). There is no sum over channels, so each vector of channels, or
// of samples of one channel, is summed over the taps on its own. Every sum adds its products in the order of the taps
// (or of the pixels), whichever tile it belongs to.
#include "kernels/kernels.h"
#include "kernels/prefetch.h"
#include "simd/vec.h"

namespace day33::DAY33_ISA {
namespace {

// A tile: so many pixels of so many steps over the channels. With AVX2, two steps are a cache line, and are taken
// together: the lines of many channels are too many to be still in the L1 cache for the next step.
#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int kStepsTogether = 2, kTilePixels = 5;
#else
constexpr int kStepsTogether = 1, kTilePixels = 8;
#endif
constexpr int kWide = 64;  // channels from which on a row of inputs is too long for the L1 cache

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
  static constexpr int kFloats = 1, kChannels = 1;
  DAY33_INLINE float load(const float* p) { return *p; }
  DAY33_INLINE float weight(const float* w) { return *w; }
  DAY33_INLINE void store(float* p, float v) { *p = v; }
};

// NaN is kept, since a comparison with NaN is false.
DAY33_INLINE Vec relu(Vec v) { return at_least(v, 0.0f); }
DAY33_INLINE float relu(float v) { return v < 0.0f ? 0.0f : v; }

// Whether the inputs of three taps are x_step apart, as those of neighbouring outputs are, and their weights side by
// side.
DAY33_INLINE bool in_line(const GatherArgs& g, const Segment* at) {
  return at[1].x == at[0].x + g.x_step && at[2].x == at[1].x + g.x_step && at[1].weight == at[0].weight + 1 &&
         at[2].weight == at[1].weight + 1;
}

// Whether all taps come in threes that are in line.
bool all_in_line(const GatherArgs& g) {
  for (int64_t k = 0; k < g.segment_count; k += 3)
    if (k + 2 >= g.segment_count || !in_line(g, g.segments + k)) return false;
  return true;
}

// P pixels of S steps over the channels. Three taps in line are taken together, so that each input is loaded once for
// all three. With kThrees, all taps are in line, and nothing is asked.
template <typename Step, int P, bool kThrees, int S>
DAY33_INLINE void gather_tile(const GatherArgs& g, int64_t element, int64_t first, int64_t c) {
  using Float = typename Step::Float;
  const float* x = g.x + (first * g.x_step + c) * element;
  const float* w = g.weights + c;
  float* y = g.y + (first * g.y_step + c) * element;
  const int64_t x_step = g.x_step * element, y_step = g.y_step * element;
  Float sum[P][S];
  for (int s = 0; s < S; ++s)
    for (int p = 0; p < P; ++p)
      sum[p][s] = g.bias != nullptr ? Step::weight(g.bias + c + s * Step::kChannels) : Float{};
  for (int64_t k = 0; k < g.segment_count;) {
    const Segment* at = g.segments + k;
    const float* xs = x + at->x * element;
    const float* ws = w + at->weight * g.O;
    const bool threes = kThrees || (P > 1 && k + 2 < g.segment_count && in_line(g, at));
#pragma GCC unroll 2
    for (int s = 0; s < S; ++s) {
      const float* xv = xs + s * Step::kFloats;
      const float* wv = ws + s * Step::kChannels;
      const Float weight = Step::weight(wv);
      if (threes) {
        const Float second = Step::weight(wv + g.O), third = Step::weight(wv + 2 * g.O);
#pragma GCC unroll 16
        for (int p = 0; p < P + 2; ++p) {
          const Float v = Step::load(xv + p * x_step);
          if (p < P) sum[p][s] += v * weight;
          if (p >= 1 && p < P + 1) sum[p - 1][s] += v * second;
          if (p >= 2) sum[p - 2][s] += v * third;
        }
      } else {
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p) sum[p][s] += Step::load(xv + p * x_step) * weight;
      }
    }
    k += threes ? 3 : 1;
  }
  const bool positive = g.relu;  // read once: the compiler must assume that the stores change it
  for (int p = 0; p < P; ++p)
    for (int s = 0; s < S; ++s) Step::store(y + p * y_step + s * Step::kFloats, positive ? relu(sum[p][s]) : sum[p][s]);
}

// P pixels from `first` on, all channels, so that reads and writes are contiguous.
template <typename Step, int P, bool kThrees>
__attribute__((noinline)) void gather_pixels(const GatherArgs& g, int64_t element, int64_t first) {
  if (P > 1 && element == 1 && g.y_step == g.O && g.segment_count > 0) {
    // Along a row, the last tap of the tile three ahead reads inputs that no earlier row has brought into the cache. Of
    // many channels, those of earlier rows are not in L1 any more.
    constexpr int64_t kTilesAhead = 3;
    const int64_t next = first + kTilesAhead * P;
    const Ahead ahead = inputs_ahead(P, g.pixels - next, g.x_step, g.O);
    const bool all_rows = kThrees && g.O >= kWide;  // a three is a row of taps, and its last tap is ahead of the others
    for (int64_t k = all_rows ? 2 : g.segment_count - 1; k < g.segment_count; k += 3) {
      const float* x = g.x + g.segments[k].x;
      for (int64_t p = next; p < next + ahead.pieces; ++p)
        for (int64_t i = 0; i < ahead.floats; i += kCacheLineFloats) __builtin_prefetch(x + p * g.x_step + i);
    }
  }
  int64_t c = 0;
  constexpr int64_t together = kStepsTogether * Step::kChannels;
  for (; c + together <= g.O; c += together) gather_tile<Step, P, kThrees, kStepsTogether>(g, element, first, c);
  for (; c + Step::kChannels <= g.O; c += Step::kChannels) gather_tile<Step, P, kThrees, 1>(g, element, first, c);
  if (Step::kChannels > 1)
    for (; c < g.O; ++c) gather_tile<Single, P, kThrees, 1>(g, element, first, c);
}

// Computes a run in equal tiles of P pixels or, if `each` is less than P, of the largest size in Fewer that is at most
// `each`. The last tile is shifted back over pixels that are already done, which get the same values again.
template <typename Step, bool kThrees, int P, int... Fewer>
DAY33_INLINE void gather_tiles(const GatherArgs& g, int64_t element, int64_t each) {
  if constexpr (sizeof...(Fewer) > 0)
    if (each < P) return gather_tiles<Step, kThrees, Fewer...>(g, element, each);
  for (int64_t p = 0; p < g.pixels; p += P) gather_pixels<Step, P, kThrees>(g, element, min_of(p, g.pixels - P));
}

template <typename Step, bool kThrees>
void gather_run(const GatherArgs& g, int64_t element) {
  const int64_t tiles = (g.pixels + kTilePixels - 1) / kTilePixels, each = (g.pixels + tiles - 1) / tiles;
  if constexpr (kTilePixels == 8)
    gather_tiles<Step, kThrees, 8, 7, 6, 4, 1>(g, element, each);
  else
    gather_tiles<Step, kThrees, 5, 4, 3, 1>(g, element, each);
}

template <typename Step>
void gather(const GatherArgs& g, int64_t element) {
  return all_in_line(g) ? gather_run<Step, true>(g, element) : gather_run<Step, false>(g, element);
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
    gather<SampleVector>(g, kLanes);
  else
    gather<ChannelVector>(g, 1);
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
