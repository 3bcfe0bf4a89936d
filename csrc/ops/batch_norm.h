// Batch normalisation over the last axis.
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

}  // namespace day33
