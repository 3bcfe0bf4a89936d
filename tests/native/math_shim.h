// simd/math.h made callable from tests: one table an instruction set, each compiled with that set's flags.
#pragma once

#include <cstdint>

namespace day33::testing {

struct MathFunctions {
  void (*sqrt)(const float* x, float* y, int64_t n);
  void (*exp)(const float* x, float* y, int64_t n);
  void (*expm1)(const float* x, float* y, int64_t n);
  void (*log)(const float* x, float* y, int64_t n);
  void (*log1p)(const float* x, float* y, int64_t n);
  void (*log1p_of_fraction)(const float* x, float* y, int64_t n);
  void (*sigmoid)(const float* x, float* y, int64_t n);
  void (*tanh)(const float* x, float* y, int64_t n);
  void (*erfc)(const float* x, float* y, int64_t n);
  void (*sin)(const float* x, float* y, int64_t n);
  void (*cos)(const float* x, float* y, int64_t n);
  void (*tan)(const float* x, float* y, int64_t n);
};

// Null for an instruction set that was not compiled in.
const MathFunctions* math_of(const char* isa);

}  // namespace day33::testing
