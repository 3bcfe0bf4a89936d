// PlanBuilder's methods for the layers of engine/builder_movement.cpp.
#include "bindings/bindings.h"
#include "engine/builder.h"

namespace day33 {
namespace {

using IntPair = std::pair<int64_t, int64_t>;

Pair to_pair(const IntPair& p) { return {p.first, p.second}; }
Border to_border(const IntPair& p) { return {p.first, p.second}; }

std::vector<float> to_vector(const py::array& array, const char* name) {
  const float* data = contiguous_data<float>(array, name);
  return {data, data + array.size()};
}

}  // namespace

void add_layer_methods(py::class_<GraphBuilder>& builder) {
  builder
      .def(
          "average_pool2d",
          [](GraphBuilder& b, int x, IntPair pool_size, IntPair strides, const std::string& padding) {
            return b.average_pool2d(x, to_pair(pool_size), to_pair(strides), parse_padding(padding));
          },
          py::arg("x"), py::kw_only(), py::arg("pool_size"), py::arg("strides"), py::arg("padding"))
      .def("global_max_pooling2d", &GraphBuilder::global_max_pooling2d, py::arg("x"), py::kw_only(),
           py::arg("keepdims"))
      .def(
          "depthwise_conv2d",
          [](GraphBuilder& b, int x, int kernel, int bias, IntPair strides, const std::string& padding,
             IntPair dilation_rate, const std::string& activation, float alpha) {
            return b.depthwise_conv2d(x, kernel, bias, to_pair(strides), parse_padding(padding), to_pair(dilation_rate),
                                      {parse_activation(activation), alpha});
          },
          py::arg("x"), py::arg("kernel"), py::arg("bias") = -1, py::kw_only(), py::arg("strides") = IntPair(1, 1),
          py::arg("padding") = "valid", py::arg("dilation_rate") = IntPair(1, 1), py::arg("activation") = "linear",
          py::arg("alpha") = 0.0f)
      .def("layer_normalization", &GraphBuilder::layer_normalization, py::arg("x"), py::arg("gamma"), py::arg("beta"),
           py::kw_only(), py::arg("axes"), py::arg("epsilon"))
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
      .def(
          "pad2d",
          [](GraphBuilder& b, int x, IntPair height, IntPair width) {
            return b.pad2d(x, to_border(height), to_border(width));
          },
          py::arg("x"), py::kw_only(), py::arg("height"), py::arg("width"))
      .def("permute", &GraphBuilder::permute, py::arg("x"), py::arg("axes"))
      .def("broadcast_to", &GraphBuilder::broadcast_to, py::arg("x"), py::arg("shape"));
}

}  // namespace day33
