// Activations, as ops and as the last step of a convolution or dense layer.
#pragma once

#include <memory>
#include <string>

#include "ops/op.h"

namespace day33 {

Activation parse_activation(const std::string& name);
std::string to_string(Activation activation);

// Whether backward needs the input. The derivative of most activations is a function of the output; gelu, silu and
// their relatives are not monotonic, so their output does not determine it.
bool backward_reads_input(Activation kind);

// Whether an element of the result depends on one element of the input only (softmax depends on a row).
bool is_elementwise(Activation kind);

// `rows` rows of [C][lanes]. x and y may be the same.
void run_activation(const Tile& tile, ActivationSpec spec, const float* x, float* y, int64_t rows, int64_t C);
// `saved` is the input if backward_reads_input(), else the output. dy and dx may be the same.
void run_activation_backward(const Tile& tile, ActivationSpec spec, const float* saved, const float* dy, float* dx,
                             int64_t rows, int64_t C);

// rows and C matter for softmax and log_softmax only.
std::unique_ptr<Op> make_activation(int x, int y, ActivationSpec spec, int64_t rows, int64_t C);

}  // namespace day33
