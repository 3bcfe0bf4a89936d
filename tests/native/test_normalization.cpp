#include "check.h"
#include "inputs.h"
#include "reference/normalization.h"

namespace day33::testing {
namespace {

// A tile of `rows` x C whose valid part is known sample by sample: in lanes, `valid` samples of `rows` pixels each.
struct Tile {
  ChannelRows r;
  Floats x, dy;
  // The valid values as rows of C, and the same for dy.
  reference::Values values, gradients;
};

Tile make_tile(Random& random, int64_t rows, int64_t C, int lanes, int valid, bool whole_numbers) {
  Tile tile{{.rows = rows, .C = C, .lanes = lanes, .valid_lanes = valid}, {}, {}, {}, {}};
  const int64_t n = rows * C * lanes;
  tile.x = whole_numbers ? random.integers(n, -8, 8) : random.reals(n, -2.0f, 3.0f);
  tile.dy = whole_numbers ? random.integers(n, -8, 8) : random.reals(n);
  // What stands in the other lanes must not count, not even when it is NaN.
  for (int64_t i = 0; i < n; ++i)
    if (i % lanes >= valid) tile.x[i] = tile.dy[i] = kNan;
  for (int lane = 0; lane < valid; ++lane)
    for (int64_t i = 0; i < rows * C; ++i) {
      tile.values.push_back(tile.x[i * lanes + lane]);
      tile.gradients.push_back(tile.dy[i * lanes + lane]);
    }
  return tile;
}

template <typename Body>
void each_tile(const Kernels& k, Random& random, bool whole_numbers, Body body) {
  for (int64_t rows : {1, 5, 18})
    for (int64_t C : sizes_around(k.lanes)) {
      body(make_tile(random, rows, C, 1, 1, whole_numbers));
      for (int valid : {1, k.lanes - 1, k.lanes}) body(make_tile(random, rows, C, k.lanes, valid, whole_numbers));
    }
}

}  // namespace

TEST(channel_moments_match_the_reference) {
  Random random(40);
  for_each_isa([&](const Kernels& k) {
    each_tile(k, random, false, [&](const Tile& t) {
      const Context context("rows ", t.r.rows, " C ", t.r.C, " lanes ", t.r.lanes, " valid ", t.r.valid_lanes);
      std::vector<double> mean(t.r.C, -7.0), m2(t.r.C, -7.0);
      k.channel_moments(t.r, t.x.data(), mean.data(), m2.data());
      const reference::Moments expected = reference::moments(t.values, t.r.C);
      const double count = static_cast<double>(t.r.rows * t.r.valid_lanes);
      for (int64_t c = 0; c < t.r.C; ++c) {
        CHECK_NEAR(mean[c], expected.mean[c], 1e-13);
        CHECK_NEAR(m2[c], expected.variance[c] * count, 1e-12 * count);
      }
    });
  });
}

TEST(batch_norm_kernels_match_the_reference) {
  Random random(41);
  const double epsilon = 1e-3;
  for_each_isa([&](const Kernels& k) {
    each_tile(k, random, false, [&](const Tile& t) {
      const Context context("rows ", t.r.rows, " C ", t.r.C, " lanes ", t.r.lanes, " valid ", t.r.valid_lanes);
      const int64_t C = t.r.C;
      const double count = static_cast<double>(t.r.rows * t.r.valid_lanes);
      const Floats gamma = random.reals(C, 0.5f, 1.5f), beta = random.reals(C);
      const reference::Moments m = reference::moments(t.values, C);
      Floats mean(C), inv_std(C), scale(C), shift(C);
      for (int64_t c = 0; c < C; ++c) {
        mean[c] = static_cast<float>(m.mean[c]);
        inv_std[c] = static_cast<float>(1.0 / std::sqrt(m.variance[c] + epsilon));
        scale[c] = gamma[c] * inv_std[c];
        shift[c] = beta[c] - mean[c] * scale[c];
      }
      Floats y(t.x.size(), -7.0f), dx(t.x.size(), -7.0f), a(C), b(C);
      k.channel_affine(t.r, t.x.data(), scale.data(), shift.data(), y.data());
      std::vector<double> sum_dy(C, 1.0), sum_dy_xhat(C, 2.0);  // the kernel adds to what is there
      k.batch_norm_backward_sums(t.r, t.x.data(), t.dy.data(), mean.data(), inv_std.data(), sum_dy.data(),
                                 sum_dy_xhat.data());
      for (int64_t c = 0; c < C; ++c) {
        a[c] = static_cast<float>((sum_dy[c] - 1.0) / count);
        b[c] = static_cast<float>((sum_dy_xhat[c] - 2.0) / count);
      }
      k.batch_norm_backward_dx(t.r, t.x.data(), t.dy.data(), mean.data(), inv_std.data(), scale.data(), a.data(),
                               b.data(), dx.data());

      const reference::Values expected_y =
          reference::batch_norm(t.values, C, to_double(gamma), to_double(beta), epsilon);
      const reference::BatchNormGradients expected =
          reference::batch_norm_backward(t.values, C, to_double(gamma), epsilon, t.gradients);
      // |x| <= 3, |dy| <= 1 and |scale| <= 1.5 / sqrt(epsilon): a handful of roundings of numbers of that size.
      const double largest = 6.0 * 1.5 / std::sqrt(epsilon);
      for (int64_t c = 0; c < C; ++c) {
        CHECK_NEAR(sum_dy[c] - 1.0, expected.dbeta[c], 1e-12 * count);
        CHECK_NEAR(sum_dy_xhat[c] - 2.0, expected.dgamma[c], 8.0 * kRoundoff * largest * count);
      }
      for (int lane = 0; lane < t.r.valid_lanes; ++lane)
        for (int64_t i = 0; i < t.r.rows * C; ++i) {
          const size_t at = static_cast<size_t>(i * t.r.lanes + lane);
          const size_t expected_at = static_cast<size_t>(lane * t.r.rows * C + i);
          CHECK_NEAR(y[at], expected_y[expected_at], 8.0 * kRoundoff * largest);
          CHECK_NEAR(dx[at], expected.dx[expected_at], 32.0 * kRoundoff * largest * largest);
        }
    });
  });
}

TEST(layer_norm_matches_the_reference) {
  Random random(44);
  const double epsilon = 1e-3;
  for_each_isa([&](const Kernels& k) {
    for (int64_t rows : {1, 5})
      for (int64_t C : sizes_around(k.lanes))
        for (int lanes : {1, k.lanes})
          for (bool weighted : {false, true}) {
            const Context context("rows ", rows, " C ", C, " lanes ", lanes, weighted ? " weighted" : "");
            const Tile t = make_tile(random, rows, C, lanes, lanes, false);
            const Floats gamma = weighted ? random.reals(C, 0.5f, 1.5f) : Floats(C, 1.0f);
            const Floats beta = weighted ? random.reals(C) : Floats(C, 0.0f);
            const float* scale = weighted ? gamma.data() : nullptr;
            const float* shift = weighted ? beta.data() : nullptr;
            Floats y(t.x.size(), kNan), dx(t.x.size(), kNan), dgamma(C * lanes, 1.0f), dbeta(C * lanes, 2.0f);
            k.layer_norm_forward(t.x.data(), scale, shift, static_cast<float>(epsilon), y.data(), rows, C, lanes);
            k.layer_norm_backward(t.x.data(), scale, t.dy.data(), static_cast<float>(epsilon), dx.data(), dgamma.data(),
                                  dbeta.data(), rows, C, lanes);
            // Alone, the gradient of the input is the same.
            Floats alone(t.x.size(), kNan);
            k.layer_norm_backward(t.x.data(), scale, t.dy.data(), static_cast<float>(epsilon), alone.data(), nullptr,
                                  nullptr, rows, C, lanes);
            CHECK(same_bits(alone, dx));
            const reference::Values expected =
                reference::layer_norm(t.values, C, to_double(gamma), to_double(beta), epsilon);
            const reference::BatchNormGradients g =
                reference::layer_norm_backward(t.values, C, to_double(gamma), epsilon, t.gradients);
            // |x - mean| <= 5, |gamma|, |dy| <= 1.5 and 1 / deviation <= 1 / sqrt(epsilon).
            const double largest = 6.0 * 1.5 / std::sqrt(epsilon);
            for (int64_t lane = 0; lane < lanes; ++lane)
              for (int64_t i = 0; i < rows * C; ++i) {
                const size_t at = static_cast<size_t>(i * lanes + lane),
                             from = static_cast<size_t>(lane * rows * C + i);
                CHECK_NEAR(y[at], expected[from], 8.0 * kRoundoff * largest);
                CHECK_NEAR(dx[at], g.dx[from], 32.0 * kRoundoff * largest * largest);
              }
            for (int64_t c = 0; c < C; ++c) {
              double sum_gamma = -lanes, sum_beta = -2.0 * lanes;  // the kernel adds to what is there
              for (int lane = 0; lane < lanes; ++lane) {
                sum_gamma += dgamma[c * lanes + lane];
                sum_beta += dbeta[c * lanes + lane];
              }
              const double terms = static_cast<double>(rows * lanes);
              CHECK_NEAR(sum_gamma, g.dgamma[c], 8.0 * kRoundoff * largest * terms);
              CHECK_NEAR(sum_beta, g.dbeta[c], sum_bound(rows + 1, terms + 2.0 * lanes));
            }
          }
  });
}

TEST(channel_sums_are_exact) {
  Random random(42);
  for_each_isa([&](const Kernels& k) {
    for (int64_t rows : {0, 1, 3, 4, 5, 33})
      for (int lanes : {1, k.lanes})
        for (int64_t C : sizes_around(k.lanes)) {
          const Context context("rows ", rows, " C ", C, " lanes ", lanes);
          const Floats dy = random.integers(rows * C * lanes, -9, 9);
          Floats sum = random.integers(C, -9, 9), expected = sum;
          for (size_t i = 0; i < dy.size(); ++i) expected[i / lanes % C] += dy[i];
          k.channel_sums(dy.data(), rows, C, lanes, sum.data());
          check_all_equal(sum, expected);
        }
  });
}

TEST(global_average_matches_the_reference) {
  Random random(43);
  for_each_isa([&](const Kernels& k) {
    for (int64_t pixels : {1, 4, 49})
      for (int64_t inner : sizes_around(k.lanes)) {
        const Context context("pixels ", pixels, " inner ", inner);
        const Floats x = random.integers(pixels * inner), dy = random.integers(inner);
        Floats y(dy.size(), kNan), dx(x.size(), kNan);
        k.global_average_forward(x.data(), y.data(), pixels, inner);
        k.global_average_backward(dy.data(), dx.data(), pixels, inner);
        // Sums of whole numbers are exact; the quotient rounds once.
        const reference::Values expected = reference::global_average(to_double(x), inner);
        const reference::Values expected_dx = reference::global_average_backward(to_double(dy), pixels);
        for (int64_t i = 0; i < inner; ++i)
          CHECK_NEAR(y[i], expected[i], 1.01 * kRoundoff * std::fabs(expected[i]) + 1e-14);
        for (size_t i = 0; i < dx.size(); ++i)
          CHECK_NEAR(dx[i], expected_dx[i], 1.01 * kRoundoff * std::fabs(expected_dx[i]));
      }
  });
}

}  // namespace day33::testing
