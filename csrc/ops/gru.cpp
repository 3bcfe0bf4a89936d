// Both variants of the GRU, on the base of recurrent_op.h.
#include <algorithm>

#include "ops/recurrent_op.h"

namespace day33 {
namespace {

// The arguments of the cell, for both variants.
class GruOp : public RecurrentOp {
 protected:
  using RecurrentOp::RecurrentOp;

  GruCellArgs cell_of(const Walk& w, int64_t t, int64_t i) const {
    return {.U = U_, .gates = memory_row(w, i), .h_before = state_before(w, t, i), .h = w.y + w.steps.y_row[i] * U_};
  }
  float* dh_of(const Walk& w, int64_t i) const { return w.dh + w.steps.sample[i] * U_; }
};

// The reset gate after the product. A row of memory holds the products of the input [3][U] (z, r, h), then those of the
// state [3][U]. The bias is (2, 3U); its second row belongs to the state.
class GruResetAfterOp final : public GruOp {
 public:
  GruResetAfterOp(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters,
                  const SequenceShape& s)
      : GruOp("gru", in, std::move(outputs), std::move(parameters), s, 3 * s.U, 6 * s.U, 0, {3 * s.U}) {}

  std::string kernel(int) const override { return "gemm_tile, gru_cell"; }

 private:
  void forward_step(const Walk& w, int64_t t) const override {
    const float* bias = parameters[kBias] >= 0 ? w.tile.parameter[parameters[kBias]] + gates_ : nullptr;
    for (int64_t i = w.steps.at(t); i < w.steps.at(t) + w.steps.count(t); ++i) {
      float* sums = memory_row(w, i) + gates_;
      bias == nullptr ? void(std::fill_n(sums, gates_, 0.0f)) : void(std::copy_n(bias, gates_, sums));
    }
    if (has_before(t)) add_products(w, t, states_before(w, t), 0, gates_);
    over_cells(w, t, [&](int64_t i) { w.kernels.gru_cell_forward(cell_of(w, t, i)); });
  }

  void backward_step(const Walk& w, int64_t t) const override {
    over_cells(w, t, [&](int64_t i) { w.kernels.gru_cell_backward(cell_of(w, t, i), dh_of(w, i)); });
    if (has_before(t)) multiply_back(w, t, 0, gates_, w.dh, true);
  }

  void add_recurrent_gradient(const Walk& w, float* gradient) const override {
    add_outer_of_states(w, gates_, gradient);
  }

  void add_bias_gradient(const Walk& w, float* gradient) const override {
    for (int64_t half : {int64_t{0}, gates_})
      gemm::add_column_sums(w.kernels, memory_columns(w, 0, half), w.steps.total(), gates_, gradient + half,
                            w.products);
  }
};

// The reset gate before the product, so that the candidate needs a product of its own. A row of memory holds the gates
// z, r, h, and r * state.
class GruResetBeforeOp final : public GruOp {
 public:
  GruResetBeforeOp(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters,
                   const SequenceShape& s)
      : GruOp("gru", in, std::move(outputs), std::move(parameters), s, 3 * s.U, 4 * s.U, 0, {2 * s.U, s.U}) {}

  std::string kernel(int) const override { return "gemm_tile, gru_reset, gru_output"; }

 private:
  static constexpr size_t kGates = 0, kCandidate = 1;  // blocks of the recurrent kernel

  void forward_step(const Walk& w, int64_t t) const override {
    if (has_before(t)) add_products(w, t, states_before(w, t), kGates, 0);
    over_cells(w, t, [&](int64_t i) { w.kernels.gru_reset_forward(cell_of(w, t, i)); });
    if (has_before(t)) add_products(w, t, memory_columns(w, w.steps.at(t), 3 * U_), kCandidate, 2 * U_);
    over_cells(w, t, [&](int64_t i) { w.kernels.gru_output_forward(cell_of(w, t, i)); });
  }

  void backward_step(const Walk& w, int64_t t) const override {
    over_cells(w, t, [&](int64_t i) { w.kernels.gru_output_backward(cell_of(w, t, i), dh_of(w, i)); });
    if (has_before(t))
      multiply_back(w, t, kCandidate, 2 * U_, w.spare, false);
    else
      std::fill_n(w.spare, w.tile.n * U_, 0.0f);
    over_cells(w, t, [&](int64_t i) {
      w.kernels.gru_reset_backward(cell_of(w, t, i), w.spare + w.steps.sample[i] * U_, dh_of(w, i));
    });
    if (has_before(t)) multiply_back(w, t, kGates, 0, w.dh, true);
  }

  // The recurrent kernel multiplied the states for z and r, and r * state for the candidate.
  void add_recurrent_gradient(const Walk& w, float* gradient) const override {
    const int64_t first = has_before(0) ? 0 : w.steps.count(0);
    const auto add = [&](int64_t t, int64_t row, int64_t count) {
      add_columns(w, states_before(w, t), row, count, 0, 2 * U_, gradient);
    };
    if (has_before(0)) add(0, 0, w.steps.count(0));
    if (T_ > 1) add(1, w.steps.count(0), w.steps.total() - w.steps.count(0));
    add_columns(w, memory_columns(w, first, 3 * U_), first, w.steps.total() - first, 2 * U_, U_, gradient);
  }

  void add_columns(const Walk& w, gemm::Input a, int64_t row, int64_t count, int64_t column, int64_t columns,
                   float* gradient) const {
    gemm::add_outer(w.kernels,
                    {.M = U_,
                     .N = columns,
                     .K = count,
                     .a = a,
                     .b = memory_columns(w, row, column),
                     .c = gradient + column,
                     .c_step = gates_},
                    w.products);
  }
};

}  // namespace

std::unique_ptr<Op> make_gru(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters,
                             const SequenceShape& shape, bool reset_after) {
  if (reset_after) return std::make_unique<GruResetAfterOp>(in, std::move(outputs), std::move(parameters), shape);
  return std::make_unique<GruResetBeforeOp>(in, std::move(outputs), std::move(parameters), shape);
}

}  // namespace day33
