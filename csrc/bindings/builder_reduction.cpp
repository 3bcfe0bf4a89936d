// PlanBuilder's methods for reductions.
#include "bindings/builder.h"
#include "ops/reduction.h"

namespace day33 {

void add_reduction_methods(BuilderClass& builder) {
  builder.def(
      "reduce",
      [](GraphBuilder& b, const std::string& kind, int x, const std::vector<int64_t>& axes, bool keepdims) {
        return b.reduce(parse_reduce(kind), x, axes, keepdims);
      },
      py::arg("kind"), py::arg("x"), py::arg("axes"), py::arg("keepdims") = false);
}

}  // namespace day33
