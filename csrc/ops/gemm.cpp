#include "ops/gemm.h"

#include <algorithm>

#include "core/aligned_buffer.h"

namespace day33::gemm {
namespace {

constexpr int64_t kBlockColumns = 256;          // of B per block, in the L2 cache
constexpr int64_t kTaskRows = 280;              // rows of C per task, at most
constexpr int64_t kPackedRows = 2 * kTaskRows;  // rows of A packed at a time
constexpr int64_t kOuterDepth = 768;            // k packed at a time where both factors have to be packed
constexpr int64_t kMaxPanel = 64;
constexpr int64_t kSumParts = 8;  // partial sums per column, whatever the number of threads

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// x without its first `count` rows.
template <typename Float>
Rows<Float> after(Rows<Float> x, int64_t count) {
  if (x.rows != nullptr)
    x.rows += count;
  else
    x.data += count * x.step;
  return x;
}

template <typename Body>
void spread(int64_t count, bool threads, Body&& body) {
  if (threads && count > 1)
    parallel_for(count, body);
  else
    for (int64_t i = 0; i < count; ++i) body(i);
}

// Packs panels of `width` lines of x: of its columns if `columns`, else of its rows.
void pack_panels(const Kernels& kernels, Input x, bool columns, int64_t lines, int64_t width, int64_t K, bool threads,
                 float* packed) {
  constexpr int64_t kTogether = 4;
  const int64_t panels = ceil_div(lines, width);
  spread(ceil_div(panels, kTogether), threads, [&](int64_t task) {
    for (int64_t p = task * kTogether; p < std::min(panels, (task + 1) * kTogether); ++p) {
      const int64_t line = p * width, count = std::min(width, lines - line);
      const Input from = columns ? Input{x.data + line, x.step, x.rows} : after(x, line);
      const auto pack_panel = columns ? kernels.gemm_pack_columns : kernels.gemm_pack_rows;
      pack_panel({.x = from.data, .step = from.step, .rows = from.rows, .K = K, .count = count, .width = width},
                 packed + line * K);
    }
  });
}

struct Block {
  int64_t K;
  const float* packed_a;  // of rows [0, M)
  const float* packed_b;
  int64_t M, N;
  Output c;
  const float* bias;
  bool add;
};

// C for the rows and columns of one task, over all k.
void run_task(const Kernels& kernels, const Block& b, int64_t first_row, int64_t rows, int64_t first_column,
              int64_t columns) {
  const int64_t R = kernels.gemm_rows(), W = kernels.gemm_columns();
  const int64_t depth = ceil_div(b.K, ceil_div(b.K, kDepth));
  for (int64_t k = 0; k < b.K; k += depth) {
    GemmTileArgs tile{};
    tile.K = std::min(depth, b.K - k);
    tile.add = b.add || k > 0;
    for (int64_t row = first_row; row < first_row + rows; row += R) {
      int64_t offsets[kMaxPanel];
      tile.rows = static_cast<int>(std::min(R, first_row + rows - row));
      for (int r = 0; r < tile.rows; ++r) offsets[r] = (b.c.rows == nullptr ? row + r : b.c.rows[row + r]) * b.c.step;
      tile.c_rows = offsets;
      tile.a = b.packed_a + row * b.K + k * R;
      for (int64_t column = first_column; column < first_column + columns; column += W) {
        tile.b = b.packed_b + column * b.K + k * W;
        tile.c = b.c.data + column;
        tile.columns = static_cast<int>(std::min(W, first_column + columns - column));
        tile.bias = b.bias == nullptr ? nullptr : b.bias + column;
        kernels.gemm_tile(tile);
      }
    }
  }
}

void run_block(const Kernels& kernels, const Block& b, bool threads) {
  // At least two tasks per thread, if there are enough rows, of nearly equal size.
  const int64_t column_tasks = ceil_div(b.N, kBlockColumns), wanted = threads ? 2 * num_threads() : 1;
  const int64_t row_tasks = std::max(ceil_div(b.M, kTaskRows), ceil_div(wanted, column_tasks));
  const int64_t panel = kernels.gemm_rows(), rows = ceil_div(ceil_div(b.M, row_tasks), panel) * panel;
  const int64_t filled = ceil_div(b.M, rows);
  spread(filled * column_tasks, threads, [&](int64_t task) {
    const int64_t row = task % filled * rows, column = task / filled * kBlockColumns;
    run_task(kernels, b, row, std::min(rows, b.M - row), column, std::min(kBlockColumns, b.N - column));
  });
}

int64_t panel_floats(int64_t lines, int64_t width, int64_t K) {
  return round_to_line(ceil_div(lines, width) * width * K);
}

}  // namespace

int64_t packed_floats(const Kernels& kernels, int64_t K, int64_t N) {
  return panel_floats(N, kernels.gemm_columns(), K);
}

void pack(const Kernels& kernels, Input b, bool transposed, int64_t K, int64_t N, float* packed) {
  pack_panels(kernels, b, !transposed, N, kernels.gemm_columns(), K, K * N >= kWorthThreads, packed);
}

int64_t scratch_floats(const Kernels& kernels, int64_t M, int64_t K) {
  return panel_floats(std::min(M, kPackedRows), kernels.gemm_rows(), K);
}

void multiply(const Kernels& kernels, const Product& p, float* scratch) {
  const bool threads = p.M * p.N * p.K >= kWorthThreads;
  for (int64_t first = 0; first < p.M; first += kPackedRows) {
    const int64_t rows = std::min(kPackedRows, p.M - first);
    pack_panels(kernels, after(p.a, first), false, rows, kernels.gemm_rows(), p.K, threads, scratch);
    run_block(kernels,
              {.K = p.K,
               .packed_a = scratch,
               .packed_b = p.packed_b,
               .M = rows,
               .N = p.N,
               .c = after(p.c, first),
               .bias = p.bias,
               .add = p.add},
              threads);
  }
}

int64_t outer_scratch_floats(const Kernels& kernels, int64_t M, int64_t N, int64_t K) {
  const int64_t depth = std::min(K, kOuterDepth);
  return panel_floats(M, kernels.gemm_rows(), depth) + panel_floats(N, kernels.gemm_columns(), depth);
}

void add_outer(const Kernels& kernels, const OuterProduct& p, float* scratch) {
  const bool threads = p.M * p.N * p.K >= kWorthThreads;
  for (int64_t first = 0; first < p.K; first += kOuterDepth) {
    const int64_t depth = std::min(kOuterDepth, p.K - first);
    float* packed_b = scratch + panel_floats(p.M, kernels.gemm_rows(), depth);
    pack_panels(kernels, after(p.a, first), true, p.M, kernels.gemm_rows(), depth, threads, scratch);
    pack_panels(kernels, after(p.b, first), true, p.N, kernels.gemm_columns(), depth, threads, packed_b);
    run_block(kernels,
              {.K = depth,
               .packed_a = scratch,
               .packed_b = packed_b,
               .M = p.M,
               .N = p.N,
               .c = {p.c, p.c_step > 0 ? p.c_step : p.N},
               .bias = nullptr,
               .add = true},
              threads);
  }
}

int64_t column_sums_scratch_floats(int64_t N) { return kSumParts * round_to_line(N); }

void add_column_sums(const Kernels& kernels, Input x, int64_t count, int64_t N, float* sum, float* scratch) {
  const int64_t stride = round_to_line(N);
  spread(kSumParts, count * N >= kWorthThreads, [&](int64_t part) {
    float* mine = scratch + part * stride;
    std::fill_n(mine, N, 0.0f);
    for (int64_t i = part * count / kSumParts; i < (part + 1) * count / kSumParts; ++i)
      kernels.add_to(x.data + (x.rows == nullptr ? i : x.rows[i]) * x.step, mine, N);
  });
  for (int64_t part = 0; part < kSumParts; ++part) kernels.add_to(scratch + part * stride, sum, N);
}

}  // namespace day33::gemm
