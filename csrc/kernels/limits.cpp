// What the machine can do at most with this instruction set: the measure that benchmarks hold other kernels against.
#include "kernels/kernels.h"
#include "simd/vec.h"

namespace day33::DAY33_ISA {

int64_t limit_multiply_adds(int64_t rounds, float* result) {
  constexpr int kChains = 12;  // more than latency times units of any processor so far, and registers for all of them
  Vec chain[kChains];
#pragma GCC unroll 16
  for (int c = 0; c < kChains; ++c) chain[c] = broadcast(static_cast<float>(c));
  Vec factor = broadcast(0.999f), addend = broadcast(0.001f);
  for (int64_t r = 0; r < rounds; ++r) {
    asm("" : "+m"(factor), "+m"(addend));  // what the loop computes is not known to the compiler
    const Vec f = factor, a = addend;
    for (int inner = 0; inner < 64; ++inner)
#pragma GCC unroll 16
      for (int c = 0; c < kChains; ++c) chain[c] = chain[c] * f + a;
  }
  Vec sum = chain[0];
  for (int c = 1; c < kChains; ++c) sum += chain[c];
  *result = sum_lanes(sum);
  return rounds * 64 * kChains * kLanes;
}

void limit_reading(const float* x, int64_t n, float* result) {
  constexpr int kChains = 8;
  VecI chain[kChains] = {};
  for (int64_t i = 0; i + kChains * kLanes <= n; i += kChains * kLanes)
#pragma GCC unroll 8
    for (int c = 0; c < kChains; ++c) chain[c] |= as_int(load(x + i + c * kLanes));
  VecI all = chain[0];
  for (int c = 1; c < kChains; ++c) all |= chain[c];
  *result = sum_lanes(as_float(all));
}

}  // namespace day33::DAY33_ISA
