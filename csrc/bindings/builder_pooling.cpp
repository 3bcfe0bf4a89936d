// PlanBuilder's methods for pooling.
#include "bindings/builder.h"

namespace day33 {

void add_pooling_methods(BuilderClass& builder) {
  builder
      .def(
          "max_pool2d",
          [](GraphBuilder& b, int x, IntPair pool_size, IntPair strides, const std::string& padding) {
            return b.max_pool2d(x, to_pair(pool_size), to_pair(strides), parse_padding(padding));
          },
          py::arg("x"), py::kw_only(), py::arg("pool_size"), py::arg("strides"), py::arg("padding"))
      .def(
          "average_pool2d",
          [](GraphBuilder& b, int x, IntPair pool_size, IntPair strides, const std::string& padding) {
            return b.average_pool2d(x, to_pair(pool_size), to_pair(strides), parse_padding(padding));
          },
          py::arg("x"), py::kw_only(), py::arg("pool_size"), py::arg("strides"), py::arg("padding"))
      .def("max_unpool2d", &GraphBuilder::max_unpool2d, py::arg("x"), py::arg("indices"), py::kw_only(),
           py::arg("output_shape"))
      .def("global_average_pooling2d", &GraphBuilder::global_average_pooling2d, py::arg("x"), py::kw_only(),
           py::arg("keepdims"))
      .def("global_max_pooling2d", &GraphBuilder::global_max_pooling2d, py::arg("x"), py::kw_only(),
           py::arg("keepdims"));
}

}  // namespace day33
