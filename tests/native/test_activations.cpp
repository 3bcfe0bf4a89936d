#include "check.h"
#include "inputs.h"
#include "ops/activations.h"
#include "reference/activations.h"

namespace day33::testing {
namespace {

using reference::Function;

struct Pair {
  Activation kind;
  Function function;
  float alpha;
};
const Pair kPairs[] = {
    {Activation::linear, Function::linear, 0.0f},
    {Activation::relu, Function::relu, 0.0f},
    {Activation::leaky_relu, Function::leaky_relu, 0.3f},
    {Activation::elu, Function::elu, 1.0f},
    {Activation::elu, Function::elu, 0.7f},
    {Activation::sigmoid, Function::sigmoid, 0.0f},
    {Activation::tanh, Function::tanh, 0.0f},
    {Activation::relu6, Function::relu6, 6.0f},
    {Activation::relu6, Function::relu6, 2.5f},
    {Activation::selu, Function::selu, 0.0f},
    {Activation::exponential, Function::exponential, 0.0f},
    {Activation::softplus, Function::softplus, 0.0f},
    {Activation::softsign, Function::softsign, 0.0f},
    {Activation::log_sigmoid, Function::log_sigmoid, 0.0f},
    {Activation::hard_sigmoid, Function::hard_sigmoid, 0.0f},
    {Activation::gelu, Function::gelu, 0.0f},
    {Activation::gelu_tanh, Function::gelu_tanh, 0.0f},
    {Activation::silu, Function::silu, 0.0f},
    {Activation::hard_silu, Function::hard_silu, 0.0f},
    {Activation::mish, Function::mish, 0.0f},
};

// Functions are good to 3 ulp (test_math.cpp) and a few roundings follow.
constexpr double kRelative = 8.0 * kRoundoff;

// Roundings of a value, relative to it, and in units of 1 where it is the small difference of two numbers of that size:
// x + 3 near -3, and 1 + tanh far out on the left, where x up to 6 in size multiplies it.
double forward_bound(Activation kind, double expected) {
  switch (kind) {
    case Activation::gelu:  // exp(-x^2 / 2) and x^2 <= 36
      return (64.0 * std::fabs(expected)) * kRoundoff;
    case Activation::hard_sigmoid:
      return kRoundoff;
    case Activation::hard_silu:
    case Activation::gelu_tanh:
      return (8.0 * std::fabs(expected) + 16.0) * kRoundoff;
    default:
      return kRelative * std::fabs(expected);
  }
}

}  // namespace

TEST(activations_match_the_reference) {
  Random random(30);
  for_each_isa([&](const Kernels& k) {
    for (const Pair& p : kPairs)
      for (int64_t n : sizes_around(k.lanes)) {
        const Context context("activation ", static_cast<int>(p.kind), " n ", n);
        const Floats x = random.reals(n, -6.0f, 6.0f), dy = random.reals(n);
        Floats y(x.size(), kNan), dx(x.size(), kNan);
        k.activation_forward(p.kind, p.alpha, x.data(), y.data(), n);
        const Floats& saved = backward_reads_input(p.kind) ? x : y;
        k.activation_backward(p.kind, p.alpha, saved.data(), dy.data(), dx.data(), n);
        for (int64_t i = 0; i < n; ++i) {
          const Context at("x ", x[i]);
          const double expected = reference::activation(p.function, p.alpha, x[i]);
          CHECK_NEAR(y[i], expected, forward_bound(p.kind, expected));
          // The derivative is taken from the rounded output, so its error is absolute where it is nearly zero. The
          // slopes of those that read the input are sums of terms up to 6 in size.
          const double slope = reference::activation_derivative(p.function, p.alpha, x[i]);
          const double relative = backward_reads_input(p.kind) ? 6.0 * kRelative : kRelative;
          CHECK_NEAR(dx[i], dy[i] * slope, relative * std::fmax(1.0, std::fabs(slope)));
        }
        // In place.
        Floats z = x, dz = dy;
        k.activation_forward(p.kind, p.alpha, z.data(), z.data(), n);
        CHECK(same_bits(z, y));
        k.activation_backward(p.kind, p.alpha, saved.data(), dz.data(), dz.data(), n);
        CHECK(same_bits(dz, dx));
      }
  });
}

TEST(activations_at_special_values) {
  for_each_isa([](const Kernels& k) {
    for (const Pair& p : kPairs) {
      const Context context("activation ", static_cast<int>(p.kind));
      const Floats x = {kNan, kInfinity, -kInfinity, 0.0f, -0.0f};
      Floats y(x.size());
      k.activation_forward(p.kind, p.alpha, x.data(), y.data(), static_cast<int64_t>(x.size()));
      CHECK(std::isnan(y[0]));
      for (size_t i = 1; i < x.size(); ++i) {
        // -inf * 0, and inf / inf, are NaN, as in Keras.
        if (std::isinf(x[i]) && (backward_reads_input(p.kind) || p.kind == Activation::softsign)) continue;
        CHECK_NEAR(y[i], reference::activation(p.function, p.alpha, x[i]), kRoundoff);
      }
    }
    // Relu and its kind take the left derivative at the kink.
    const Floats zero = {0.0f}, one = {1.0f};
    Floats dx(1);
    k.activation_backward(Activation::relu, 0.0f, zero.data(), one.data(), dx.data(), 1);
    CHECK_EQUAL(dx[0], 0.0f);
    k.activation_backward(Activation::leaky_relu, 0.25f, zero.data(), one.data(), dx.data(), 1);
    CHECK_EQUAL(dx[0], 0.25f);
    k.activation_backward(Activation::elu, 1.0f, zero.data(), one.data(), dx.data(), 1);
    CHECK_EQUAL(dx[0], 1.0f);
  });
}

TEST(softmax_matches_the_reference) {
  Random random(31);
  for_each_isa([&](const Kernels& k) {
    const int64_t rows = 3;
    for (int lanes : {1, k.lanes})
      for (int64_t C : sizes_around(k.lanes)) {
        const Context context("C ", C, " lanes ", lanes);
        const Floats x = random.reals(rows * C * lanes, -30.0f, 30.0f), dy = random.reals(rows * C * lanes);
        Floats y(x.size(), kNan), dx(x.size(), kNan);
        k.softmax_forward(x.data(), y.data(), rows, C, lanes);
        k.softmax_backward(y.data(), dy.data(), dx.data(), rows, C, lanes);
        for (int64_t row = 0; row < rows; ++row)
          for (int lane = 0; lane < lanes; ++lane) {
            reference::Values in, gradient;
            for (int64_t c = 0; c < C; ++c) {
              in.push_back(x[(row * C + c) * lanes + lane]);
              gradient.push_back(dy[(row * C + c) * lanes + lane]);
            }
            const reference::Values expected = reference::softmax(in);
            const reference::Values expected_dx = reference::softmax_backward(in, gradient);
            for (int64_t c = 0; c < C; ++c) {
              const size_t i = static_cast<size_t>((row * C + c) * lanes + lane);
              // x - max is rounded to float: up to 60 units, so exp has 60 roundings more.
              CHECK_NEAR(y[i], expected[c], sum_bound(C, expected[c], 60 + 60) + 1e-37);
              CHECK_NEAR(dx[i], expected_dx[c], sum_bound(C, 2.0 * expected[c], 2 * 120) + 1e-37);
            }
          }
      }
  });
}

TEST(log_softmax_matches_the_reference) {
  Random random(32);
  for_each_isa([&](const Kernels& k) {
    const int64_t rows = 3;
    for (int lanes : {1, k.lanes})
      for (int64_t C : sizes_around(k.lanes)) {
        const Context context("C ", C, " lanes ", lanes);
        const Floats x = random.reals(rows * C * lanes, -30.0f, 30.0f), dy = random.reals(rows * C * lanes);
        Floats y(x.size(), kNan), dx(x.size(), kNan);
        k.log_softmax_forward(x.data(), y.data(), rows, C, lanes);
        k.log_softmax_backward(y.data(), dy.data(), dx.data(), rows, C, lanes);
        for (int64_t row = 0; row < rows; ++row)
          for (int lane = 0; lane < lanes; ++lane) {
            reference::Values in, gradient;
            for (int64_t c = 0; c < C; ++c) {
              in.push_back(x[(row * C + c) * lanes + lane]);
              gradient.push_back(dy[(row * C + c) * lanes + lane]);
            }
            const reference::Values expected = reference::log_softmax(in);
            const reference::Values expected_dx = reference::log_softmax_backward(in, gradient);
            for (int64_t c = 0; c < C; ++c) {
              const size_t i = static_cast<size_t>((row * C + c) * lanes + lane);
              // Differences of numbers up to 60: a rounding of 64 each, and in exp(y) that many roundings more.
              CHECK_NEAR(y[i], expected[c], sum_bound(C, 1.0, 3 * 64));
              CHECK_NEAR(dx[i], expected_dx[c], sum_bound(C, static_cast<double>(C), 4 * 64));
            }
          }
      }
    Floats x(static_cast<size_t>(k.lanes) + 3, 10000.0f), y(x.size());
    k.log_softmax_forward(x.data(), y.data(), 1, k.lanes + 3, 1);
    for (float v : y) CHECK_NEAR(v, -std::log(k.lanes + 3.0), 4.0 * kRoundoff * std::log(k.lanes + 3.0));
  });
}

TEST(softmax_of_large_and_bad_values) {
  for_each_isa([](const Kernels& k) {
    for (int64_t C : {int64_t{3}, int64_t{k.lanes} + 3}) {
      Floats x(static_cast<size_t>(C), 10000.0f), y(x.size());
      k.softmax_forward(x.data(), y.data(), 1, C, 1);
      for (float v : y) CHECK_NEAR(v, 1.0 / static_cast<double>(C), kRoundoff);
      x[1] = -kInfinity;
      k.softmax_forward(x.data(), y.data(), 1, C, 1);
      CHECK_EQUAL(y[1], 0.0f);
      x[C - 1] = kNan;
      k.softmax_forward(x.data(), y.data(), 1, C, 1);
      for (float v : y) CHECK(std::isnan(v));
      x.assign(x.size(), -kInfinity);
      k.softmax_forward(x.data(), y.data(), 1, C, 1);
      for (float v : y) CHECK(std::isnan(v));
    }
  });
}

}  // namespace day33::testing
