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

std::vector<BroadcastOperand> operands_of(const Node& node, const std::vector<Shape>& shapes) {
  std::vector<BroadcastOperand> operands;
  size_t next = 0;
  for (size_t k = 0; k < shapes.size(); ++k)
    operands.push_back({node.slots[k] < 0 ? node.inputs[next++] : -1, node.slots[k], shapes[k]});
  return operands;
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
  const std::vector<Shape> shapes{first.shape, second.shape};
  add_other({a, b}, y, [=](const Node& n) { return make_binary(kind, operands_of(n, shapes), y, first.dtype, shape); });
  nodes_.back().kind = Node::broadcast_node;
  nodes_.back().slots = {-1, -1};
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
  const std::vector<Shape> shapes{when.shape, first.shape, second.shape};
  add_other({condition, a, b}, y, [=](const Node& n) { return make_select(operands_of(n, shapes), y, shape); });
  nodes_.back().kind = Node::broadcast_node;
  nodes_.back().slots = {-1, -1, -1};
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
  nodes_.back().kind = Node::parameter_value_node;
  nodes_.back().slot = slot;
  return y;
}

}  // namespace day33
