// The arguments of the decoding kernels.
//
// A panel is 4 * lanes outputs of a weight matrix, stored one k after the other, so that a panel is read from front to
// back. For an LSTM it holds the gates i, f, c, o of `lanes` units; for the logits, consecutive outputs.
//   float32:  [k][4][lanes] floats
//   bfloat16: [k][2][lanes] words of 32 bits: vector 2j in the low half, vector 2j + 1 in the high one
//   int8:     [k / group][4][lanes][group] bytes in [-127, 127]; the last group is filled up with zeros
// int8 has two forms with the same integers: groups of two, multiplied by int16, which every instruction set can do;
// and groups of four, multiplied by bytes, for machines with a dot product of bytes (AVX-512 VNNI).
#pragma once

#include <cstdint>

namespace day33 {

inline constexpr int kPanelVectors = 4;
// int8: weights and activations are round(value / step), with one step per output and per row of activations.
inline constexpr int kInt8Levels = 127;
// The most terms that an integer sum may have: 255 * 127 * 65536 < 2^31, so none can overflow.
inline constexpr int64_t kInt8Terms = 65536;
// Added to the byte of an activation, since the instruction takes unsigned bytes.
inline constexpr int kByteOffset = 128;

// One matrix of the sum. Rows are given by pointers, so that they can be added to and removed from a batch without
// being moved.
struct PanelSegment {
  const void* const* x;  // [rows], each K floats; int8: the output of quantize_row
  const float* x_step;   // int8: [rows]
  int64_t K;
  const void* w;         // the panel
  const float* w_step;   // int8: [4 * lanes]
  const int32_t* w_sum;  // int8 in groups of four: [4 * lanes], sum over k of the panel's bytes
};

// z[row][offset + o] = bias[o] + sum over segments and k of x[row][k] * w[k][o], for the panel's outputs o.
// The order of the sum does not depend on the number of rows.
struct PanelArgs {
  int64_t rows;
  int segments;  // 1 or 2
  PanelSegment segment[2];
  const float* bias;  // [4 * lanes]
  float* const* z;    // [rows]
  int64_t offset;
};

// The LSTM cell of `lanes` units at `offset`, from the sums [rows][4][lanes] of their panel, i, f, c, o:
//   c_out = sigmoid(f) * c_in + sigmoid(i) * tanh(c),  h = sigmoid(o) * tanh(c_out)
struct CellArgs {
  int64_t rows, offset;
  const float* const* z;
  const float* const* c_in;
  float* const* c_out;
  float* const* h;
};

}  // namespace day33
