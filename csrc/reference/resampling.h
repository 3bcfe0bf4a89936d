// Resampling as a linear map. Up-sampling by integer factors is y[out] = sum over cells of weight(out, cell) * x[cell],
// where the weight is a product over the two axes. The backward pass is the transpose of this map.
#pragma once

#include <cmath>

#include "reference/array.h"

namespace day33::reference {

enum class UpSampling { nearest, bilinear, bed_of_nails };

// The weight of input cell `cell` (of `size`) in output position `out` on one axis.
inline double upsample_weight(UpSampling kind, int64_t out, int64_t cell, int64_t scale, int64_t size) {
  if (kind == UpSampling::nearest) return out / scale == cell ? 1.0 : 0.0;
  if (kind == UpSampling::bed_of_nails) return out == cell * scale ? 1.0 : 0.0;
  // Half-pixel centres; beyond the first and the last centre the value is that of the edge.
  double source = (static_cast<double>(out) + 0.5) / static_cast<double>(scale) - 0.5;
  source = std::fmin(std::fmax(source, 0.0), static_cast<double>(size - 1));
  return std::fmax(0.0, 1.0 - std::fabs(source - static_cast<double>(cell)));
}

template <typename Visit>
void each_weight(UpSampling kind, int64_t H, int64_t W, int64_t scale_h, int64_t scale_w, Visit visit) {
  for (int64_t oy = 0; oy < H * scale_h; ++oy)
    for (int64_t ox = 0; ox < W * scale_w; ++ox)
      for (int64_t iy = 0; iy < H; ++iy)
        for (int64_t ix = 0; ix < W; ++ix) {
          const double weight = upsample_weight(kind, oy, iy, scale_h, H) * upsample_weight(kind, ox, ix, scale_w, W);
          if (weight != 0.0) visit(oy, ox, iy, ix, weight);
        }
}

inline Array4 up_sampling2d(UpSampling kind, const Array4& x, int64_t scale_h, int64_t scale_w) {
  const int64_t N = x.size[0], H = x.size[1], W = x.size[2], C = x.size[3];
  Array4 y(N, H * scale_h, W * scale_w, C);
  each_weight(kind, H, W, scale_h, scale_w, [&](auto oy, auto ox, auto iy, auto ix, double weight) {
    for (int64_t n = 0; n < N; ++n)
      for (int64_t c = 0; c < C; ++c) y(n, oy, ox, c) += weight * x(n, iy, ix, c);
  });
  return y;
}

inline Array4 up_sampling2d_backward(UpSampling kind, const Array4& dy, int64_t scale_h, int64_t scale_w) {
  const int64_t N = dy.size[0], H = dy.size[1] / scale_h, W = dy.size[2] / scale_w, C = dy.size[3];
  Array4 dx(N, H, W, C);
  each_weight(kind, H, W, scale_h, scale_w, [&](auto oy, auto ox, auto iy, auto ix, double weight) {
    for (int64_t n = 0; n < N; ++n)
      for (int64_t c = 0; c < C; ++c) dx(n, iy, ix, c) += weight * dy(n, oy, ox, c);
  });
  return dx;
}

// One axis times a dense matrix (out, in): x is [outer][in][inner], y [outer][out][inner].
inline Values resample_axis(int64_t outer, int64_t in, int64_t out, int64_t inner, const Values& matrix,
                            const Values& x) {
  Values y(static_cast<size_t>(outer * out * inner), 0.0);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t j = 0; j < out; ++j)
      for (int64_t k = 0; k < in; ++k)
        for (int64_t i = 0; i < inner; ++i)
          y[(o * out + j) * inner + i] += matrix[j * in + k] * x[(o * in + k) * inner + i];
  return y;
}

// The weights of half-pixel bilinear interpolation between any two sizes, (out, in).
inline Values bilinear_matrix(int64_t in, int64_t out) {
  Values matrix(static_cast<size_t>(in * out), 0.0);
  for (int64_t j = 0; j < out; ++j) {
    const double scale = static_cast<double>(in) / static_cast<double>(out);
    const double centre = (static_cast<double>(j) + 0.5) * scale - 0.5;
    const double at = std::fmin(std::fmax(centre, 0.0), static_cast<double>(in - 1));
    for (int64_t k = 0; k < in; ++k) matrix[j * in + k] = std::fmax(0.0, 1.0 - std::fabs(at - static_cast<double>(k)));
  }
  return matrix;
}

}  // namespace day33::reference
