#include "ops/matrix.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "core/block_pool.h"
#include "ops/gemm.h"

namespace day33 {
namespace {

constexpr int64_t kSmall = 1 << 20;                        // multiply-adds: up to here, packing does not pay
constexpr int64_t kLarge = 16 * gemm::kWorthThreads;       // from here on, the threads share a packed product
constexpr int64_t kPortionWork = gemm::kWorthThreads / 4;  // multiply-adds of a thread's portion, about

// A matrix in rows without gaps, or its transpose.
struct Operand {
  const float* data;
  bool transposed = false;
};

// C (M, N) = A B, or C += A B. At most one of A and B is transposed.
struct Multiply {
  int64_t M, N, K;
  Operand a, b;
  float* c;
  bool add;

  int64_t work() const { return M * N * K; }

  // The same product with fewer transposes: a vector is a row or a column, whichever suits the other operand.
  Multiply simplified() const {
    Multiply s = *this;
    if (M == 1 || K == 1) s.a.transposed = false;
    if (N == 1 || K == 1) s.b.transposed = false;
    if (N == 1 && s.a.transposed) return {1, M, K, {b.data}, {a.data}, c, add};
    if (M == 1 && s.b.transposed) return {N, 1, K, {b.data}, {a.data}, c, add};
    return s;
  }

  // Of a simplified product:
  bool shares_threads() const { return work() >= kLarge && !is_column() && !is_small(); }
  int64_t scratch_floats(const Kernels& kernels) const {
    if (is_column()) return M;  // where it is added
    if (is_small()) return b.transposed ? N * K : 0;
    if (a.transposed) return gemm::outer_scratch_floats(kernels, M, N, K);
    return (M > gemm::kUnpackedRows ? gemm::packed_floats(kernels, K, N) : 0) + gemm::scratch_floats(kernels, M, K);
  }

  void run(const Kernels& kernels, float* scratch) const {
    if (work() == 0) {
      if (!add) std::fill_n(c, M * N, 0.0f);
    } else if (is_column()) {
      kernels.dot_rows(a.data, b.data, nullptr, add ? scratch : c, M, K);
      if (add) kernels.add_to(scratch, c, M);
    } else if (is_small()) {
      run_small(kernels, scratch);
    } else if (a.transposed) {
      if (!add) std::fill_n(c, M * N, 0.0f);
      gemm::add_outer(kernels, {.M = M, .N = N, .K = K, .a = {a.data, M}, .b = {b.data, N}, .c = c}, scratch);
    } else {
      const gemm::Input rows{b.data, b.transposed ? K : N};
      const float* packed = nullptr;
      if (M > gemm::kUnpackedRows) {
        gemm::pack(kernels, rows, b.transposed, K, N, scratch);
        packed = std::exchange(scratch, scratch + gemm::packed_floats(kernels, K, N));
      }
      gemm::multiply(kernels,
                     {.M = M,
                      .N = N,
                      .K = K,
                      .a = {a.data, K},
                      .packed_b = packed,
                      .b = rows,
                      .b_transposed = b.transposed,
                      .c = {c, N},
                      .add = add},
                     scratch);
    }
  }

 private:
  bool is_column() const { return N == 1; }
  bool is_small() const { return work() <= kSmall || M == 1 || K == 1; }

  void run_small(const Kernels& kernels, float* scratch) const {
    if (b.transposed) kernels.transpose_matrix(b.data, scratch, N, K);
    const float* rows = b.transposed ? scratch : b.data;
    const int64_t a_row = a.transposed ? 1 : K, a_step = a.transposed ? M : 1;
    for (int64_t k = 0; k < K; k += gemm::kDepth)
      kernels.multiply_matrices({.M = M,
                                 .N = N,
                                 .K = std::min(gemm::kDepth, K - k),
                                 .a = a.data + k * a_step,
                                 .a_row = a_row,
                                 .a_step = a_step,
                                 .b = rows + k * N,
                                 .b_row = N,
                                 .c = c,
                                 .c_row = N,
                                 .add = add || k > 0});
  }
};

// Calls body(i, scratch) for `count` products of one size, on the threads of the pool where there is enough to do.
template <typename Body>
void over_products(const Kernels& kernels, int64_t count, const Multiply& each, Body&& body) {
  const int64_t floats = each.simplified().scratch_floats(kernels), work = each.work();
  const auto some = [&](int64_t first, int64_t number) {
    std::unique_ptr<AlignedBuffer> scratch;
    if (floats > 0) scratch = lease_block(floats);
    for (int64_t i = first; i < first + number; ++i) body(i, scratch ? scratch->data() : nullptr);
    if (scratch) return_block(std::move(scratch));
  };
  if (each.simplified().shares_threads())
    some(0, count);
  else
    gemm::over_rows(count, std::max<int64_t>(kPortionWork / std::max<int64_t>(work, 1), 1), count * work, some);
}

// Which products take matrix i, in order.
std::vector<std::vector<int64_t>> users_of(const std::vector<int64_t>& matrices, int64_t count) {
  std::vector<std::vector<int64_t>> users(static_cast<size_t>(count));
  for (size_t i = 0; i < matrices.size(); ++i) users[matrices[i]].push_back(static_cast<int64_t>(i));
  return users;
}

class MatmulOp final : public Op {
 public:
  MatmulOp(int a, int b, int y, const MatrixProduct& product)
      : Op("matmul", {a, b}, {y}, {}), p_(product), shape_(detail_of(product)) {
    const int64_t count = static_cast<int64_t>(p_.a_of.size());
    a_users_ = users_of(p_.a_of, p_.a_count);
    b_users_ = users_of(p_.b_of, p_.b_count);
    // One matrix b for all: the rows of all a are one matrix.
    if (p_.b_count == 1 && p_.a_count == count && count > 1) {
      p_.M *= count;
      p_.a_count = 1;
      p_.a_of = p_.b_of = {0};
      a_users_ = b_users_ = {{0}};
    }
  }

  bool takes_lanes() const override { return false; }

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const int64_t count = products();
    const Multiply each{.M = p_.M, .N = p_.N, .K = p_.K, .a = {}, .b = {}, .c = nullptr, .add = false};
    over_products(*tile.kernels, tile.n * count, each, [&](int64_t i, float* scratch) {
      Multiply one = each;
      one.a.data = a_at(tile.value[inputs[0]], i / count, p_.a_of[i % count]);
      one.b.data = b_at(tile.value[inputs[1]], i / count, p_.b_of[i % count]);
      one.c = tile.value[outputs[0]] + i * p_.M * p_.N;
      one.simplified().run(*tile.kernels, scratch);
    });
  }

  // da = dy b^T and db = a^T dy, summed in the order of the products that take the same matrix.
  void backward(const Tile& tile, float* const* dx) const override {
    const float* dy = tile.gradient[outputs[0]];
    const auto sum = [&](const std::vector<std::vector<int64_t>>& users, const Multiply& each, float* into,
                         auto&& operands) {
      const int64_t count = static_cast<int64_t>(users.size());
      over_products(*tile.kernels, tile.n * count, each, [&](int64_t i, float* scratch) {
        Multiply one = each;
        one.c = into + i * one.M * one.N;
        if (users[static_cast<size_t>(i % count)].empty()) std::fill_n(one.c, one.M * one.N, 0.0f);
        for (int64_t product : users[static_cast<size_t>(i % count)]) {
          operands(one, i / count, product);
          one.simplified().run(*tile.kernels, scratch);
          one.add = true;
        }
      });
    };
    const auto dy_at = [&](int64_t sample, int64_t product) {
      return dy + (sample * products() + product) * p_.M * p_.N;
    };
    if (dx[0] != nullptr)
      sum(a_users_, {.M = p_.M, .N = p_.K, .K = p_.N, .a = {}, .b = {nullptr, true}, .c = nullptr, .add = false}, dx[0],
          [&](Multiply& one, int64_t sample, int64_t product) {
            one.a.data = dy_at(sample, product);
            one.b.data = b_at(tile.value[inputs[1]], sample, p_.b_of[product]);
          });
    if (dx[1] != nullptr)
      sum(b_users_, {.M = p_.K, .N = p_.N, .K = p_.M, .a = {nullptr, true}, .b = {}, .c = nullptr, .add = false}, dx[1],
          [&](Multiply& one, int64_t sample, int64_t product) {
            one.a.data = a_at(tile.value[inputs[0]], sample, p_.a_of[product]);
            one.b.data = dy_at(sample, product);
          });
  }
  bool backward_reads_forward() const override { return false; }

  int64_t multiply_adds() const override { return products() * p_.M * p_.N * p_.K; }
  std::string detail() const override { return shape_; }

 private:
  static std::string detail_of(const MatrixProduct& p) {
    const std::string one =
        std::to_string(p.M) + "x" + std::to_string(p.K) + " " + std::to_string(p.K) + "x" + std::to_string(p.N);
    return p.a_of.size() == 1 ? one : std::to_string(p.a_of.size()) + " times " + one;
  }
  int64_t products() const { return static_cast<int64_t>(p_.a_of.size()); }
  const float* a_at(const float* a, int64_t sample, int64_t matrix) const {
    return a + (sample * p_.a_count + matrix) * p_.M * p_.K;
  }
  const float* b_at(const float* b, int64_t sample, int64_t matrix) const {
    return b + (sample * p_.b_count + matrix) * p_.K * p_.N;
  }

  MatrixProduct p_;
  const std::string shape_;
  std::vector<std::vector<int64_t>> a_users_, b_users_;
};

}  // namespace

std::unique_ptr<Op> make_matmul(int a, int b, int y, const MatrixProduct& product) {
  return std::make_unique<MatmulOp>(a, b, y, product);
}

}  // namespace day33
