// The builder's methods for pooling.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/pooling.h"

namespace day33 {

std::pair<int, int> GraphBuilder::max_pool2d(int x, Pair pool_size, Pair strides, Padding padding) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const ConvAxis height = conv_axis(in[0], pool_size.height, strides.height, 1, padding, "height");
  const ConvAxis width = conv_axis(in[1], pool_size.width, strides.width, 1, padding, "width");
  if (product(in, 0, 3) > INT32_MAX)
    fail("x has shape " + to_string(in) + " (without the batch), too large for 32-bit indices");
  const Shape out{height.out, width.out, in[2]};
  const int y = new_tensor(out);
  const int winner = new_tensor(out, DType::int32);
  const int indices = new_tensor(out, DType::int32);
  Node node{Node::max_pool_node, {x}, {y, winner, indices}, [=, C = in[2]](const Node& n) {
              return make_max_pool2d(n.inputs[0], y, winner, indices, height, width, C);
            }};
  node.pool_height = height;
  node.pool_width = width;
  nodes_.push_back(std::move(node));
  return {y, indices};
}

int GraphBuilder::average_pool2d(int x, Pair pool_size, Pair strides, Padding padding) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const ConvAxis height = conv_axis(in[0], pool_size.height, strides.height, 1, padding, "height");
  const ConvAxis width = conv_axis(in[1], pool_size.width, strides.width, 1, padding, "width");
  const int y = new_tensor({height.out, width.out, in[2]});
  add_other({x}, y, [=](const Node& n) { return make_average_pool2d(n.inputs[0], y, height, width, in[2]); });
  return y;
}

int GraphBuilder::max_unpool2d(int x, int indices, const Shape& output_shape) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const Tensor index = tensor(indices, "indices");
  if (index.shape != in)
    fail("indices has shape " + to_string(index.shape) + "; expected the shape of x, " + to_string(in));
  if (index.dtype != DType::int32) fail("indices: expected an int32 tensor");
  if (output_shape.size() != 3 || output_shape[2] != in[2])
    fail("output_shape is " + to_string(output_shape) + "; expected (height, width, " + std::to_string(in[2]) + ")");
  const int64_t out = element_count(output_shape);
  if (out > INT32_MAX) fail("output_shape: " + to_string(output_shape) + " is too large for 32-bit indices");
  const int y = new_tensor(output_shape);
  add_other({x, indices}, y, [=, cells = product(in, 0, 3)](const Node& n) {
    return make_max_unpool2d(n.inputs[0], n.inputs[1], y, cells, out);
  });
  return y;
}

int GraphBuilder::global_average_pooling2d(int x, bool keepdims) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  if (in[0] * in[1] == 0) fail("x has shape " + to_string(in) + " (without the batch), which has no pixels to average");
  const int y = new_tensor(keepdims ? Shape{1, 1, in[2]} : Shape{in[2]});
  add_other({x}, y, [=](const Node& n) { return make_global_average(n.inputs[0], y, in[0] * in[1], in[2]); });
  return y;
}

int GraphBuilder::global_max_pooling2d(int x, bool keepdims) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  if (in[0] * in[1] == 0)
    fail("x has shape " + to_string(in) + " (without the batch), which has no pixels to take the maximum of");
  const int y = new_tensor(keepdims ? Shape{1, 1, in[2]} : Shape{in[2]});
  add_other({x}, y, [=](const Node& n) { return make_global_max(n.inputs[0], y, in[0] * in[1], in[2]); });
  return y;
}

}  // namespace day33
