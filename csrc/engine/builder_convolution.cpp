// The builder's methods for convolutions.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/convolution.h"

namespace day33 {

int GraphBuilder::convolution(int x, int kernel, int bias, const Convolution& convolution, const Shape& shape,
                              ActivationSpec spec) {
  const int y = new_tensor(shape);
  Node node{Node::convolution_node, {x}, {y}, [=](const Node& n) {
              return make_convolution(n.inputs[0], n.outputs, kernel, bias, n.convolution, n.activation);
            }};
  node.convolution = convolution;
  nodes_.push_back(std::move(node));
  return activation(y, spec);
}

Shape GraphBuilder::kernel_shape(int kernel) const {
  const bool flat =
      kernel >= 0 && kernel < static_cast<int>(graph_.parameters.size()) && graph_.parameters[kernel].shape.size() == 3;
  Shape shape = parameter_info(kernel, flat ? 3 : 4, "kernel").shape;
  if (flat) shape.insert(shape.begin(), 1);
  return shape;
}

int GraphBuilder::conv2d(int x, int kernel, int bias, Pair strides, Padding padding, Pair dilation, int64_t groups,
                         ActivationSpec spec) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const Shape k = kernel_shape(kernel);
  if (groups < 1) fail("groups is " + std::to_string(groups) + "; expected at least 1");
  if (k[2] < 1 || in[2] != k[2] * groups)
    fail("kernel has shape " + to_string(k) + " with groups=" + std::to_string(groups) + ", which reads " +
         std::to_string(k[2] * groups) + " channels, but x has " + std::to_string(in[2]));
  if (k[3] < 1 || k[3] % groups != 0)
    fail("groups is " + std::to_string(groups) + ", which does not divide the kernel's " + std::to_string(k[3]) +
         " output channels");
  check_bias(bias, k[3]);
  const Convolution c{.height = conv_axis(in[0], k[0], strides.height, dilation.height, padding, "height"),
                      .width = conv_axis(in[1], k[1], strides.width, dilation.width, padding, "width"),
                      .P = k[2],
                      .Q = k[3],
                      .groups = groups,
                      .transposed = false};
  return convolution(x, kernel, bias, c, {c.height.out, c.width.out, k[3]}, spec);
}

int GraphBuilder::conv2d_transpose(int x, int kernel, int bias, Pair strides, Padding padding,
                                   std::optional<int64_t> output_padding_height,
                                   std::optional<int64_t> output_padding_width, Pair dilation, ActivationSpec spec) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const Shape k = kernel_shape(kernel);
  if (k[3] < 1 || in[2] != k[3])
    fail("kernel has shape " + to_string(k) + ", whose last dimension must be the channels of x, " +
         std::to_string(in[2]));
  if (k[2] < 1) fail("kernel has shape " + to_string(k) + "; expected at least one output channel");
  check_bias(bias, k[2]);
  const Convolution c{
      .height =
          conv_transpose_axis(in[0], k[0], strides.height, dilation.height, padding, output_padding_height, "height"),
      .width = conv_transpose_axis(in[1], k[1], strides.width, dilation.width, padding, output_padding_width, "width"),
      .P = k[2],
      .Q = k[3],
      .groups = 1,
      .transposed = true};
  return convolution(x, kernel, bias, c, {c.height.in, c.width.in, k[2]}, spec);
}

// In memory the kernel (KH, KW, C, M) is that of a convolution with one group per channel: (KH, KW, 1, C M).
int GraphBuilder::depthwise_conv2d(int x, int kernel, int bias, Pair strides, Padding padding, Pair dilation,
                                   ActivationSpec spec) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const Shape k = kernel_shape(kernel);
  if (k[2] < 1 || k[3] < 1 || in[2] != k[2])
    fail("kernel has shape " + to_string(k) + "; expected (KH, KW, " + std::to_string(in[2]) +
         ", depth multiplier) for the channels of x");
  const int64_t outputs = k[2] * k[3];
  check_bias(bias, outputs);
  const Convolution c{.height = conv_axis(in[0], k[0], strides.height, dilation.height, padding, "height"),
                      .width = conv_axis(in[1], k[1], strides.width, dilation.width, padding, "width"),
                      .P = 1,
                      .Q = outputs,
                      .groups = k[2],
                      .transposed = false};
  return convolution(x, kernel, bias, c, {c.height.out, c.width.out, outputs}, spec);
}

}  // namespace day33
