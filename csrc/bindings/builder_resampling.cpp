// PlanBuilder's method for up-sampling.
#include "bindings/builder.h"

namespace day33 {
namespace {

Interpolation parse_interpolation(const std::string& name) {
  if (name == "nearest") return Interpolation::nearest;
  if (name == "bilinear") return Interpolation::bilinear;
  if (name == "bed_of_nails") return Interpolation::bed_of_nails;
  throw py::value_error("interpolation: got '" + name + "', expected 'nearest', 'bilinear' or 'bed_of_nails'");
}

}  // namespace

void add_resampling_methods(BuilderClass& builder) {
  builder.def(
      "up_sampling2d",
      [](GraphBuilder& b, int x, IntPair size, const std::string& interpolation) {
        return b.up_sampling2d(x, to_pair(size), parse_interpolation(interpolation));
      },
      py::arg("x"), py::kw_only(), py::arg("size"), py::arg("interpolation"));
}

}  // namespace day33
