// How much a kernel of the convolution family prefetches for a later tile of pixels: `pieces` stretches of `floats`
// floats, as far apart as the inputs of two pixels. It is never more than a tile of pixels reads itself.
#pragma once

#include <cstdint>

namespace day33 {

inline constexpr int64_t kCacheLineFloats = 16;

struct Ahead {
  int64_t pieces, floats;
  // The number of cache lines to prefetch.
  constexpr int64_t lines() const { return pieces * ((floats + kCacheLineFloats - 1) / kCacheLineFloats); }
};

// For a tile of `pixels` pixels, each of which reads `used` floats and begins `x_step` floats after the one before;
// `left` pixels of the run are still to come. Where inputs touch or overlap, they are one stretch, which may go on into
// the next row: that is read next. Where there are gaps (strides), every pixel has a stretch of its own.
static constexpr Ahead inputs_ahead(int64_t pixels, int64_t left, int64_t x_step, int64_t used) {
  if (x_step <= used) return {1, pixels * x_step};
  return {left < 0 ? 0 : left < pixels ? left : pixels, used};
}

}  // namespace day33
