// The builder's methods for average and global max pooling, depthwise convolution, layer normalisation, rescaling,
// merging, and for what only puts values elsewhere.
#include <algorithm>

#include "engine/builder.h"
#include "engine/builder_support.h"

namespace day33 {

int GraphBuilder::average_pool2d(int x, Pair pool_size, Pair strides, Padding padding) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const ConvAxis height = conv_axis(in[0], pool_size.height, strides.height, 1, padding, "height");
  const ConvAxis width = conv_axis(in[1], pool_size.width, strides.width, 1, padding, "width");
  const int y = new_tensor({height.out, width.out, in[2]});
  add_other({x}, y, [=](const Node& n) { return make_average_pool2d(n.inputs[0], y, height, width, in[2]); });
  return y;
}

int GraphBuilder::global_max_pooling2d(int x, bool keepdims) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  if (in[0] * in[1] == 0)
    fail("x: got shape " + to_string(in) + " (without the batch), which has no pixels to take the maximum of");
  const int y = new_tensor(keepdims ? Shape{1, 1, in[2]} : Shape{in[2]});
  add_other({x}, y, [=](const Node& n) { return make_global_max(n.inputs[0], y, in[0] * in[1], in[2]); });
  return y;
}

// The kernel (KH, KW, C, M) is, in memory, that of a convolution with a group for every channel: (KH, KW, 1, C M).
int GraphBuilder::depthwise_conv2d(int x, int kernel, int bias, Pair strides, Padding padding, Pair dilation,
                                   ActivationSpec spec) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const Shape k = parameter_info(kernel, 4, "kernel").shape;
  if (k[2] < 1 || k[3] < 1 || in[2] != k[2])
    fail("kernel: got shape " + to_string(k) + ", expected (KH, KW, " + std::to_string(in[2]) +
         ", depth multiplier) for the channels of x");
  const int64_t outputs = k[2] * k[3];
  check_bias(bias, outputs);
  const Convolution c{conv_axis(in[0], k[0], strides.height, dilation.height, padding, "height"),
                      conv_axis(in[1], k[1], strides.width, dilation.width, padding, "width"),
                      1,
                      outputs,
                      k[2],
                      false};
  return convolution(x, kernel, bias, c, {c.height.out, c.width.out, outputs}, spec);
}

int GraphBuilder::layer_normalization(int x, int gamma, int beta, int64_t axes, float epsilon) {
  const Shape shape = tensor(x, "x").shape;
  if (axes < 1 || axes > static_cast<int64_t>(shape.size()) || element_count(shape) == 0)
    fail("x: got shape " + to_string(shape) + " (without the batch), expected at least " + std::to_string(axes) +
         " dimensions and one value");
  const size_t first = shape.size() - static_cast<size_t>(axes);
  const Shape normalised(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.end());
  const auto check = [&](int slot, const char* name) {
    if (slot < 0) return;
    const ParameterInfo& info = parameter_info(slot, normalised.size(), name);
    if (info.shape != normalised)
      fail(std::string(name) + ": got shape " + to_string(info.shape) + ", expected " + to_string(normalised));
  };
  check(gamma, "gamma");
  check(beta, "beta");
  const int64_t rows = product(shape, 0, first), C = element_count(normalised);
  const int y = new_tensor(shape);
  add_other({x}, y, [=](const Node& n) { return make_layer_norm(n.inputs[0], y, gamma, beta, rows, C, epsilon); });
  return y;
}

int GraphBuilder::rescaling(int x, const std::vector<float>& scale, const std::vector<float>& offset) {
  const Tensor& in = tensor(x, "x");
  const int64_t features = in.size, count = static_cast<int64_t>(scale.size());
  if (scale.size() != offset.size() || (count != 1 && count != features))
    fail("scale, offset: got " + std::to_string(count) + " and " + std::to_string(offset.size()) +
         " values, expected 1 or " + std::to_string(features) + " of each");
  const int y = new_tensor(Shape(in.shape));
  add_other({x}, y, [=](const Node& n) { return make_rescaling(n.inputs[0], y, features, scale, offset); });
  return y;
}

int GraphBuilder::merge(Merge kind, const std::vector<int>& xs) {
  if (xs.size() < 2 || (kind == Merge::subtract && xs.size() != 2))
    fail("xs: got " + std::to_string(xs.size()) + " tensors, expected " +
         (kind == Merge::subtract ? "2" : "at least 2"));
  const Shape shape = tensor(xs[0], "xs").shape;
  for (int x : xs)
    if (tensor(x, "xs").shape != shape)
      fail("xs: got shapes " + to_string(shape) + " and " + to_string(tensor(x, "xs").shape) + ", expected equal ones");
  const int y = new_tensor(shape);
  add_other(xs, y,
            [=, features = element_count(shape)](const Node& n) { return make_merge(kind, n.inputs, y, features); });
  return y;
}

int GraphBuilder::rearrange(const char* kind, int x, const Shape& shape, const std::vector<SourceAxis>& axes) {
  const Tensor in = tensor(x, "x");
  const int y = new_tensor(shape, in.dtype);
  add_other({x}, y, [=](const Node& n) { return make_rearrange(kind, n.inputs[0], y, in.size, axes); });
  return y;
}

int GraphBuilder::pad2d(int x, Border height, Border width) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const Shape out{in[0] + height.before + height.after, in[1] + width.before + width.after, in[2]};
  if (out[0] < 1 || out[1] < 1 || in[0] + std::min(height.before, height.after) < 0 ||
      in[1] + std::min(width.before, width.after) < 0)
    fail("x: got shape " + to_string(in) + " (without the batch), of which the borders " +
         to_string({height.before, height.after}) + " and " + to_string({width.before, width.after}) +
         " leave nothing");
  element_count(out);
  const bool cropped = std::min({height.before, height.after, width.before, width.after}) < 0;
  return rearrange(
      cropped ? "cropping2d" : "zero_padding2d", x, out,
      {{out[0], -height.before, in[0], in[1] * in[2]}, {out[1], -width.before, in[1], in[2]}, {in[2], 0, in[2], 1}});
}

int GraphBuilder::permute(int x, const std::vector<int64_t>& axes) {
  const Shape in = tensor(x, "x").shape;
  std::vector<int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < std::max(in.size(), sorted.size()); ++i)
    if (sorted.size() != in.size() || sorted[i] != static_cast<int64_t>(i))
      fail("axes: got " + to_string(axes) + ", expected each axis of x of shape " + to_string(in) +
           " (without the batch) once");
  Shape out;
  std::vector<SourceAxis> from;
  for (int64_t axis : axes) {
    const size_t at = static_cast<size_t>(axis);
    out.push_back(in[at]);
    from.push_back({in[at], 0, in[at], product(in, at + 1, in.size())});
  }
  return rearrange("permute", x, out, from);
}

int GraphBuilder::broadcast_to(int x, const Shape& shape) {
  Shape in = tensor(x, "x").shape;
  const auto refuse = [&] {
    fail("shape: got " + to_string(shape) + ", to which x of shape " + to_string(in) +
         " (without the batch) cannot be stretched");
  };
  if (shape == in) return x;
  if (in.size() > shape.size()) refuse();
  element_count(shape);
  const Shape ones(shape.size() - in.size(), 1);
  Shape source = ones;
  source.insert(source.end(), in.begin(), in.end());
  std::vector<SourceAxis> from;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (source[i] != shape[i] && source[i] != 1) refuse();
    const bool stretched = source[i] != shape[i];
    from.push_back({shape[i], 0, shape[i], stretched ? 0 : product(source, i + 1, source.size())});
  }
  return rearrange("broadcast", x, shape, from);
}

}  // namespace day33
