// Errors of the vector functions in units in the last place, against libm in double, over every k-th float.
#include <algorithm>
#include <cstring>
#include <string>

#include "check.h"
#include "inputs.h"
#include "math_shim.h"

namespace day33 {

// Defined by math_shim.cpp, once for each instruction set that was compiled in.
#if defined(DAY33_HAVE_baseline)
namespace baseline {
extern const testing::MathFunctions math_functions;
}
#endif
#if defined(DAY33_HAVE_avx2)
namespace avx2 {
extern const testing::MathFunctions math_functions;
}
#endif
#if defined(DAY33_HAVE_avx512)
namespace avx512 {
extern const testing::MathFunctions math_functions;
}
#endif
#if defined(DAY33_HAVE_neon)
namespace neon {
extern const testing::MathFunctions math_functions;
}
#endif

namespace testing {

const MathFunctions* math_of(const char* isa) {
  const std::string name = isa;
#if defined(DAY33_HAVE_baseline)
  if (name == "baseline") return &baseline::math_functions;
#endif
#if defined(DAY33_HAVE_avx2)
  if (name == "avx2") return &avx2::math_functions;
#endif
#if defined(DAY33_HAVE_avx512)
  if (name == "avx512") return &avx512::math_functions;
#endif
#if defined(DAY33_HAVE_neon)
  if (name == "neon") return &neon::math_functions;
#endif
  return nullptr;
}

namespace {

using Function = void (*)(const float*, float*, int64_t);

// The distance of neighbouring floats at y.
double ulp(double y) {
  const float magnitude = std::fabs(static_cast<float>(y));
  return static_cast<double>(std::nextafter(magnitude, kInfinity)) - static_cast<double>(magnitude);
}

struct Worst {
  double error = 0.0;
  float at = 0.0f;
};

// The worst error over the floats of [low, high] (both of one sign), one in `step` of them.
template <typename Exact>
Worst sweep(Function f, Exact exact, float low, float high, uint32_t step = 1009) {
  uint32_t first, last;
  std::memcpy(&first, &low, 4);
  std::memcpy(&last, &high, 4);
  if (first > last) std::swap(first, last);
  constexpr int kBlock = 64;
  Worst worst;
  for (uint64_t block = first; block <= last; block += uint64_t{step} * kBlock) {
    float x[kBlock], y[kBlock];
    for (int i = 0; i < kBlock; ++i) {
      const uint32_t bits = static_cast<uint32_t>(std::min<uint64_t>(block + uint64_t{step} * i, last));
      std::memcpy(&x[i], &bits, 4);
    }
    f(x, y, kBlock);
    for (int i = 0; i < kBlock; ++i) {
      const double true_value = exact(static_cast<double>(x[i]));
      const double error = std::fabs(static_cast<double>(y[i]) - true_value) / ulp(true_value);
      if (!(error <= worst.error)) worst = {error, x[i]};  // NaN counts as worst
    }
  }
  return worst;
}

template <typename Exact>
void check_ulps(const char* name, Function f, Exact exact, float low, float high, double bound) {
  const Worst worst = sweep(f, exact, low, high);
  const Context context(name, " on [", low, ", ", high, "], worst at ", worst.at, ": ", worst.error, " ulp");
  CHECK(worst.error <= bound);
}

float at(Function f, float x) {
  float in[16], out[16];
  for (float& v : in) v = x;
  f(in, out, 16);
  return out[0];
}

constexpr float kTiny = 1.17549435e-38f;  // the smallest normal number
constexpr float kHuge = 3.4e38f;

}  // namespace

TEST(math_functions_are_within_two_ulp) {
  for_each_isa([](const Kernels& k) {
    const MathFunctions* m = math_of(k.isa);
    CHECK(m != nullptr);
    if (m == nullptr) return;
    const auto exp = [](double x) { return std::exp(x); };
    const auto expm1 = [](double x) { return std::expm1(x); };
    const auto log = [](double x) { return std::log(x); };
    const auto log1p = [](double x) { return std::log1p(x); };
    const auto sigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
    const auto tanh = [](double x) { return std::tanh(x); };
    check_ulps("sqrt", m->sqrt, [](double x) { return std::sqrt(x); }, kTiny, kHuge, 0.501);
    check_ulps("exp", m->exp, exp, kTiny, 88.7228317f, 1.5);
    check_ulps("exp near its end", m->exp, exp, 88.71f, 88.7228317f, 1.5);
    check_ulps("exp", m->exp, exp, -87.3f, -kTiny, 1.5);
    check_ulps("expm1", m->expm1, expm1, -87.3f, -kTiny, 3.0);
    check_ulps("log", m->log, log, kTiny, kHuge, 1.5);
    check_ulps("log of subnormal numbers", m->log, log, 1e-45f, kTiny, 1.5);
    check_ulps("log1p", m->log1p, log1p, 1e-45f, kHuge, 2.5);
    check_ulps("log1p", m->log1p, log1p, -0.9999999f, -1e-45f, 3.0);
    check_ulps("log1p of a fraction", m->log1p_of_fraction, log1p, 1e-45f, 1.0f, 2.5);
    check_ulps("sigmoid", m->sigmoid, sigmoid, kTiny, 200.0f, 2.5);
    check_ulps("sigmoid", m->sigmoid, sigmoid, -87.3f, -kTiny, 2.5);
    check_ulps("tanh", m->tanh, tanh, kTiny, 200.0f, 2.5);
    check_ulps("tanh", m->tanh, tanh, -200.0f, -kTiny, 2.5);
  });
}

TEST(trigonometric_functions_are_within_three_ulp) {
  for_each_isa([](const Kernels& k) {
    const MathFunctions* m = math_of(k.isa);
    if (m == nullptr) return;
    const auto sin = [](double x) { return std::sin(x); };
    const auto cos = [](double x) { return std::cos(x); };
    const auto tan = [](double x) { return std::tan(x); };
    // From 2^20 on, libm computes.
    for (const auto& [low, high] : {std::pair{kTiny, 1.0f}, {1.0f, 1e3f}, {1e3f, 1048575.9f}, {1048576.0f, kHuge}}) {
      for (float side : {1.0f, -1.0f}) {
        check_ulps("sin", m->sin, sin, side * low, side * high, 1.5);
        check_ulps("cos", m->cos, cos, side * low, side * high, 1.5);
        check_ulps("tan", m->tan, tan, side * low, side * high, 3.0);
      }
    }
    // The floats next to multiples of pi / 2, where all but the last bits cancel.
    for (int turn = 1; turn <= 667544; turn += turn < 1000 ? 1 : 997)
      for (float x : {static_cast<float>(turn * 1.57079632679489661923),
                      std::nextafter(static_cast<float>(turn * 1.57079632679489661923), 0.0f)}) {
        const Context context("x ", x);
        CHECK_NEAR(at(m->sin, x), sin(x), 1.5 * ulp(sin(x)));
        CHECK_NEAR(at(m->cos, x), cos(x), 1.5 * ulp(cos(x)));
        CHECK_NEAR(at(m->tan, x), tan(x), 3.0 * ulp(tan(x)));
      }
    for (Function f : {m->sin, m->cos, m->tan})
      for (float x : {kNan, kInfinity, -kInfinity}) CHECK(std::isnan(at(f, x)));
    CHECK(same_bits(at(m->sin, -0.0f), -0.0f));
    CHECK(same_bits(at(m->tan, -0.0f), -0.0f));
    CHECK_EQUAL(at(m->cos, 0.0f), 1.0f);
  });
}

TEST(erfc_is_close) {
  for_each_isa([](const Kernels& k) {
    const MathFunctions* m = math_of(k.isa);
    if (m == nullptr) return;
    const auto erfc = [](double x) { return std::erfc(x); };
    check_ulps("erfc", m->erfc, erfc, -200.0f, -kTiny, 2.0);
    // 1 - erf(x) near 1: the difference is 0.16, in units of which the rounding of erf(x) is 8 times larger.
    check_ulps("erfc", m->erfc, erfc, kTiny, 1.0f, 12.0);
    // x * x rounds, and exp turns that into a relative error of x * x / 2 ulp.
    check_ulps("erfc", m->erfc, erfc, 1.0f, 3.0f, 16.0);
    check_ulps("erfc", m->erfc, erfc, 3.0f, 9.0f, 96.0);
  });
}

TEST(math_functions_at_special_values) {
  for_each_isa([](const Kernels& k) {
    const MathFunctions* m = math_of(k.isa);
    if (m == nullptr) return;
    for (Function f : {m->sqrt, m->exp, m->expm1, m->log, m->log1p, m->log1p_of_fraction, m->sigmoid, m->tanh, m->erfc})
      CHECK(std::isnan(at(f, kNan)));
    CHECK_EQUAL(at(m->exp, kInfinity), kInfinity);
    CHECK_EQUAL(at(m->exp, -kInfinity), 0.0f);
    CHECK_EQUAL(at(m->exp, 89.0f), kInfinity);
    CHECK_EQUAL(at(m->exp, -200.0f), 0.0f);
    CHECK_EQUAL(at(m->exp, 0.0f), 1.0f);
    CHECK_EQUAL(at(m->exp, -0.0f), 1.0f);
    CHECK_EQUAL(at(m->expm1, -kInfinity), -1.0f);
    CHECK_EQUAL(at(m->expm1, -0.0f), 0.0f);
    CHECK_EQUAL(at(m->log, 0.0f), -kInfinity);
    CHECK_EQUAL(at(m->log, -0.0f), -kInfinity);
    CHECK_EQUAL(at(m->log, kInfinity), kInfinity);
    CHECK_EQUAL(at(m->log, 1.0f), 0.0f);
    CHECK(std::isnan(at(m->log, -1.0f)));
    CHECK_EQUAL(at(m->log1p, 0.0f), 0.0f);
    CHECK_EQUAL(at(m->log1p, kInfinity), kInfinity);
    CHECK_EQUAL(at(m->log1p, -1.0f), -kInfinity);
    CHECK(std::isnan(at(m->log1p, -1.5f)));
    CHECK_EQUAL(at(m->log1p_of_fraction, 0.0f), 0.0f);
    CHECK_EQUAL(at(m->sigmoid, kInfinity), 1.0f);
    CHECK_EQUAL(at(m->sigmoid, -kInfinity), 0.0f);
    CHECK_EQUAL(at(m->sigmoid, 0.0f), 0.5f);
    CHECK_EQUAL(at(m->tanh, kInfinity), 1.0f);
    CHECK_EQUAL(at(m->tanh, -kInfinity), -1.0f);
    CHECK_EQUAL(at(m->tanh, 0.0f), 0.0f);
    CHECK_EQUAL(at(m->erfc, kInfinity), 0.0f);
    CHECK_EQUAL(at(m->erfc, -kInfinity), 2.0f);
    CHECK_EQUAL(at(m->erfc, 0.0f), 1.0f);
  });
}

}  // namespace testing
}  // namespace day33
