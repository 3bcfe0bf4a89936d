// PlanBuilder's method for random numbers.
#include "bindings/builder.h"
#include "ops/random.h"

namespace day33 {

void add_random_methods(BuilderClass& builder) {
  builder.def(
      "random",
      [](GraphBuilder& b, const std::string& kind, const Shape& shape, uint64_t seed) {
        return b.random(parse_distribution(kind), shape, seed);
      },
      py::arg("kind"), py::arg("shape"), py::arg("seed"));
}

}  // namespace day33
