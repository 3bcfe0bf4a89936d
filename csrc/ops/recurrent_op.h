// The base of recurrent layers: lists of the rows that run at each step, the matrix products, the states before and
// after a step, and the gradients of weights. A layer adds its cell.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/gemm.h"
#include "ops/op.h"
#include "ops/recurrent.h"
#include "ops/scratch.h"

namespace day33 {

class RecurrentOp : public Op {
 public:
  static constexpr int kKernel = 0, kRecurrent = 1, kBias = 2;  // parameters

  bool whole(int) const override { return true; }
  bool takes_lanes() const override { return false; }
  bool keeps_output(size_t o, bool) const override { return o == 1; }
  bool parameter_gradients_need_packed() const override { return true; }  // through time
  bool is_random() const override { return options_.inputs.rate > 0.0f || options_.states.rate > 0.0f; }

  void forward(const Tile& tile, int64_t begin, int64_t end) const final;
  void backward(const Tile& tile, float* const* dx) const final;

  int64_t packed_size(const Kernels& kernels, int lanes, bool backward) const final;
  void pack(const Kernels& kernels, int lanes, bool backward, const float* const* parameter, float* packed) const final;
  int64_t scratch_size(const Kernels& kernels, int lanes, int64_t n) const final;
  int64_t multiply_adds() const final { return T_ * (E_ + U_) * gates_; }
  std::string detail() const final;

 protected:
  // What a layer has of everything.
  struct Layout {
    int64_t gates;
    int64_t row;                  // floats that are kept per step, divided by U: the sums of the gates first
    int64_t extra_rows;           // rows of y after those of the steps
    std::vector<int64_t> blocks;  // numbers of gates whose states are multiplied together
  };
  RecurrentOp(std::string kind, const RecurrentInputs& in, std::vector<int> outputs, std::vector<int> parameters,
              const SequenceShape& shape, const RecurrentOptions& options, const Layout& layout);

  // The samples that run at step t are entries begin[t] to begin[t + 1] of the lists: their rows in [N][T] (x, memory),
  // in y, in y one step before, and in [N].
  struct Steps {
    std::vector<int64_t> begin;
    int32_t *row, *y_row, *y_before, *sample;
    int64_t total() const { return begin.back(); }
    int64_t count(int64_t t) const { return begin[static_cast<size_t>(t) + 1] - begin[static_cast<size_t>(t)]; }
    int64_t at(int64_t t) const { return begin[static_cast<size_t>(t)]; }
  };
  // The data of one call.
  struct Walk {
    const Tile& tile;
    const Kernels& kernels;
    Steps steps;
    float *y, *memory;
    float *dh, *spare;                       // [N][U]: the gradient of the state, and a second buffer for the cell
    const float *input_masks, *state_masks;  // [N][G][E], [N][G][U]; null without dropout
    float* masked;                           // rows of x or of states times their masks, or gradients of these
    float* products;                         // scratch for matrix products
  };

  // The cell. Forward reads the products of the inputs from the rows of memory and writes y. Backward turns the rows of
  // memory into the gradients of the sums, and w.dh, for the rows that run, into the gradient of the state before.
  virtual void forward_step(const Walk& w, int64_t t) const = 0;
  virtual void backward_step(const Walk& w, int64_t t) const = 0;
  virtual void add_recurrent_gradient(const Walk& w, float* gradient) const = 0;
  virtual void add_bias_gradient(const Walk& w, float* gradient) const;
  // For cells that have more than one state.
  virtual void keep_state(const Walk&, int64_t /*t*/, int64_t /*sample*/) const {}
  virtual void end_forward(const Walk&) const {}
  virtual void begin_backward(const Walk&) const {}
  virtual void end_backward(const Walk&, float* const* /*dx*/) const {}

  bool has_before(int64_t t) const { return t > 0 || h0_ >= 0; }
  const float* state_before(const Walk& w, int64_t t, int64_t i) const;
  // The initial state of a sample; null for zeros.
  const float* initial(const Walk& w, int which, int64_t sample) const;
  float* memory_row(const Walk& w, int64_t i) const { return w.memory + w.steps.row[i] * row_; }
  gemm::Input memory_columns(const Walk& w, int64_t first_row, int64_t column) const {
    return {w.memory + column, row_, w.steps.row + first_row};
  }

  // Gates [first, end), whose sums or gradients begin at `column` of memory.
  struct Gates {
    int64_t first, end, column;
  };
  // memory += states before, times the recurrent kernel.
  void add_state_products(const Walk& w, int64_t t, const Gates& gates) const;
  // w.dh = memory times the transposed recurrent kernel, or w.dh +=.
  void multiply_states_back(const Walk& w, int64_t t, const Gates& gates, bool add) const;
  // gradient += (states before)^T times memory.
  void add_outer_of_states(const Walk& w, const Gates& gates, float* gradient) const;

  // The same for a single block of the recurrent kernel, and for whatever rows take the place of states.
  void add_products(const Walk& w, int64_t t, gemm::Input a, size_t block, int64_t column) const;
  void multiply_back(const Walk& w, int64_t t, size_t block, int64_t column, float* c, bool add) const;
  void add_outer(const Walk& w, gemm::Input a, int64_t row, int64_t count, size_t block, int64_t column,
                 float* gradient) const;
  size_t last_block() const { return blocks_.size() - 1; }

  // row *= the mask of the state of gate `gate`, where there is dropout.
  void mask_state(const Walk& w, int64_t gate, int64_t sample, float* row) const;

  // Calls body(i) for the rows that run at step t.
  template <typename Body>
  void over_cells(const Walk& w, int64_t t, Body&& body) const {
    over_rows(w.steps.at(t), w.steps.count(t), U_, body);
  }
  void copy_state(const float* from, float* to) const;  // null: zeros

  const RecurrentOptions options_;
  const int mask_, h0_;  // positions among the inputs; -1 for none
  const int64_t T_, E_, U_, gates_, row_, y_rows_;

 private:
  struct Block {
    int64_t gate, count;
  };
  // Calls body(i) for rows of `width` floats.
  template <typename Body>
  void over_rows(int64_t first, int64_t count, int64_t width, Body&& body) const {
    constexpr int64_t kPortion = 8;  // rows that a thread takes at a time
    gemm::over_rows(count, kPortion, count * width * 16, [&](int64_t at, int64_t portion) {
      for (int64_t i = first + at; i < first + at + portion; ++i) body(i);
    });
  }
  template <typename Body>
  void each_block(const Gates& gates, Body&& body) const {
    for (size_t b = 0; b < blocks_.size(); ++b)
      if (blocks_[b].gate >= gates.first && blocks_[b].gate < gates.end)
        body(b, gates.column + (blocks_[b].gate - gates.first) * U_);
  }
  static std::vector<Block> blocks_of(const std::vector<int64_t>& counts, bool one_by_one);

  Walk begin(const Tile& tile) const;
  Steps list_steps(const Tile& tile, Carver& scratch) const;
  const float* draw_masks(const Tile& tile, const GateDropout& dropout, int64_t width, Carver& scratch) const;
  int64_t masked_floats(int64_t n) const;
  bool drops(const Tile& tile, const GateDropout& dropout) const { return tile.training && dropout.rate > 0.0f; }
  const float* mask_of(const float* masks, int64_t width, int64_t gate, int64_t sample) const {
    return masks + (sample * (gates_ / U_) + gate) * width;
  }
  gemm::Input inputs_of(const Walk& w, const Block& block) const;
  // The states before step t, followed, for t > 0, by those before the later steps.
  gemm::Input states_before(const Walk& w, int64_t t) const;
  gemm::Input masked_states(const Walk& w, int64_t t, int64_t count, int64_t gate) const;
  void add_input_gradient(const Walk& w, float* dx) const;
  const float* packed_block(const Walk& w, bool backward, bool recurrent, size_t block) const;

  const std::vector<Block> input_blocks_, blocks_;  // of the kernel and of the recurrent kernel
};

}  // namespace day33
