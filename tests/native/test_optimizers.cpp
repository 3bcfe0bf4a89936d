#include <algorithm>
#include <cmath>

#include "check.h"
#include "inputs.h"
#include "reference/optimizers.h"

namespace day33::testing {
namespace {

constexpr int kSteps = 10;
// A step rounds each of its few operations once; errors of the state carry over from step to step.
constexpr double kBound = 16.0 * kSteps * kRoundoff;

// Gradients of n weights, each of one slice or the sum of several, and what a rule takes of the slices then.
class Gradients {
 public:
  Gradients(Random& random, const Kernels& k, int64_t n, bool sliced, bool magnitudes = false) : sliced_(sliced) {
    sum = random.reals(n);
    for (float g : sum) exact.emplace_back(g);
    if (!sliced) return;
    sums_.assign(sum.size(), 0.0f);
    const auto add = magnitudes ? k.add_magnitudes_to : k.add_squares_to;
    add(sum.data(), sums_.data(), n);
    for (int slice = 1; slice < 4; ++slice) {
      const Floats part = random.reals(n);
      k.add_to(part.data(), sum.data(), n);
      add(part.data(), sums_.data(), n);
      for (int64_t i = 0; i < n; ++i) exact[i].add(part[i]);
    }
  }
  const float* data() const { return sum.data(); }
  const float* sums() const { return sliced_ ? sums_.data() : nullptr; }

  Floats sum;
  std::vector<reference::Gradient> exact;

 private:
  const bool sliced_;
  Floats sums_;
};

}  // namespace

TEST(sgd_matches_the_reference) {
  Random random(50);
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes))
      for (float momentum : {0.0f, 0.9f})
        for (bool nesterov : {false, true}) {
          const Context context("n ", n, " momentum ", momentum, " nesterov ", nesterov);
          Floats w = random.reals(n), velocity(w.size(), 0.0f);
          std::vector<reference::SgdState> state;
          for (float v : w) state.push_back({v, 0.0});
          for (int step = 0; step < kSteps; ++step) {
            const Floats g = random.reals(n);
            k.sgd_step({.learning_rate = 0.1f, .momentum = momentum, .nesterov = nesterov}, w.data(), g.data(),
                       momentum == 0.0f ? nullptr : velocity.data(), n);
            for (int64_t i = 0; i < n; ++i)
              state[i] =
                  reference::sgd(state[i], g[i], static_cast<double>(0.1f), static_cast<double>(momentum), nesterov);
          }
          for (int64_t i = 0; i < n; ++i) {
            CHECK_NEAR(w[i], state[i].weight, kBound * 2.0);
            if (momentum != 0.0f) CHECK_NEAR(velocity[i], state[i].velocity, kBound);
          }
        }
  });
}

TEST(adadelta_matches_the_reference) {
  Random random(51);
  for_each_isa([&](const Kernels& k) {
    for (bool sliced : {false, true})
      for (int64_t n : sizes_around(k.lanes)) {
        const Context context("n ", n, " sliced ", sliced);
        Floats w = random.reals(n), squares(w.size(), 0.0f), deltas(w.size(), 0.0f);
        std::vector<reference::AdadeltaState> state;
        for (float v : w) state.push_back({v, 0.0, 0.0});
        for (int step = 0; step < kSteps; ++step) {
          const Gradients g(random, k, n, sliced);
          k.adadelta_step({.learning_rate = 1.0f, .rho = 0.95, .epsilon = 1e-7f}, w.data(), g.data(), g.sums(),
                          squares.data(), deltas.data(), n);
          for (int64_t i = 0; i < n; ++i)
            state[i] = reference::adadelta(state[i], g.exact[i], 1.0, 0.95, static_cast<double>(1e-7f));
        }
        for (int64_t i = 0; i < n; ++i) {
          CHECK_NEAR(w[i], state[i].weight, kBound);
          CHECK_NEAR(squares[i], state[i].squares, kBound * state[i].squares);
          CHECK_NEAR(deltas[i], state[i].deltas, 2.0 * kBound * state[i].deltas);
        }
      }
  });
}

TEST(adam_matches_the_reference) {
  Random random(52);
  for_each_isa([&](const Kernels& k) {
    for (bool sliced : {false, true})
      for (int64_t n : sizes_around(k.lanes))
        for (bool amsgrad : {false, true}) {
          const Context context("n ", n, " sliced ", sliced, " amsgrad ", amsgrad);
          Floats w = random.reals(n), m(w.size(), 0.0f), v(w.size(), 0.0f), v_max(w.size(), 0.0f);
          std::vector<reference::AdamState> state;
          for (float x : w) state.push_back({x, 0.0, 0.0, 0.0});
          for (int step = 1; step <= kSteps; ++step) {
            const Gradients g(random, k, n, sliced);
            const float rate =
                static_cast<float>(0.01 * std::sqrt(1.0 - std::pow(0.9, step)) / (1.0 - std::pow(0.8, step)));
            k.adam_step({.learning_rate = rate, .beta_1 = 0.8, .beta_2 = 0.9, .epsilon = 1e-7f}, w.data(), g.data(),
                        g.sums(), m.data(), v.data(), amsgrad ? v_max.data() : nullptr, n);
            for (int64_t i = 0; i < n; ++i)
              state[i] = reference::adam(state[i], g.exact[i], static_cast<double>(rate), 0.8, 0.9,
                                         static_cast<double>(1e-7f), amsgrad);
          }
          for (int64_t i = 0; i < n; ++i) {
            CHECK_NEAR(w[i], state[i].weight, kBound);
            CHECK_NEAR(m[i], state[i].m, kBound);
            CHECK_NEAR(v[i], state[i].v, kBound * state[i].v);
            if (amsgrad) CHECK_NEAR(v_max[i], state[i].v_max, kBound * state[i].v_max);
          }
        }
  });
}

TEST(nadam_matches_the_reference) {
  Random random(54);
  for_each_isa([&](const Kernels& k) {
    for (bool sliced : {false, true})
      for (int64_t n : sizes_around(k.lanes)) {
        const Context context("n ", n, " sliced ", sliced);
        Floats w = random.reals(n), m(w.size(), 0.0f), v(w.size(), 0.0f);
        std::vector<reference::NadamState> state;
        for (float x : w) state.push_back({x, 0.0, 0.0, 1.0});
        double product = 1.0;
        for (int step = 1; step <= kSteps; ++step) {
          const Gradients g(random, k, n, sliced);
          const double now = 0.9 * (1.0 - 0.5 * std::pow(0.96, step));
          const double next = 0.9 * (1.0 - 0.5 * std::pow(0.96, step + 1));
          product *= now;
          k.nadam_step({.beta_1 = 0.9,
                        .beta_2 = 0.999,
                        .momentum_rate = static_cast<float>(0.01 * next / (1.0 - product * next)),
                        .gradient_rate = static_cast<float>(0.01 * (1.0 - now) / (1.0 - product)),
                        .velocity_scale = static_cast<float>(1.0 / (1.0 - std::pow(0.999, step))),
                        .epsilon = 1e-7f},
                       w.data(), g.data(), g.sums(), m.data(), v.data(), n);
          for (int64_t i = 0; i < n; ++i)
            state[i] = reference::nadam(state[i], g.exact[i], 0.01, 0.9, 0.999, static_cast<double>(1e-7f), step);
        }
        for (int64_t i = 0; i < n; ++i) {
          CHECK_NEAR(w[i], state[i].weight, kBound);
          CHECK_NEAR(m[i], state[i].m, kBound);
          CHECK_NEAR(v[i], state[i].v, kBound * state[i].v);
        }
      }
  });
}

TEST(adamax_matches_the_reference) {
  Random random(55);
  for_each_isa([&](const Kernels& k) {
    for (bool sliced : {false, true})
      for (int64_t n : sizes_around(k.lanes)) {
        const Context context("n ", n, " sliced ", sliced);
        Floats w = random.reals(n), m(w.size(), 0.0f), u(w.size(), 0.0f);
        std::vector<reference::AdamaxState> state;
        for (float x : w) state.push_back({x, 0.0, 0.0});
        for (int step = 1; step <= kSteps; ++step) {
          const Gradients g(random, k, n, sliced, true);
          k.adamax_step({.learning_rate = static_cast<float>(0.01 / (1.0 - std::pow(0.9, step))),
                         .beta_1 = 0.9,
                         .beta_2 = 0.75f,
                         .epsilon = 1e-3f},
                        w.data(), g.data(), g.sums(), m.data(), u.data(), n);
          for (int64_t i = 0; i < n; ++i)
            state[i] = reference::adamax(state[i], g.exact[i], 0.01, 0.9, 0.75, static_cast<double>(1e-3f), step);
        }
        for (int64_t i = 0; i < n; ++i) {
          CHECK_NEAR(w[i], state[i].weight, kBound);
          CHECK_NEAR(m[i], state[i].m, kBound);
          CHECK_NEAR(u[i], state[i].u, kBound * state[i].u);
        }
      }
  });
}

TEST(rmsprop_matches_the_reference) {
  Random random(56);
  for_each_isa([&](const Kernels& k) {
    for (bool sliced : {false, true})
      for (int64_t n : sizes_around(k.lanes))
        for (float momentum : {0.0f, 0.5f})
          for (bool centred : {false, true}) {
            const Context context("n ", n, " sliced ", sliced, " momentum ", momentum, " centred ", centred);
            Floats w = random.reals(n), velocity(w.size(), 0.0f), moved(w.size(), 0.0f), mean(w.size(), 0.0f);
            std::vector<reference::RmsPropState> state;
            for (float x : w) state.push_back({x, 0.0, 0.0, 0.0});
            for (int step = 0; step < kSteps; ++step) {
              const Gradients g(random, k, n, sliced);
              // A large epsilon: centred, the difference under the root may be close to 0.
              k.rmsprop_step({.learning_rate = 0.01f, .rho = 0.8, .momentum = momentum, .epsilon = 0.25f}, w.data(),
                             g.data(), g.sums(), velocity.data(), momentum == 0.0f ? nullptr : moved.data(),
                             centred ? mean.data() : nullptr, n);
              for (int64_t i = 0; i < n; ++i)
                state[i] = reference::rmsprop(state[i], g.exact[i], static_cast<double>(0.01f), 0.8,
                                              static_cast<double>(momentum), 0.25, centred);
            }
            for (int64_t i = 0; i < n; ++i) {
              CHECK_NEAR(w[i], state[i].weight, kBound);
              CHECK_NEAR(velocity[i], state[i].velocity, kBound * state[i].velocity);
              if (momentum != 0.0f) CHECK_NEAR(moved[i], state[i].momentum, kBound);
              if (centred) CHECK_NEAR(mean[i], state[i].mean, kBound);
            }
          }
  });
}

TEST(adagrad_matches_the_reference) {
  Random random(57);
  for_each_isa([&](const Kernels& k) {
    for (bool sliced : {false, true})
      for (int64_t n : sizes_around(k.lanes)) {
        const Context context("n ", n, " sliced ", sliced);
        Floats w = random.reals(n), squares(w.size(), 0.125f);
        std::vector<reference::AdagradState> state;
        for (float x : w) state.push_back({x, 0.125});
        for (int step = 0; step < kSteps; ++step) {
          const Gradients g(random, k, n, sliced);
          k.adagrad_step({.learning_rate = 0.1f, .epsilon = 1e-7f}, w.data(), g.data(), g.sums(), squares.data(), n);
          for (int64_t i = 0; i < n; ++i)
            state[i] = reference::adagrad(state[i], g.exact[i], static_cast<double>(0.1f), static_cast<double>(1e-7f));
        }
        for (int64_t i = 0; i < n; ++i) {
          CHECK_NEAR(w[i], state[i].weight, kBound);
          CHECK_NEAR(squares[i], state[i].squares, kBound * state[i].squares);
        }
      }
  });
}

TEST(lion_matches_the_reference) {
  Random random(58);
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      Floats w = random.reals(n), m(w.size(), 0.0f);
      std::vector<reference::LionState> state;
      for (float x : w) state.push_back({x, 0.0});
      for (int step = 0; step < kSteps; ++step) {
        // Multiples of 1/16 and betas of 3/4: m is exact, and so is the sign of a direction that may be 0.
        Floats g(w.size());
        for (float& x : g) x = static_cast<float>(random.integer(-8, 8)) / 16.0f;
        k.lion_step({.learning_rate = 0.125f, .beta_1 = 0.75, .beta_2 = 0.75}, w.data(), g.data(), m.data(), n);
        for (int64_t i = 0; i < n; ++i) state[i] = reference::lion(state[i], g[i], 0.125, 0.75, 0.75);
      }
      for (int64_t i = 0; i < n; ++i) {
        CHECK_NEAR(w[i], state[i].weight, kBound);
        CHECK_NEAR(m[i], state[i].m, kBound);
      }
      Floats zero(w.size(), 0.0f), none(w.size(), 0.0f), bad(w.size(), kNan), before = w;
      k.lion_step({.learning_rate = 0.125f, .beta_1 = 0.75, .beta_2 = 0.75}, w.data(), zero.data(), none.data(), n);
      CHECK(same_bits(w, before));  // the sign of 0 is 0
      k.lion_step({.learning_rate = 0.125f, .beta_1 = 0.75, .beta_2 = 0.75}, w.data(), bad.data(), none.data(), n);
      for (float x : w) CHECK(std::isnan(x));
    }
  });
}

TEST(ftrl_matches_the_reference) {
  Random random(59);
  for_each_isa([&](const Kernels& k) {
    for (bool sliced : {false, true})
      for (int64_t n : sizes_around(k.lanes))
        for (float exponent : {0.5f, 0.75f, 1.0f, 0.0f})
          for (float l1 : {0.0f, 0.25f}) {
            const Context context("n ", n, " sliced ", sliced, " exponent ", exponent, " l1 ", l1);
            Floats w = random.reals(n), squares(w.size(), 0.125f), linear(w.size(), 0.0f);
            std::vector<reference::FtrlState> state;
            for (float x : w) state.push_back({x, 0.125, 0.0});
            for (int step = 0; step < kSteps; ++step) {
              const Gradients g(random, k, n, sliced);
              k.ftrl_step({.learning_rate = 0.5f, .exponent = exponent, .l1 = l1, .l2 = 0.25f, .l2_shrinkage = 0.125f},
                          w.data(), g.data(), g.sums(), squares.data(), linear.data(), n);
              for (int64_t i = 0; i < n; ++i)
                state[i] = reference::ftrl(state[i], g.exact[i], 0.5, static_cast<double>(exponent),
                                           static_cast<double>(l1), 0.25, 0.125);
            }
            for (int64_t i = 0; i < n; ++i) {
              CHECK_NEAR(w[i], state[i].weight, 2.0 * kBound);
              CHECK_NEAR(squares[i], state[i].squares, kBound * state[i].squares);
              CHECK_NEAR(linear[i], state[i].linear, 4.0 * kBound);
            }
          }
  });
}

TEST(running_means_and_sums_of_squares) {
  Random random(60);
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      const Floats x = random.reals(n);
      Floats mean = random.reals(n);
      const Floats before = mean;
      k.running_mean(x.data(), mean.data(), 0.9, n);
      double squares = 0.0;
      for (int64_t i = 0; i < n; ++i) {
        CHECK_NEAR(mean[i], 0.9 * static_cast<double>(before[i]) + 0.1 * static_cast<double>(x[i]), 4.0 * kRoundoff);
        squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
      }
      CHECK_NEAR(k.sum_of_squares(x.data(), n), squares, 1e-14 * squares);
    }
  });
}

TEST(squares_and_magnitudes_are_added) {
  Random random(62);
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      const Floats x = random.integers(n, -8, 8), start = random.integers(n, -8, 8);
      Floats squares = start, magnitudes = start;
      k.add_squares_to(x.data(), squares.data(), n);
      k.add_magnitudes_to(x.data(), magnitudes.data(), n);
      for (int64_t i = 0; i < n; ++i) {
        CHECK(squares[i] == start[i] + x[i] * x[i]);
        CHECK(magnitudes[i] == start[i] + std::abs(x[i]));
      }
      Floats bad(x.size(), kNan);
      squares = magnitudes = start;
      k.add_squares_to(bad.data(), squares.data(), n);
      k.add_magnitudes_to(bad.data(), magnitudes.data(), n);
      for (int64_t i = 0; i < n; ++i) CHECK(std::isnan(squares[i]) && std::isnan(magnitudes[i]));
    }
  });
}

TEST(penalties_and_their_gradients) {
  Random random(61);
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes))
      for (float l1 : {0.0f, 0.3f})
        for (float l2 : {0.0f, 0.7f}) {
          const Context context("n ", n, " l1 ", l1, " l2 ", l2);
          Floats w = random.reals(n), gradient = random.reals(n);
          if (n > 1) w[1] = 0.0f;
          const Floats before = gradient;
          double penalty = 0.0;
          for (int64_t i = 0; i < n; ++i) {
            const double x = w[i];
            penalty += static_cast<double>(l1) * std::abs(x) + static_cast<double>(l2) * x * x;
          }
          CHECK_NEAR(k.add_penalty(l1, l2, w.data(), nullptr, n), penalty, 4.0 * kRoundoff * penalty);
          CHECK_NEAR(k.add_penalty(l1, l2, w.data(), gradient.data(), n), penalty, 4.0 * kRoundoff * penalty);
          for (int64_t i = 0; i < n; ++i) {
            const double sign = w[i] > 0.0f ? 1.0 : w[i] < 0.0f ? -1.0 : 0.0;
            const double slope = static_cast<double>(l1) * sign + 2.0 * static_cast<double>(l2) * w[i];
            CHECK_NEAR(gradient[i], before[i] + slope, 8.0 * kRoundoff);
          }
        }
  });
}

// An element's bits do not depend on where it stands, so a thread may begin its share anywhere.
TEST(optimizer_bits_do_not_depend_on_the_split) {
  using Rule =
      void (*)(const Kernels&, float* w, const float* g, const float* sums, float* a, float* b, float* c, int64_t n);
  const Rule rules[] = {
      [](const Kernels& k, float* w, const float* g, const float*, float*, float*, float*, int64_t n) {
        k.sgd_step({.learning_rate = 0.1f, .momentum = 0.0f, .nesterov = false}, w, g, nullptr, n);
      },
      [](const Kernels& k, float* w, const float* g, const float*, float* a, float*, float*, int64_t n) {
        k.sgd_step({.learning_rate = 0.1f, .momentum = 0.9f, .nesterov = true}, w, g, a, n);
      },
      [](const Kernels& k, float* w, const float* g, const float* sums, float* a, float* b, float*, int64_t n) {
        k.adadelta_step({.learning_rate = 1.0f, .rho = 0.95, .epsilon = 1e-7f}, w, g, sums, a, b, n);
      },
      [](const Kernels& k, float* w, const float* g, const float* sums, float* a, float* b, float* c, int64_t n) {
        k.adam_step({.learning_rate = 0.01f, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-7f}, w, g, sums, a, b, c, n);
      },
      [](const Kernels& k, float* w, const float* g, const float* sums, float* a, float* b, float*, int64_t n) {
        k.nadam_step({.beta_1 = 0.9,
                      .beta_2 = 0.999,
                      .momentum_rate = 0.1f,
                      .gradient_rate = 0.2f,
                      .velocity_scale = 3.0f,
                      .epsilon = 1e-7f},
                     w, g, sums, a, b, n);
      },
      [](const Kernels& k, float* w, const float* g, const float* sums, float* a, float* b, float*, int64_t n) {
        k.adamax_step({.learning_rate = 0.01f, .beta_1 = 0.9, .beta_2 = 0.999f, .epsilon = 1e-7f}, w, g, sums, a, b, n);
      },
      [](const Kernels& k, float* w, const float* g, const float* sums, float* a, float* b, float*, int64_t n) {
        k.adam_step({.learning_rate = 0.01f, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-7f}, w, g, sums, a, b,
                    nullptr, n);
      },
      [](const Kernels& k, float* w, const float* g, const float* sums, float* a, float*, float*, int64_t n) {
        k.rmsprop_step({.learning_rate = 0.01f, .rho = 0.9, .momentum = 0.0f, .epsilon = 1e-7f}, w, g, sums, a, nullptr,
                       nullptr, n);
      },
      [](const Kernels& k, float* w, const float* g, const float* sums, float* a, float* b, float* c, int64_t n) {
        k.rmsprop_step({.learning_rate = 0.01f, .rho = 0.9, .momentum = 0.9f, .epsilon = 1e-7f}, w, g, sums, a, b, c,
                       n);
      },
      [](const Kernels& k, float* w, const float* g, const float* sums, float* a, float*, float*, int64_t n) {
        k.adagrad_step({.learning_rate = 0.01f, .epsilon = 1e-7f}, w, g, sums, a, n);
      },
      [](const Kernels& k, float* w, const float* g, const float*, float* a, float*, float*, int64_t n) {
        k.lion_step({.learning_rate = 0.01f, .beta_1 = 0.9, .beta_2 = 0.99}, w, g, a, n);
      },
      [](const Kernels& k, float* w, const float* g, const float* sums, float* a, float* b, float*, int64_t n) {
        k.ftrl_step({.learning_rate = 0.1f, .exponent = 0.7f, .l1 = 0.1f, .l2 = 0.1f, .l2_shrinkage = 0.1f}, w, g, sums,
                    a, b, n);
      },
      [](const Kernels& k, float*, const float* g, const float*, float* a, float*, float*, int64_t n) {
        k.running_mean(g, a, 0.9, n);
      },
  };
  Random random(53);
  for_each_isa([&](const Kernels& k) {
    int number = 0;
    for (const Rule rule : rules) {
      ++number;
      // Many elements: code that rounds in other places differs in one of a thousand only.
      for (int draw = 0; draw < 20; ++draw) {
        const int64_t n = 64 * k.lanes + 3;
        const Context context("rule ", number);
        const Floats g = random.reals(n), start = random.reals(n);
        const Floats a0 = random.reals(n, 0.0f, 1.0f), b0 = random.reals(n, 0.0f, 1.0f),
                     c0 = random.reals(n, 0.0f, 0.1f), sums0 = random.reals(n, 0.0f, 2.0f);
        for (bool sliced : {false, true}) {
          const float* sums = sliced ? sums0.data() : nullptr;
          Floats w = start, a = a0, b = b0, c = c0, w2 = start, a2 = a0, b2 = b0, c2 = c0;
          rule(k, w.data(), g.data(), sums, a.data(), b.data(), c.data(), n);
          for (int64_t at = 0; at < n;) {
            const int64_t size = std::min(n - at, random.integer(1, 2 * k.lanes));
            rule(k, w2.data() + at, g.data() + at, sliced ? sums + at : nullptr, a2.data() + at, b2.data() + at,
                 c2.data() + at, size);
            at += size;
          }
          CHECK(same_bits(w, w2) && same_bits(a, a2) && same_bits(b, b2) && same_bits(c, c2));
        }
      }
    }
  });
}

}  // namespace day33::testing
