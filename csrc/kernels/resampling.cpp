// Up-sampling by integer factors: nearest, bilinear and bed of nails, forward and backward; one axis of any other
// resampling.
#include "kernels/kernels.h"
#include "simd/body.h"

namespace day33::DAY33_ISA {
namespace {

constexpr int kChunk = 32;  // columns whose bilinear weights are computed together and used for all rows

// The interpolation at output position `out` on an axis of `size` cells: (1 - upper_weight) * cell[lower] +
// upper_weight * cell[upper]. Half-pixel centres: the source position is (out + 1/2) / scale - 1/2, computed as a
// fraction of integers so that no rounding depends on the position.
struct Taps {
  int64_t lower, upper;
  float upper_weight;
};

DAY33_INLINE Taps bilinear_taps(int64_t out, int64_t scale, int64_t size) {
  const int64_t numerator = 2 * out + 1 - scale, denominator = 2 * scale;
  const int64_t floor = numerator < 0 ? -1 : numerator / denominator;
  const int64_t rest = numerator - floor * denominator;
  return {max_of<int64_t>(floor, 0), min_of<int64_t>(floor + 1, size - 1),
          static_cast<float>(rest) / static_cast<float>(denominator)};
}

// The weight of input cell `cell` in output position `out`: 1 - |distance|, and 1 beyond the first and last centre.
DAY33_INLINE float bilinear_weight(int64_t out, int64_t cell, int64_t scale, int64_t size) {
  const int64_t distance = 2 * out + 1 - scale - 2 * scale * cell;  // in units of 1 / (2 scale)
  if ((distance < 0 && cell == 0) || (distance > 0 && cell == size - 1)) return 1.0f;
  const int64_t rest = 2 * scale - (distance < 0 ? -distance : distance);
  return rest <= 0 ? 0.0f : static_cast<float>(rest) / static_cast<float>(2 * scale);
}

// The output positions whose taps can include `cell`: sources in (cell - 1, cell + 1), and the clamped edges.
struct Reach {
  int64_t begin, end;
};
DAY33_INLINE Reach bilinear_reach(int64_t cell, int64_t scale, int64_t size) {
  const int64_t begin = scale * cell - scale / 2;
  const int64_t end = scale * cell + scale + scale / 2;
  return {max_of<int64_t>(begin, 0), min_of<int64_t>(end, size * scale)};
}

// resample_axis for fewer floats than any vector holds: all sums of a cell at once.
template <int kInner>
void resample_few(const ResampleArgs& args, const float* x, float* y) {
  for (int64_t o = 0; o < args.outer; ++o, x += args.in * kInner)
    for (int64_t j = 0; j < args.out; ++j, y += kInner) {
      const float* from = x + args.first[j] * kInner;
      float sum[kInner] = {};
      for (int64_t t = args.start[j]; t < args.start[j + 1]; ++t, from += kInner)
        for (int i = 0; i < kInner; ++i) sum[i] += from[i] * args.weights[t];
      for (int i = 0; i < kInner; ++i) y[i] = sum[i];
    }
}

}  // namespace

void upsample_nearest_forward(const UpSample2dArgs& args, const float* x, float* y) {
  const int64_t inner = args.inner, row = args.OW * inner;
  for (int64_t iy = 0; iy < args.H; ++iy) {
    float* first = y + iy * args.scale_h * row;
    float* to = first;
    for (int64_t ix = 0; ix < args.W; ++ix) {
      const float* from = x + (iy * args.W + ix) * inner;
      for (int64_t repeat = 0; repeat < args.scale_w; ++repeat, to += inner) copy_floats(to, from, inner);
    }
    for (int64_t repeat = 1; repeat < args.scale_h; ++repeat) copy_floats(first + repeat * row, first, row);
  }
}

void upsample_nearest_backward(const UpSample2dArgs& args, const float* dy, float* dx) {
  const int64_t inner = args.inner, row = args.OW * inner, scale_h = args.scale_h, scale_w = args.scale_w;
  for (int64_t iy = 0; iy < args.H; ++iy)
    for (int64_t ix = 0; ix < args.W; ++ix) {
      const float* from = dy + iy * scale_h * row + ix * scale_w * inner;
      float* to = dx + (iy * args.W + ix) * inner;
      over_inner(inner, [=](auto w, int64_t i) __attribute__((always_inline)) {
        auto sum = w.fill(0.0f);
        for (int64_t sy = 0; sy < scale_h; ++sy)
          for (int64_t sx = 0; sx < scale_w; ++sx) sum += w.load(from + sy * row + sx * inner + i);
        w.store(to + i, sum);
      });
    }
}

void upsample_bilinear_forward(const UpSample2dArgs& args, const float* x, float* y) {
  const int64_t inner = args.inner;
  for (int64_t begin = 0; begin < args.OW; begin += kChunk) {
    const int64_t count = min_of<int64_t>(args.OW - begin, kChunk);
    Taps columns[kChunk];
    for (int64_t k = 0; k < count; ++k) columns[k] = bilinear_taps(begin + k, args.scale_w, args.W);
    for (int64_t oy = 0; oy < args.OH; ++oy) {
      const Taps vertical = bilinear_taps(oy, args.scale_h, args.H);
      const float* top = x + vertical.lower * args.W * inner;
      const float* bottom = x + vertical.upper * args.W * inner;
      float* to = y + (oy * args.OW + begin) * inner;
      for (int64_t k = 0; k < count; ++k, to += inner) {
        const int64_t left = columns[k].lower * inner, right = columns[k].upper * inner;
        const float upper_weight = columns[k].upper_weight;
        over_inner(inner, [=](auto w, int64_t i) __attribute__((always_inline)) {
          const auto top_left = w.load(top + left + i), bottom_left = w.load(bottom + left + i);
          const auto upper = top_left + (w.load(top + right + i) - top_left) * upper_weight;
          const auto lower = bottom_left + (w.load(bottom + right + i) - bottom_left) * upper_weight;
          w.store(to + i, upper + (lower - upper) * vertical.upper_weight);
        });
      }
    }
  }
}

void upsample_bilinear_backward(const UpSample2dArgs& args, const float* dy, float* dx) {
  const int64_t inner = args.inner;
  for (int64_t iy = 0; iy < args.H; ++iy) {
    const Reach rows = bilinear_reach(iy, args.scale_h, args.H);
    for (int64_t ix = 0; ix < args.W; ++ix, dx += inner) {
      const Reach columns = bilinear_reach(ix, args.scale_w, args.W);
      zero_floats(dx, inner);
      for (int64_t begin = columns.begin; begin < columns.end; begin += kChunk) {
        const int64_t count = min_of<int64_t>(columns.end - begin, kChunk);
        float horizontal[kChunk];
        for (int64_t k = 0; k < count; ++k) horizontal[k] = bilinear_weight(begin + k, ix, args.scale_w, args.W);
        for (int64_t oy = rows.begin; oy < rows.end; ++oy) {
          const float vertical = bilinear_weight(oy, iy, args.scale_h, args.H);
          const float* from = dy + (oy * args.OW + begin) * inner;
          over_inner(inner, [=, &horizontal](auto w, int64_t i) __attribute__((always_inline)) {
            auto sum = w.load(dx + i);
            for (int64_t k = 0; k < count; ++k) sum += w.load(from + k * inner + i) * (vertical * horizontal[k]);
            w.store(dx + i, sum);
          });
        }
      }
    }
  }
}

void upsample_nails_forward(const UpSample2dArgs& args, const float* x, float* y) {
  const int64_t inner = args.inner, row = args.OW * inner;
  for (int64_t iy = 0; iy < args.H; ++iy, y += args.scale_h * row) {
    float* to = y;
    for (int64_t ix = 0; ix < args.W; ++ix, to += args.scale_w * inner) {
      copy_floats(to, x + (iy * args.W + ix) * inner, inner);
      zero_floats(to + inner, (args.scale_w - 1) * inner);
    }
    zero_floats(y + row, (args.scale_h - 1) * row);
  }
}

void upsample_nails_backward(const UpSample2dArgs& args, const float* dy, float* dx) {
  const int64_t inner = args.inner;
  for (int64_t iy = 0; iy < args.H; ++iy)
    for (int64_t ix = 0; ix < args.W; ++ix, dx += inner)
      copy_floats(dx, dy + (iy * args.scale_h * args.OW + ix * args.scale_w) * inner, inner);
}

void resample_axis(const ResampleArgs& args, const float* x, float* y) {
  const int64_t inner = args.inner;
  if (inner == 1) return resample_few<1>(args, x, y);
  if (inner == 2) return resample_few<2>(args, x, y);
  if (inner == 3) return resample_few<3>(args, x, y);
  for (int64_t o = 0; o < args.outer; ++o, x += args.in * inner)
    for (int64_t j = 0; j < args.out; ++j, y += inner) {
      const float* from = x + args.first[j] * inner;
      const float* weights = args.weights + args.start[j];
      const int64_t taps = args.start[j + 1] - args.start[j];
      over_inner(inner, [=](auto w, int64_t i) __attribute__((always_inline)) {
        auto sum = w.fill(0.0f);
        for (int64_t t = 0; t < taps; ++t) sum += w.load(from + t * inner + i) * weights[t];
        w.store(y + i, sum);
      });
    }
}

}  // namespace day33::DAY33_ISA
