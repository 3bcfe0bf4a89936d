// Ops on sequences: (T, ...) a sample, time first.
#pragma once

#include <memory>
#include <vector>

#include "ops/op.h"

namespace day33 {

// Rows of `table` (V, E) by number: int32 [rows] -> [rows][E]. Throws std::invalid_argument for numbers outside [0, V).
std::unique_ptr<Op> make_embedding(int ids, int y, int table, int64_t rows, int64_t V, int64_t E);

struct SequenceShape {
  int64_t T, E, U;
};
// Tensors: x [T][E]; mask int32 [T], or -1; initial states [U], or none.
struct RecurrentInputs {
  int x, mask;
  std::vector<int> initial;
};
// Recurrent layers. Parameters {kernel (E, G U), recurrent kernel (U, G U), bias or -1} for G gates. outputs {y [T][U],
// memory [T][row]}: `memory` keeps what backward needs. Where the mask is 0 the state stands still and y repeats the
// row before.
//
// LSTM: bias (4U,), row 5U, initial {h, c}; with_state: y has one more row, the last c.
std::unique_ptr<Op> make_lstm(const RecurrentInputs& inputs, std::vector<int> outputs, std::vector<int> parameters,
                              const SequenceShape& shape, bool with_state);
// GRU: bias (2, 3U) and row 6U, or, with the reset gate before the product, (3U,) and 4U.
std::unique_ptr<Op> make_gru(const RecurrentInputs& inputs, std::vector<int> outputs, std::vector<int> parameters,
                             const SequenceShape& shape, bool reset_after);
// bias (U,), row U.
std::unique_ptr<Op> make_simple_rnn(const RecurrentInputs& inputs, std::vector<int> outputs,
                                    std::vector<int> parameters, const SequenceShape& shape);

// [T][inner] -> rows [begin, begin + count) of it, and its rows backwards. Of any dtype.
std::unique_ptr<Op> make_slice(int x, int y, int64_t T, int64_t inner, int64_t begin, int64_t count);
std::unique_ptr<Op> make_reverse(int x, int y, int64_t T, int64_t inner);

// x [rows][inner] where mask (int32 [rows]) is not 0, else 0.
std::unique_ptr<Op> make_keep_where(int x, int mask, int y, int64_t rows, int64_t inner);

// int32 [size]: 1 where either of two masks is not 0.
std::unique_ptr<Op> make_either(int a, int b, int y, int64_t size);

// The mean of the rows of x [T][inner] at which mask (int32 [T]) is not 0; NaN where it is 0 at all.
std::unique_ptr<Op> make_masked_average(int x, int mask, int y, int64_t T, int64_t inner);

// float32 to int32: the fraction is cut off, and what int32 cannot hold becomes -1.
std::unique_ptr<Op> make_to_int32(int x, int y, int64_t size);
std::unique_ptr<Op> make_to_int64(int x, int y, int64_t size);  // of int32

// int32 [rows]: 1 where a row of x [rows][inner] holds something other than `value`. x is float32 or int32.
std::unique_ptr<Op> make_differs(int x, int y, int64_t rows, int64_t inner, float value, DType dtype);

}  // namespace day33
