// The cells of a gated recurrent unit after their matrix products: one row. The gates come in Keras's order and
// letters: z (update), r (reset), h (the candidate for the new state); z close to 1 keeps the state.
//
// K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation"
// (2014), where the state is reset before its product; with the reset after the product, the variant of cuDNN and
// Keras.
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/math.h"
#include "simd/units.h"

namespace day33::DAY33_ISA {
namespace {

template <typename At>
DAY33_INLINE Vec state_before(const GruCellArgs& a, At at, int64_t u) {
  return a.h_before == nullptr ? broadcast(0.0f) : at.load(a.h_before + u);
}

}  // namespace

// gates: sums of the input [3][U], then those of the state [3][U]. The first three become the gates.
void gru_cell_forward(const GruCellArgs& a) {
  const int64_t U = a.U;
  over_units(U, [&](auto at, int64_t u) {
    float* g = a.gates + u;
    const Vec z = sigmoid(at.load(g) + at.load(g + 3 * U)), r = sigmoid(at.load(g + U) + at.load(g + 4 * U));
    const Vec candidate = tanh(at.load(g + 2 * U) + r * at.load(g + 5 * U));
    at.store(g, z);
    at.store(g + U, r);
    at.store(g + 2 * U, candidate);
    at.store(a.h + u, z * state_before(a, at, u) + (1.0f - z) * candidate);
  });
}

// Both groups of three become the gradients of their sums. dh becomes the part of the gradient of the state before that
// does not pass through a matrix product.
void gru_cell_backward(const GruCellArgs& a, float* dh) {
  const int64_t U = a.U;
  over_units(U, [&](auto at, int64_t u) {
    float* g = a.gates + u;
    const Vec z = at.load(g), r = at.load(g + U), candidate = at.load(g + 2 * U), d = at.load(dh + u);
    const Vec dz = d * (state_before(a, at, u) - candidate) * (z * (1.0f - z));
    const Vec dcandidate = d * (1.0f - z) * (1.0f - candidate * candidate);
    const Vec dr = dcandidate * at.load(g + 5 * U) * (r * (1.0f - r));
    at.store(g, dz);
    at.store(g + U, dr);
    at.store(g + 2 * U, dcandidate);
    at.store(g + 3 * U, dz);
    at.store(g + 4 * U, dr);
    at.store(g + 5 * U, dcandidate * r);
    at.store(dh + u, d * z);
  });
}

// The reset before the product. gates: the sums of z and r, the part of the candidate's sum that comes from the input,
// and room for r * state.
void gru_reset_forward(const GruCellArgs& a) {
  const int64_t U = a.U;
  over_units(U, [&](auto at, int64_t u) {
    float* g = a.gates + u;
    const Vec r = sigmoid(at.load(g + U));
    at.store(g, sigmoid(at.load(g)));
    at.store(g + U, r);
    at.store(g + 3 * U, r * state_before(a, at, u));
  });
}

void gru_output_forward(const GruCellArgs& a) {
  const int64_t U = a.U;
  over_units(U, [&](auto at, int64_t u) {
    float* g = a.gates + u;
    const Vec z = at.load(g), candidate = tanh(at.load(g + 2 * U));
    at.store(g + 2 * U, candidate);
    at.store(a.h + u, z * state_before(a, at, u) + (1.0f - z) * candidate);
  });
}

void gru_output_backward(const GruCellArgs& a, float* dh) {
  const int64_t U = a.U;
  over_units(U, [&](auto at, int64_t u) {
    float* g = a.gates + u;
    const Vec z = at.load(g), candidate = at.load(g + 2 * U), d = at.load(dh + u);
    at.store(g, d * (state_before(a, at, u) - candidate) * (z * (1.0f - z)));
    at.store(g + 2 * U, d * (1.0f - z) * (1.0f - candidate * candidate));
    at.store(dh + u, d * z);
  });
}

// From the gradient of r * state to those of the sum of r and of the state.
void gru_reset_backward(const GruCellArgs& a, const float* dreset, float* dh) {
  const int64_t U = a.U;
  over_units(U, [&](auto at, int64_t u) {
    float* g = a.gates + u;
    const Vec r = at.load(g + U), d = at.load(dreset + u);
    at.store(g + U, d * state_before(a, at, u) * (r * (1.0f - r)));
    at.store(dh + u, at.load(dh + u) + d * r);
  });
}

}  // namespace day33::DAY33_ISA
