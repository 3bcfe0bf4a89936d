// Loss terms: what is compared, how the sum is scaled, and which kernel computes it.
#pragma once

#include <cstdint>
#include <string>

#include "core/enumerators.h"
#include "kernels/kernels.h"

namespace day33 {

#define DAY33_LOSSES(X)              \
  X(binary_crossentropy)             \
  X(categorical_crossentropy)        \
  X(sparse_categorical_crossentropy) \
  X(mean_squared_error)              \
  X(mean_absolute_error)             \
  X(value)
enum class LossKind { DAY33_LOSSES(DAY33_ENUMERATOR) };

struct LossTerm {
  LossKind kind;
  bool from_logits;
  bool mean;        // the gradient is that of the mean over all positions, not of their sum
  float weight;     // multiplies the gradient
  int tensor;       // the prediction or the logits
  int64_t rows, C;  // positions per sample, and the last axis of the prediction; of a value, all axes are positions

  bool sparse() const { return kind == LossKind::sparse_categorical_crossentropy; }
  bool has_target() const { return kind != LossKind::value; }
  int64_t target_size() const { return !has_target() ? 0 : sparse() ? rows : rows * C; }
};

LossKind parse_loss(const std::string& name);

// Runs the kernel of the term; kernel_list.def says what it returns and writes.
double run_loss(const Kernels& kernels, const LossTerm& term, const LossArgs& args);

}  // namespace day33
