// Convolution and transposed convolution straight from their definitions: one product at a time, no shortcuts.
#pragma once

#include "reference/array.h"

namespace day33::reference {

struct Conv2d {
  int64_t OH, OW;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_top = 0, pad_left = 0;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;
};

// Calls visit(n, oy, ox, o, iy, ix, c, ky, kx, k) for every product of the convolution of x (N, H, W, C) with a kernel
// (kh, kw, C / groups, O): y[n, oy, ox, o] += x[n, iy, ix, c] * kernel[ky, kx, k, o].
template <typename Visit>
void each_product(const Conv2d& g, int64_t N, int64_t H, int64_t W, int64_t C, int64_t KH, int64_t KW, int64_t O,
                  Visit visit) {
  const int64_t in_group = C / g.groups, out_group = O / g.groups;
  for (int64_t n = 0; n < N; ++n)
    for (int64_t oy = 0; oy < g.OH; ++oy)
      for (int64_t ox = 0; ox < g.OW; ++ox)
        for (int64_t o = 0; o < O; ++o)
          for (int64_t ky = 0; ky < KH; ++ky)
            for (int64_t kx = 0; kx < KW; ++kx)
              for (int64_t k = 0; k < in_group; ++k) {
                const int64_t iy = oy * g.stride_h + ky * g.dilation_h - g.pad_top;
                const int64_t ix = ox * g.stride_w + kx * g.dilation_w - g.pad_left;
                if (iy < 0 || iy >= H || ix < 0 || ix >= W) continue;
                visit(n, oy, ox, o, iy, ix, (o / out_group) * in_group + k, ky, kx, k);
              }
}

inline Array4 conv2d(const Conv2d& g, const Array4& x, const Array4& kernel, const Values& bias) {
  const int64_t O = kernel.size[3];
  Array4 y(x.size[0], g.OH, g.OW, O);
  each_product(g, x.size[0], x.size[1], x.size[2], x.size[3], kernel.size[0], kernel.size[1], O,
               [&](auto n, auto oy, auto ox, auto o, auto iy, auto ix, auto c, auto ky, auto kx, auto k) {
                 y(n, oy, ox, o) += x(n, iy, ix, c) * kernel(ky, kx, k, o);
               });
  if (!bias.empty())
    for (size_t i = 0; i < y.values.size(); ++i) y.values[i] += bias[i % static_cast<size_t>(O)];
  return y;
}

inline Array4 conv2d_dx(const Conv2d& g, const Array4& dy, const Array4& kernel, int64_t H, int64_t W) {
  const int64_t N = dy.size[0], C = kernel.size[2] * g.groups;
  Array4 dx(N, H, W, C);
  each_product(g, N, H, W, C, kernel.size[0], kernel.size[1], kernel.size[3],
               [&](auto n, auto oy, auto ox, auto o, auto iy, auto ix, auto c, auto ky, auto kx, auto k) {
                 dx(n, iy, ix, c) += dy(n, oy, ox, o) * kernel(ky, kx, k, o);
               });
  return dx;
}

inline Array4 conv2d_dkernel(const Conv2d& g, const Array4& x, const Array4& dy, int64_t KH, int64_t KW) {
  const int64_t C = x.size[3], O = dy.size[3];
  Array4 dkernel(KH, KW, C / g.groups, O);
  each_product(g, x.size[0], x.size[1], x.size[2], C, KH, KW, O,
               [&](auto n, auto oy, auto ox, auto o, auto iy, auto ix, auto c, auto ky, auto kx, auto k) {
                 dkernel(ky, kx, k, o) += dy(n, oy, ox, o) * x(n, iy, ix, c);
               });
  return dkernel;
}

// The gradient of a bias on the last axis.
inline Values conv2d_dbias(const Array4& dy) {
  Values dbias(static_cast<size_t>(dy.size[3]), 0.0);
  for (size_t i = 0; i < dy.values.size(); ++i) dbias[i % dbias.size()] += dy.values[i];
  return dbias;
}

// Calls visit(n, iy, ix, i, oy, ox, o, ky, kx) for every product of the transposed convolution of x (N, H, W, I) with a
// kernel (kh, kw, O, I), in which each input pixel adds a multiple of the kernel to the output:
//   y[n, oy, ox, o] += x[n, iy, ix, i] * kernel[ky, kx, o, i]
// The first pad_top rows and pad_left columns of the sum are cut off; what falls outside OH x OW is dropped.
template <typename Visit>
void each_stamp(const Conv2d& g, int64_t N, int64_t H, int64_t W, int64_t I, int64_t KH, int64_t KW, int64_t O,
                Visit visit) {
  for (int64_t n = 0; n < N; ++n)
    for (int64_t iy = 0; iy < H; ++iy)
      for (int64_t ix = 0; ix < W; ++ix)
        for (int64_t i = 0; i < I; ++i)
          for (int64_t ky = 0; ky < KH; ++ky)
            for (int64_t kx = 0; kx < KW; ++kx)
              for (int64_t o = 0; o < O; ++o) {
                const int64_t oy = iy * g.stride_h + ky * g.dilation_h - g.pad_top;
                const int64_t ox = ix * g.stride_w + kx * g.dilation_w - g.pad_left;
                if (oy < 0 || oy >= g.OH || ox < 0 || ox >= g.OW) continue;
                visit(n, iy, ix, i, oy, ox, o, ky, kx);
              }
}

inline Array4 conv2d_transpose(const Conv2d& g, const Array4& x, const Array4& kernel, const Values& bias) {
  const int64_t O = kernel.size[2];
  Array4 y(x.size[0], g.OH, g.OW, O);
  each_stamp(g, x.size[0], x.size[1], x.size[2], x.size[3], kernel.size[0], kernel.size[1], O,
             [&](auto n, auto iy, auto ix, auto i, auto oy, auto ox, auto o, auto ky, auto kx) {
               y(n, oy, ox, o) += x(n, iy, ix, i) * kernel(ky, kx, o, i);
             });
  if (!bias.empty())
    for (size_t i = 0; i < y.values.size(); ++i) y.values[i] += bias[i % static_cast<size_t>(O)];
  return y;
}

inline Array4 conv2d_transpose_dx(const Conv2d& g, const Array4& dy, const Array4& kernel, int64_t H, int64_t W) {
  const int64_t N = dy.size[0], I = kernel.size[3];
  Array4 dx(N, H, W, I);
  each_stamp(g, N, H, W, I, kernel.size[0], kernel.size[1], kernel.size[2],
             [&](auto n, auto iy, auto ix, auto i, auto oy, auto ox, auto o, auto ky, auto kx) {
               dx(n, iy, ix, i) += dy(n, oy, ox, o) * kernel(ky, kx, o, i);
             });
  return dx;
}

inline Array4 conv2d_transpose_dkernel(const Conv2d& g, const Array4& x, const Array4& dy, int64_t KH, int64_t KW) {
  const int64_t I = x.size[3], O = dy.size[3];
  Array4 dkernel(KH, KW, O, I);
  each_stamp(g, x.size[0], x.size[1], x.size[2], I, KH, KW, O,
             [&](auto n, auto iy, auto ix, auto i, auto oy, auto ox, auto o, auto ky, auto kx) {
               dkernel(ky, kx, o, i) += dy(n, oy, ox, o) * x(n, iy, ix, i);
             });
  return dkernel;
}

}  // namespace day33::reference
