// The builder's methods that make masks and that apply them.
#include <algorithm>

#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/masks.h"

namespace day33 {

int GraphBuilder::differs(int x, float value) {
  const Tensor in = tensor(x, "x");
  Shape shape = in.shape;
  if (in.dtype == DType::float32) {
    if (shape.empty()) fail(shape_of("x", in.shape) + "; expected at least one dimension");
    shape.pop_back();
  }
  const int64_t rows = element_count(shape);
  const int y = new_tensor(shape, DType::int32);
  add_other({x}, y, [=, inner = rows > 0 ? in.size / rows : 0](const Node& n) {
    return make_differs(n.inputs[0], y, rows, inner, value, in.dtype);
  });
  return y;
}

int GraphBuilder::either(int a, int b) {
  const Tensor first = tensor(a, "a");
  const Tensor second = tensor(b, "b");
  if (first.dtype != DType::int32 || second.dtype != DType::int32 || first.shape != second.shape)
    fail(shape_of("b", second.shape) + "; expected int32 of the shape of a, " + to_string(first.shape));
  const int y = new_tensor(first.shape, DType::int32);
  add_other({a, b}, y, [=](const Node& n) { return make_either(n.inputs[0], n.inputs[1], y, first.size); });
  return y;
}

int GraphBuilder::keep_where(int x, int mask) {
  const Tensor in = tensor(x, "x");
  const Tensor m = tensor(mask, "mask");
  const bool leading =
      m.shape.size() <= in.shape.size() && std::equal(m.shape.begin(), m.shape.end(), in.shape.begin());
  if (m.dtype != DType::int32 || !leading)
    fail(shape_of("mask", m.shape) + "; expected int32 of the leading axes of x, " + to_string(in.shape));
  const int y = new_tensor(in.shape);
  const int64_t rows = m.size;
  add_other({x, mask}, y, [=, inner = rows > 0 ? in.size / rows : 0](const Node& n) {
    return make_keep_where(n.inputs[0], n.inputs[1], y, rows, inner);
  });
  return y;
}

int GraphBuilder::masked_average(int x, int mask) {
  const Tensor in = tensor(x, "x");
  const Tensor m = tensor(mask, "mask");
  if (in.shape.empty() || in.shape[0] < 1 || m.dtype != DType::int32 || m.shape != Shape{in.shape[0]})
    fail(shape_of("mask", m.shape) + "; expected int32 of the first axis of x, " + to_string(in.shape));
  const int64_t T = in.shape[0];
  const int y = new_tensor(Shape(in.shape.begin() + 1, in.shape.end()));
  add_other({x, mask}, y, [=, inner = in.size / T](const Node& n) {
    return make_masked_average(n.inputs[0], n.inputs[1], y, T, inner);
  });
  return y;
}

}  // namespace day33
