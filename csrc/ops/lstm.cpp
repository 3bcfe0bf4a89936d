// LSTM: the cell of kernels/lstm.cpp on the base of recurrent_op.h.
#include <algorithm>

#include "ops/general_cells.h"
#include "ops/recurrent_op.h"

namespace day33 {
namespace {

// A row of memory holds the gates i, f, c, o and then the state c of the cell; see general_cells.h for what follows.
class LstmOp final : public RecurrentOp {
 public:
  LstmOp(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters, const SequenceShape& s,
         const RecurrentOptions& options, bool with_state)
      : RecurrentOp("lstm", in, std::move(outputs), std::move(parameters), s, options,
                    {4, lstm_row(options), with_state ? 1 : 0, {4}}) {}

  std::string kernel(int) const override {
    return options_.standard() ? "gemm_tile, lstm_cell" : "gemm_tile, activation";
  }

 private:
  static constexpr Gates kGates{0, 4, 0};

  void forward_step(const Walk& w, int64_t t) const override {
    add_state_products(w, t, kGates);
    over_cells(w, t, [&](int64_t i) {
      if (options_.standard())
        w.kernels.lstm_cell_forward(cell_of(w, t, i));
      else
        general_cells::lstm_forward(w.tile, options_, cell_of(w, t, i));
    });
  }

  void backward_step(const Walk& w, int64_t t) const override {
    over_cells(w, t, [&](int64_t i) {
      float *dh = w.dh + w.steps.sample[i] * U_, *dc = w.spare + w.steps.sample[i] * U_;
      if (options_.standard())
        w.kernels.lstm_cell_backward(cell_of(w, t, i), dh, dc);
      else
        general_cells::lstm_backward(w.tile, options_, cell_of(w, t, i), dh, dc);
    });
    multiply_states_back(w, t, kGates, false);
  }

  void add_recurrent_gradient(const Walk& w, float* gradient) const override {
    add_outer_of_states(w, kGates, gradient);
  }

  void keep_state(const Walk& w, int64_t t, int64_t s) const override {
    float* c = c_of(w, s * T_ + t);
    copy_state(t > 0 ? c - row_ : initial(w, 1, s), c);
  }

  // The last c becomes one more row of y.
  void end_forward(const Walk& w) const override {
    if (y_rows_ > T_)
      for (int64_t s = 0; s < w.tile.n; ++s) copy_state(c_of(w, s * T_ + T_ - 1), w.y + (s * y_rows_ + T_) * U_);
  }
  void begin_backward(const Walk& w) const override {
    const float* dy = w.tile.gradient[outputs[0]];
    if (y_rows_ > T_)
      for (int64_t s = 0; s < w.tile.n; ++s) copy_state(dy + (s * y_rows_ + T_) * U_, w.spare + s * U_);
  }
  void end_backward(const Walk& w, float* const* dx) const override {
    if (h0_ >= 0 && dx[h0_ + 1] != nullptr) std::copy_n(w.spare, w.tile.n * U_, dx[h0_ + 1]);
  }

  float* c_of(const Walk& w, int64_t row) const { return w.memory + row * row_ + 4 * U_; }

  LstmCellArgs cell_of(const Walk& w, int64_t t, int64_t i) const {
    float* c = c_of(w, w.steps.row[i]);
    return {.U = U_,
            .gates = memory_row(w, i),
            .c_before = t > 0 ? c - row_ : initial(w, 1, w.steps.sample[i]),
            .c = c,
            .h = w.y + w.steps.y_row[i] * U_};
  }
};

}  // namespace

std::unique_ptr<Op> make_lstm(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters,
                              const SequenceShape& shape, const RecurrentOptions& options, bool with_state) {
  return std::make_unique<LstmOp>(in, std::move(outputs), std::move(parameters), shape, options, with_state);
}

}  // namespace day33
