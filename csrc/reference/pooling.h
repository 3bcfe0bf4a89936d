// Max pooling with arg-max, un-pooling, average pooling and global maximum. Images are (N, H, W, C).
#pragma once

#include <cmath>
#include <limits>

#include "reference/array.h"

namespace day33::reference {

struct Pool2d {
  int64_t OH, OW;
  int64_t KH, KW;
  int64_t stride_h, stride_w;
  int64_t pad_top = 0, pad_left = 0;
};

struct Pooled {
  Array4 y;
  // For each element of y, iy * W + ix of the maximum; -1 for a window of padding only.
  std::vector<int64_t> winner;
};

// Takes the first maximum in row-major order; NaN counts as larger than every number, and the first NaN is taken.
inline Pooled max_pool2d(const Pool2d& g, const Array4& x) {
  const int64_t N = x.size[0], H = x.size[1], W = x.size[2], C = x.size[3];
  Pooled result{Array4(N, g.OH, g.OW, C, -std::numeric_limits<double>::infinity()), {}};
  result.winner.assign(result.y.values.size(), -1);
  for (int64_t n = 0; n < N; ++n)
    for (int64_t oy = 0; oy < g.OH; ++oy)
      for (int64_t ox = 0; ox < g.OW; ++ox)
        for (int64_t c = 0; c < C; ++c) {
          double& best = result.y(n, oy, ox, c);
          int64_t& winner = result.winner[static_cast<size_t>(&best - result.y.values.data())];
          for (int64_t ky = 0; ky < g.KH; ++ky)
            for (int64_t kx = 0; kx < g.KW; ++kx) {
              const int64_t iy = oy * g.stride_h + ky - g.pad_top, ix = ox * g.stride_w + kx - g.pad_left;
              if (iy < 0 || iy >= H || ix < 0 || ix >= W) continue;
              const double value = x(n, iy, ix, c);
              const bool first = winner < 0;
              if (first || (std::isnan(value) && !std::isnan(best)) || value > best) {
                best = value;
                winner = iy * W + ix;
              }
            }
        }
  return result;
}

inline Array4 max_pool2d_backward(const std::vector<int64_t>& winner, const Array4& dy, int64_t H, int64_t W) {
  const int64_t N = dy.size[0], C = dy.size[3], outputs = dy.size[1] * dy.size[2];
  Array4 dx(N, H, W, C);
  for (int64_t n = 0; n < N; ++n)
    for (int64_t p = 0; p < outputs; ++p)
      for (int64_t c = 0; c < C; ++c) {
        const size_t i = static_cast<size_t>((n * outputs + p) * C + c);
        if (winner[i] >= 0) dx(n, winner[i] / W, winner[i] % W, c) += dy.values[i];
      }
  return dx;
}

// Calls visit(output pixel, input pixel, number of window cells inside the image) for every cell of every window.
template <typename Visit>
void each_window_cell(const Pool2d& g, int64_t H, int64_t W, Visit visit) {
  for (int64_t oy = 0; oy < g.OH; ++oy)
    for (int64_t ox = 0; ox < g.OW; ++ox) {
      std::vector<int64_t> inside;
      for (int64_t ky = 0; ky < g.KH; ++ky)
        for (int64_t kx = 0; kx < g.KW; ++kx) {
          const int64_t iy = oy * g.stride_h + ky - g.pad_top, ix = ox * g.stride_w + kx - g.pad_left;
          if (iy >= 0 && iy < H && ix >= 0 && ix < W) inside.push_back(iy * W + ix);
        }
      for (int64_t cell : inside) visit(oy * g.OW + ox, cell, static_cast<double>(inside.size()));
    }
}

inline Array4 avg_pool2d(const Pool2d& g, const Array4& x) {
  const int64_t H = x.size[1], W = x.size[2], C = x.size[3];
  Array4 y(x.size[0], g.OH, g.OW, C);
  for (int64_t n = 0; n < x.size[0]; ++n)
    for (int64_t c = 0; c < C; ++c)
      each_window_cell(g, H, W, [&](int64_t out, int64_t cell, double count) {
        y(n, out / g.OW, out % g.OW, c) += x(n, cell / W, cell % W, c) / count;
      });
  return y;
}

inline Array4 avg_pool2d_backward(const Pool2d& g, const Array4& dy, int64_t H, int64_t W) {
  const int64_t C = dy.size[3];
  Array4 dx(dy.size[0], H, W, C);
  for (int64_t n = 0; n < dy.size[0]; ++n)
    for (int64_t c = 0; c < C; ++c)
      each_window_cell(g, H, W, [&](int64_t out, int64_t cell, double count) {
        dx(n, cell / W, cell % W, c) += dy(n, out / g.OW, out % g.OW, c) / count;
      });
  return dx;
}

// The maximum per channel over rows of C channels; the rows that attain it share the gradient equally.
inline Values global_max(const Values& x, int64_t C) {
  Values y(x.begin(), x.begin() + C);
  for (size_t i = 0; i < x.size(); ++i) y[i % C] = std::fmax(y[i % C], x[i]);
  return y;
}

inline Values global_max_backward(const Values& x, const Values& dy) {
  const size_t C = dy.size();
  const Values y = global_max(x, static_cast<int64_t>(C));
  Values count(C, 0.0), dx;
  for (size_t i = 0; i < x.size(); ++i) count[i % C] += x[i] == y[i % C];
  for (size_t i = 0; i < x.size(); ++i) dx.push_back(x[i] == y[i % C] ? dy[i % C] / count[i % C] : 0.0);
  return dx;
}

// One sample: y is filled with `out` zeros, then value[i] is written to cell index[i]; the last one written to a cell
// counts. Indices outside [0, out) are skipped.
inline Values max_unpool2d(const Values& value, const std::vector<int64_t>& index, int64_t out) {
  Values y(static_cast<size_t>(out), 0.0);
  for (size_t i = 0; i < value.size(); ++i)
    if (index[i] >= 0 && index[i] < out) y[index[i]] = value[i];
  return y;
}

inline Values max_unpool2d_backward(const std::vector<int64_t>& index, const Values& dy) {
  Values dx(index.size(), 0.0);
  for (size_t i = 0; i < index.size(); ++i) {
    if (index[i] < 0 || index[i] >= static_cast<int64_t>(dy.size())) continue;
    bool overwritten = false;
    for (size_t later = i + 1; later < index.size(); ++later) overwritten |= index[later] == index[i];
    if (!overwritten) dx[i] = dy[index[i]];
  }
  return dx;
}

}  // namespace day33::reference
