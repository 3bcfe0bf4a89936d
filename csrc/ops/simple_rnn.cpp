// The simple recurrent layer, on the base of recurrent_op.h.
#include "ops/recurrent_op.h"

namespace day33 {
namespace {

// h = activation(x kernel + h recurrent_kernel + bias). A row of memory holds the sum.
class SimpleRnnOp final : public RecurrentOp {
 public:
  SimpleRnnOp(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters, const SequenceShape& s,
              const RecurrentOptions& options)
      : RecurrentOp("simple_rnn", in, std::move(outputs), std::move(parameters), s, options, {1, 1, 0, {1}}) {}

  std::string kernel(int) const override { return "gemm_tile, activation"; }

 private:
  static constexpr Gates kGates{0, 1, 0};

  void forward_step(const Walk& w, int64_t t) const override {
    add_state_products(w, t, kGates);
    over_cells(w, t, [&](int64_t i) {
      run_activation(w.tile, options_.activation, memory_row(w, i), w.y + w.steps.y_row[i] * U_, 1, U_);
    });
  }
  void backward_step(const Walk& w, int64_t t) const override {
    over_cells(w, t, [&](int64_t i) {
      float* sums = memory_row(w, i);
      const float* saved = backward_reads_input(options_.activation.kind) ? sums : w.y + w.steps.y_row[i] * U_;
      run_activation_backward(w.tile, options_.activation, saved, w.dh + w.steps.sample[i] * U_, sums, 1, U_);
    });
    multiply_states_back(w, t, kGates, false);
  }
  void add_recurrent_gradient(const Walk& w, float* gradient) const override {
    add_outer_of_states(w, kGates, gradient);
  }
};

}  // namespace

std::unique_ptr<Op> make_simple_rnn(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters,
                                    const SequenceShape& shape, const RecurrentOptions& options) {
  return std::make_unique<SimpleRnnOp>(in, std::move(outputs), std::move(parameters), shape, options);
}

}  // namespace day33
