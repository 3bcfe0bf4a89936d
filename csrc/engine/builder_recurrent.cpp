// The builder's methods for recurrent layers, on tensors of shape (T, ...), time first.
#include <utility>

#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/recurrent.h"

namespace day33 {

SequenceShape GraphBuilder::sequence_shape(int x, const RecurrentParameters& p, const RecurrentOptions& options) const {
  for (const auto& [name, dropout] : {std::pair{"dropout", options.inputs}, {"recurrent_dropout", options.states}})
    if (!(dropout.rate >= 0.0f && dropout.rate < 1.0f))
      fail(std::string(name) + " is " + std::to_string(dropout.rate) + "; expected 0 <= " + name + " < 1");
  const Shape in = tensor_of_rank(x, 2, "x").shape;
  return {in[0], in[1], parameter_info(p.recurrent_kernel, 2, "recurrent_kernel").shape[0]};
}

int GraphBuilder::recurrent(int x, const RecurrentParameters& p, int mask, const std::vector<int>& initial,
                            const RecurrentSizes& sizes, const MakeRecurrent& make) {
  const Shape in = tensor_of_rank(x, 2, "x").shape;
  const Shape kernel = parameter_info(p.kernel, 2, "kernel").shape;
  const Shape recurrent = parameter_info(p.recurrent_kernel, 2, "recurrent_kernel").shape;
  const int64_t U = recurrent[0], G = sizes.gates;
  if (in[0] < 1) fail(shape_of("x", in) + "; expected at least one time step");
  if (U < 1 || recurrent[1] != G * U)
    fail("recurrent_kernel has shape " + to_string(recurrent) + "; expected (units, " + std::to_string(G) +
         " * units)");
  if (kernel[0] != in[1] || kernel[1] != G * U || kernel[0] < 1)
    fail("kernel has shape " + to_string(kernel) + "; expected " + to_string({in[1], G * U}));
  if (mask >= 0) {
    const Tensor m = tensor(mask, "mask");
    if (m.shape != Shape{in[0]} || m.dtype != DType::int32)
      fail(shape_of("mask", m.shape) + "; expected int32 of shape " + to_string({in[0]}));
  }
  if (!initial.empty() && static_cast<int64_t>(initial.size()) != sizes.states)
    fail("initial_state holds " + std::to_string(initial.size()) + " tensors; expected " +
         std::to_string(sizes.states));
  for (int state : initial) {
    const Tensor s = tensor(state, "initial_state");
    if (s.shape != Shape{U} || s.dtype != DType::float32)
      fail(shape_of("initial_state", s.shape) + "; expected float32 of shape " + to_string({U}));
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
                       const RecurrentOptions& options, bool with_state) {
  const SequenceShape shape = sequence_shape(x, p, options);
  check_bias(p.bias, 4 * shape.U);
  return recurrent(x, p, mask, initial, {4, 2, lstm_row(options), with_state ? 1 : 0},
                   [=](const RecurrentInputs& in, std::vector<int> outputs) {
                     return make_lstm(in, std::move(outputs), {p.kernel, p.recurrent_kernel, p.bias}, shape, options,
                                      with_state);
                   });
}

int GraphBuilder::gru(int x, const RecurrentParameters& p, int mask, const std::vector<int>& initial,
                      const RecurrentOptions& options, bool reset_after) {
  const SequenceShape shape = sequence_shape(x, p, options);
  if (!reset_after) {
    check_bias(p.bias, 3 * shape.U);
  } else if (p.bias >= 0) {
    const Shape bias = parameter_info(p.bias, 2, "bias").shape;
    if (bias != Shape{2, 3 * shape.U})
      fail("bias has shape " + to_string(bias) + "; expected " + to_string({2, 3 * shape.U}));
  }
  return recurrent(x, p, mask, initial, {3, 1, gru_row(options, reset_after), 0},
                   [=](const RecurrentInputs& in, std::vector<int> outputs) {
                     return make_gru(in, std::move(outputs), {p.kernel, p.recurrent_kernel, p.bias}, shape, options,
                                     reset_after);
                   });
}

int GraphBuilder::simple_rnn(int x, const RecurrentParameters& p, int mask, const std::vector<int>& initial,
                             const RecurrentOptions& options) {
  const SequenceShape shape = sequence_shape(x, p, options);
  check_bias(p.bias, shape.U);
  return recurrent(x, p, mask, initial, {1, 1, 1, 0}, [=](const RecurrentInputs& in, std::vector<int> outputs) {
    return make_simple_rnn(in, std::move(outputs), {p.kernel, p.recurrent_kernel, p.bias}, shape, options);
  });
}

}  // namespace day33
