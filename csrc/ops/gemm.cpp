#include "ops/gemm.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/aligned_buffer.h"
#include "core/block_pool.h"

namespace day33::gemm {
namespace {

constexpr int64_t kBlockColumns = 256;          // of B per block, in the L2 cache
constexpr int64_t kTaskRows = 280;              // rows of C per task, at most
constexpr int64_t kPackedRows = 2 * kTaskRows;  // rows of A packed at a time
constexpr int64_t kOuterDepth = 768;            // k packed at a time where both factors have to be packed
constexpr int64_t kPackedDepth = 128;           // k of columns that a thread packs at a time
constexpr int64_t kRowsWorthPacking = 128;      // of a task that packs B itself
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

// Packs `lines` rows of x, K floats of each, in panels of `width`.
void pack_rows(const Kernels& kernels, Input x, int64_t lines, int64_t width, int64_t K, float* packed) {
  for (int64_t line = 0; line < lines; line += width) {
    const Input from = after(x, line);
    kernels.gemm_pack_rows({.x = from.data,
                            .step = from.step,
                            .rows = from.rows,
                            .K = K,
                            .count = std::min(width, lines - line),
                            .width = width,
                            .panel_step = K * width},
                           packed + line * K);
  }
}

// Packs `lines` columns of x, K floats of each, in panels of `width`, which lie panel_step floats apart.
void pack_columns(const Kernels& kernels, Input x, int64_t lines, int64_t width, int64_t K, int64_t panel_step,
                  float* packed) {
  kernels.gemm_pack_columns(
      {.x = x.data, .step = x.step, .rows = x.rows, .K = K, .count = lines, .width = width, .panel_step = panel_step},
      packed);
}

// Packs panels of `width` lines of x: of its columns if `columns`, else of its rows.
void pack_panels(const Kernels& kernels, Input x, bool columns, int64_t lines, int64_t width, int64_t K, bool threads,
                 float* packed) {
  if (!columns) {
    const int64_t together = 4 * width;
    return spread(ceil_div(lines, together), threads, [&](int64_t task) {
      const int64_t line = task * together;
      pack_rows(kernels, after(x, line), std::min(together, lines - line), width, K, packed + line * K);
    });
  }
  const int64_t together = round_up(kBlockColumns, width), groups = ceil_div(lines, together);
  spread(groups * ceil_div(K, kPackedDepth), threads, [&](int64_t task) {
    const int64_t line = task % groups * together, k = task / groups * kPackedDepth;
    const Input from = after(x, k);
    pack_columns(kernels, {from.data + line, from.step, from.rows}, std::min(together, lines - line), width,
                 std::min(kPackedDepth, K - k), K * width, packed + line * K + k * width);
  });
}

struct Block {
  int64_t K;
  const float* packed_a;  // of rows [0, M)
  const float* packed_b;  // or null for `b`, as in Product
  Input b;
  bool b_transposed;
  int64_t M, N;
  Output c;
  const float* bias;
  bool add;
};

// Packs rows [k, k + K) and some columns of B.
void pack_part(const Kernels& kernels, const Block& b, int64_t k, int64_t K, int64_t first_column, int64_t columns,
               float* packed) {
  const int64_t width = kernels.gemm_columns();
  if (b.b_transposed)
    return pack_rows(kernels, {b.b.data + first_column * b.b.step + k, b.b.step}, columns, width, K, packed);
  pack_columns(kernels, {b.b.data + k * b.b.step + first_column, b.b.step}, columns, width, K, K * width, packed);
}

// C for the rows and columns of one task, over all k.
void run_task(const Kernels& kernels, const Block& b, int64_t first_row, int64_t rows, int64_t first_column,
              int64_t columns) {
  const int64_t R = kernels.gemm_rows(), W = kernels.gemm_columns();
  const int64_t depth = ceil_div(b.K, ceil_div(b.K, kDepth));
  std::unique_ptr<AlignedBuffer> own;
  if (b.packed_b == nullptr) own = lease_block(round_up(columns, W) * depth);
  for (int64_t k = 0; k < b.K; k += depth) {
    GemmTileArgs tile{};
    tile.K = std::min(depth, b.K - k);
    tile.add = b.add || k > 0;
    const float* packed_b = own == nullptr ? b.packed_b + first_column * b.K + k * W : own->data();
    const int64_t lines_step = own == nullptr ? b.K : tile.K;  // between columns, in panels of W
    if (own != nullptr) pack_part(kernels, b, k, tile.K, first_column, columns, own->data());
    for (int64_t row = first_row; row < first_row + rows; row += R) {
      int64_t offsets[kMaxPanel];
      tile.rows = static_cast<int>(std::min(R, first_row + rows - row));
      for (int r = 0; r < tile.rows; ++r) offsets[r] = (b.c.rows == nullptr ? row + r : b.c.rows[row + r]) * b.c.step;
      tile.c_rows = offsets;
      tile.a = b.packed_a + row * b.K + k * R;
      for (int64_t column = first_column; column < first_column + columns; column += W) {
        tile.b = packed_b + (column - first_column) * lines_step;
        tile.c = b.c.data + column;
        tile.columns = static_cast<int>(std::min(W, first_column + columns - column));
        tile.bias = b.bias == nullptr ? nullptr : b.bias + column;
        kernels.gemm_tile(tile);
      }
    }
  }
  if (own != nullptr) return_block(std::move(own));
}

void run_block(const Kernels& kernels, const Block& b, bool threads) {
  // At least two tasks per thread, if there are enough rows, of nearly equal size. Tasks that pack B themselves share
  // its columns out before its rows, which each of them would pack again.
  const bool unpacked = b.packed_b == nullptr;
  const int64_t wanted = threads ? 2 * num_threads() : 1;
  const int64_t columns =
      unpacked ? std::min(round_up(ceil_div(b.N, wanted), kernels.gemm_columns()), kBlockColumns) : kBlockColumns;
  const int64_t column_tasks = ceil_div(b.N, columns);
  const int64_t split =
      unpacked ? std::min(ceil_div(wanted, column_tasks), b.M / kRowsWorthPacking) : ceil_div(wanted, column_tasks);
  const int64_t row_tasks = std::max(ceil_div(b.M, kTaskRows), split);
  const int64_t rows = round_up(ceil_div(b.M, row_tasks), kernels.gemm_rows()), filled = ceil_div(b.M, rows);
  spread(filled * column_tasks, threads, [&](int64_t task) {
    const int64_t row = task % filled * rows, column = task / filled * columns;
    run_task(kernels, b, row, std::min(rows, b.M - row), column, std::min(columns, b.N - column));
  });
}

// All columns for a few rows in each task, which packs its part of A and all of B: no core reads what another has
// written.
void run_rows(const Kernels& kernels, const Block& b, Input a, float* packed_a) {
  const int64_t R = kernels.gemm_rows(), tasks = std::max<int64_t>(ceil_div(b.M, kTaskRows), num_threads());
  const int64_t each = round_up(ceil_div(b.M, tasks), R);
  spread(ceil_div(b.M, each), true, [&](int64_t task) {
    const int64_t row = task * each, rows = std::min(each, b.M - row);
    pack_rows(kernels, after(a, row), rows, R, b.K, packed_a + row * b.K);
    run_task(kernels, b, row, rows, 0, b.N);
  });
}

int64_t panel_floats(int64_t lines, int64_t width, int64_t K) { return round_to_line(round_up(lines, width) * K); }

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
    const Input a = after(p.a, first);
    const Block block{.K = p.K,
                      .packed_a = scratch,
                      .packed_b = p.packed_b,
                      .b = p.b,
                      .b_transposed = p.b_transposed,
                      .M = rows,
                      .N = p.N,
                      .c = after(p.c, first),
                      .bias = p.bias,
                      .add = p.add};
    if (threads && p.packed_b == nullptr && p.N <= kBlockColumns && rows >= kRowsWorthPacking * num_threads()) {
      run_rows(kernels, block, a, scratch);
      continue;
    }
    pack_panels(kernels, a, false, rows, kernels.gemm_rows(), p.K, threads, scratch);
    run_block(kernels, block, threads);
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
               .b = {},
               .b_transposed = false,
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
