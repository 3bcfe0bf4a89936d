// The builder's methods for sequences: tensors of shape (T, ...), time first.
#include <algorithm>
#include <utility>

#include "engine/builder.h"
#include "engine/builder_support.h"

namespace day33 {

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

SequenceShape GraphBuilder::sequence_shape(int x, const RecurrentParameters& p) const {
  const Shape in = tensor_of_rank(x, 2, "x").shape;
  return {in[0], in[1], parameter_info(p.recurrent_kernel, 2, "recurrent_kernel").shape[0]};
}

int GraphBuilder::recurrent(int x, const RecurrentParameters& p, int mask, const std::vector<int>& initial,
                            const RecurrentSizes& sizes, const MakeRecurrent& make) {
  const Shape in = tensor_of_rank(x, 2, "x").shape;
  const Shape kernel = parameter_info(p.kernel, 2, "kernel").shape;
  const Shape recurrent = parameter_info(p.recurrent_kernel, 2, "recurrent_kernel").shape;
  const int64_t U = recurrent[0], G = sizes.gates;
  if (in[0] < 1) fail(shape_of("x", in) + ", expected at least one time step");
  if (U < 1 || recurrent[1] != G * U)
    fail("recurrent_kernel: got shape " + to_string(recurrent) + ", expected (units, " + std::to_string(G) +
         " * units)");
  if (kernel[0] != in[1] || kernel[1] != G * U || kernel[0] < 1)
    fail("kernel: got shape " + to_string(kernel) + ", expected " + to_string({in[1], G * U}));
  if (mask >= 0) {
    const Tensor& m = tensor(mask, "mask");
    if (m.shape != Shape{in[0]} || m.dtype != DType::int32)
      fail(shape_of("mask", m.shape) + ", expected int32 of shape " + to_string({in[0]}));
  }
  if (!initial.empty() && static_cast<int64_t>(initial.size()) != sizes.states)
    fail("initial_state: got " + std::to_string(initial.size()) + " tensors, expected " + std::to_string(sizes.states));
  for (int state : initial) {
    const Tensor& s = tensor(state, "initial_state");
    if (s.shape != Shape{U} || s.dtype != DType::float32)
      fail(shape_of("initial_state", s.shape) + ", expected float32 of shape " + to_string({U}));
  }
  const int y = new_tensor({in[0] + sizes.extra_rows, U});
  const int memory = new_tensor({in[0], sizes.row * U});
  std::vector<int> inputs{x};
  if (mask >= 0) inputs.push_back(mask);
  inputs.insert(inputs.end(), initial.begin(), initial.end());
  nodes_.push_back({Node::other_node, inputs, {y, memory}, [make, masked = mask >= 0](const Node& n) {
                      const int states = masked ? 2 : 1;
                      return make({n.inputs[0], masked ? n.inputs[1] : -1, {n.inputs.begin() + states, n.inputs.end()}},
                                  n.outputs);
                    }});
  return y;
}

int GraphBuilder::lstm(int x, const RecurrentParameters& p, int mask, const std::vector<int>& initial,
                       bool with_state) {
  const SequenceShape shape = sequence_shape(x, p);
  check_bias(p.bias, 4 * shape.U);
  return recurrent(
      x, p, mask, initial, {4, 2, 5, with_state ? 1 : 0}, [=](const RecurrentInputs& in, std::vector<int> outputs) {
        return make_lstm(in, std::move(outputs), {p.kernel, p.recurrent_kernel, p.bias}, shape, with_state);
      });
}

int GraphBuilder::gru(int x, const RecurrentParameters& p, int mask, const std::vector<int>& initial,
                      bool reset_after) {
  const SequenceShape shape = sequence_shape(x, p);
  if (!reset_after) {
    check_bias(p.bias, 3 * shape.U);
  } else if (p.bias >= 0) {
    const Shape bias = parameter_info(p.bias, 2, "bias").shape;
    if (bias != Shape{2, 3 * shape.U})
      fail("bias: got shape " + to_string(bias) + ", expected " + to_string({2, 3 * shape.U}));
  }
  return recurrent(
      x, p, mask, initial, {3, 1, reset_after ? 6 : 4, 0}, [=](const RecurrentInputs& in, std::vector<int> outputs) {
        return make_gru(in, std::move(outputs), {p.kernel, p.recurrent_kernel, p.bias}, shape, reset_after);
      });
}

int GraphBuilder::simple_rnn(int x, const RecurrentParameters& p, int mask, const std::vector<int>& initial) {
  const SequenceShape shape = sequence_shape(x, p);
  check_bias(p.bias, shape.U);
  return recurrent(x, p, mask, initial, {1, 1, 1, 0}, [=](const RecurrentInputs& in, std::vector<int> outputs) {
    return make_simple_rnn(in, std::move(outputs), {p.kernel, p.recurrent_kernel, p.bias}, shape);
  });
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
  add_other({x}, y,
            [=, inner = T > 0 ? in.size / T : 0](const Node& n) { return make_reverse(n.inputs[0], y, T, inner); });
  return y;
}

int GraphBuilder::keep_where(int x, int mask) {
  const Tensor in = tensor(x, "x");
  const Tensor& m = tensor(mask, "mask");
  const bool leading =
      m.shape.size() <= in.shape.size() && std::equal(m.shape.begin(), m.shape.end(), in.shape.begin());
  if (m.dtype != DType::int32 || !leading)
    fail(shape_of("mask", m.shape) + ", expected int32 of the leading axes of x, " + to_string(in.shape));
  const int y = new_tensor(in.shape);
  const int64_t rows = m.size;
  add_other({x, mask}, y, [=, inner = rows > 0 ? in.size / rows : 0](const Node& n) {
    return make_keep_where(n.inputs[0], n.inputs[1], y, rows, inner);
  });
  return y;
}

int GraphBuilder::either(int a, int b) {
  const Tensor first = tensor(a, "a");
  const Tensor& second = tensor(b, "b");
  if (first.dtype != DType::int32 || second.dtype != DType::int32 || first.shape != second.shape)
    fail(shape_of("b", second.shape) + ", expected int32 of the shape of a, " + to_string(first.shape));
  const int y = new_tensor(first.shape, DType::int32);
  add_other({a, b}, y, [=](const Node& n) { return make_either(n.inputs[0], n.inputs[1], y, first.size); });
  return y;
}

int GraphBuilder::masked_average(int x, int mask) {
  const Tensor in = tensor(x, "x");
  const Tensor& m = tensor(mask, "mask");
  if (in.shape.empty() || in.shape[0] < 1 || m.dtype != DType::int32 || m.shape != Shape{in.shape[0]})
    fail(shape_of("mask", m.shape) + ", expected int32 of the first axis of x, " + to_string(in.shape));
  const int64_t T = in.shape[0];
  const int y = new_tensor(Shape(in.shape.begin() + 1, in.shape.end()));
  add_other({x, mask}, y, [=, inner = in.size / T](const Node& n) {
    return make_masked_average(n.inputs[0], n.inputs[1], y, T, inner);
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

int GraphBuilder::to_int64(int x) {
  const Tensor in = tensor(x, "x");
  if (in.dtype != DType::int32) fail("x: expected an int32 tensor");
  const int y = new_tensor(in.shape, DType::int64);
  add_other({x}, y, [=](const Node& n) { return make_to_int64(n.inputs[0], y, in.size); });
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
