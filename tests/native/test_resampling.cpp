#include "check.h"
#include "inputs.h"
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

}  // namespace day33::testing
