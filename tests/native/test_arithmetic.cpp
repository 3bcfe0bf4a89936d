#include <algorithm>

#include "check.h"
#include "inputs.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "reference/arithmetic.h"

namespace day33::testing {
namespace {

// Functions are good to 3 ulp, and a few roundings follow in a derivative.
constexpr double kRelative = 10.0 * kRoundoff;

const float kSpecial[] = {0.0f,   -0.0f, 1.0f,      -1.0f,       0.5f,        -0.5f,      1.5f,       2.5f,
                          -2.5f,  3e38f, kInfinity, -kInfinity,  kNan,        8388607.5f, 8388609.0f, -4194303.5f,
                          1e-30f, 88.0f, -100.0f,   0.49999997f, -0.9999999f, 1048575.9f, 2e6f,       -3e20f};

// Absolute errors where a result or slope is the small difference of larger numbers.
double allowed(const std::string& name, double x, double expected) {
  if (name == "acosh" || name == "asin" || name == "acos" || name == "atanh") x = 4.0;
  return kRelative * (std::fabs(expected) * (1.0 + std::fabs(x) * (name == "erf" || name == "tan")) + 1e-3);
}

float as_float(int32_t v) { return static_cast<float>(v); }

}  // namespace

TEST(unary_functions_and_slopes_match_the_reference) {
  Random random(70);
  for_each_isa([&](const Kernels& k) {
    for (const reference::Unary& f : reference::kUnaries) {
      const Unary kind = parse_unary(f.name);
      const bool truth = trait_of(kind) == Trait::truth;
      CHECK_EQUAL(f.slope != nullptr, trait_of(kind) == Trait::of_input || trait_of(kind) == Trait::of_output);
      for (int64_t n : sizes_around(k.lanes)) {
        const Context context(f.name, " n ", n);
        const Floats x = random.reals(n, static_cast<float>(f.low), static_cast<float>(f.high)), dy = random.reals(n);
        Floats y(x.size(), kNan), dx(x.size(), kNan);
        k.unary_forward(kind, x.data(), y.data(), n);
        if (f.slope != nullptr) k.unary_backward(kind, x.data(), y.data(), dy.data(), dx.data(), n);
        for (int64_t i = 0; i < n; ++i) {
          const Context at("x ", x[i]);
          const float got = truth ? as_float(reinterpret_cast<const int32_t*>(y.data())[i]) : y[i];
          CHECK_NEAR(got, f.function(x[i]), allowed(f.name, x[i], f.function(x[i])));
          if (f.slope == nullptr) continue;
          const double slope = f.slope(x[i]);
          CHECK_NEAR(dx[i], dy[i] * slope, allowed(f.name, x[i], slope) * (1.0 + std::fabs(f.function(x[i]))));
        }
      }
    }
  });
}

TEST(unary_functions_at_special_values) {
  for_each_isa([&](const Kernels& k) {
    for (const reference::Unary& f : reference::kUnaries) {
      const Unary kind = parse_unary(f.name);
      const bool truth = trait_of(kind) == Trait::truth;
      for (float v : kSpecial) {
        const Context context(f.name, " at ", v);
        float y[3];
        const float x[3] = {v, v, v};
        k.unary_forward(kind, x, y, 3);
        const double expected = f.function(static_cast<double>(v));
        const float got = truth ? as_float(*reinterpret_cast<const int32_t*>(y)) : y[0];
        // What float32 does not hold is infinite or, below its normal numbers, may be 0.
        if (std::fabs(expected) > 3.4028236e38) {
          CHECK_EQUAL(got, expected > 0.0 ? kInfinity : -kInfinity);
        } else if (std::fabs(expected) < 1.18e-38) {
          CHECK(std::fabs(got) < 1.18e-38f);
        } else {
          CHECK_NEAR(got, expected, allowed(f.name, 1.0, expected));
        }
        if (trait_of(kind) == Trait::flat && kind != Unary::sign && !std::isnan(v)) {
          CHECK(got == static_cast<float>(expected));
          CHECK_EQUAL(std::signbit(got), std::signbit(expected));
        }
      }
    }
  });
}

// As TensorFlow's, so that the deviation of equal numbers has a gradient.
TEST(roots_have_no_gradient_where_nothing_comes_back) {
  const float x[3] = {0.0f, 0.0f, 4.0f}, dy[3] = {0.0f, 2.0f, 0.0f};
  for_each_isa([&](const Kernels& k) {
    for (Unary kind : {Unary::sqrt, Unary::rsqrt}) {
      float y[3], dx[3];
      k.unary_forward(kind, x, y, 3);
      k.unary_backward(kind, x, y, dy, dx, 3);
      CHECK_EQUAL(dx[0], 0.0f);
      CHECK(std::isinf(dx[1]));
      CHECK_EQUAL(dx[2], 0.0f);
    }
  });
}

TEST(powers_are_rounded_correctly) {
  Random random(74);
  for_each_isa([&](const Kernels& k) {
    const int64_t n = 4096;
    Floats a(n), b(n), y(n);
    for (int64_t i = 0; i < n; ++i) {
      a[i] = std::exp2(random.real(-120.0f, 120.0f));
      b[i] = random.real(-1.0f, 1.0f) * std::exp2(random.real(-8.0f, 6.0f));
      if (i % 3 == 0) a[i] = random.real(0.9f, 1.1f), b[i] = random.real(-500.0f, 500.0f);
    }
    k.binary_forward(Binary::power, {1, n, 0, 1, {{a.data(), 0, false}, {b.data(), 0, false}, {}}}, y.data());
    for (int64_t i = 0; i < n; ++i) {
      const Context context(a[i], " ^ ", b[i]);
      const double expected = std::pow(static_cast<double>(a[i]), static_cast<double>(b[i]));
      if (expected > 3.4e38) continue;
      CHECK_NEAR(y[i], expected, std::fmax(1.01 * kRoundoff * expected, 1.5e-45) * (k.lanes == 4 ? 2.0 : 1.0));
    }
  });
}

TEST(unary_functions_of_whole_numbers) {
  const std::vector<int32_t> x = {0, 1, -1, 7, -7, INT32_MAX, INT32_MIN, 46341, 100000};
  for_each_isa([&](const Kernels& k) {
    std::vector<int32_t> y(x.size());
    const auto run = [&](Unary kind) { k.unary_int(kind, x.data(), y.data(), static_cast<int64_t>(x.size())); };
    const auto wraps = [&](auto exact) {
      for (size_t i = 0; i < x.size(); ++i) CHECK_EQUAL(y[i], static_cast<int32_t>(exact(static_cast<int64_t>(x[i]))));
    };
    run(Unary::negative);
    wraps([](int64_t v) { return -v; });
    run(Unary::abs);
    wraps([](int64_t v) { return v < 0 ? -v : v; });
    run(Unary::sign);
    wraps([](int64_t v) { return (v > 0) - (v < 0); });
    run(Unary::square);
    wraps([](int64_t v) { return v * v; });
    run(Unary::logical_not);
    wraps([](int64_t v) { return v == 0; });
  });
}

TEST(conversions) {
  const Floats x = {0.0f, -0.0f, 1.9f, -1.9f, 2147483520.0f, 2147483648.0f, -2147483648.0f, -3e9f, kNan, kInfinity};
  const int32_t cut[] = {0, 0, 1, -1, 2147483520, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN};
  const int32_t ints[] = {0, 1, -1, 16777217, INT32_MIN, INT32_MAX, 5, 0, 2, 3};
  for_each_isa([&](const Kernels& k) {
    std::vector<int32_t> y(x.size());
    Floats f(x.size());
    const int64_t n = static_cast<int64_t>(x.size());
    k.float_to_int(x.data(), y.data(), n);
    for (size_t i = 0; i < x.size(); ++i) CHECK_EQUAL(y[i], cut[i]);
    k.float_to_bool(x.data(), y.data(), n);
    for (size_t i = 0; i < x.size(); ++i) CHECK_EQUAL(y[i], x[i] != 0.0f ? 1 : 0);
    k.int_to_bool(ints, y.data(), n);
    for (size_t i = 0; i < x.size(); ++i) CHECK_EQUAL(y[i], ints[i] != 0 ? 1 : 0);
    k.int_to_float(ints, f.data(), n);
    for (size_t i = 0; i < x.size(); ++i) CHECK_EQUAL(f[i], static_cast<float>(ints[i]));
  });
}

namespace {

// How the operands of one call lie: which of them is held, and how far its rows are apart.
struct Pattern {
  bool held[2];
  int64_t step[2];  // in elements; -1: as many as a row has
};
const Pattern kPatterns[] = {
    {{false, false}, {-1, -1}}, {{false, true}, {-1, 1}}, {{true, false}, {1, -1}}, {{false, false}, {-1, 0}},
    {{false, false}, {0, -1}},  {{false, true}, {-1, 0}}, {{true, true}, {1, 0}},
};

struct Case {
  BroadcastRows rows;
  Floats a, b;
  int64_t size;  // words of the result

  // The operands of word i of the result.
  double operand(int which, int64_t i) const {
    const Operand& x = rows.x[which];
    const int64_t row = i / rows.inner, word = i % rows.inner;
    return x.p[row * x.step + (x.held ? (rows.lanes == 1 ? 0 : word % rows.lanes) : word)];
  }
};

template <typename Draw>
Case make_case(const Pattern& pattern, int64_t outer, int64_t elements, int lanes, Draw draw) {
  Case c;
  const int64_t inner = elements * lanes;
  c.size = outer * inner;
  c.a = draw(outer * inner);
  c.b = draw(outer * inner);
  c.rows = {outer, inner, inner, lanes, {}};
  for (int w = 0; w < 2; ++w)
    c.rows.x[w] = {(w == 0 ? c.a : c.b).data(), pattern.step[w] < 0 ? inner : pattern.step[w] * lanes, pattern.held[w]};
  return c;
}

template <typename Body>
void each_case(const Kernels& k, float low, float high, bool whole_numbers, Random& random, Body body) {
  const auto draw = [&](int64_t n) {
    return whole_numbers ? random.integers(n, static_cast<int64_t>(low), static_cast<int64_t>(high))
                         : random.reals(n, low, high);
  };
  for (const Pattern& pattern : kPatterns)
    for (int lanes : {1, k.lanes})
      for (int64_t elements : lanes == 1 ? sizes_around(k.lanes) : std::vector<int64_t>{1, 2, 5})
        for (int64_t outer : {1, 3}) {
          const Context context("pattern ", &pattern - kPatterns, " lanes ", lanes, " elements ", elements);
          body(make_case(pattern, outer, elements, lanes, draw));
        }
}

}  // namespace

TEST(binary_functions_and_slopes_match_the_reference) {
  Random random(71);
  for_each_isa([&](const Kernels& k) {
    for (const reference::Binary& f : reference::kBinaries) {
      const Binary kind = parse_binary(f.name);
      if (trait_of(kind) == Trait::truth) continue;
      const Context context(f.name);
      const bool steps = kind == Binary::floor_divide || kind == Binary::mod;  // jump where rounding decides
      each_case(k, static_cast<float>(f.low), static_cast<float>(f.high), false, random, [&](const Case& c) {
        Floats y(static_cast<size_t>(c.size), kNan), d(y.size(), kNan);
        const Floats dy = random.reals(c.size);
        k.binary_forward(kind, c.rows, y.data());
        for (int64_t i = 0; i < c.size; ++i) {
          const double a = c.operand(0, i), b = c.operand(1, i), expected = f.function(a, b);
          if (steps && std::fabs(std::remainder(a, b)) < 1e-5) continue;
          CHECK_NEAR(y[i], expected, kRelative * (std::fabs(expected) + steps * 9.0));
        }
        for (int which : {0, 1}) {
          const auto slope = which == 0 ? f.slope_a : f.slope_b;
          if (slope == nullptr) continue;
          k.binary_backward(kind, which, c.rows, y.data(), dy.data(), d.data());
          for (int64_t i = 0; i < c.size; ++i) {
            const double a = c.operand(0, i), b = c.operand(1, i);
            if (steps && std::fabs(std::remainder(a, b)) < 1e-5) continue;
            CHECK_NEAR(d[i], dy[i] * slope(a, b), 4.0 * kRelative * std::fabs(dy[i] * slope(a, b)));
          }
        }
      });
    }
  });
}

TEST(binary_functions_are_exact_on_whole_numbers) {
  Random random(72);
  for_each_isa([&](const Kernels& k) {
    for (const reference::Binary& f : reference::kBinaries) {
      const Binary kind = parse_binary(f.name);
      const bool divides = kind == Binary::floor_divide || kind == Binary::mod;
      const Context context(f.name);
      each_case(k, kind == Binary::power ? 0.0f : -4.0f, 4.0f, true, random, [&](const Case& c) {
        Floats y(static_cast<size_t>(c.size), kNan);
        std::vector<int32_t> whole(y.size(), -99);
        const bool truth = trait_of(kind) == Trait::truth;
        if (truth)
          k.binary_truth(kind, false, c.rows, whole.data());
        else if (kind != Binary::divide && kind != Binary::arctan2 && kind != Binary::sigmoid_crossentropy)
          k.binary_forward(kind, c.rows, y.data());
        else
          return;
        for (int64_t i = 0; i < c.size; ++i) {
          if (divides && c.operand(1, i) == 0.0) continue;
          CHECK_EQUAL(truth ? static_cast<double>(whole[i]) : static_cast<double>(y[i]),
                      f.function(c.operand(0, i), c.operand(1, i)));
        }
        // The same numbers as int32.
        const std::vector<int32_t> a(c.a.begin(), c.a.end()), b(c.b.begin(), c.b.end());
        BroadcastRows rows = c.rows;
        rows.x[0].p = reinterpret_cast<const float*>(a.data());
        rows.x[1].p = reinterpret_cast<const float*>(b.data());
        std::fill(whole.begin(), whole.end(), -99);
        if (truth)
          k.binary_truth(kind, true, rows, whole.data());
        else
          k.binary_int(kind, rows, whole.data());
        for (int64_t i = 0; i < c.size; ++i) {
          const bool nothing = divides && c.operand(1, i) == 0.0;
          CHECK_EQUAL(static_cast<double>(whole[i]), nothing ? 0.0 : f.function(c.operand(0, i), c.operand(1, i)));
        }
      });
    }
  });
}

TEST(select_and_equality) {
  Random random(73);
  for_each_isa([&](const Kernels& k) {
    each_case(k, -2.0f, 2.0f, true, random, [&](const Case& c) {
      Floats y(static_cast<size_t>(c.size), kNan);
      k.equal_as_float(c.rows, y.data());
      for (int64_t i = 0; i < c.size; ++i) CHECK_EQUAL(y[i], c.operand(0, i) == c.operand(1, i) ? 1.0f : 0.0f);
      for (bool held : {false, true}) {
        const Floats numbers = random.integers(c.size, 0, 1);
        const std::vector<int32_t> condition(numbers.begin(), numbers.end());
        BroadcastRows rows = c.rows;
        rows.x[0] = {reinterpret_cast<const float*>(condition.data()), held ? c.rows.lanes : c.rows.inner, held};
        rows.x[1] = c.rows.x[0];
        rows.x[2] = c.rows.x[1];
        k.select_where(rows, y.data());
        for (int64_t i = 0; i < c.size; ++i) {
          const int64_t row = i / rows.inner, word = i % rows.inner;
          const int64_t at = row * rows.x[0].step + (held ? word % rows.lanes : word);
          CHECK_EQUAL(static_cast<double>(y[i]), condition[at] != 0 ? c.operand(0, i) : c.operand(1, i));
        }
      }
    });
  });
}

// Every unit of every split covers its part of the result, and nothing else.
TEST(broadcast_units_cover_the_result_once) {
  const std::vector<std::vector<Shape>> cases = {
      {{}, {}},
      {{5}, {}},
      {{300, 70}, {70}},
      {{300, 70}, {300, 1}},
      {{2, 9000}, {9000}},
      {{3, 1, 50}, {40, 1}},
      {{1, 7}, {6, 1}},
      {{2, 1, 3, 1}, {4, 1, 5}},
      {{9000}, {1}},
      {{3, 0}, {3, 1}},
  };
  for (const std::vector<Shape>& shapes : cases)
    for (int64_t n : {1, 3})
      for (int lanes : {1, 4}) {
        Shape result;
        CHECK(broadcast_shapes(shapes, result));
        const Context context("result ", to_string(result), " n ", n);
        const Broadcast broadcast(result, shapes);
        const int64_t words = broadcast.size() * n * lanes;
        Floats a(static_cast<size_t>(broadcast.size_of(0) * n * lanes)), b(broadcast.size_of(1) * n * lanes);
        std::vector<int> count(static_cast<size_t>(words), 0);
        const int64_t units = broadcast.units(n);
        for (int64_t unit = 0; unit < units; unit += 2)
          broadcast.each(broadcast.units(n, unit, std::min(unit + 2, units)), lanes, {a.data(), b.data(), nullptr},
                         [&](const BroadcastRows& rows, int64_t at) {
                           for (int64_t r = 0; r < rows.outer; ++r)
                             for (int64_t i = 0; i < rows.inner; ++i) ++count[at + r * rows.row_step + i];
                         });
        CHECK(std::all_of(count.begin(), count.end(), [](int times) { return times == 1; }));
      }
  Shape result;
  CHECK(!broadcast_shapes({{3, 4}, {3}}, result));
}

}  // namespace day33::testing
