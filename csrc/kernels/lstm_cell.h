// The arithmetic of one LSTM cell, for the kernels of layers (lstm.cpp) and of decoding (decode.cpp). The gates come in
// Keras's order and letters: i (input), f (forget), c (the candidate for the new state), o (output).
//
// S. Hochreiter, J. Schmidhuber, "Long short-term memory" (1997), with the forget gate of F. Gers et al. (2000).
#pragma once

#include "simd/math.h"

namespace day33::DAY33_ISA {

struct LstmGates {
  Vec i, f, candidate, o;
};
struct LstmState {
  Vec c, h;
};

// From the sums of the matrix products.
DAY33_INLINE LstmGates lstm_gates(Vec i, Vec f, Vec c, Vec o) { return {sigmoid(i), sigmoid(f), tanh(c), sigmoid(o)}; }

DAY33_INLINE LstmState lstm_state(const LstmGates& gates, Vec c_before) {
  const Vec c = gates.f * c_before + gates.i * gates.candidate;
  return {c, gates.o * tanh(c)};
}

}  // namespace day33::DAY33_ISA
