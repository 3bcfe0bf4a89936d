// Recurrent cells with whatever activations, put together from the kernels of activations: one row, after its matrix
// products. They take the arguments of the cells in kernels/ (args.h), of which `gates` is the row of memory, and do
// what these do; but where a gate replaces its sum there, the sums stay here, and the values of the gates lie behind
// all that the other cells keep. Activations fall and rise, so that backward may need either.
#pragma once

#include "ops/recurrent.h"

namespace day33::general_cells {

// gates: sums [4][U], c [U], values [4][U], activation(c) [U].
void lstm_forward(const Tile& tile, const RecurrentOptions& options, const LstmCellArgs& cell);
void lstm_backward(const Tile& tile, const RecurrentOptions& options, const LstmCellArgs& cell, const float* dh,
                   float* dc);

// gates: sums of the input [3][U], those of the state [3][U], values [3][U].
void gru_forward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell);
void gru_backward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell, float* dh);

// The reset before the product. gates: sums [3][U], r * state [U], values [3][U].
void gru_reset_forward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell);
void gru_output_forward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell);
void gru_output_backward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell, float* dh);
void gru_reset_backward(const Tile& tile, const RecurrentOptions& options, const GruCellArgs& cell, const float* dreset,
                        float* dh);

}  // namespace day33::general_cells
