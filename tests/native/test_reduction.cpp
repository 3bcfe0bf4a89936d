#include "check.h"
#include "inputs.h"
#include "reference/reduction.h"

namespace day33::testing {
namespace {

using reference::Middle;

const struct {
  Reduce kind;
  const char* name;
} kKinds[] = {{Reduce::sum, "sum"},   {Reduce::mean, "mean"}, {Reduce::max, "max"}, {Reduce::min, "min"},
              {Reduce::prod, "prod"}, {Reduce::any, "any"},   {Reduce::all, "all"}};

template <typename Body>
void each_view(const Kernels& k, Body body) {
  for (int64_t K : sizes_around(k.lanes))
    for (int64_t inner : {int64_t{1}, int64_t{2}, int64_t{k.lanes} - 1, int64_t{k.lanes}, int64_t{3} * k.lanes + 1})
      for (int64_t outer : {1, 3}) {
        const Context context("outer ", outer, " K ", K, " inner ", inner);
        body(Middle{outer, K, inner}, ReduceArgs{outer, K, inner});
      }
}

std::vector<int32_t> to_ints(const Floats& x) { return {x.begin(), x.end()}; }

}  // namespace

TEST(reductions_are_exact_on_whole_numbers) {
  Random random(80);
  for_each_isa([&](const Kernels& k) {
    each_view(k, [&](const Middle& m, const ReduceArgs& args) {
      for (const auto& [kind, name] : kKinds) {
        const Context context(name);
        // Products of many factors stay whole and small.
        const bool product = kind == Reduce::prod;
        Floats x = random.integers(m.outer * m.K * m.inner, product ? -1 : -3, product ? 2 : 3);
        if (product)
          for (size_t i = 0; i < x.size(); ++i) x[i] = x[i] == 2.0f && i % 7 != 0 ? 1.0f : x[i];
        const reference::Values expected = reference::reduce(kind == Reduce::mean ? "sum" : name, m, to_double(x));
        if (kind != Reduce::any && kind != Reduce::all) {
          Floats y(expected.size(), kNan);
          k.reduce(kind, args, x.data(), y.data());
          check_all_equal(y, Floats(expected.begin(), expected.end()));
        }
        if (kind != Reduce::mean) {
          std::vector<int32_t> y(expected.size(), -99);
          k.reduce_int(kind, args, to_ints(x).data(), y.data());
          for (size_t i = 0; i < y.size(); ++i) CHECK_EQUAL(static_cast<double>(y[i]), expected[i]);
        }
        if (product) {
          const Floats dy = random.integers(m.outer * m.inner);
          Floats dx(x.size(), kNan);
          k.prod_backward(args, x.data(), dy.data(), dx.data());
          const reference::Values slope = reference::reduce_backward(name, m, to_double(x), to_double(dy));
          check_all_equal(dx, Floats(slope.begin(), slope.end()));
        }
      }
    });
  });
}

TEST(reductions_keep_nan) {
  for_each_isa([&](const Kernels& k) {
    each_view(k, [&](const Middle& m, const ReduceArgs& args) {
      for (Reduce kind : {Reduce::sum, Reduce::max, Reduce::min, Reduce::prod})
        for (int64_t place : {int64_t{0}, m.K / 2, m.K - 1}) {
          Floats x(static_cast<size_t>(m.outer * m.K * m.inner), 1.0f);
          x[m.at(0, place, m.inner / 2)] = kNan;
          Floats y(static_cast<size_t>(m.outer * m.inner), 0.0f);
          k.reduce(kind, args, x.data(), y.data());
          for (size_t i = 0; i < y.size(); ++i) CHECK_EQUAL(std::isnan(y[i]), i == m.result(0, m.inner / 2));
        }
    });
  });
}

// Sums in double: half an ulp, and next to nothing for cancellation.
TEST(sums_are_taken_in_double) {
  Random random(81);
  for_each_isa([&](const Kernels& k) {
    for (int64_t inner : {int64_t{1}, int64_t{k.lanes}, int64_t{k.lanes} + 3}) {
      const Middle m{2, 4001, inner};
      const Floats x = random.reals(2 * 4001 * inner, -1.0f, 1.0f);
      const reference::Values expected = reference::reduce("sum", m, to_double(x));
      Floats y(expected.size());
      k.reduce(Reduce::sum, {2, 4001, inner}, x.data(), y.data());
      for (size_t i = 0; i < y.size(); ++i)
        CHECK_NEAR(y[i], expected[i], kRoundoff * std::fabs(expected[i]) + 4001 * 4001 * 1e-16);
    }
  });
}

TEST(reductions_of_nothing) {
  for_each_isa([&](const Kernels& k) {
    const std::pair<Reduce, float> kNothing[] = {
        {Reduce::sum, 0.0f}, {Reduce::prod, 1.0f}, {Reduce::max, -kInfinity}, {Reduce::min, kInfinity}};
    for (int64_t inner : sizes_around(k.lanes))
      for (const auto& [kind, expected] : kNothing) {
        Floats y(static_cast<size_t>(inner), kNan);
        k.reduce(kind, {1, 0, inner}, nullptr, y.data());
        for (float v : y) CHECK_EQUAL(v, expected);
      }
  });
}

TEST(indices_of_extremes_match_the_reference) {
  Random random(82);
  for_each_isa([&](const Kernels& k) {
    each_view(k, [&](const Middle& m, const ReduceArgs& args) {
      for (bool nan : {false, true})
        for (bool largest : {false, true}) {
          const Context context(largest ? "argmax" : "argmin", nan ? " with NaN" : "");
          Floats x = random.integers(m.outer * m.K * m.inner);
          for (size_t i = 0; nan && i < x.size(); ++i)
            if (random.integer(0, 9) == 0) x[i] = kNan;
          const std::vector<int64_t> expected = reference::arg_reduce(largest, m, to_double(x));
          const ArgReduce kind = largest ? ArgReduce::argmax : ArgReduce::argmin;
          std::vector<int32_t> y(expected.size(), -1);
          k.arg_reduce(kind, args, x.data(), y.data());
          for (size_t i = 0; i < y.size(); ++i) CHECK_EQUAL(static_cast<int64_t>(y[i]), expected[i]);
          if (nan) continue;
          std::fill(y.begin(), y.end(), -1);
          k.arg_reduce_int(kind, args, to_ints(x).data(), y.data());
          for (size_t i = 0; i < y.size(); ++i) CHECK_EQUAL(static_cast<int64_t>(y[i]), expected[i]);
        }
    });
  });
}

TEST(running_sums_and_products_match_the_reference) {
  Random random(83);
  for_each_isa([&](const Kernels& k) {
    each_view(k, [&](const Middle& m, const ReduceArgs& args) {
      for (Cumulate kind : {Cumulate::cumsum, Cumulate::cumprod}) {
        const bool product = kind == Cumulate::cumprod;
        const Context context(product ? "cumprod" : "cumsum");
        const Floats x = random.integers(m.outer * m.K * m.inner, product ? -1 : -3, product ? 1 : 3);
        Floats y(x.size(), kNan);
        for (bool reverse : {false, true}) {
          k.cumulate(kind, reverse, args, x.data(), y.data());
          const reference::Values expected = reference::cumulate(product, reverse, m, to_double(x));
          check_all_equal(y, Floats(expected.begin(), expected.end()));
          if (reverse) continue;
          std::vector<int32_t> whole(x.size(), -99);
          k.cumulate_int(kind, args, to_ints(x).data(), whole.data());
          for (size_t i = 0; i < whole.size(); ++i) CHECK_EQUAL(static_cast<double>(whole[i]), expected[i]);
        }
        if (!product) continue;
        const Floats dy = random.integers(m.outer * m.K * m.inner);
        k.cumprod_backward(args, x.data(), dy.data(), y.data());
        const reference::Values slope = reference::cumprod_backward(m, to_double(x), to_double(dy));
        check_all_equal(y, Floats(slope.begin(), slope.end()));
      }
    });
  });
}

}  // namespace day33::testing
