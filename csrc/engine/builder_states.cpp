// The builder's methods for states.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/states.h"

namespace day33 {

// Of a row. Notes how many samples a call must have.
Shape GraphBuilder::state_shape(int slot) {
  if (slot < 0 || slot >= static_cast<int>(graph_.parameters.size()))
    fail("slot: no parameter has the number " + std::to_string(slot));
  const ParameterInfo& p = graph_.parameters[slot];
  if (p.shape.empty()) fail("the state has shape (); expected (samples, ...)");
  if (p.trainable) fail("the state is trainable; expected a parameter that is not");
  if (graph_.samples >= 0 && graph_.samples != p.shape[0])
    fail("the state has shape " + to_string(p.shape) + "; expected " + std::to_string(graph_.samples) +
         " samples, as the states before");
  graph_.samples = p.shape[0];
  return {p.shape.begin() + 1, p.shape.end()};
}

int GraphBuilder::state(int slot) {
  const Shape shape = state_shape(slot);
  const int y = new_tensor(shape);
  add_other({}, y, [=, size = element_count(shape)](const Node&) { return make_state(y, slot, size); });
  return y;
}

int GraphBuilder::keep_state(int x, int slot) {
  const Shape shape = state_shape(slot);
  const Tensor in = tensor(x, "x");
  if (in.shape != shape || in.dtype != DType::float32)
    fail(shape_of("x", in.shape) + "; expected float32 of shape " + to_string(shape) + ", as the state");
  const int y = new_tensor(shape);
  add_other({x}, y, [=](const Node& n) { return make_keep_state(n.inputs[0], y, slot, in.size); });
  nodes_.back().effect = true;
  return y;
}

}  // namespace day33
