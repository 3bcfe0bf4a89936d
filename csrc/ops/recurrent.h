// Recurrent layers on sequences: (T, ...) per sample, time first.
#pragma once

#include <memory>
#include <vector>

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
// Parameters {kernel (E, G U), recurrent kernel (U, G U), bias or -1} for G gates. outputs {y [T][U], memory [T][row]}:
// `memory` keeps what backward needs. Where the mask is 0 the state does not change and y repeats the row before.
//
// LSTM: bias (4U,), row 5U, initial {h, c}; with_state: y has one more row, the last c.
std::unique_ptr<Op> make_lstm(const RecurrentInputs& inputs, std::vector<int> outputs, std::vector<int> parameters,
                              const SequenceShape& shape, bool with_state);
// GRU: bias (2, 3U) and row 6U, or, with the reset gate before the product, (3U,) and 4U.
std::unique_ptr<Op> make_gru(const RecurrentInputs& inputs, std::vector<int> outputs, std::vector<int> parameters,
                             const SequenceShape& shape, bool reset_after);
// Simple recurrent layer: bias (U,), row U.
std::unique_ptr<Op> make_simple_rnn(const RecurrentInputs& inputs, std::vector<int> outputs,
                                    std::vector<int> parameters, const SequenceShape& shape);

}  // namespace day33
