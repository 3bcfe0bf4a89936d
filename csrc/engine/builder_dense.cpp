// The builder's method for dense layers.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/dense.h"

namespace day33 {

int GraphBuilder::dense(int x, int kernel, int bias, ActivationSpec spec, bool transposed) {
  Shape shape = tensor(x, "x").shape;
  const Shape k = parameter_info(kernel, 2, "kernel").shape;
  if (shape.empty()) fail("x has shape () (without the batch); expected at least one dimension");
  const int64_t C = k[transposed ? 1 : 0], O = k[transposed ? 0 : 1];
  const std::string size = std::to_string(shape.back());
  if (shape.back() != C || C < 1 || O < 1)
    fail("kernel has shape " + to_string(k) + "; expected " +
         (transposed ? "(units, " + size + "), transposed," : "(" + size + ", units)") + " for x of shape " +
         to_string(shape) + " (without the batch)");
  check_bias(bias, O);
  const int64_t rows = rows_of(shape);
  shape.back() = O;
  const int y = new_tensor(shape);
  nodes_.push_back({Node::dense_node, {x}, {y}, [=](const Node& n) {
                      return make_dense(n.inputs[0], n.outputs, kernel, bias, rows, C, O, transposed, n.activation);
                    }});
  return activation(y, spec);
}

}  // namespace day33
