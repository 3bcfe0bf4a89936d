// PlanBuilder's methods for sequences.
#include "bindings/bindings.h"
#include "engine/graph.h"

namespace day33 {

void add_sequence_methods(py::class_<GraphBuilder>& builder) {
  builder.def("embedding", &GraphBuilder::embedding, py::arg("x"), py::arg("table"))
      .def(
          "lstm",
          [](GraphBuilder& b, int x, int kernel, int recurrent_kernel, int bias, int mask, int initial_h, int initial_c,
             bool with_state) {
            return b.lstm(x, {kernel, recurrent_kernel, bias}, mask, initial_h, initial_c, with_state);
          },
          py::arg("x"), py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias") = -1, py::kw_only(),
          py::arg("mask") = -1, py::arg("initial_h") = -1, py::arg("initial_c") = -1, py::arg("with_state") = false)
      .def("slice", &GraphBuilder::slice, py::arg("x"), py::arg("begin"), py::arg("end"))
      .def("reverse", &GraphBuilder::reverse, py::arg("x"))
      .def("keep_where", &GraphBuilder::keep_where, py::arg("x"), py::arg("mask"))
      .def("to_int32", &GraphBuilder::to_int32, py::arg("x"))
      .def("differs", &GraphBuilder::differs, py::arg("x"), py::arg("value"));
}

}  // namespace day33
