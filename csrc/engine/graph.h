// A network as a list of ops, with every shape known.
#pragma once

#include <memory>
#include <vector>

#include "core/shapes.h"
#include "ops/losses.h"
#include "ops/op.h"

namespace day33 {

struct ParameterInfo {
  Shape shape;
  int64_t size;
  bool trainable;
};

// Samples in the SIMD lanes, channels in the lanes, or the one of these that suits the channels and the batch.
enum class Layout { automatic, lanes, channels };

// Everything in a graph but its ops. A graph and its form for inference share it.
struct Network {
  std::vector<Tensor> tensors;
  int buffers = 0;
  std::vector<ParameterInfo> parameters;
  std::vector<int> inputs, outputs;  // tensors
  std::vector<LossTerm> losses;
  Layout layout = Layout::automatic;
  bool join_losses = true;  // Fusions::loss
  int64_t samples = -1;     // of every call, where the network keeps states; -1 for any number
};

struct Graph : Network {
  std::vector<std::unique_ptr<Op>> ops;  // in an order in which they can run
  // The same network for inference where that differs: batch normalisation is folded into weights.
  std::shared_ptr<const Graph> inference;
};

}  // namespace day33
