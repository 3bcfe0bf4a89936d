#include "plan_cases.h"
#include "reference/matrix.h"
#include "reference/resampling.h"

namespace day33::testing {
namespace {

using reference::UpSampling;

struct Pass {
  void (*forward)(const UpSample2dArgs&, const float*, float*);
  void (*backward)(const UpSample2dArgs&, const float*, float*);
};

Pass pass_of(const Kernels& k, UpSampling kind) {
  switch (kind) {
    case UpSampling::nearest:
      return {k.upsample_nearest_forward, k.upsample_nearest_backward};
    case UpSampling::bilinear:
      return {k.upsample_bilinear_forward, k.upsample_bilinear_backward};
    case UpSampling::bed_of_nails:
      break;
  }
  return {k.upsample_nails_forward, k.upsample_nails_backward};
}

// bound(magnitude) is the tolerance of an element whose sum of |weight * value| is at most `magnitude`.
template <typename Bound>
void check_up_sampling(const Kernels& k, UpSampling kind, int64_t H, int64_t W, int64_t scale_h, int64_t scale_w,
                       int64_t inner, const Floats& x, const Floats& dy, Bound bound) {
  const Context context("H ", H, " W ", W, " scale ", scale_h, "x", scale_w, " inner ", inner, " kind ",
                        static_cast<int>(kind));
  const UpSample2dArgs args{
      .H = H, .W = W, .OH = H * scale_h, .OW = W * scale_w, .inner = inner, .scale_h = scale_h, .scale_w = scale_w};
  const Pass pass = pass_of(k, kind);
  Floats y(dy.size(), kNan), dx(x.size(), kNan);
  pass.forward(args, x.data(), y.data());
  pass.backward(args, dy.data(), dx.data());
  reference::Array4 ax(1, H, W, inner), ady(1, H * scale_h, W * scale_w, inner);
  ax.values = to_double(x);
  ady.values = to_double(dy);
  const reference::Array4 expected_y = reference::up_sampling2d(kind, ax, scale_h, scale_w);
  const reference::Array4 expected_dx = reference::up_sampling2d_backward(kind, ady, scale_h, scale_w);
  for (size_t i = 0; i < y.size(); ++i) CHECK_NEAR(y[i], expected_y.values[i], bound(1));
  for (size_t i = 0; i < dx.size(); ++i) CHECK_NEAR(dx[i], expected_dx.values[i], bound(4 * scale_h * scale_w));
}

template <typename Body>
void each_shape(Body body) {
  for (int64_t H : {1, 2, 3, 5})
    for (int64_t W : {1, 2, 4})
      for (int64_t scale_h : {1, 2, 3, 4})
        for (int64_t scale_w : {1, 2, 3, 5}) body(H, W, scale_h, scale_w);
}

}  // namespace

TEST(up_sampling_by_copies_is_exact) {
  Random random(10);
  for_each_isa([&](const Kernels& k) {
    for (int64_t inner : sizes_around(k.lanes))
      each_shape([&](int64_t H, int64_t W, int64_t scale_h, int64_t scale_w) {
        const Floats x = random.integers(H * W * inner), dy = random.integers(H * W * inner * scale_h * scale_w);
        for (UpSampling kind : {UpSampling::nearest, UpSampling::bed_of_nails})
          check_up_sampling(k, kind, H, W, scale_h, scale_w, inner, x, dy, [](int64_t) { return 0.0; });
      });
  });
}

// With scales 2 and 4 the weights are multiples of 1/64, so whole numbers give exact results.
TEST(bilinear_by_powers_of_two_is_exact) {
  Random random(11);
  for_each_isa([&](const Kernels& k) {
    for (int64_t inner : sizes_around(k.lanes))
      for (int64_t H : {1, 2, 5})
        for (int64_t scale_h : {1, 2, 4})
          for (int64_t scale_w : {1, 2, 4}) {
            const Floats x = random.integers(H * 3 * inner), dy = random.integers(H * 3 * inner * scale_h * scale_w);
            check_up_sampling(k, UpSampling::bilinear, H, 3, scale_h, scale_w, inner, x, dy,
                              [](int64_t) { return 0.0; });
          }
  });
}

// An output is a weighted mean of values of at most 1, a gradient a sum of at most 4 scale_h scale_w of them; each
// weight is a product of two roundings.
TEST(bilinear_matches_the_reference) {
  Random random(12);
  for_each_isa([&](const Kernels& k) {
    for (int64_t inner : {int64_t{1}, int64_t{k.lanes} + 2})
      each_shape([&](int64_t H, int64_t W, int64_t scale_h, int64_t scale_w) {
        const Floats x = random.reals(H * W * inner), dy = random.reals(H * W * inner * scale_h * scale_w);
        check_up_sampling(k, UpSampling::bilinear, H, W, scale_h, scale_w, inner, x, dy,
                          [](int64_t n) { return sum_bound(n, static_cast<double>(n), 8); });
      });
    // More taps than the kernel keeps weights for at a time.
    const Floats x = random.reals(2 * 3 * 2), dy = random.reals(2 * 3 * 2 * 2 * 40);
    check_up_sampling(k, UpSampling::bilinear, 2, 3, 2, 40, 2, x, dy,
                      [](int64_t n) { return sum_bound(n, static_cast<double>(n), 8); });
  });
}

// Rows of a sparse matrix that begin anywhere, and one of nothing.
TEST(one_axis_times_a_sparse_matrix_is_exact) {
  Random random(13);
  for_each_isa([&](const Kernels& k) {
    for (int64_t inner : sizes_around(k.lanes))
      for (int64_t in : {1, 4, 9})
        for (int64_t out : {1, 5}) {
          const Context context("inner ", inner, " in ", in, " out ", out);
          constexpr int64_t kOuter = 3;
          std::vector<int32_t> first;
          std::vector<int64_t> start{0};
          Floats weights;
          reference::Values matrix(static_cast<size_t>(in * out), 0.0);
          for (int64_t row = 0; row < out; ++row) {
            const int64_t begin = random.integer(0, in - 1), count = row == 4 ? 0 : random.integer(1, in - begin);
            first.push_back(static_cast<int32_t>(begin));
            for (int64_t column = begin; column < begin + count; ++column) {
              weights.push_back(static_cast<float>(random.integer(-3, 3)));
              matrix[row * in + column] = static_cast<double>(weights.back());
            }
            start.push_back(static_cast<int64_t>(weights.size()));
          }
          const Floats x = random.integers(kOuter * in * inner);
          Floats y(static_cast<size_t>(kOuter * out * inner), kNan);
          k.resample_axis({.outer = kOuter,
                           .in = in,
                           .out = out,
                           .inner = inner,
                           .first = first.data(),
                           .start = start.data(),
                           .weights = weights.data()},
                          x.data(), y.data());
          check_all_equal(y, reference::resample_axis(kOuter, in, out, inner, matrix, to_double(x)));
        }
  });
}

// Both axes, and the transpose for the gradient. Positions are taken in float: an error of a few units in the last
// place of a position below 64 is one of 2^-17 in a weight.
TEST(bilinear_resizing_matches_the_reference) {
  Random random(14);
  struct Sizes {
    int64_t H, W, OH, OW;
  };
  for (const Sizes& s : {Sizes{5, 6, 7, 4}, Sizes{1, 9, 3, 9}, Sizes{8, 8, 1, 40}, Sizes{40, 3, 13, 7}})
    for (int64_t C : {1, 3, 18})
      for (Layout layout : {Layout::lanes, Layout::channels}) {
        const Context context(s.H, "x", s.W, " to ", s.OH, "x", s.OW, " channels ", C);
        GraphBuilder builder;
        const int y =
            builder.resize(builder.input({s.H, s.W, C}, DType::float32), {s.OH, s.OW}, Resizing::bilinear, false);
        const Plan plan(builder.build({y}, layout));
        const reference::Values rows = reference::bilinear_matrix(s.H, s.OH),
                                columns = reference::bilinear_matrix(s.W, s.OW);
        for (int64_t samples : {1, 6, 17}) {
          const Floats x = random.reals(samples * s.H * s.W * C), dy = random.reals(samples * s.OH * s.OW * C);
          const reference::Values correct_y =
              reference::resample_axis(samples * s.OH, s.W, s.OW, C, columns,
                                       reference::resample_axis(samples, s.H, s.OH, s.W * C, rows, to_double(x)));
          const reference::Values correct_dx = reference::resample_axis(
              samples, s.OH, s.H, s.W * C, reference::transposed(s.OH, s.H, rows),
              reference::resample_axis(samples * s.OH, s.OW, s.W, C, reference::transposed(s.OW, s.W, columns),
                                       to_double(dy)));
          for_each_isa_and_thread_count([&] {
            Floats got_y(dy.size(), kNan), dx(x.size(), kNan);
            Request request;
            request.samples = samples;
            request.inputs = {x.data()};
            request.want_outputs = request.want_backward = true;
            request.outputs = {got_y.data()};
            request.output_gradients = {dy.data()};
            request.input_gradients = {dx.data()};
            plan.run(request);
            const double each = 1.0 / (1 << 17);  // of a value of at most 1
            for (size_t i = 0; i < got_y.size(); ++i) CHECK_NEAR(got_y[i], correct_y[i], 4 * each);
            for (size_t i = 0; i < dx.size(); ++i)
              CHECK_NEAR(dx[i], correct_dx[i], 4 * each * static_cast<double>((s.OH / s.H + 2) * (s.OW / s.W + 2)));
          });
        }
      }
}

}  // namespace day33::testing
