// Products of small matrices on every instruction set, and of matrices of any size as a plan.
#include "core/thread_pool.h"
#include "plan_cases.h"
#include "reference/matrix.h"

namespace day33::testing {
namespace {

struct Sizes {
  int64_t M, N, K;
};

// Rows and columns around the tiles: 4 rows, and vectors of 4, 8 and 16 columns and two of them.
template <typename Body>
void each_size(Body body) {
  for (int64_t M : {1, 2, 3, 4, 5, 9})
    for (int64_t N : {1, 3, 4, 7, 8, 13, 16, 31, 32, 33, 67})
      for (int64_t K : {1, 2, 9}) {
        const Context context("M ", M, " N ", N, " K ", K);
        body(Sizes{M, N, K});
      }
}

}  // namespace

TEST(small_products_are_exact) {
  Random random(110);
  for_each_isa([&](const Kernels& k) {
    each_size([&](const Sizes& s) {
      const int64_t gap = random.integer(0, 3);
      const Floats a = random.integers(s.M * s.K), b = random.integers(s.K * (s.N + gap)),
                   before = random.integers(s.M * (s.N + gap));
      Floats dense_b;
      for (int64_t row = 0; row < s.K; ++row)
        dense_b.insert(dense_b.end(), b.begin() + row * (s.N + gap), b.begin() + row * (s.N + gap) + s.N);
      const Floats product = to_floats(reference::matmul(s.M, s.N, s.K, to_double(a), to_double(dense_b)));
      const Floats turned = to_floats(reference::transposed(s.M, s.K, to_double(a)));
      for (bool transposed : {false, true})
        for (bool add : {false, true}) {
          Floats c = before, expected = before;  // what lies between the rows stays as it is
          k.multiply_matrices({.M = s.M,
                               .N = s.N,
                               .K = s.K,
                               .a = transposed ? turned.data() : a.data(),
                               .a_row = transposed ? 1 : s.K,
                               .a_step = transposed ? s.M : 1,
                               .b = b.data(),
                               .b_row = s.N + gap,
                               .c = c.data(),
                               .c_row = s.N + gap,
                               .add = add});
          for (int64_t m = 0; m < s.M; ++m)
            for (int64_t n = 0; n < s.N; ++n) {
              float& to = expected[m * (s.N + gap) + n];
              to = product[m * s.N + n] + (add ? to : 0.0f);
            }
          check_all_equal(c, expected);
        }
    });
  });
}

TEST(matrices_are_transposed) {
  Random random(111);
  for_each_isa([&](const Kernels& k) {
    for (int64_t rows : {1, 2, 7, 8, 17, 33})
      for (int64_t columns : {1, 3, 8, 16, 35}) {
        const Context context(rows, " rows, ", columns, " columns");
        const Floats x = random.reals(rows * columns);
        Floats y(x.size(), kNan);
        k.transpose_matrix(x.data(), y.data(), rows, columns);
        check_all_equal(y, reference::transposed(rows, columns, to_double(x)));
      }
  });
}

// A plan of one product, a (batch, M, K) or (M, K) and b (batch, K, N) or (K, N), below and above the sizes at which
// operands are packed and threads share one product.
TEST(products_of_tensors_match_the_reference) {
  struct Case {
    int64_t batch;
    bool a_shared, b_shared;
    Sizes s;
  };
  constexpr Case kCases[] = {
      {1, false, false, {3, 5, 4}},   {4, false, false, {17, 9, 33}},    {3, true, false, {6, 7, 5}},
      {3, false, true, {6, 7, 5}},    {2, false, false, {40, 35, 50}},   {3, false, true, {30, 40, 50}},
      {3, true, false, {40, 40, 40}}, {1, false, false, {1, 90, 700}},   {2, false, false, {90, 1, 70}},
      {2, false, false, {70, 90, 1}}, {1, false, false, {200, 170, 150}}};
  Random random(112);
  for (const Case& c : kCases) {
    const auto [M, N, K] = c.s;
    const int64_t a_count = c.a_shared ? 1 : c.batch, b_count = c.b_shared ? 1 : c.batch, samples = 3;
    const Context context("batch ", c.batch, c.a_shared ? " a shared" : "", c.b_shared ? " b shared" : "", " M ", M,
                          " N ", N, " K ", K);
    GraphBuilder builder;
    const int a = builder.input(c.a_shared ? Shape{M, K} : Shape{c.batch, M, K}, DType::float32);
    const int b = builder.input(c.b_shared ? Shape{K, N} : Shape{c.batch, K, N}, DType::float32);
    const int y = builder.matmul(a, b);
    CHECK(builder.shape(y) == (c.a_shared && c.b_shared ? Shape{M, N} : Shape{c.batch, M, N}));
    const Plan plan(builder.build({y}, Layout::automatic));

    const Floats as = random.reals(samples * a_count * M * K), bs = random.reals(samples * b_count * K * N);
    const Floats dys = random.reals(samples * c.batch * M * N);
    reference::Values ys, das(as.size(), 0.0), dbs(bs.size(), 0.0);
    const auto part = [](const Floats& values, int64_t number, int64_t size) {
      return reference::Values(values.begin() + number * size, values.begin() + (number + 1) * size);
    };
    const auto add = [](reference::Values& to, int64_t number, const reference::Values& values) {
      for (size_t i = 0; i < values.size(); ++i)
        to[number * static_cast<int64_t>(values.size()) + static_cast<int64_t>(i)] += values[i];
    };
    for (int64_t sample = 0; sample < samples; ++sample)
      for (int64_t i = 0; i < c.batch; ++i) {
        const int64_t at = sample * a_count + (c.a_shared ? 0 : i), bt = sample * b_count + (c.b_shared ? 0 : i);
        const reference::Values one_a = part(as, at, M * K), one_b = part(bs, bt, K * N),
                                dy = part(dys, sample * c.batch + i, M * N);
        const reference::Values product = reference::matmul(M, N, K, one_a, one_b);
        ys.insert(ys.end(), product.begin(), product.end());
        add(das, at, reference::matmul(M, K, N, dy, reference::transposed(K, N, one_b)));
        add(dbs, bt, reference::matmul(K, N, M, reference::transposed(M, K, one_a), dy));
      }

    for_each_isa_and_thread_count([&] {
      Floats got_y(dys.size(), kNan), da(as.size(), kNan), db(bs.size(), kNan);
      Request request;
      request.samples = samples;
      request.inputs = {as.data(), bs.data()};
      request.want_outputs = request.want_backward = true;
      request.outputs = {got_y.data()};
      request.output_gradients = {dys.data()};
      request.input_gradients = {da.data(), db.data()};
      plan.run(request);
      const auto check = [](const Floats& got, const reference::Values& expected, int64_t terms) {
        for (size_t i = 0; i < got.size(); ++i)
          CHECK_NEAR(got[i], expected[i], sum_bound(terms, static_cast<double>(terms)));
      };
      check(got_y, ys, K);
      check(da, das, N * (c.a_shared ? c.batch : 1));
      check(db, dbs, M * (c.b_shared ? c.batch : 1));
    });
  }
}

}  // namespace day33::testing
