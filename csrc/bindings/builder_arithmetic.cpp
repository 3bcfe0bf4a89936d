// PlanBuilder's methods for arithmetic on elements.
#include "bindings/builder.h"
#include "core/names.h"
#include "ops/arithmetic.h"

namespace day33 {
namespace {

constexpr const char* kCastNames[] = {"float32", "int32", "bool"};  // in the order of Cast

}  // namespace

void add_arithmetic_methods(BuilderClass& builder) {
  builder
      .def(
          "unary", [](GraphBuilder& b, const std::string& kind, int x) { return b.unary(parse_unary(kind), x); },
          py::arg("kind"), py::arg("x"))
      .def(
          "binary",
          [](GraphBuilder& builder, const std::string& kind, int a, int b) {
            return builder.binary(parse_binary(kind), a, b);
          },
          py::arg("kind"), py::arg("a"), py::arg("b"))
      .def("select", &GraphBuilder::select, py::arg("condition"), py::arg("a"), py::arg("b"))
      .def(
          "cast",
          [](GraphBuilder& b, int x, const std::string& dtype) {
            return b.cast(x, parse_name<Cast>("dtype", dtype, kCastNames));
          },
          py::arg("x"), py::arg("dtype"))
      .def("stop_gradient", &GraphBuilder::stop_gradient, py::arg("x"))
      .def("parameter_value", &GraphBuilder::parameter_value, py::arg("slot"));
}

}  // namespace day33
