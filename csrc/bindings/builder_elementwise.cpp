// PlanBuilder's methods for activations and other ops on single elements.
#include "bindings/builder.h"
#include "ops/elementwise.h"

namespace day33 {
namespace {

std::vector<float> to_vector(const py::array& array, const char* name) {
  const float* data = contiguous_data<float>(array, name);
  return {data, data + array.size()};
}

}  // namespace

void add_elementwise_methods(BuilderClass& builder) {
  builder
      .def(
          "activation",
          [](GraphBuilder& b, int x, const std::string& kind, float alpha) {
            return b.activation(x, to_activation(kind, alpha));
          },
          py::arg("x"), py::arg("kind"), py::arg("alpha") = 0.0f)
      .def(
          "rescaling",
          [](GraphBuilder& b, int x, const py::array& scale, const py::array& offset) {
            return b.rescaling(x, to_vector(scale, "scale"), to_vector(offset, "offset"));
          },
          py::arg("x"), py::arg("scale"), py::arg("offset"))
      .def(
          "merge",
          [](GraphBuilder& b, const std::string& kind, const std::vector<int>& xs) {
            return b.merge(parse_merge(kind), xs);
          },
          py::arg("kind"), py::arg("xs"))
      .def("add", &GraphBuilder::add, py::arg("xs"))
      .def("dropout", &GraphBuilder::dropout, py::arg("x"), py::arg("rate"), py::arg("seed"), py::kw_only(),
           py::arg("shared_axis") = false)
      .def("to_int32", &GraphBuilder::to_int32, py::arg("x"))
      .def("by_mode", &GraphBuilder::by_mode, py::arg("in_training"), py::arg("in_inference"))
      .def("to_int64", &GraphBuilder::to_int64, py::arg("x"));
}

}  // namespace day33
