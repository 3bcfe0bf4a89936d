// The builder's methods for ops that only move values.
#include <algorithm>

#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/movement.h"

namespace day33 {

int GraphBuilder::reshape(int x, const Shape& shape) {
  const Tensor in = tensor(x, "x");
  if (element_count(shape) != in.size)
    fail("shape is " + to_string(shape) + ", which has not the " + std::to_string(in.size) + " elements of x, " +
         to_string(in.shape) + " (without the batch)");
  return alias(x, shape);
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
    fail("x has shape " + to_string(in) + " (without the batch), of which the borders " +
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
      fail("axes is " + to_string(axes) + "; expected each axis of x of shape " + to_string(in) +
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
    fail("shape is " + to_string(shape) + ", to which x of shape " + to_string(in) +
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

int GraphBuilder::concatenate(const std::vector<int>& xs, int64_t axis) {
  if (xs.empty()) fail("xs is empty; expected at least one tensor");
  Shape shape = tensor(xs[0], "xs").shape;
  const int64_t rank = static_cast<int64_t>(shape.size());
  if (axis < -rank || axis >= rank)
    fail("axis is " + std::to_string(axis) + "; expected one of the " + std::to_string(rank) + " axes after the batch");
  const size_t at = static_cast<size_t>(axis < 0 ? axis + rank : axis);
  const int64_t outer = product(shape, 0, at), tail = product(shape, at + 1, shape.size());
  std::vector<int64_t> inner;
  int64_t total = 0;
  const DType dtype = tensor(xs[0], "xs").dtype;
  for (int x : xs) {
    Shape other = tensor(x, "xs").shape;
    if (tensor(x, "xs").dtype != dtype) fail("xs holds tensors of different dtypes; expected one dtype");
    if (other.size() == shape.size()) {
      inner.push_back(other[at] * tail);
      total += other[at];
      other[at] = shape[at];
    }
    if (other != shape)
      fail("xs: shapes " + to_string(shape) + " and " + to_string(tensor(x, "xs").shape) +
           " differ in more than axis " + std::to_string(axis));
  }
  shape[at] = total;
  const int y = new_tensor(shape, dtype);
  add_other(xs, y, [=](const Node& n) { return make_concatenate(n.inputs, y, outer, inner); });
  return y;
}

int GraphBuilder::slice(int x, int64_t begin, int64_t end) {
  const Tensor in = tensor(x, "x");
  if (in.shape.empty()) fail(shape_of("x", in.shape) + "; expected at least one dimension");
  const int64_t T = in.shape[0];
  if (begin < 0 || end <= begin || end > T)
    fail("end is [" + std::to_string(begin) + ", " + std::to_string(end) + "); expected rows of the " +
         std::to_string(T) + " that there are");
  Shape shape = in.shape;
  shape[0] = end - begin;
  const int y = new_tensor(shape, in.dtype);
  add_other({x}, y, [=, inner = in.size / T](const Node& n) {
    return make_slice(n.inputs[0], y, T, inner, begin, end - begin);
  });
  return y;
}

int GraphBuilder::reverse(int x) {
  const Tensor in = tensor(x, "x");
  if (in.shape.empty()) fail(shape_of("x", in.shape) + "; expected at least one dimension");
  const int64_t T = in.shape[0];
  const int y = new_tensor(in.shape, in.dtype);
  add_other({x}, y,
            [=, inner = T > 0 ? in.size / T : 0](const Node& n) { return make_reverse(n.inputs[0], y, T, inner); });
  return y;
}

}  // namespace day33
