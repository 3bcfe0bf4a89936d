// Batch normalisation over the last axis, and layer normalisation over the last axes.
#pragma once

#include <memory>

#include "ops/op.h"

namespace day33 {

struct BatchNormParameters {
  int gamma, beta;  // slots or -1
  int moving_mean, moving_variance;
};

// `frozen`: the moving statistics are used, and not updated, in training too. `mask`: int32, one number per row of x;
// rows where it is 0 are normalised, but do not count in the statistics. -1 for none.
std::unique_ptr<Op> make_batch_norm(int x, int mask, int y, const BatchNormParameters& parameters, int64_t rows,
                                    int64_t C, float momentum, float epsilon, bool frozen);

// `rows` rows of C values per sample, each normalised on its own. Parameters {gamma or -1, beta or -1}, of C values.
std::unique_ptr<Op> make_layer_norm(int x, int y, int gamma, int beta, int64_t rows, int64_t C, float epsilon);

}  // namespace day33
