// The builder's method for dense layers.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/dense.h"

namespace day33 {

int GraphBuilder::dense(int x, int kernel, int bias, ActivationSpec spec) {
  Shape shape = tensor(x, "x").shape;
  const Shape k = parameter_info(kernel, 2, "kernel").shape;
  if (shape.empty()) fail("x has shape () (without the batch); expected at least one dimension");
  if (shape.back() != k[0] || k[0] < 1 || k[1] < 1)
    fail("kernel has shape " + to_string(k) + "; expected (" + std::to_string(shape.back()) +
         ", units) for x of shape " + to_string(shape) + " (without the batch)");
  check_bias(bias, k[1]);
  const int64_t rows = rows_of(shape);
  shape.back() = k[1];
  const int y = new_tensor(shape);
  nodes_.push_back({Node::dense_node, {x}, {y}, [=, C = k[0], O = k[1]](const Node& n) {
                      return make_dense(n.inputs[0], n.outputs, kernel, bias, rows, C, O, n.activation);
                    }});
  return activation(y, spec);
}

}  // namespace day33
