// Loss terms: what is compared, how the sum is scaled, and which kernel does it.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/kernels.h"

namespace day33 {

enum class LossKind {
  binary_crossentropy,
  categorical_crossentropy,
  sparse_categorical_crossentropy,
  mean_squared_error,
  mean_absolute_error,
};

struct LossTerm {
  LossKind kind;
  bool from_logits;
  bool mean;        // the gradient is that of the mean over all positions, otherwise of their sum
  float weight;     // multiplies the gradient
  int tensor;       // prediction (or logits) it reads
  int64_t rows, C;  // positions of a sample, and the prediction's last axis

  bool sparse() const { return kind == LossKind::sparse_categorical_crossentropy; }
  int64_t target_size() const { return sparse() ? rows : rows * C; }
};

LossKind parse_loss(const std::string& name);

// Runs the term's kernel; see kernel_list.def for what it returns and writes.
double run_loss(const Kernels& kernels, const LossTerm& term, const LossArgs& args);

}  // namespace day33
