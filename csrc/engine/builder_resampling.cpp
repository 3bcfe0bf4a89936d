// The builder's method for up-sampling.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/resampling.h"

namespace day33 {

int GraphBuilder::up_sampling2d(int x, Pair size, Interpolation interpolation) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  if (size.height < 1 || size.width < 1 || size.height > INT32_MAX || size.width > INT32_MAX)
    fail("size is " + to_string({size.height, size.width}) + "; expected positive integers");
  const int y = new_tensor({in[0] * size.height, in[1] * size.width, in[2]});
  add_other({x}, y, [=](const Node& n) {
    return make_up_sampling2d(n.inputs[0], y, in[0], in[1], in[2], size.height, size.width, interpolation);
  });
  if (interpolation == Interpolation::nearest) nodes_.back().kind = Node::nearest_up_sampling_node;
  nodes_.back().scale = size;
  return y;
}

}  // namespace day33
