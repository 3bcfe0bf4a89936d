// Matrix products: exact on whole numbers for every instruction set, number of threads, size and way to name rows.
#include <numeric>

#include "core/aligned_buffer.h"
#include "ops/gemm.h"
#include "plan_cases.h"

namespace day33::testing {
namespace {

struct Sizes {
  int64_t M, N, K;
};
// Around the panels (6 or 14 rows, 8 to 32 columns), and beyond the blocks: 504 rows, 256 columns, 384 and 768 of k.
constexpr Sizes kSizes[] = {{1, 1, 1},    {5, 7, 3},     {6, 8, 4},     {7, 9, 5},     {13, 31, 2},
                            {14, 32, 3},  {15, 33, 17},  {29, 64, 40},  {252, 20, 11}, {505, 33, 70},
                            {90, 257, 6}, {40, 60, 385}, {3, 300, 770}, {770, 5, 9},   {61, 300, 400}};

// Rows that are not next to each other, in an order of their own.
std::vector<int32_t> shuffled_rows(Random& random, int64_t count, int64_t of) {
  std::vector<int32_t> rows(static_cast<size_t>(of));
  std::iota(rows.begin(), rows.end(), 0);
  for (size_t i = rows.size(); i-- > 1;)
    std::swap(rows[i], rows[static_cast<size_t>(random.integer(0, static_cast<int64_t>(i)))]);
  rows.resize(static_cast<size_t>(count));
  return rows;
}

struct Matrix {
  int64_t step;
  Floats values;
  std::vector<int32_t> rows;  // empty: in order

  const int32_t* list() const { return rows.empty() ? nullptr : rows.data(); }
  gemm::Input input() const { return {values.data(), step, list()}; }
  int64_t row(int64_t r) const { return rows.empty() ? r : rows[static_cast<size_t>(r)]; }
  float at(int64_t r, int64_t c) const { return values[static_cast<size_t>(row(r) * step + c)]; }
};

Matrix make_matrix(Random& random, int64_t rows, int64_t columns, bool listed) {
  const int64_t there = rows + (listed ? 3 : 0), step = columns + random.integer(0, 5);
  Matrix m{step, random.integers(there * step), {}};
  if (listed) m.rows = shuffled_rows(random, rows, there);
  return m;
}

Floats transposed(const Matrix& m, int64_t rows, int64_t columns) {
  Floats t(static_cast<size_t>(rows * columns));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) t[static_cast<size_t>(c * rows + r)] = m.at(r, c);
  return t;
}

template <typename Body>
void each_case(uint64_t stream, Body body) {
  Random random(stream);
  for (const Sizes& s : kSizes)
    for (bool listed : {false, true}) {
      const Context context("M ", s.M, " N ", s.N, " K ", s.K, listed ? " listed" : "");
      body(random, s, listed);
    }
}

}  // namespace

TEST(products_are_exact) {
  each_case(90, [](Random& random, const Sizes& s, bool listed) {
    const Matrix a = make_matrix(random, s.M, s.K, listed), b = make_matrix(random, s.K, s.N, false);
    const Matrix c = make_matrix(random, s.M, s.N, listed);
    const Floats bias = random.integers(s.N), b_transposed = transposed(b, s.K, s.N);
    Floats product(static_cast<size_t>(s.M * s.N), 0.0f);
    for (int64_t m = 0; m < s.M; ++m)
      for (int64_t k = 0; k < s.K; ++k)
        for (int64_t n = 0; n < s.N; ++n) product[m * s.N + n] += a.at(m, k) * b.at(k, n);
    for_each_isa_and_thread_count([&] {
      const Kernels& kernels = active_kernels();
      AlignedBuffer packed(gemm::packed_floats(kernels, s.K, s.N)), scratch(gemm::scratch_floats(kernels, s.M, s.K));
      for (bool from_transposed : {false, true})
        for (int what : {0, 1, 2, 3}) {  // C = A B, C = A B + bias, C += A B, C = A B without B packed first
          const gemm::Input given = from_transposed ? gemm::Input{b_transposed.data(), s.K} : b.input();
          gemm::pack(kernels, given, from_transposed, s.K, s.N, packed.data());
          Matrix result = c;
          gemm::multiply(kernels,
                         {.M = s.M,
                          .N = s.N,
                          .K = s.K,
                          .a = a.input(),
                          .packed_b = what == 3 ? nullptr : packed.data(),
                          .b = given,
                          .b_transposed = from_transposed,
                          .c = {result.values.data(), c.step, c.list()},
                          .bias = what == 1 ? bias.data() : nullptr,
                          .add = what == 2},
                         scratch.data());
          Floats expected = c.values;
          for (int64_t m = 0; m < s.M; ++m)
            for (int64_t n = 0; n < s.N; ++n) {
              float& to = expected[c.row(m) * c.step + n];
              to = product[m * s.N + n] + (what == 1 ? bias[n] : what == 2 ? to : 0.0f);
            }
          check_all_equal(result.values, expected);  // and what lies between the rows is as it was
        }
    });
  });
}

TEST(outer_products_and_column_sums_are_exact) {
  each_case(91, [](Random& random, const Sizes& s, bool listed) {
    const Matrix a = make_matrix(random, s.K, s.M, listed), b = make_matrix(random, s.K, s.N, listed);
    const int64_t step = s.N + (listed ? 4 : 0);
    const Floats before = random.integers(s.M * step), sums_before = random.integers(s.N);
    Floats expected = before, expected_sums = sums_before;
    for (int64_t k = 0; k < s.K; ++k)
      for (int64_t n = 0; n < s.N; ++n) {
        expected_sums[n] += b.at(k, n);
        for (int64_t m = 0; m < s.M; ++m) expected[m * step + n] += a.at(k, m) * b.at(k, n);
      }
    for_each_isa_and_thread_count([&] {
      const Kernels& kernels = active_kernels();
      AlignedBuffer scratch(
          std::max(gemm::outer_scratch_floats(kernels, s.M, s.N, s.K), gemm::column_sums_scratch_floats(s.N)));
      Floats c = before, sums = sums_before;
      gemm::add_outer(kernels,
                      {.M = s.M, .N = s.N, .K = s.K, .a = a.input(), .b = b.input(), .c = c.data(), .c_step = step},
                      scratch.data());
      gemm::add_column_sums(kernels, b.input(), s.K, s.N, sums.data(), scratch.data());
      check_all_equal(c, expected);
      check_all_equal(sums, expected_sums);
    });
  });
}

}  // namespace day33::testing
