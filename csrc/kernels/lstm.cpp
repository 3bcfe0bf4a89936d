// LSTM cells after their matrix products: one row. `gates` is [4][U], in the order of lstm_cell.h.
#include "kernels/kernels.h"
#include "kernels/lstm_cell.h"
#include "simd/body.h"
#include "simd/units.h"

namespace day33::DAY33_ISA {
namespace {

template <typename At>
DAY33_INLINE Vec state_before(const LstmCellArgs& a, At at, int64_t u) {
  return a.c_before == nullptr ? broadcast(0.0f) : at.load(a.c_before + u);
}

}  // namespace

// The sums become the gates.
void lstm_cell_forward(const LstmCellArgs& a) {
  const int64_t U = a.U;
  over_units(U, [&](auto at, int64_t u) {
    float* g = a.gates + u;
    const LstmGates gates = lstm_gates(at.load(g), at.load(g + U), at.load(g + 2 * U), at.load(g + 3 * U));
    const LstmState state = lstm_state(gates, state_before(a, at, u));
    at.store(g, gates.i);
    at.store(g + U, gates.f);
    at.store(g + 2 * U, gates.candidate);
    at.store(g + 3 * U, gates.o);
    at.store(a.c + u, state.c);
    at.store(a.h + u, state.h);
  });
}

// The gates become the gradients of the sums before them; dc, the gradient of this step's state, becomes that of the
// state before.
void lstm_cell_backward(const LstmCellArgs& a, const float* dh, float* dc) {
  const int64_t U = a.U;
  over_units(U, [&](auto at, int64_t u) {
    float* g = a.gates + u;
    const Vec i = at.load(g), f = at.load(g + U), candidate = at.load(g + 2 * U), o = at.load(g + 3 * U);
    const Vec tanh_c = tanh(at.load(a.c + u)), d = at.load(dh + u);
    const Vec through = at.load(dc + u) + d * o * (1.0f - tanh_c * tanh_c);
    at.store(g, through * candidate * (i * (1.0f - i)));
    at.store(g + U, through * state_before(a, at, u) * (f * (1.0f - f)));
    at.store(g + 2 * U, through * i * (1.0f - candidate * candidate));
    at.store(g + 3 * U, d * tanh_c * (o * (1.0f - o)));
    at.store(dc + u, through * f);
  });
}

}  // namespace day33::DAY33_ISA
