// PlanBuilder's method for up-sampling.
#include "bindings/builder.h"

namespace day33 {
void add_resampling_methods(BuilderClass& builder) {
  builder.def(
      "up_sampling2d",
      [](GraphBuilder& b, int x, IntPair size, const std::string& interpolation) {
        return b.up_sampling2d(x, to_pair(size), parse_interpolation(interpolation));
      },
      py::arg("x"), py::kw_only(), py::arg("size"), py::arg("interpolation"));
}

}  // namespace day33
