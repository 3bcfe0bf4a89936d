// Compiled once an instruction set; n is a multiple of the vector width.
#include "math_shim.h"

#include "simd/math.h"
#include "simd/trigonometry.h"

namespace day33::DAY33_ISA {

extern const testing::MathFunctions math_functions;

#define DAY33_MAP(name)                                                      \
  static void map_##name(const float* x, float* y, int64_t n) {              \
    for (int64_t i = 0; i < n; i += kLanes) store(y + i, name(load(x + i))); \
  }
DAY33_MAP(sqrt)
DAY33_MAP(exp)
DAY33_MAP(expm1)
DAY33_MAP(log)
DAY33_MAP(log1p)
DAY33_MAP(log1p_of_fraction)
DAY33_MAP(sigmoid)
DAY33_MAP(tanh)
DAY33_MAP(erfc)
DAY33_MAP(sin)
DAY33_MAP(cos)
DAY33_MAP(tan)
#undef DAY33_MAP

const testing::MathFunctions math_functions = {
    map_sqrt,    map_exp,  map_expm1, map_log, map_log1p, map_log1p_of_fraction,
    map_sigmoid, map_tanh, map_erfc,  map_sin, map_cos,   map_tan};

}  // namespace day33::DAY33_ISA
