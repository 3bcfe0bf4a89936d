// The micro-kernel of matrix products and the packing of its operands. ops/gemm.h divides the work into blocks and
// spreads them over the threads.
//
// The scheme is that of K. Goto, R. van de Geijn, "Anatomy of high-performance matrix multiplication" (2008): a tile of
// C stays in registers while a panel of A (a few rows) and a panel of B (two vectors of columns) are read once. Each
// element of C adds its products in the order of k, whichever tile it belongs to, so results do not depend on the
// blocking.
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/transpose.h"

namespace day33::DAY33_ISA {
namespace {

// 2 * kRows sums, two vectors of B and one of A fill the registers: 32 with AVX-512 and NEON, 16 otherwise.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRows = 14;
#else
constexpr int kRows = 6;
#endif
constexpr int kColumns = 2 * kLanes;

// A tile of R rows. kWhole: all kColumns columns are used.
template <int R, bool kWhole>
__attribute__((noinline)) void tile(const GemmTileArgs& g) {
  Vec sum[R][2];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) sum[r][0] = sum[r][1] = broadcast(0.0f);
  const float *a = g.a, *b = g.b;
  for (int64_t k = 0; k < g.K; ++k, a += kRows, b += kColumns) {
    const Vec b0 = load(b), b1 = load(b + kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec in = broadcast(a[r]);
      sum[r][0] += in * b0;
      sum[r][1] += in * b1;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    float* c = g.c + g.c_rows[r];
    for (int v = 0; v < 2; ++v) {
      const int at = v * kLanes;
      const int here = kWhole ? kLanes : static_cast<int>(min_of<int64_t>(g.columns - at, kLanes));
      const float* from = g.add ? c : g.bias;
      if (here == kLanes)
        store(c + at, from == nullptr ? sum[r][v] : load(from + at) + sum[r][v]);
      else if (here > 0)
        store_first(c + at, from == nullptr ? sum[r][v] : load_first(from + at, here) + sum[r][v], here);
    }
  }
}

template <int R>
void tile_of(const GemmTileArgs& g) {
  if constexpr (R > 0) {
    if (g.rows == R) return g.columns >= kColumns ? tile<R, true>(g) : tile<R, false>(g);
    tile_of<R - 1>(g);
  }
}

DAY33_INLINE const float* row_of(const GemmPackArgs& g, int64_t r) {
  return g.x + (g.rows == nullptr ? r : g.rows[r]) * g.step;
}

constexpr int kMost = 64;  // lines of a panel

// Packs as many k as fill squares of kLanes lines and k, which are transposed in registers, and returns how many these
// are. The last square of a k may write beyond its width, into what the next k overwrites: so one k at least is left.
template <int kWidth>
int64_t pack_squares(const GemmPackArgs& g, const float* const* line, float* packed) {
  constexpr int kSquares = (kWidth + kLanes - 1) / kLanes;
  int64_t k = 0;
  for (; k + kLanes < g.K; k += kLanes) {
    Vec square[kSquares][kLanes];
    for (int s = 0; s < kSquares; ++s) {
      for (int i = 0; i < kLanes; ++i) {
        const int64_t row = s * kLanes + i;
        square[s][i] = row < g.count ? load(line[row] + k) : broadcast(0.0f);
      }
      transpose(square[s]);
    }
    for (int i = 0; i < kLanes; ++i, packed += kWidth)
      for (int s = 0; s < kSquares; ++s) store(packed + s * kLanes, square[s][i]);
  }
  return k;
}

}  // namespace

int64_t gemm_rows() { return kRows; }
int64_t gemm_columns() { return kColumns; }

void gemm_tile(const GemmTileArgs& args) { tile_of<kRows>(args); }

// A panel is narrow, so all its source lines are read side by side, and the packed floats are written in order.
void gemm_pack_rows(const GemmPackArgs& g, float* packed) {
  const float* line[kMost];
  for (int64_t i = 0; i < g.count; ++i) line[i] = row_of(g, i);
  int64_t k = 0;
  if (g.width == kRows) k = pack_squares<kRows>(g, line, packed);
  if (g.width == kColumns) k = pack_squares<kColumns>(g, line, packed);
  for (packed += k * g.width; k < g.K; ++k, packed += g.width) {
    for (int64_t i = 0; i < g.count; ++i) packed[i] = line[i][k];
    for (int64_t i = g.count; i < g.width; ++i) packed[i] = 0.0f;
  }
}

// Row by row of x, so that memory is read in order.
void gemm_pack_columns(const GemmPackArgs& g, float* packed) {
  const int64_t whole = g.count / g.width, rest = g.count % g.width;
  for (int64_t k = 0; k < g.K; ++k, packed += g.width) {
    const float* from = row_of(g, k);
    float* to = packed;
    if (g.width == kColumns)
      for (int64_t p = 0; p < whole; ++p, from += kColumns, to += g.panel_step) {
        store(to, load(from));
        store(to + kLanes, load(from + kLanes));
      }
    else
      for (int64_t p = 0; p < whole; ++p, from += g.width, to += g.panel_step) copy_floats(to, from, g.width);
    if (rest == 0) continue;
    copy_floats(to, from, rest);
    for (int64_t i = rest; i < g.width; ++i) to[i] = 0.0f;
  }
}

}  // namespace day33::DAY33_ISA
