// Products of small matrices, which are read where they lie: to pack them, as gemm.cpp wants it, would cost more than
// to multiply them.
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/transpose.h"

namespace day33::DAY33_ISA {
namespace {

// R rows and kVectors vectors of columns of C. Each element adds its products in the order of k.
template <int R, int kVectors, typename W>
DAY33_INLINE void tile(W w, const MatrixArgs& g, int64_t m, int64_t n) {
  constexpr int kWidth = sizeof(typename W::Float) / sizeof(float);
  typename W::Float sum[R][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < kVectors; ++v) sum[r][v] = w.fill(0.0f);
  const float *a = g.a + m * g.a_row, *b = g.b + n;
  for (int64_t k = 0; k < g.K; ++k, a += g.a_step, b += g.b_row) {
    typename W::Float from[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) from[v] = w.load(b + v * kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const auto factor = w.fill(a[r * g.a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] += factor * from[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* c = g.c + (m + r) * g.c_row + n + v * kWidth;
      w.store(c, g.add ? w.load(c) + sum[r][v] : sum[r][v]);
    }
}

template <int kVectors, typename W>
DAY33_INLINE void columns(W w, const MatrixArgs& g, int64_t n) {
  int64_t m = 0;
  for (; m + 4 <= g.M; m += 4) tile<4, kVectors>(w, g, m, n);
  if (m + 2 <= g.M) tile<2, kVectors>(w, g, m, n), m += 2;
  if (m < g.M) tile<1, kVectors>(w, g, m, n);
}

}  // namespace

void multiply_matrices(const MatrixArgs& g) {
  int64_t n = 0;
  if (g.M == 1)  // one row has to keep as many sums in flight as four
    for (; n + 4 * kLanes <= g.N; n += 4 * kLanes) tile<1, 4>(Wide<kLanes>{}, g, 0, n);
  for (; n + 2 * kLanes <= g.N; n += 2 * kLanes) columns<2>(Wide<kLanes>{}, g, n);
  if (n + kLanes <= g.N) columns<1>(Wide<kLanes>{}, g, n), n += kLanes;
  if constexpr (kLanes > 8)
    if (n + 8 <= g.N) columns<1>(Wide<8>{}, g, n), n += 8;
  if constexpr (kLanes > 4)
    if (n + 4 <= g.N) columns<1>(Wide<4>{}, g, n), n += 4;
  for (; n < g.N; ++n) columns<1>(Narrow{}, g, n);
}

void transpose_matrix(const float* x, float* y, int64_t rows, int64_t columns) {
  const int64_t whole_rows = rows - rows % kLanes, whole_columns = columns - columns % kLanes;
  for (int64_t r = 0; r < whole_rows; r += kLanes)
    for (int64_t c = 0; c < whole_columns; c += kLanes) {
      Vec square[kLanes];
      for (int i = 0; i < kLanes; ++i) square[i] = load(x + (r + i) * columns + c);
      transpose(square);
      for (int i = 0; i < kLanes; ++i) store(y + (c + i) * rows + r, square[i]);
    }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = r < whole_rows ? whole_columns : 0; c < columns; ++c) y[c * rows + r] = x[r * columns + c];
}

}  // namespace day33::DAY33_ISA
