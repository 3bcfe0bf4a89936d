// Walks one row [C][lanes] vector by vector, so that a reduction over C is written once for both layouts. LanesRow: a
// vector is one channel of kLanes samples, and reductions stay within a lane. ChannelRow: a vector is kLanes channels
// of one sample (the last vector may be partial), and reductions go across the vector.
#pragma once

#include "simd/vec.h"

namespace day33::DAY33_ISA {

// The channel numbers of a ChannelRow's first vector.
DAY33_INLINE VecI first_numbers() {
  VecI numbers;
  for (int i = 0; i < kLanes; ++i) numbers[i] = i;
  return numbers;
}

// The larger of a and b per lane; a NaN in either is kept.
DAY33_INLINE Vec greater_of(Vec a, Vec b) { return select((b > a) | (b != b), b, a); }

// A full vector at `offset` in the row, and the channel number of each of its lanes.
struct WholeStep {
  int64_t offset;
  VecI channel;
  inline __attribute__((always_inline)) Vec load(const float* p, float) const { return DAY33_ISA::load(p + offset); }
  inline __attribute__((always_inline)) void store(float* p, Vec v) const { DAY33_ISA::store(p + offset, v); }
  inline __attribute__((always_inline)) Vec keep(Vec v) const { return v; }
};

// The partial vector at the end of a ChannelRow: `count` lanes hold a channel; the others read as `fill` and are never
// written.
struct CutStep {
  int64_t offset;
  VecI channel;
  int count;
  inline __attribute__((always_inline)) Vec load(const float* p, float fill) const {
    return load_first(p + offset, count, fill);
  }
  inline __attribute__((always_inline)) void store(float* p, Vec v) const { store_first(p + offset, v, count); }
  inline __attribute__((always_inline)) Vec keep(Vec v) const { return keep_where(first_numbers() < count, v); }
};

struct LanesRow {
  int64_t C;
  template <typename Body>
  inline __attribute__((always_inline)) void each(Body body) const {
    for (int64_t c = 0; c < C; ++c) body(WholeStep{c * kLanes, broadcast_i(static_cast<int32_t>(c))});
  }
  inline __attribute__((always_inline)) Vec reduce_sum(Vec v) const { return v; }
  inline __attribute__((always_inline)) Vec reduce_max(Vec v) const { return v; }
};

struct ChannelRow {
  int64_t C;
  template <typename Body>
  inline __attribute__((always_inline)) void each(Body body) const {
    int64_t c = 0;
    for (; c + kLanes <= C; c += kLanes) body(WholeStep{c, first_numbers() + static_cast<int32_t>(c)});
    if (c < C) body(CutStep{c, first_numbers() + static_cast<int32_t>(c), static_cast<int>(C - c)});
  }
  inline __attribute__((always_inline)) Vec reduce_sum(Vec v) const { return broadcast(sum_lanes(v)); }
  inline __attribute__((always_inline)) Vec reduce_max(Vec v) const { return broadcast(max_lanes(v)); }
};

}  // namespace day33::DAY33_ISA
