// Loops over any number of units: the tail goes through the same vector code, with the remaining lanes unused.
#pragma once

#include <cstdint>

#include "simd/vec.h"

namespace day33::DAY33_ISA {

struct FullUnits {
  Vec load(const float* p) const { return DAY33_ISA::load(p); }
  void store(float* p, Vec v) const { DAY33_ISA::store(p, v); }
};
struct TailUnits {
  int count;
  Vec load(const float* p) const { return load_first(p, count); }
  void store(float* p, Vec v) const { store_first(p, v, count); }
};

// Calls body(access, u), where access is a FullUnits or TailUnits that loads and stores the units from u on.
template <typename Body>
DAY33_INLINE void over_units(int64_t U, Body body) {
  int64_t u = 0;
  for (; u + kLanes <= U; u += kLanes) body(FullUnits{}, u);
  if (u < U) body(TailUnits{static_cast<int>(U - u)}, u);
}

}  // namespace day33::DAY33_ISA
