// Ops on sequences: (T, ...) a sample, time first.
#pragma once

#include <memory>
#include <vector>

#include "ops/op.h"

namespace day33 {

// Rows of `table` (V, E) by number: int32 [rows] -> [rows][E]. Throws std::invalid_argument for numbers outside [0, V).
std::unique_ptr<Op> make_embedding(int ids, int y, int table, int64_t rows, int64_t V, int64_t E);

struct LstmShape {
  int64_t T, E, U;
  bool with_state;  // one more row of output: the last state of the cell
};
// inputs: x [T][E], then mask (int32 [T]) and initial h and c [U] where there are any (-1: none). Parameters {kernel
// (E, 4U), recurrent kernel (U, 4U), bias (4U,) or -1}. outputs {y [T (+ 1)][U], memory [T][5U]}: `memory` keeps gates
// and states of the cell. Where the mask is 0 the state stands still and y repeats the row before.
std::unique_ptr<Op> make_lstm(int x, int mask, int h0, int c0, std::vector<int> outputs, std::vector<int> parameters,
                              const LstmShape& shape);

// [T][inner] -> rows [begin, begin + count) of it, and its rows backwards. Of any dtype.
std::unique_ptr<Op> make_slice(int x, int y, int64_t T, int64_t inner, int64_t begin, int64_t count);
std::unique_ptr<Op> make_reverse(int x, int y, int64_t T, int64_t inner);

// x [rows][inner] where mask (int32 [rows]) is not 0, else 0.
std::unique_ptr<Op> make_keep_where(int x, int mask, int y, int64_t rows, int64_t inner);

// float32 to int32: the fraction is cut off, and what int32 cannot hold becomes -1.
std::unique_ptr<Op> make_to_int32(int x, int y, int64_t size);

// int32 [rows]: 1 where a row of x [rows][inner] holds something other than `value`. x is float32 or int32.
std::unique_ptr<Op> make_differs(int x, int y, int64_t rows, int64_t inner, float value, DType dtype);

}  // namespace day33
