// Depthwise convolution on runs and segments (args.h): no sum over channels, so a vector of channels, or of samples of
// one channel, goes through the taps on its own. Every accumulator adds its products in the order of the taps (or of
// the pixels), whatever the tile it falls into.
#include "kernels/kernels.h"
#include "simd/vec.h"

namespace day33::DAY33_ISA {
namespace {

// What a step of the channels is: one channel of kLanes samples, kLanes channels of one sample, or one of one.
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

// NaN stays: a comparison with NaN is false.
DAY33_INLINE Vec relu(Vec v) { return at_least(v, 0.0f); }
DAY33_INLINE float relu(float v) { return v < 0.0f ? 0.0f : v; }

// P pixels x S steps from channel c on; `element` floats from one channel to the next.
template <typename Step, int P, int S>
__attribute__((noinline)) void gather_tile(const GatherArgs& g, int64_t element, int64_t first, int64_t c) {
  using Float = typename Step::Float;
  const float* x = g.x + (first * g.x_step + c) * element;
  const float* w = g.weights + c;
  float* y = g.y + (first * g.y_step + c) * element;
  const int64_t x_step = g.x_step * element, y_step = g.y_step * element;
  Float sum[P][S];
  for (int s = 0; s < S; ++s)
    for (int p = 0; p < P; ++p)
      sum[p][s] = g.bias != nullptr ? Step::weight(g.bias + c + s * Step::kChannels) : Float{};
  for (int64_t k = 0; k < g.segment_count; ++k) {
    const float* xs = x + g.segments[k].x * element;
    const float* ws = w + g.segments[k].weight * g.O;
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s) {
      const Float weight = Step::weight(ws + s * Step::kChannels);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sum[p][s] += Step::load(xs + p * x_step + s * Step::kFloats) * weight;
    }
  }
  for (int p = 0; p < P; ++p)
    for (int s = 0; s < S; ++s) Step::store(y + p * y_step + s * Step::kFloats, g.relu ? relu(sum[p][s]) : sum[p][s]);
}

// All pixels of S steps.
template <typename Step, int S>
void gather_strip(const GatherArgs& g, int64_t element, int64_t c) {
  constexpr int kPixels = 4;
  int64_t p = 0;
  for (; p + kPixels <= g.pixels; p += kPixels) gather_tile<Step, kPixels, S>(g, element, p, c);
  for (; p < g.pixels; ++p) gather_tile<Step, 1, S>(g, element, p, c);
}

// T taps x S steps.
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
  int64_t c = 0;
  if (lanes != 1) {
    for (; c + 2 <= g.O; c += 2) gather_strip<SampleVector, 2>(g, kLanes, c);
    for (; c < g.O; ++c) gather_strip<SampleVector, 1>(g, kLanes, c);
    return;
  }
  for (; c + 2 * kLanes <= g.O; c += 2 * kLanes) gather_strip<ChannelVector, 2>(g, 1, c);
  for (; c + kLanes <= g.O; c += kLanes) gather_strip<ChannelVector, 1>(g, 1, c);
  for (; c < g.O; ++c) gather_strip<Single, 1>(g, 1, c);
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
