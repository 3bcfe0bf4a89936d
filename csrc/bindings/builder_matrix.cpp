// PlanBuilder's method for products of matrices.
#include "bindings/builder.h"

namespace day33 {

void add_matrix_methods(BuilderClass& builder) {
  builder.def("matmul", &GraphBuilder::matmul, py::arg("a"), py::arg("b"));
}

}  // namespace day33
