// The builder's methods for activations and other ops on single elements.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/activations.h"
#include "ops/elementwise.h"

namespace day33 {

int GraphBuilder::activation(int x, ActivationSpec spec) {
  if (spec.kind == Activation::linear) return x;
  const Shape shape = tensor(x, "x").shape;
  if (shape.empty() && !is_elementwise(spec.kind))
    fail("x has shape () (without the batch); " + to_string(spec.kind) + " needs at least one dimension");
  const int64_t C = shape.empty() ? 1 : shape.back();
  const int y = new_tensor(shape);
  const int64_t rows = shape.empty() ? 1 : rows_of(shape);
  add_other({x}, y, [=](const Node& n) { return make_activation(n.inputs[0], y, spec, rows, C); });
  nodes_.back().kind = Node::activation_node;
  nodes_.back().activation = spec;
  return y;
}

int GraphBuilder::rescaling(int x, const std::vector<float>& scale, const std::vector<float>& offset) {
  const Tensor in = tensor(x, "x");
  const int64_t features = in.size, count = static_cast<int64_t>(scale.size());
  if (scale.size() != offset.size() || (count != 1 && count != features))
    fail("scale, offset hold " + std::to_string(count) + " and " + std::to_string(offset.size()) +
         " values; expected 1 or " + std::to_string(features) + " of each");
  const int y = new_tensor(Shape(in.shape));
  add_other({x}, y, [=](const Node& n) { return make_rescaling(n.inputs[0], y, features, scale, offset); });
  return y;
}

int GraphBuilder::merge(Merge kind, const std::vector<int>& xs) {
  if (xs.size() < 2 || (kind == Merge::subtract && xs.size() != 2))
    fail("xs holds " + std::to_string(xs.size()) + " tensors; expected " +
         (kind == Merge::subtract ? "2" : "at least 2"));
  const Shape shape = tensor(xs[0], "xs").shape;
  for (int x : xs)
    if (tensor(x, "xs").shape != shape)
      fail("xs have shapes " + to_string(shape) + " and " + to_string(tensor(x, "xs").shape) + "; expected equal ones");
  const int y = new_tensor(shape);
  add_other(xs, y,
            [=, features = element_count(shape)](const Node& n) { return make_merge(kind, n.inputs, y, features); });
  return y;
}

int GraphBuilder::dropout(int x, float rate, uint64_t seed, bool shared_axis) {
  const Tensor in = tensor(x, "x");
  if (!(rate >= 0.0f && rate < 1.0f)) fail("rate is " + std::to_string(rate) + "; expected a number in [0, 1)");
  if (shared_axis && (in.shape.empty() || in.shape[0] == 0)) fail("shared_axis: x has no first axis to share");
  const int64_t repeats = shared_axis ? in.shape[0] : 1, features = in.size / repeats;
  const int y = new_tensor(Shape(in.shape));
  add_other({x}, y, [=](const Node& n) { return make_dropout(n.inputs[0], y, repeats, features, rate, seed); });
  return y;
}

int GraphBuilder::to_int32(int x) {
  const Tensor in = tensor(x, "x");
  if (in.dtype != DType::float32) fail("x: expected a float32 tensor");
  const int y = new_tensor(in.shape, DType::int32);
  add_other({x}, y, [=](const Node& n) { return make_to_int32(n.inputs[0], y, in.size); });
  return y;
}

int GraphBuilder::by_mode(int in_training, int in_inference) {
  const Tensor a = tensor(in_training, "in_training"), b = tensor(in_inference, "in_inference");
  if (a.shape != b.shape || a.dtype != b.dtype)
    fail(shape_of("in_inference", b.shape) + "; expected the shape and dtype of in_training, " + to_string(a.shape));
  const int y = new_tensor(a.shape, a.dtype);
  add_other({in_training, in_inference}, y,
            [=](const Node& n) { return make_by_mode(n.inputs[0], n.inputs[1], y, a.size); });
  return y;
}

int GraphBuilder::to_int64(int x) {
  const Tensor in = tensor(x, "x");
  if (in.dtype != DType::int32) fail("x: expected an int32 tensor");
  const int y = new_tensor(in.shape, DType::int64);
  add_other({x}, y, [=](const Node& n) { return make_to_int64(n.inputs[0], y, in.size); });
  return y;
}

}  // namespace day33
