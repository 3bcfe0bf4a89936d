// PlanBuilder's methods for ops that only move values.
#include "bindings/builder.h"

namespace day33 {
namespace {

Border to_border(const IntPair& p) { return {p.first, p.second}; }

}  // namespace

void add_movement_methods(BuilderClass& builder) {
  builder.def("reshape", &GraphBuilder::reshape, py::arg("x"), py::arg("shape"))
      .def(
          "pad2d",
          [](GraphBuilder& b, int x, IntPair height, IntPair width) {
            return b.pad2d(x, to_border(height), to_border(width));
          },
          py::arg("x"), py::kw_only(), py::arg("height"), py::arg("width"))
      .def("permute", &GraphBuilder::permute, py::arg("x"), py::arg("axes"))
      .def("broadcast_to", &GraphBuilder::broadcast_to, py::arg("x"), py::arg("shape"))
      .def("concatenate", &GraphBuilder::concatenate, py::arg("xs"), py::arg("axis"))
      .def("slice", &GraphBuilder::slice, py::arg("x"), py::arg("begin"), py::arg("end"))
      .def("reverse", &GraphBuilder::reverse, py::arg("x"));
}

}  // namespace day33
