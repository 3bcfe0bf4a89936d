// The builder's methods for sequences: tensors of shape (T, ...), time first.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/graph.h"
#include "ops/sequence_ops.h"

namespace day33 {
namespace {

[[noreturn]] void fail(const std::string& message) { throw std::invalid_argument(message); }

std::string shape_of(const char* name, const Shape& shape) {
  return std::string(name) + ": got shape " + to_string(shape) + " (without the batch)";
}

}  // namespace

int GraphBuilder::embedding(int ids, int table) {
  const Tensor& x = tensor(ids, "x");
  if (x.dtype != DType::int32) fail("x: expected an int32 tensor");
  const Shape weights = parameter_info(table, 2, "table").shape;
  if (weights[0] < 1 || weights[1] < 1 || weights[0] > INT32_MAX)
    fail("table: got shape " + to_string(weights) + ", expected (V, E) with at least one row and column");
  const int64_t rows = x.size;
  Shape shape = x.shape;
  shape.push_back(weights[1]);
  const int y = new_tensor(shape);
  add_other({ids}, y, [=, V = weights[0], E = weights[1]](const Node& n) {
    return make_embedding(n.inputs[0], y, table, rows, V, E);
  });
  return y;
}

int GraphBuilder::lstm(int x, const LstmParameters& p, int mask, int initial_h, int initial_c, bool with_state) {
  const Shape in = tensor_of_rank(x, 2, "x").shape;
  const Shape kernel = parameter_info(p.kernel, 2, "kernel").shape;
  const Shape recurrent = parameter_info(p.recurrent_kernel, 2, "recurrent_kernel").shape;
  const int64_t U = recurrent[0];
  if (in[0] < 1) fail(shape_of("x", in) + ", expected at least one time step");
  if (U < 1 || recurrent[1] != 4 * U)
    fail("recurrent_kernel: got shape " + to_string(recurrent) + ", expected (units, 4 * units)");
  if (kernel[0] != in[1] || kernel[1] != 4 * U || kernel[0] < 1)
    fail("kernel: got shape " + to_string(kernel) + ", expected " + to_string({in[1], 4 * U}));
  check_bias(p.bias, 4 * U);
  if (mask >= 0) {
    const Tensor& m = tensor(mask, "mask");
    if (m.shape != Shape{in[0]} || m.dtype != DType::int32)
      fail(shape_of("mask", m.shape) + ", expected int32 of shape " + to_string({in[0]}));
  }
  if ((initial_h < 0) != (initial_c < 0)) fail("initial_state: got one tensor, expected h and c");
  for (int state : {initial_h, initial_c})
    if (state >= 0 && tensor(state, "initial_state").shape != Shape{U})
      fail(shape_of("initial_state", tensor(state, "initial_state").shape) + ", expected " + to_string({U}));
  const int y = new_tensor({in[0] + (with_state ? 1 : 0), U});
  const int memory = new_tensor({in[0], 5 * U});
  const LstmShape shape{in[0], in[1], U, with_state};
  std::vector<int> inputs{x};
  for (int id : {mask, initial_h, initial_c})
    if (id >= 0) inputs.push_back(id);
  nodes_.push_back({Node::other_node, inputs, {y, memory}, [=](const Node& n) {
                      const int states = mask >= 0 ? 2 : 1;
                      return make_lstm(n.inputs[0], mask >= 0 ? n.inputs[1] : -1,
                                       initial_h >= 0 ? n.inputs[states] : -1,
                                       initial_c >= 0 ? n.inputs[states + 1] : -1, n.outputs,
                                       {p.kernel, p.recurrent_kernel, p.bias}, shape);
                    }});
  return y;
}

int GraphBuilder::slice(int x, int64_t begin, int64_t end) {
  const Tensor in = tensor(x, "x");
  if (in.shape.empty()) fail(shape_of("x", in.shape) + ", expected at least one dimension");
  const int64_t T = in.shape[0];
  if (begin < 0 || end <= begin || end > T)
    fail("end: got [" + std::to_string(begin) + ", " + std::to_string(end) + "), expected rows of the " +
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
  if (in.shape.empty()) fail(shape_of("x", in.shape) + ", expected at least one dimension");
  const int64_t T = in.shape[0];
  const int y = new_tensor(in.shape, in.dtype);
  add_other({x}, y, [=, inner = T > 0 ? in.size / T : 0](const Node& n) {
    return make_reverse(n.inputs[0], y, T, inner);
  });
  return y;
}

int GraphBuilder::keep_where(int x, int mask) {
  const Tensor in = tensor(x, "x");
  const Tensor& m = tensor(mask, "mask");
  const bool leading = m.shape.size() <= in.shape.size() && std::equal(m.shape.begin(), m.shape.end(), in.shape.begin());
  if (m.dtype != DType::int32 || !leading)
    fail(shape_of("mask", m.shape) + ", expected int32 of the leading axes of x, " + to_string(in.shape));
  const int y = new_tensor(in.shape);
  const int64_t rows = m.size;
  add_other({x, mask}, y, [=, inner = rows > 0 ? in.size / rows : 0](const Node& n) {
    return make_keep_where(n.inputs[0], n.inputs[1], y, rows, inner);
  });
  return y;
}

int GraphBuilder::to_int32(int x) {
  const Tensor in = tensor(x, "x");
  if (in.dtype != DType::float32) fail("x: expected a float32 tensor");
  const int y = new_tensor(in.shape, DType::int32);
  add_other({x}, y, [=](const Node& n) { return make_to_int32(n.inputs[0], y, in.size); });
  return y;
}

int GraphBuilder::differs(int x, float value) {
  const Tensor in = tensor(x, "x");
  Shape shape = in.shape;
  if (in.dtype == DType::float32) {
    if (shape.empty()) fail(shape_of("x", in.shape) + ", expected at least one dimension");
    shape.pop_back();
  }
  const int64_t rows = element_count(shape);
  const int y = new_tensor(shape, DType::int32);
  add_other({x}, y, [=, inner = rows > 0 ? in.size / rows : 0](const Node& n) {
    return make_differs(n.inputs[0], y, rows, inner, value, in.dtype);
  });
  return y;
}

}  // namespace day33
