// PlanBuilder's methods for masks.
#include "bindings/builder.h"

namespace day33 {

void add_masks_methods(BuilderClass& builder) {
  builder.def("differs", &GraphBuilder::differs, py::arg("x"), py::arg("value"))
      .def("either", &GraphBuilder::either, py::arg("a"), py::arg("b"))
      .def("keep_where", &GraphBuilder::keep_where, py::arg("x"), py::arg("mask"))
      .def("masked_average", &GraphBuilder::masked_average, py::arg("x"), py::arg("mask"));
}

}  // namespace day33
