// PlanBuilder's methods for ops on indices that are values.
#include "bindings/builder.h"

namespace day33 {

void add_indexing_methods(BuilderClass& builder) {
  builder.def("gather", &GraphBuilder::gather, py::arg("x"), py::arg("indices"), py::arg("axis"))
      .def("take_along_axis", &GraphBuilder::take_along_axis, py::arg("x"), py::arg("indices"), py::arg("axis"))
      .def("one_hot", &GraphBuilder::one_hot, py::arg("indices"), py::arg("depth"), py::arg("axis") = -1);
}

}  // namespace day33
