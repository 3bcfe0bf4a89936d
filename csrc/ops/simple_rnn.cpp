// The simple recurrent layer, on the base of recurrent_op.h.
#include "ops/recurrent_op.h"

namespace day33 {
namespace {

// h = tanh(x kernel + h recurrent_kernel + bias).
class SimpleRnnOp final : public RecurrentOp {
 public:
  SimpleRnnOp(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters, const SequenceShape& s)
      : RecurrentOp("simple_rnn", in, std::move(outputs), std::move(parameters), s, s.U, s.U, 0, {s.U}) {}

  std::string kernel(int) const override { return "gemm_tile, activation"; }

 private:
  void forward_step(const Walk& w, int64_t t) const override {
    if (has_before(t)) add_products(w, t, states_before(w, t), 0, 0);
    over_cells(w, t, [&](int64_t i) {
      w.kernels.activation_forward(Activation::tanh, 0.0f, memory_row(w, i), w.y + w.steps.y_row[i] * U_, U_);
    });
  }
  void backward_step(const Walk& w, int64_t t) const override {
    over_cells(w, t, [&](int64_t i) {
      w.kernels.activation_backward(Activation::tanh, 0.0f, w.y + w.steps.y_row[i] * U_, w.dh + w.steps.sample[i] * U_,
                                    memory_row(w, i), U_);
    });
    if (has_before(t)) multiply_back(w, t, 0, 0, w.dh, false);
  }
  void add_recurrent_gradient(const Walk& w, float* gradient) const override { add_outer_of_states(w, 0, gradient); }
};

}  // namespace

std::unique_ptr<Op> make_simple_rnn(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters,
                                    const SequenceShape& shape) {
  return std::make_unique<SimpleRnnOp>(in, std::move(outputs), std::move(parameters), shape);
}

}  // namespace day33
