// Inputs and tolerances that the tests share.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "core/isa.h"

namespace day33::testing {

using Floats = std::vector<float>;

#if defined(__SANITIZE_THREAD__)
#define DAY33_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DAY33_THREAD_SANITIZER 1
#endif
#endif
#if !defined(DAY33_THREAD_SANITIZER)
#define DAY33_THREAD_SANITIZER 0
#endif

// The seed of this run: DAY33_TEST_SEED, or a fresh one. Printed with every failure.
uint64_t seed();

// A random stream of its own for each test, from the seed and the test's number.
class Random {
 public:
  explicit Random(uint64_t stream) : engine_(seed() * 1000003 + stream) {}
  float real(float low, float high) { return std::uniform_real_distribution<float>(low, high)(engine_); }
  int64_t integer(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine_); }

  Floats reals(int64_t n, float low = -1.0f, float high = 1.0f) {
    Floats v(static_cast<size_t>(n));
    for (float& x : v) x = real(low, high);
    return v;
  }
  // Whole numbers of few values: sums of them are exact in float, and ties are common.
  Floats integers(int64_t n, int64_t low = -3, int64_t high = 3) {
    Floats v(static_cast<size_t>(n));
    for (float& x : v) x = static_cast<float>(integer(low, high));
    return v;
  }

 private:
  std::mt19937_64 engine_;
};

inline std::vector<double> to_double(const Floats& v) { return {v.begin(), v.end()}; }

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
// The relative error of one rounding to float.
constexpr double kRoundoff = 1.0 / (1 << 24);

// Bound for a sum of n products taken in float in any order: every addition and product rounds once, so the error is at
// most (n + 1) roundings of the sum of magnitudes (N. Higham, "Accuracy and stability", section 3.1). `extra` counts
// roundings of the operands themselves.
inline double sum_bound(int64_t n, double magnitude, int64_t extra = 0) {
  return static_cast<double>(n + 1 + extra) * kRoundoff * magnitude;
}

// Runs body(kernels) for each instruction set of this machine.
template <typename Body>
void for_each_isa(Body body) {
  for (const Kernels* kernels : available_kernels()) {
    const Context context("isa ", kernels->isa);
    body(*kernels);
  }
}

// Numbers of floats below, at and above the vector width.
inline std::vector<int64_t> sizes_around(int lanes) {
  return {1, 2, 3, lanes - 1, lanes, lanes + 1, 2 * lanes, 2 * lanes + 3, 5 * lanes - 1};
}

inline bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }
inline bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// Equal values, where NaN equals NaN; -0 equals +0.
template <typename Expected>
void check_all_equal(const Floats& got, const Expected& expected) {
  CHECK_EQUAL(got.size(), expected.size());
  for (size_t i = 0; i < got.size() && i < expected.size(); ++i) {
    if (got[i] == expected[i]) continue;
    const Context context("element ", i, " of ", got.size());
    CHECK_NEAR(static_cast<double>(got[i]), static_cast<double>(expected[i]), 0.0);
  }
}

// [rows][C] of each of `lanes` samples (sample-major) to the tile [rows][C][lanes]; lanes beyond `samples` hold `fill`.
template <typename T>
std::vector<T> to_lanes(const std::vector<T>& values, int samples, int lanes, T fill) {
  const size_t size = values.size() / static_cast<size_t>(samples);
  std::vector<T> tile(size * static_cast<size_t>(lanes), fill);
  for (int s = 0; s < samples; ++s)
    for (size_t i = 0; i < size; ++i) tile[i * lanes + s] = values[s * size + i];
  return tile;
}

}  // namespace day33::testing
