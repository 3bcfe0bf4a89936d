// Activations: as an op of their own, and as the end of a convolution or dense layer.
#pragma once

#include <memory>
#include <string>

#include "ops/op.h"

namespace day33 {

Activation parse_activation(const std::string& name);
std::string to_string(Activation activation);

// The derivative is a function of the output for most activations. For these it is not: they fall and rise, and
// backward needs what went in.
bool backward_reads_input(Activation kind);

// Whether one element of the result depends on one element of the input only (softmax looks at a row).
bool is_elementwise(Activation kind);

// `rows` rows of [C][lanes]. x == y may alias.
void run_activation(const Tile& tile, ActivationSpec spec, const float* x, float* y, int64_t rows, int64_t C);
// `saved` is the input for those of backward_reads_input, the output for the others. dy == dx may alias.
void run_activation_backward(const Tile& tile, ActivationSpec spec, const float* saved, const float* dy, float* dx,
                             int64_t rows, int64_t C);

// rows and C matter to softmax and its logarithm only.
std::unique_ptr<Op> make_activation(int x, int y, ActivationSpec spec, int64_t rows, int64_t C);

}  // namespace day33
