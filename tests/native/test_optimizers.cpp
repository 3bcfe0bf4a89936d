#include "check.h"
#include "inputs.h"
#include "reference/optimizers.h"

namespace day33::testing {
namespace {

constexpr int kSteps = 10;
// A step rounds each of its few operations once; errors of the state carry over from step to step.
constexpr double kBound = 16.0 * kSteps * kRoundoff;

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
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      Floats w = random.reals(n), squares(w.size(), 0.0f), deltas(w.size(), 0.0f);
      std::vector<reference::AdadeltaState> state;
      for (float v : w) state.push_back({v, 0.0, 0.0});
      for (int step = 0; step < kSteps; ++step) {
        const Floats g = random.reals(n);
        k.adadelta_step({.learning_rate = 1.0f, .rho = 0.95, .epsilon = 1e-7f}, w.data(), g.data(), squares.data(),
                        deltas.data(), n);
        for (int64_t i = 0; i < n; ++i)
          state[i] = reference::adadelta(state[i], g[i], 1.0, 0.95, static_cast<double>(1e-7f));
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
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      Floats w = random.reals(n), m(w.size(), 0.0f), v(w.size(), 0.0f);
      std::vector<reference::AdamState> state;
      for (float x : w) state.push_back({x, 0.0, 0.0});
      for (int step = 1; step <= kSteps; ++step) {
        const Floats g = random.reals(n);
        const float rate =
            static_cast<float>(0.01 * std::sqrt(1.0 - std::pow(0.999, step)) / (1.0 - std::pow(0.9, step)));
        k.adam_step({.learning_rate = rate, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-7f}, w.data(), g.data(),
                    m.data(), v.data(), n);
        for (int64_t i = 0; i < n; ++i)
          state[i] = reference::adam(state[i], g[i], static_cast<double>(rate), 0.9, 0.999, static_cast<double>(1e-7f));
      }
      for (int64_t i = 0; i < n; ++i) {
        CHECK_NEAR(w[i], state[i].weight, kBound);
        CHECK_NEAR(m[i], state[i].m, kBound);
        CHECK_NEAR(v[i], state[i].v, kBound * state[i].v);
      }
    }
  });
}

// An element's bits do not depend on where it stands, so a thread may begin its share anywhere.
TEST(optimizer_bits_do_not_depend_on_the_split) {
  Random random(53);
  for_each_isa([&](const Kernels& k) {
    const int64_t n = 4 * k.lanes + 3;
    const Floats g = random.reals(n), start = random.reals(n);
    const Floats a0 = random.reals(n, 0.0f, 1.0f), b0 = random.reals(n, 0.0f, 1.0f);
    const auto step = [&](int rule, int64_t begin, int64_t end, Floats& w, Floats& a, Floats& b) {
      float *pw = w.data() + begin, *pa = a.data() + begin, *pb = b.data() + begin;
      const float* pg = g.data() + begin;
      if (rule == 0) k.sgd_step({.learning_rate = 0.1f, .momentum = 0.9f, .nesterov = true}, pw, pg, pa, end - begin);
      if (rule == 1)
        k.adadelta_step({.learning_rate = 1.0f, .rho = 0.95, .epsilon = 1e-7f}, pw, pg, pa, pb, end - begin);
      if (rule == 2)
        k.adam_step({.learning_rate = 0.01f, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-7f}, pw, pg, pa, pb,
                    end - begin);
    };
    for (int rule = 0; rule < 3; ++rule)
      for (int64_t cut = 0; cut <= n; ++cut) {
        const Context context("rule ", rule, " cut at ", cut);
        Floats w = start, a = a0, b = b0, w2 = start, a2 = a0, b2 = b0;
        step(rule, 0, n, w, a, b);
        step(rule, 0, cut, w2, a2, b2);
        step(rule, cut, n, w2, a2, b2);
        CHECK(same_bits(w, w2) && same_bits(a, a2) && same_bits(b, b2));
      }
  });
}

}  // namespace day33::testing
