// The arguments and results of a call of a plan.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/op.h"

namespace day33 {

struct Profile;

// One call. Arrays are contiguous, of shape (samples, *shape). Where something is not needed, the pointer is null or
// the vector is empty.
struct Request {
  int64_t samples = 0;
  std::vector<const void*> inputs;
  std::vector<float*>
      parameters;  // by slot; of these only states and the moving statistics of batch normalisation are written
  uint64_t owner = 0, version = 0;  // of the parameters, for keeping packed weights; with owner 0 none are kept
  bool training = false;
  uint64_t seed = 0;

  bool want_outputs = false;
  std::vector<void*> outputs;

  bool want_losses = false;
  std::vector<const void*> targets;          // float32, or int32 for the sparse loss
  std::vector<const float*> sample_weights;  // by loss; null for none
  std::vector<char> weights_per_position;    // by loss: (samples, positions) instead of (samples,)
  std::vector<double> loss_sums;             // result, by loss

  bool want_backward = false;  // from the losses if these are wanted, else from output_gradients
  std::vector<const float*> output_gradients;
  std::vector<float*> input_gradients;      // result, by input; empty when not wanted, null for int32 inputs
  std::vector<float*> parameter_gradients;  // result, by slot; null where not wanted
  std::vector<SliceSums> slice_sums;        // result, by slot, where gradients are slices; empty when not wanted

  Profile* profile = nullptr;  // where the call adds what it costs
};

}  // namespace day33
