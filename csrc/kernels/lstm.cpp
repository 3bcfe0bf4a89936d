// The LSTM cell after its matrix products: gates, cell state and output of one row. Order of the gates as in Keras:
// i, f, g (the candidate), o.
//
// S. Hochreiter, J. Schmidhuber, "Long short-term memory" (1997), with the forget gate of F. Gers et al. (2000).
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/math.h"
#include "simd/units.h"

namespace day33::DAY33_ISA {
void lstm_cell_forward(const LstmCellArgs& a) {
  const int64_t U = a.U;
  over_units(U, [&](auto at, int64_t u) {
    const Vec i = sigmoid(at.load(a.gates + u)), f = sigmoid(at.load(a.gates + U + u));
    const Vec g = tanh(at.load(a.gates + 2 * U + u)), o = sigmoid(at.load(a.gates + 3 * U + u));
    const Vec before = a.c_before == nullptr ? broadcast(0.0f) : at.load(a.c_before + u);
    const Vec c = f * before + i * g;
    at.store(a.gates + u, i);
    at.store(a.gates + U + u, f);
    at.store(a.gates + 2 * U + u, g);
    at.store(a.gates + 3 * U + u, o);
    at.store(a.c + u, c);
    at.store(a.h + u, o * tanh(c));
  });
}

// The gates become the gradients of the sums before them; dc goes from this step's state to the one before.
void lstm_cell_backward(const LstmCellArgs& a, const float* dh, float* dc) {
  const int64_t U = a.U;
  over_units(U, [&](auto at, int64_t u) {
    const Vec i = at.load(a.gates + u), f = at.load(a.gates + U + u);
    const Vec g = at.load(a.gates + 2 * U + u), o = at.load(a.gates + 3 * U + u);
    const Vec before = a.c_before == nullptr ? broadcast(0.0f) : at.load(a.c_before + u);
    const Vec t = tanh(at.load(a.c + u)), d = at.load(dh + u);
    const Vec through = at.load(dc + u) + d * o * (1.0f - t * t);
    at.store(a.gates + u, through * g * (i * (1.0f - i)));
    at.store(a.gates + U + u, through * before * (f * (1.0f - f)));
    at.store(a.gates + 2 * U + u, through * i * (1.0f - g * g));
    at.store(a.gates + 3 * U + u, d * t * (o * (1.0f - o)));
    at.store(dc + u, through * f);
  });
}

}  // namespace day33::DAY33_ISA
