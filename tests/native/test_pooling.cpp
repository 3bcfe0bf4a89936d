#include "check.h"
#include "inputs.h"
#include "reference/pooling.h"

namespace day33::testing {
namespace {

struct Geometry {
  int64_t H, W;
  Pool2dArgs args(int64_t inner) const {
    return {.H = H,
            .W = W,
            .OH = pool.OH,
            .OW = pool.OW,
            .inner = inner,
            .KH = pool.KH,
            .KW = pool.KW,
            .SH = pool.stride_h,
            .SW = pool.stride_w,
            .pad_top = pool.pad_top,
            .pad_left = pool.pad_left};
  }
  reference::Pool2d pool;
};

// Exact tiling, overlap, gaps between windows, padding on each side, one-sided odd padding, rows and columns left over.
const Geometry kGeometries[] = {
    {4, 6, {2, 3, 2, 2, 2, 2}},       {5, 7, {2, 3, 2, 2, 2, 2}},       {5, 7, {3, 4, 2, 2, 2, 2}},
    {7, 5, {3, 2, 3, 3, 2, 2}},       {7, 8, {7, 8, 3, 3, 1, 1, 1, 1}}, {9, 8, {3, 2, 1, 2, 3, 4}},
    {6, 6, {2, 3, 3, 2, 3, 2}},       {1, 1, {1, 1, 1, 1, 1, 1}},       {2, 2, {1, 1, 2, 2, 2, 2}},
    {5, 5, {3, 3, 3, 3, 2, 2, 1, 1}}, {3, 9, {1, 2, 3, 5, 4, 5}},       {4, 4, {3, 3, 2, 2, 2, 2, 1, 1}},
};

reference::Array4 image(const Floats& x, int64_t H, int64_t W, int64_t C) {
  reference::Array4 a(1, H, W, C);
  a.values = to_double(x);
  return a;
}

void check_pooling(const Kernels& k, const Geometry& g, int64_t inner, const Floats& x, Random& random) {
  const Context context("H ", g.H, " W ", g.W, " window ", g.pool.KH, "x", g.pool.KW, " strides ", g.pool.stride_h, "x",
                        g.pool.stride_w, " pads ", g.pool.pad_top, ",", g.pool.pad_left, " inner ", inner);
  const reference::Pooled expected = reference::max_pool2d(g.pool, image(x, g.H, g.W, inner));
  const size_t outputs = expected.y.values.size();
  Floats y(outputs, kNan), alone(outputs, kNan);
  std::vector<int32_t> winner(outputs, -7);
  k.max_pool2d_forward(g.args(inner), x.data(), y.data(), winner.data());
  k.max_pool2d_forward(g.args(inner), x.data(), alone.data(), nullptr);
  check_all_equal(y, expected.y.values);
  CHECK(same_bits(y, alone));
  for (size_t i = 0; i < outputs; ++i) CHECK_EQUAL(winner[i], expected.winner[i]);

  const Floats dy = random.integers(static_cast<int64_t>(outputs));
  Floats dx(x.size(), kNan);
  k.max_pool2d_backward(g.args(inner), winner.data(), dy.data(), dx.data());
  check_all_equal(
      dx, reference::max_pool2d_backward(expected.winner, image(dy, g.pool.OH, g.pool.OW, inner), g.H, g.W).values);
}

}  // namespace

TEST(max_pool2d_is_exact) {
  Random random(1);
  for_each_isa([&](const Kernels& k) {
    for (int64_t inner : sizes_around(k.lanes))
      for (const Geometry& g : kGeometries) check_pooling(k, g, inner, random.integers(g.H * g.W * inner), random);
  });
}

TEST(max_pool2d_of_nan_infinity_and_signed_zero) {
  Random random(2);
  const float special[] = {kNan, -kInfinity, kInfinity, -0.0f, 0.0f, 1.0f};
  for_each_isa([&](const Kernels& k) {
    for (int64_t inner : {int64_t{1}, int64_t{k.lanes} + 1})
      for (const Geometry& g : kGeometries) {
        Floats x(static_cast<size_t>(g.H * g.W * inner));
        for (float& v : x) v = special[random.integer(0, 5)];
        check_pooling(k, g, inner, x, random);
      }
  });
}

TEST(max_pool2d_window_of_padding_only) {
  const Geometry g{2, 2, {2, 2, 2, 2, 2, 2, 2, 2}};
  for_each_isa([&](const Kernels& k) {
    const int64_t inner = k.lanes + 1;
    const Floats x(static_cast<size_t>(4 * inner), 5.0f);
    Random random(3);
    check_pooling(k, g, inner, x, random);
  });
}

TEST(avg_pool2d_matches_the_reference) {
  Random random(6);
  for_each_isa([&](const Kernels& k) {
    for (int64_t inner : sizes_around(k.lanes))
      for (const Geometry& g : kGeometries) {
        const Context context("H ", g.H, " W ", g.W, " window ", g.pool.KH, "x", g.pool.KW, " inner ", inner);
        const Floats x = random.reals(g.H * g.W * inner);
        const Floats dy = random.reals(g.pool.OH * g.pool.OW * inner);
        Floats y(dy.size(), kNan), dx(x.size(), kNan);
        k.avg_pool2d_forward(g.args(inner), x.data(), y.data());
        k.avg_pool2d_backward(g.args(inner), dy.data(), dx.data());
        const reference::Array4 expected = reference::avg_pool2d(g.pool, image(x, g.H, g.W, inner));
        const reference::Array4 expected_dx =
            reference::avg_pool2d_backward(g.pool, image(dy, g.pool.OH, g.pool.OW, inner), g.H, g.W);
        const int64_t window = g.pool.KH * g.pool.KW;  // |x|, |dy| <= 1; a cell is in no more windows than that
        for (size_t i = 0; i < y.size(); ++i) CHECK_NEAR(y[i], expected.values[i], sum_bound(window, 1.0, 1));
        for (size_t i = 0; i < dx.size(); ++i)
          CHECK_NEAR(dx[i], expected_dx.values[i], sum_bound(window, static_cast<double>(window), 1));
      }
  });
}

TEST(avg_pool2d_window_of_padding_only_is_zero) {
  const Geometry g{2, 2, {2, 2, 2, 2, 2, 2, 2, 2}};
  for_each_isa([&](const Kernels& k) {
    const int64_t inner = k.lanes + 1;
    const Floats x(static_cast<size_t>(4 * inner), 5.0f);
    Floats y(x.size(), kNan);
    k.avg_pool2d_forward(g.args(inner), x.data(), y.data());
    for (size_t i = 0; i < y.size(); ++i) CHECK_EQUAL(y[i], i < static_cast<size_t>(3 * inner) ? 0.0f : 5.0f);
  });
}

TEST(global_max_is_exact) {
  Random random(7);
  for_each_isa([&](const Kernels& k) {
    for (int64_t pixels : {1, 4, 49})
      for (int64_t inner : sizes_around(k.lanes)) {
        const Context context("pixels ", pixels, " inner ", inner);
        const Floats x = random.integers(pixels * inner, -2, 2), dy = random.integers(inner);
        Floats y(dy.size(), kNan), dx(x.size(), kNan);
        k.global_max_forward(x.data(), y.data(), pixels, inner);
        k.global_max_backward(x.data(), y.data(), dy.data(), dx.data(), pixels, inner);
        check_all_equal(y, reference::global_max(to_double(x), inner));
        const reference::Values expected = reference::global_max_backward(to_double(x), to_double(dy));
        for (size_t i = 0; i < dx.size(); ++i)
          CHECK_NEAR(dx[i], expected[i], 1.01 * kRoundoff * std::fabs(expected[i]));
      }
    const Floats x = {1.0f, kNan, 3.0f};
    Floats y(1);
    k.global_max_forward(x.data(), y.data(), 3, 1);
    CHECK(std::isnan(y[0]));
  });
}

TEST(max_unpool2d_is_exact) {
  Random random(4);
  for_each_isa([&](const Kernels& k) {
    for (int lanes : {1, k.lanes})
      for (int64_t in : {1, 5, 40}) {
        const int64_t out = 20;
        const Context context("lanes ", lanes, " in ", in);
        // Forty inputs for twenty cells: several name the same one, and one in 23 lies outside.
        const Floats x = random.integers(in * lanes, 1, 9);
        std::vector<int32_t> index(x.size());
        bool inside = true;
        for (int32_t& i : index) {
          i = static_cast<int32_t>(random.integer(-1, out));
          inside &= i >= 0 && i < out;
        }
        Floats y(static_cast<size_t>(out * lanes), kNan), dx(x.size(), kNan);
        CHECK_EQUAL(k.max_unpool2d_forward(x.data(), index.data(), y.data(), in, out, lanes), inside);
        const Floats dy = random.integers(out * lanes);
        std::vector<int32_t> owner(y.size(), 12345);
        k.max_unpool2d_backward(index.data(), dy.data(), dx.data(), owner.data(), in, out, lanes);
        for (int lane = 0; lane < lanes; ++lane) {
          reference::Values value, gradient;
          std::vector<int64_t> target;
          for (int64_t i = 0; i < in; ++i) {
            value.push_back(x[i * lanes + lane]);
            target.push_back(index[i * lanes + lane]);
          }
          for (int64_t i = 0; i < out; ++i) gradient.push_back(dy[i * lanes + lane]);
          const reference::Values expected_y = reference::max_unpool2d(value, target, out);
          const reference::Values expected_dx = reference::max_unpool2d_backward(target, gradient);
          for (int64_t i = 0; i < out; ++i) CHECK_EQUAL(y[i * lanes + lane], expected_y[i]);
          for (int64_t i = 0; i < in; ++i) CHECK_EQUAL(dx[i * lanes + lane], expected_dx[i]);
        }
      }
  });
}

// Un-pooling puts a maximum back where it came from, and pooling the result finds it again.
TEST(pool_unpool_round_trip) {
  Random random(5);
  for_each_isa([&](const Kernels& k) {
    const int64_t H = 6, W = 4;
    const int lanes = k.lanes;
    const Pool2dArgs args = Geometry{H, W, {3, 2, 2, 2, 2, 2}}.args(lanes);
    const Floats x = random.reals(H * W * lanes, 0.5f, 1.0f);
    Floats y(static_cast<size_t>(6 * lanes)), back(x.size()), again(y.size());
    std::vector<int32_t> winner(y.size()), winner_again(y.size());
    k.max_pool2d_forward(args, x.data(), y.data(), winner.data());
    CHECK(k.max_unpool2d_forward(y.data(), winner.data(), back.data(), 6, H * W, lanes));
    k.max_pool2d_forward(args, back.data(), again.data(), winner_again.data());
    CHECK(same_bits(y, again));
    CHECK(winner == winner_again);
  });
}

}  // namespace day33::testing
