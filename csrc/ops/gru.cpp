// Both variants of the GRU, on the base of recurrent_op.h.
#include <algorithm>

#include "ops/general_cells.h"
#include "ops/recurrent_op.h"

namespace day33 {
namespace {

// The arguments of the cell, for both variants.
class GruOp : public RecurrentOp {
 protected:
  GruOp(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters, const SequenceShape& s,
        const RecurrentOptions& options, bool reset_after, std::vector<int64_t> blocks)
      : RecurrentOp("gru", in, std::move(outputs), std::move(parameters), s, options,
                    {3, gru_row(options, reset_after), 0, std::move(blocks)}) {}

  GruCellArgs cell_of(const Walk& w, int64_t t, int64_t i) const {
    return {.U = U_, .gates = memory_row(w, i), .h_before = state_before(w, t, i), .h = w.y + w.steps.y_row[i] * U_};
  }
  float* dh_of(const Walk& w, int64_t i) const { return w.dh + w.steps.sample[i] * U_; }
};

// The reset gate after the product. A row of memory holds the products of the input [3][U] (z, r, h), then those of the
// state [3][U]; see general_cells.h for what follows. The bias is (2, 3U); its second row belongs to the state.
class GruResetAfterOp final : public GruOp {
 public:
  GruResetAfterOp(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters,
                  const SequenceShape& s, const RecurrentOptions& options)
      : GruOp(in, std::move(outputs), std::move(parameters), s, options, true, {3}) {}

  std::string kernel(int) const override {
    return options_.standard() ? "gemm_tile, gru_cell" : "gemm_tile, activation";
  }

 private:
  Gates own() const { return {0, 3, gates_}; }

  void forward_step(const Walk& w, int64_t t) const override {
    const float* bias = parameters[kBias] >= 0 ? w.tile.parameter[parameters[kBias]] + gates_ : nullptr;
    for (int64_t i = w.steps.at(t); i < w.steps.at(t) + w.steps.count(t); ++i) {
      float* sums = memory_row(w, i) + gates_;
      bias == nullptr ? void(std::fill_n(sums, gates_, 0.0f)) : void(std::copy_n(bias, gates_, sums));
    }
    add_state_products(w, t, own());
    over_cells(w, t, [&](int64_t i) {
      if (options_.standard())
        w.kernels.gru_cell_forward(cell_of(w, t, i));
      else
        general_cells::gru_forward(w.tile, options_, cell_of(w, t, i));
    });
  }

  void backward_step(const Walk& w, int64_t t) const override {
    over_cells(w, t, [&](int64_t i) {
      if (options_.standard())
        w.kernels.gru_cell_backward(cell_of(w, t, i), dh_of(w, i));
      else
        general_cells::gru_backward(w.tile, options_, cell_of(w, t, i), dh_of(w, i));
    });
    multiply_states_back(w, t, own(), true);
  }

  void add_recurrent_gradient(const Walk& w, float* gradient) const override {
    add_outer_of_states(w, own(), gradient);
  }

  void add_bias_gradient(const Walk& w, float* gradient) const override {
    for (int64_t half : {int64_t{0}, gates_})
      gemm::add_column_sums(w.kernels, memory_columns(w, 0, half), w.steps.total(), gates_, gradient + half,
                            w.products);
  }
};

// The reset gate before the product, so that the candidate needs a product of its own. A row of memory holds the gates
// z, r, h, and r * state; see general_cells.h for what follows.
class GruResetBeforeOp final : public GruOp {
 public:
  GruResetBeforeOp(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters,
                   const SequenceShape& s, const RecurrentOptions& options)
      : GruOp(in, std::move(outputs), std::move(parameters), s, options, false, {2, 1}) {}

  std::string kernel(int) const override {
    return options_.standard() ? "gemm_tile, gru_reset, gru_output" : "gemm_tile, activation";
  }

 private:
  static constexpr Gates kGates{0, 2, 0};  // those that see the state itself
  static constexpr int64_t kCandidate = 2;

  void forward_step(const Walk& w, int64_t t) const override {
    add_state_products(w, t, kGates);
    over_cells(w, t, [&](int64_t i) {
      if (options_.standard())
        w.kernels.gru_reset_forward(cell_of(w, t, i));
      else
        general_cells::gru_reset_forward(w.tile, options_, cell_of(w, t, i));
      mask_state(w, kCandidate, w.steps.sample[i], memory_row(w, i) + 3 * U_);
    });
    if (has_before(t)) add_products(w, t, memory_columns(w, w.steps.at(t), 3 * U_), last_block(), kCandidate * U_);
    over_cells(w, t, [&](int64_t i) {
      if (options_.standard())
        w.kernels.gru_output_forward(cell_of(w, t, i));
      else
        general_cells::gru_output_forward(w.tile, options_, cell_of(w, t, i));
    });
  }

  void backward_step(const Walk& w, int64_t t) const override {
    over_cells(w, t, [&](int64_t i) {
      if (options_.standard())
        w.kernels.gru_output_backward(cell_of(w, t, i), dh_of(w, i));
      else
        general_cells::gru_output_backward(w.tile, options_, cell_of(w, t, i), dh_of(w, i));
    });
    if (has_before(t))
      multiply_back(w, t, last_block(), kCandidate * U_, w.spare, false);
    else
      std::fill_n(w.spare, w.tile.n * U_, 0.0f);
    over_cells(w, t, [&](int64_t i) {
      float* dreset = w.spare + w.steps.sample[i] * U_;
      mask_state(w, kCandidate, w.steps.sample[i], dreset);
      if (options_.standard())
        w.kernels.gru_reset_backward(cell_of(w, t, i), dreset, dh_of(w, i));
      else
        general_cells::gru_reset_backward(w.tile, options_, cell_of(w, t, i), dreset, dh_of(w, i));
    });
    multiply_states_back(w, t, kGates, true);
  }

  // The recurrent kernel multiplied the states for z and r, and r * state for the candidate.
  void add_recurrent_gradient(const Walk& w, float* gradient) const override {
    add_outer_of_states(w, kGates, gradient);
    const int64_t first = has_before(0) ? 0 : w.steps.count(0);
    add_outer(w, memory_columns(w, first, 3 * U_), first, w.steps.total() - first, last_block(), kCandidate * U_,
              gradient);
  }
};

}  // namespace

std::unique_ptr<Op> make_gru(const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters,
                             const SequenceShape& shape, const RecurrentOptions& options, bool reset_after) {
  if (reset_after)
    return std::make_unique<GruResetAfterOp>(in, std::move(outputs), std::move(parameters), shape, options);
  return std::make_unique<GruResetBeforeOp>(in, std::move(outputs), std::move(parameters), shape, options);
}

}  // namespace day33
