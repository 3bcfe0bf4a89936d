// PlanBuilder's methods for convolutions.
#include "bindings/builder.h"

namespace day33 {
namespace {

using OptionalPair = std::pair<std::optional<int64_t>, std::optional<int64_t>>;

}  // namespace

void add_convolution_methods(BuilderClass& builder) {
  builder
      .def(
          "conv2d",
          [](GraphBuilder& b, int x, int kernel, int bias, IntPair strides, const std::string& padding,
             IntPair dilation_rate, int64_t groups, const std::string& activation, float alpha) {
            return b.conv2d(x, kernel, bias, to_pair(strides), parse_padding(padding), to_pair(dilation_rate), groups,
                            to_activation(activation, alpha));
          },
          py::arg("x"), py::arg("kernel"), py::arg("bias") = -1, py::kw_only(), py::arg("strides") = IntPair(1, 1),
          py::arg("padding") = "valid", py::arg("dilation_rate") = IntPair(1, 1), py::arg("groups") = 1,
          py::arg("activation") = "linear", py::arg("alpha") = 0.0f)
      .def(
          "conv2d_transpose",
          [](GraphBuilder& b, int x, int kernel, int bias, IntPair strides, const std::string& padding,
             OptionalPair output_padding, IntPair dilation_rate, const std::string& activation, float alpha) {
            return b.conv2d_transpose(x, kernel, bias, to_pair(strides), parse_padding(padding), output_padding.first,
                                      output_padding.second, to_pair(dilation_rate), to_activation(activation, alpha));
          },
          py::arg("x"), py::arg("kernel"), py::arg("bias") = -1, py::kw_only(), py::arg("strides") = IntPair(1, 1),
          py::arg("padding") = "valid", py::arg("output_padding") = OptionalPair(),
          py::arg("dilation_rate") = IntPair(1, 1), py::arg("activation") = "linear", py::arg("alpha") = 0.0f)
      .def(
          "depthwise_conv2d",
          [](GraphBuilder& b, int x, int kernel, int bias, IntPair strides, const std::string& padding,
             IntPair dilation_rate, const std::string& activation, float alpha) {
            return b.depthwise_conv2d(x, kernel, bias, to_pair(strides), parse_padding(padding), to_pair(dilation_rate),
                                      to_activation(activation, alpha));
          },
          py::arg("x"), py::arg("kernel"), py::arg("bias") = -1, py::kw_only(), py::arg("strides") = IntPair(1, 1),
          py::arg("padding") = "valid", py::arg("dilation_rate") = IntPair(1, 1), py::arg("activation") = "linear",
          py::arg("alpha") = 0.0f);
}

}  // namespace day33
