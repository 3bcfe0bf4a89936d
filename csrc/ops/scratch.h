// Divides an op's scratch memory into blocks, each of which begins at a cache line.
#pragma once

#include <cstdint>

#include "core/aligned_buffer.h"

namespace day33 {

class Carver {
 public:
  explicit Carver(float* base) : at_(base) {}
  float* take(int64_t floats) {
    float* taken = at_;
    at_ += round_to_line(floats);
    return taken;
  }
  int32_t* take_ints(int64_t count) { return reinterpret_cast<int32_t*>(take(count)); }
  float* rest() const { return at_; }

 private:
  float* at_;
};

}  // namespace day33
