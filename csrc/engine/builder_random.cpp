// The builder's method for random numbers.
#include "engine/builder.h"
#include "ops/random.h"

namespace day33 {

int GraphBuilder::random(Distribution kind, const Shape& shape, uint64_t seed) {
  const int y = new_tensor(shape);
  add_other({}, y, [=, size = element_count(shape)](const Node&) { return make_random(kind, y, size, seed); });
  return y;
}

}  // namespace day33
