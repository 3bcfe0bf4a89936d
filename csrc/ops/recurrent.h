// Recurrent layers on sequences: (T, ...) per sample, time first.
#pragma once

#include <memory>
#include <vector>

#include "ops/activations.h"
#include "ops/op.h"

namespace day33 {

struct SequenceShape {
  int64_t T, E, U;
};
// Tensors: x [T][E]; mask int32 [T], or -1; initial states [U], or none.
struct RecurrentInputs {
  int x, mask;
  std::vector<int> initial;
};
// In training each gate of a sample sees what it multiplies through a mask of its own, the same at all time steps.
struct GateDropout {
  float rate = 0.0f;
  uint64_t seed = 0;
};
struct RecurrentOptions {
  ActivationSpec activation{Activation::tanh}, recurrent_activation{Activation::sigmoid};
  GateDropout inputs, states;

  // Whether the cells are those of the kernels. Others are put together from the kernels of activations.
  bool standard() const {
    return activation.kind == Activation::tanh && recurrent_activation.kind == Activation::sigmoid;
  }
};

// Parameters {kernel (E, G U), recurrent kernel (U, G U), bias or -1} for G gates. outputs {y [T][U], memory [T][row]}:
// `memory` keeps what backward needs. Where the mask is 0 the state does not change and y repeats the row before.
//
// LSTM: bias (4U,), initial {h, c}; with_state: y has one more row, the last c.
std::unique_ptr<Op> make_lstm(const RecurrentInputs& inputs, std::vector<int> outputs, std::vector<int> parameters,
                              const SequenceShape& shape, const RecurrentOptions& options, bool with_state);
// GRU: bias (2, 3U), or, with the reset gate before the product, (3U,).
std::unique_ptr<Op> make_gru(const RecurrentInputs& inputs, std::vector<int> outputs, std::vector<int> parameters,
                             const SequenceShape& shape, const RecurrentOptions& options, bool reset_after);
// Simple recurrent layer: bias (U,). It has no recurrent_activation.
std::unique_ptr<Op> make_simple_rnn(const RecurrentInputs& inputs, std::vector<int> outputs,
                                    std::vector<int> parameters, const SequenceShape& shape,
                                    const RecurrentOptions& options);

// Floats in a row of memory, divided by U.
inline int64_t lstm_row(const RecurrentOptions& options) { return options.standard() ? 5 : 10; }
inline int64_t gru_row(const RecurrentOptions& options, bool reset_after) {
  return (reset_after ? 6 : 4) + (options.standard() ? 0 : 3);
}

}  // namespace day33
