// The builder's methods for arithmetic on elements.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"

namespace day33 {
namespace {

std::string dtype_name(DType dtype) { return dtype == DType::float32 ? "float32" : "int32"; }

std::string join_shapes(const std::vector<Shape>& shapes) {
  std::string text;
  for (size_t i = 0; i < shapes.size(); ++i)
    text += (i == 0 ? "" : i + 1 == shapes.size() ? " and " : ", ") + to_string(shapes[i]);
  return text;
}

Shape broadcast_shape(const char* names, const std::vector<Shape>& shapes) {
  Shape result;
  if (!broadcast_shapes(shapes, result))
    fail(std::string(names) + " have shapes " + join_shapes(shapes) +
         " (without the batch); expected shapes that broadcast: equal, or 1, from the last axis on");
  element_count(result);
  return result;
}

}  // namespace

int GraphBuilder::unary(Unary kind, int x) {
  const Tensor in = tensor(x, "x");
  if (in.dtype == DType::int32 && !takes_ints(kind))
    fail("x has dtype int32; expected float32 for '" + to_string(kind) + "'");
  const int y = new_tensor(in.shape, trait_of(kind) == Trait::truth ? DType::int32 : in.dtype);
  add_other({x}, y, [=](const Node& n) { return make_unary(kind, n.inputs[0], y, in.dtype, in.size); });
  return y;
}

int GraphBuilder::binary(Binary kind, int a, int b) {
  const Tensor first = tensor(a, "a"), second = tensor(b, "b");
  if (first.dtype != second.dtype)
    fail("a and b have dtypes " + dtype_name(first.dtype) + " and " + dtype_name(second.dtype) +
         "; expected equal ones");
  if (first.dtype == DType::int32 && !takes_ints(kind))
    fail("a and b have dtype int32; expected float32 for '" + to_string(kind) + "'");
  const Shape shape = broadcast_shape("a and b", {first.shape, second.shape});
  const int y = new_tensor(shape, trait_of(kind) == Trait::truth ? DType::int32 : first.dtype);
  add_other({a, b}, y, [=](const Node& n) {
    return make_binary(kind, n.inputs[0], n.inputs[1], y, first.dtype, first.shape, second.shape, shape);
  });
  return y;
}

int GraphBuilder::select(int condition, int a, int b) {
  const Tensor when = tensor(condition, "condition"), first = tensor(a, "a"), second = tensor(b, "b");
  if (when.dtype != DType::int32) fail("condition has dtype float32; expected int32, 0 or 1");
  if (first.dtype != second.dtype)
    fail("a and b have dtypes " + dtype_name(first.dtype) + " and " + dtype_name(second.dtype) +
         "; expected equal ones");
  const Shape shape = broadcast_shape("condition, a and b", {when.shape, first.shape, second.shape});
  const int y = new_tensor(shape, first.dtype);
  add_other({condition, a, b}, y, [=](const Node& n) {
    return make_select(n.inputs[0], n.inputs[1], n.inputs[2], y, when.shape, first.shape, second.shape, shape);
  });
  return y;
}

int GraphBuilder::cast(int x, Cast to) {
  const Tensor in = tensor(x, "x");
  if (to == Cast::float32 && in.dtype == DType::float32) return x;
  if (to == Cast::int32 && in.dtype == DType::int32) return x;
  const int y = new_tensor(in.shape, to == Cast::float32 ? DType::float32 : DType::int32);
  add_other({x}, y, [=](const Node& n) { return make_cast(n.inputs[0], y, in.dtype, to, in.size); });
  return y;
}

int GraphBuilder::stop_gradient(int x) {
  const Tensor in = tensor(x, "x");
  const int y = new_tensor(in.shape, in.dtype);
  add_other({x}, y, [=](const Node& n) { return make_stop_gradient(n.inputs[0], y, in.size); });
  return y;
}

int GraphBuilder::parameter_value(int slot) {
  if (slot < 0 || slot >= static_cast<int>(graph_.parameters.size()))
    fail("slot: no parameter has the number " + std::to_string(slot));
  const ParameterInfo info = graph_.parameters[slot];
  const int y = new_tensor(info.shape);
  add_other({}, y, [=](const Node&) { return make_parameter_value(y, slot, info.size); });
  return y;
}

}  // namespace day33
