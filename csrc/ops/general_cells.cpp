#include "ops/general_cells.h"

namespace day33::general_cells {
namespace {

// Where backward() expects the gradient of the values of a gate: in the place of what it does not need.
float* gradient_of(ActivationSpec spec, float* sums, float* values) {
  return backward_reads_input(spec.kind) ? values : sums;
}

// The gradient of the sums, which takes their place.
void backward(const Tile& tile, ActivationSpec spec, float* sums, float* values, int64_t U) {
  const float* saved = backward_reads_input(spec.kind) ? sums : values;
  run_activation_backward(tile, spec, saved, gradient_of(spec, sums, values), sums, 1, U);
}

float at(const float* state, int64_t u) { return state == nullptr ? 0.0f : state[u]; }

// h = z * state + (1 - z) * candidate.
void gru_output(const GruCellArgs& cell, const float* values) {
  const float *z = values, *candidate = values + 2 * cell.U;
  for (int64_t u = 0; u < cell.U; ++u) cell.h[u] = z[u] * at(cell.h_before, u) + (1.0f - z[u]) * candidate[u];
}

// The gradients of z and of the candidate, where backward() expects them; dh becomes that of the state.
void output_gradients(const RecurrentOptions& options, const GruCellArgs& cell, float* sums, float* values, float* dh) {
  const int64_t U = cell.U;
  float* dz = gradient_of(options.recurrent_activation, sums, values);
  float* dcandidate = gradient_of(options.activation, sums + 2 * U, values + 2 * U);
  for (int64_t u = 0; u < U; ++u) {
    const float z = values[u], candidate = values[2 * U + u], d = dh[u];
    dz[u] = d * (at(cell.h_before, u) - candidate);
    dcandidate[u] = d * (1.0f - z);
    dh[u] = d * z;
  }
}

}  // namespace

void lstm_forward(const Tile& tile, const RecurrentOptions& options, const LstmCellArgs& cell) {
  const int64_t U = cell.U;
  const ActivationSpec gate = options.recurrent_activation;
  float *sums = cell.gates, *values = cell.gates + 5 * U, *active_c = cell.gates + 9 * U;
  for (int64_t k = 0; k < 4; ++k)
    run_activation(tile, k == 2 ? options.activation : gate, sums + k * U, values + k * U, 1, U);
  for (int64_t u = 0; u < U; ++u) cell.c[u] = values[U + u] * at(cell.c_before, u) + values[u] * values[2 * U + u];
  run_activation(tile, options.activation, cell.c, active_c, 1, U);
  for (int64_t u = 0; u < U; ++u) cell.h[u] = values[3 * U + u] * active_c[u];
}

void lstm_backward(const Tile& tile, const RecurrentOptions& options, const LstmCellArgs& cell, const float* dh,
                   float* dc) {
  const int64_t U = cell.U;
  const ActivationSpec gate = options.recurrent_activation;
  float *sums = cell.gates, *values = cell.gates + 5 * U, *active_c = cell.gates + 9 * U;
  const auto gradient = [&](int64_t k) {
    return gradient_of(k == 2 ? options.activation : gate, sums + k * U, values + k * U);
  };
  float *const dactive = gradient_of(options.activation, cell.c, active_c), *const d_o = gradient(3);
  for (int64_t u = 0; u < U; ++u) {
    const float o = values[3 * U + u], active = active_c[u];
    dactive[u] = dh[u] * o;
    d_o[u] = dh[u] * active;
  }
  backward(tile, options.activation, cell.c, active_c, U);
  float *const di = gradient(0), *const df = gradient(1), *const dcandidate = gradient(2);
  for (int64_t u = 0; u < U; ++u) {
    const float i = values[u], f = values[U + u], candidate = values[2 * U + u], through = dc[u] + cell.c[u];
    di[u] = through * candidate;
    df[u] = through * at(cell.c_before, u);
    dcandidate[u] = through * i;
    dc[u] = through * f;
  }
  for (int64_t k = 0; k < 4; ++k) backward(tile, k == 2 ? options.activation : gate, sums + k * U, values + k * U, U);
}

void gru_forward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell) {
  const int64_t U = cell.U;
  float *sums = cell.gates, *own = sums + 3 * U, *values = sums + 6 * U;
  for (int64_t u = 0; u < 2 * U; ++u) sums[u] += own[u];
  run_activation(tile, options.recurrent_activation, sums, values, 1, U);
  run_activation(tile, options.recurrent_activation, sums + U, values + U, 1, U);
  for (int64_t u = 0; u < U; ++u) sums[2 * U + u] += values[U + u] * own[2 * U + u];
  run_activation(tile, options.activation, sums + 2 * U, values + 2 * U, 1, U);
  gru_output(cell, values);
}

void gru_backward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell, float* dh) {
  const int64_t U = cell.U;
  const ActivationSpec gate = options.recurrent_activation;
  float *sums = cell.gates, *own = sums + 3 * U, *values = sums + 6 * U;
  output_gradients(options, cell, sums, values, dh);
  backward(tile, options.activation, sums + 2 * U, values + 2 * U, U);
  float* dr = gradient_of(gate, sums + U, values + U);
  for (int64_t u = 0; u < U; ++u) {
    const float r = values[U + u], dcandidate = sums[2 * U + u], from_state = own[2 * U + u];
    own[2 * U + u] = dcandidate * r;
    dr[u] = dcandidate * from_state;
  }
  backward(tile, gate, sums, values, U);
  backward(tile, gate, sums + U, values + U, U);
  for (int64_t u = 0; u < 2 * U; ++u) own[u] = sums[u];
}

void gru_reset_forward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell) {
  const int64_t U = cell.U;
  float *sums = cell.gates, *reset = sums + 3 * U, *values = sums + 4 * U;
  run_activation(tile, options.recurrent_activation, sums, values, 1, U);
  run_activation(tile, options.recurrent_activation, sums + U, values + U, 1, U);
  for (int64_t u = 0; u < U; ++u) reset[u] = values[U + u] * at(cell.h_before, u);
}

void gru_output_forward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell) {
  const int64_t U = cell.U;
  float *sums = cell.gates, *values = sums + 4 * U;
  run_activation(tile, options.activation, sums + 2 * U, values + 2 * U, 1, U);
  gru_output(cell, values);
}

void gru_output_backward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell, float* dh) {
  const int64_t U = cell.U;
  float *sums = cell.gates, *values = sums + 4 * U;
  output_gradients(options, cell, sums, values, dh);
  backward(tile, options.recurrent_activation, sums, values, U);
  backward(tile, options.activation, sums + 2 * U, values + 2 * U, U);
}

void gru_reset_backward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell, const float* dreset,
                        float* dh) {
  const int64_t U = cell.U;
  const ActivationSpec gate = options.recurrent_activation;
  float *sums = cell.gates + U, *values = cell.gates + 5 * U;
  float* dr = gradient_of(gate, sums, values);
  for (int64_t u = 0; u < U; ++u) {
    dh[u] += dreset[u] * values[u];
    dr[u] = dreset[u] * at(cell.h_before, u);
  }
  backward(tile, gate, sums, values, U);
}

}  // namespace day33::general_cells
