// The arguments of the decoding kernels.
//
// A panel is 4 * lanes outputs of a weight matrix, stored one k after the other, so that a panel is read from front to
// back. For an LSTM it holds the gates i, f, c, o of `lanes` units; for the logits, consecutive outputs.
//   float32:  [k][4][lanes] floats
//   bfloat16: [k][2][lanes] words of 32 bits: vector 2j in the low half, vector 2j + 1 in the high one
//   int8:     [k / 2][4][lanes][2] bytes in [-127, 127]; an odd k is filled up with zeros
#pragma once

#include <cstdint>

namespace day33 {

inline constexpr int kPanelVectors = 4;
// int8: activations are round(x * kActivationLevels / largest), and integer sums go over at most kIntegerTerms terms
// before they are added up in float: 127 * 32767 * 256 < 2^31, so none can overflow.
inline constexpr int kWeightLevels = 127;
inline constexpr int kActivationLevels = 32767;
inline constexpr int kIntegerTerms = 256;

// One matrix of the sum. Rows are given by pointers, so that rows may join and leave a batch without being moved.
struct PanelSegment {
  const void* const* x;  // [rows], each K floats; int8: K int16 (a zero more where K is odd)
  const float* x_scale;  // int8: [rows], what one step of x is worth
  int64_t K;
  const void* w;         // the panel
  const float* w_scale;  // int8: [4 * lanes], what one step of an output's weights is worth
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

// The LSTM cell of `lanes` units at `offset`, from the pre-activations [rows][4][lanes] of their panel:
//   c_out = sigmoid(f) * c_in + sigmoid(i) * tanh(g),  h = sigmoid(o) * tanh(c_out)
struct CellArgs {
  int64_t rows, offset;
  const float* const* z;
  const float* const* c_in;
  float* const* c_out;
  float* const* h;
  int16_t* const* h_steps;  // round(h * kActivationLevels), since |h| <= 1; or null
};

}  // namespace day33
