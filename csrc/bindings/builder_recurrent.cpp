// PlanBuilder's methods for recurrent layers.
#include "bindings/builder.h"

namespace day33 {

void add_recurrent_methods(BuilderClass& builder) {
  builder
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
          py::arg("mask") = -1, py::arg("initial") = std::vector<int>{});
}

}  // namespace day33
