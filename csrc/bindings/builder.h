// Helpers that the files of PlanBuilder share. Each file adds the methods of one family of ops.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "bindings/bindings.h"
#include "engine/builder.h"
#include "ops/activations.h"

namespace day33 {

using BuilderClass = py::class_<GraphBuilder>;

void add_convolution_methods(BuilderClass& builder);
void add_dense_methods(BuilderClass& builder);
void add_pooling_methods(BuilderClass& builder);
void add_resampling_methods(BuilderClass& builder);
void add_normalization_methods(BuilderClass& builder);
void add_elementwise_methods(BuilderClass& builder);
void add_arithmetic_methods(BuilderClass& builder);
void add_reduction_methods(BuilderClass& builder);
void add_random_methods(BuilderClass& builder);
void add_movement_methods(BuilderClass& builder);
void add_masks_methods(BuilderClass& builder);
void add_embedding_methods(BuilderClass& builder);
void add_recurrent_methods(BuilderClass& builder);
void add_states_methods(BuilderClass& builder);
void add_losses_methods(BuilderClass& builder);
void add_matrix_methods(BuilderClass& builder);
void add_indexing_methods(BuilderClass& builder);

using IntPair = std::pair<int64_t, int64_t>;

inline Pair to_pair(const IntPair& p) { return {p.first, p.second}; }

inline ActivationSpec to_activation(const std::string& kind, float alpha) { return {parse_activation(kind), alpha}; }

}  // namespace day33
