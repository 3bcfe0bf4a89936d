// The builder's method for embeddings.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/embedding.h"

namespace day33 {

int GraphBuilder::embedding(int ids, int table) {
  const Tensor x = tensor(ids, "x");
  if (x.dtype != DType::int32) fail("x: expected an int32 tensor");
  const Shape weights = parameter_info(table, 2, "table").shape;
  if (weights[0] < 1 || weights[1] < 1 || weights[0] > INT32_MAX)
    fail("table has shape " + to_string(weights) + "; expected (V, E) with at least one row and column");
  const int64_t rows = x.size;
  Shape shape = x.shape;
  shape.push_back(weights[1]);
  const int y = new_tensor(shape);
  add_other({ids}, y, [=, V = weights[0], E = weights[1]](const Node& n) {
    return make_embedding(n.inputs[0], y, table, rows, V, E);
  });
  return y;
}

}  // namespace day33
