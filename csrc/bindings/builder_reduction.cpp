// PlanBuilder's methods for reductions.
#include "bindings/builder.h"
#include "ops/reduction.h"

namespace day33 {

void add_reduction_methods(BuilderClass& builder) {
  builder
      .def(
          "reduce",
          [](GraphBuilder& b, const std::string& kind, int x, const std::vector<int64_t>& axes, bool keepdims) {
            return b.reduce(parse_reduce(kind), x, axes, keepdims);
          },
          py::arg("kind"), py::arg("x"), py::arg("axes"), py::arg("keepdims") = false)
      .def(
          "arg_reduce",
          [](GraphBuilder& b, const std::string& kind, int x, int64_t axis) {
            return b.arg_reduce(parse_arg_reduce(kind), x, axis);
          },
          py::arg("kind"), py::arg("x"), py::arg("axis"))
      .def(
          "cumulate",
          [](GraphBuilder& b, const std::string& kind, int x, int64_t axis) {
            return b.cumulate(parse_cumulate(kind), x, axis);
          },
          py::arg("kind"), py::arg("x"), py::arg("axis"));
}

}  // namespace day33
