// PlanBuilder's methods for sequences.
#include "bindings/bindings.h"
#include "engine/builder.h"

namespace day33 {

void add_sequence_methods(py::class_<GraphBuilder>& builder) {
  builder.def("embedding", &GraphBuilder::embedding, py::arg("x"), py::arg("table"))
      .def(
          "lstm",
          [](GraphBuilder& b, int x, int kernel, int recurrent_kernel, int bias, int mask,
             const std::vector<int>& initial,
             bool with_state) { return b.lstm(x, {kernel, recurrent_kernel, bias}, mask, initial, with_state); },
          py::arg("x"), py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias") = -1, py::kw_only(),
          py::arg("mask") = -1, py::arg("initial") = std::vector<int>{}, py::arg("with_state") = false)
      .def(
          "gru",
          [](GraphBuilder& b, int x, int kernel, int recurrent_kernel, int bias, int mask,
             const std::vector<int>& initial,
             bool reset_after) { return b.gru(x, {kernel, recurrent_kernel, bias}, mask, initial, reset_after); },
          py::arg("x"), py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias") = -1, py::kw_only(),
          py::arg("mask") = -1, py::arg("initial") = std::vector<int>{}, py::arg("reset_after") = true)
      .def(
          "simple_rnn",
          [](GraphBuilder& b, int x, int kernel, int recurrent_kernel, int bias, int mask,
             const std::vector<int>& initial) {
            return b.simple_rnn(x, {kernel, recurrent_kernel, bias}, mask, initial);
          },
          py::arg("x"), py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias") = -1, py::kw_only(),
          py::arg("mask") = -1, py::arg("initial") = std::vector<int>{})
      .def("slice", &GraphBuilder::slice, py::arg("x"), py::arg("begin"), py::arg("end"))
      .def("reverse", &GraphBuilder::reverse, py::arg("x"))
      .def("keep_where", &GraphBuilder::keep_where, py::arg("x"), py::arg("mask"))
      .def("either", &GraphBuilder::either, py::arg("a"), py::arg("b"))
      .def("masked_average", &GraphBuilder::masked_average, py::arg("x"), py::arg("mask"))
      .def("to_int32", &GraphBuilder::to_int32, py::arg("x"))
      .def("to_int64", &GraphBuilder::to_int64, py::arg("x"))
      .def("differs", &GraphBuilder::differs, py::arg("x"), py::arg("value"));
}

}  // namespace day33
