// Matrix products over the whole batch, spread over the thread pool.
//
// B is packed into panels of columns, once for many products or block by block in between, and A block by block into
// panels of rows. Every element of C is summed by one thread in the order of k, so the bits depend neither on that nor
// on the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/thread_pool.h"
#include "kernels/kernels.h"

namespace day33::gemm {

constexpr int64_t kWorthThreads = 1 << 18;  // multiply-adds; below this, one thread is as fast
constexpr int64_t kUnpackedRows = 1120;     // from here on, packing B once for all blocks of rows is as fast
constexpr int64_t kDepth = 384;  // products in a block's sums: their panel of A fills a good part of the L1 cache

// Row r of the matrix begins at data + (rows ? rows[r] : r) * step.
template <typename Float>
struct Rows {
  Float* data;
  int64_t step;
  const int32_t* rows = nullptr;
};
using Input = Rows<const float>;
using Output = Rows<float>;

// Packs B, with K rows and N columns, for C = A B. `b` holds its K rows or, with `transposed`, its N columns.
int64_t packed_floats(const Kernels& kernels, int64_t K, int64_t N);
void pack(const Kernels& kernels, Input b, bool transposed, int64_t K, int64_t N, float* packed);

// C = A B + bias, or C += A B. A has M rows of K; bias (N,) may be null. `scratch` holds scratch_floats(M, K).
//
// `b` is B as it lies in memory, as for pack(), without `rows`. It is read where packed_b is null; that pays where B
// serves this product alone and M is at most kUnpackedRows.
struct Product {
  int64_t M, N, K;
  Input a;
  const float* packed_b;
  Input b = {};
  bool b_transposed = false;
  Output c;
  const float* bias = nullptr;
  bool add = false;
};
int64_t scratch_floats(const Kernels& kernels, int64_t M, int64_t K);
void multiply(const Kernels& kernels, const Product& product, float* scratch);

// C += A^T B, where A has K rows of M and B has K rows of N: the gradient of weights. C is (M, N), with rows
// `c_step` floats apart; 0 stands for N.
struct OuterProduct {
  int64_t M, N, K;
  Input a, b;
  float* c;
  int64_t c_step = 0;
};
int64_t outer_scratch_floats(const Kernels& kernels, int64_t M, int64_t N, int64_t K);
void add_outer(const Kernels& kernels, const OuterProduct& product, float* scratch);

// sum[n] += x[r][n] over `count` rows: the gradient of a bias.
int64_t column_sums_scratch_floats(int64_t N);
void add_column_sums(const Kernels& kernels, Input x, int64_t count, int64_t N, float* sum, float* scratch);

// Calls body(first, count) for portions of [0, rows), on the thread pool if there are enough multiply-adds (`work`).
template <typename Body>
void over_rows(int64_t rows, int64_t portion, int64_t work, Body&& body) {
  const auto part = [&](int64_t i) { body(i * portion, std::min(portion, rows - i * portion)); };
  const int64_t parts = (rows + portion - 1) / portion;
  if (parts > 1 && work >= kWorthThreads)
    parallel_for(parts, part);
  else
    for (int64_t i = 0; i < parts; ++i) part(i);
}

}  // namespace day33::gemm
