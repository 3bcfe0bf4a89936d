// Sums, scaling, dropout, and conversion between the two layouts.
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/philox.h"
#include "simd/transpose.h"

namespace day33::DAY33_ISA {
namespace {

// x * factor where the random word, as a number in [0, 1), is at least `rate`; zero elsewhere, whatever x is.
DAY33_INLINE Vec drop(Vec x, VecU word, float rate, float factor) {
  return keep_where(uniform(word) >= rate, x * factor);
}

}  // namespace

void add_to(const float* x, float* y, int64_t n) {
  over_inner(n, [=](auto w, int64_t i) { w.store(y + i, w.load(y + i) + w.load(x + i)); });
}

void add_squares_to(const float* x, float* y, int64_t n) {
  over_inner(n, [=](auto w, int64_t i) {
    const auto v = w.load(x + i);
    w.store(y + i, w.load(y + i) + v * v);
  });
}

void add_magnitudes_to(const float* x, float* y, int64_t n) {
  over_inner(n, [=](auto w, int64_t i) {
    const auto v = w.load(x + i);
    w.store(y + i, w.load(y + i) + w.choose(v < 0.0f, -v, v));
  });
}

void sum_blocks(float* x, int64_t step, int64_t count, int64_t n) {
  over_inner(n, [=](auto w, int64_t i) __attribute__((always_inline)) {
    auto sum = w.load(x + i);
    for (int64_t block = 1; block < count; ++block) sum += w.load(x + block * step + i);
    w.store(x + i, sum);
  });
}

void scale_by(float* x, float factor, int64_t n) {
  over_inner(n, [=](auto w, int64_t i) { w.store(x + i, w.load(x + i) * factor); });
}

void scale_shift(const float* x, float scale, float shift, float* y, int64_t n) {
  over_inner(n, [=](auto w, int64_t i) { w.store(y + i, w.load(x + i) * scale + shift); });
}

void merge_with(Merge kind, const float* x, float* y, int64_t n) {
  switch (kind) {
    case Merge::add:
    case Merge::average:
      return add_to(x, y, n);
    case Merge::subtract:
      return over_inner(n, [=](auto w, int64_t i) { w.store(y + i, w.load(y + i) - w.load(x + i)); });
    case Merge::multiply:
      return over_inner(n, [=](auto w, int64_t i) { w.store(y + i, w.load(y + i) * w.load(x + i)); });
    case Merge::maximum:
      return over_inner(n, [=](auto w, int64_t i) {
        const auto a = w.load(y + i), b = w.load(x + i);
        w.store(y + i, w.choose((b > a) | (b != b), b, a));
      });
    case Merge::minimum:
      return over_inner(n, [=](auto w, int64_t i) {
        const auto a = w.load(y + i), b = w.load(x + i);
        w.store(y + i, w.choose((b < a) | (b != b), b, a));
      });
  }
}

void keep_where_equal(const float* x, const float* y, bool equal, const float* dy, float* dx, int64_t n) {
  if (equal)
    over_inner(n, [=](auto w, int64_t i) { w.store(dx + i, w.where(w.load(x + i) == w.load(y + i), w.load(dy + i))); });
  else
    over_inner(n, [=](auto w, int64_t i) { w.store(dx + i, w.where(w.load(x + i) != w.load(y + i), w.load(dy + i))); });
}

void dropout(const float* x, float* y, int64_t features, int lanes, uint64_t key, int64_t first_sample, float rate) {
  const float factor = 1.0f / (1.0f - rate);
  each_random(0, features, lanes, key, 0, first_sample, [=](const VecU(&word)[4], int64_t feature) {
    for (int64_t k = 0; k < 4 && feature + 16 * k < features; ++k) {
      const int64_t at = feature + 16 * k;
      store_feature(y, at, features, lanes, drop(load_feature(x, at, features, lanes), word[k], rate, factor));
    }
  });
}

void pack_lanes(const float* const* src, float* dst, int64_t features) {
  int64_t f = 0;
  for (; f + kLanes <= features; f += kLanes) {
    Vec v[kLanes];
    for (int i = 0; i < kLanes; ++i) v[i] = load(src[i] + f);
    transpose(v);
    for (int i = 0; i < kLanes; ++i) store(dst + (f + i) * kLanes, v[i]);
  }
  for (; f < features; ++f)
    for (int i = 0; i < kLanes; ++i) dst[f * kLanes + i] = src[i][f];
}

void unpack_lanes(const float* src, float* const* dst, int64_t features, int count) {
  int64_t f = 0;
  for (; f + kLanes <= features; f += kLanes) {
    Vec v[kLanes];
    for (int i = 0; i < kLanes; ++i) v[i] = load(src + (f + i) * kLanes);
    transpose(v);
    for (int i = 0; i < count; ++i) store(dst[i] + f, v[i]);
  }
  for (; f < features; ++f)
    for (int i = 0; i < count; ++i) dst[i][f] = src[f * kLanes + i];
}

}  // namespace day33::DAY33_ISA
