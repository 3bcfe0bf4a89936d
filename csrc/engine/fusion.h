// The nodes of a network under construction, and the rewrites that join neighbours among them.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "ops/activations.h"
#include "ops/convolution.h"
#include "ops/op.h"

namespace day33 {

struct Pair {
  int64_t height, width;
};

// An op to be: what fusion may look at and change, and how to make it.
struct Node {
  enum Kind {
    convolution_node,
    dense_node,
    activation_node,
    batch_norm_node,
    max_pool_node,
    nearest_up_sampling_node,
    other_node
  };
  Kind kind;
  std::vector<int> inputs, outputs;
  std::function<std::unique_ptr<Op>(const Node&)> make;

  ActivationSpec activation{};  // of an activation, or fused into a convolution or dense layer
  Convolution convolution{};    // of a convolution
  ConvAxis pool_height{}, pool_width{};
  Pair scale{1, 1};
  FoldedNorm norm{};  // of a batch normalisation
};

// Rewrites that change how a plan computes, not what. All are on unless a test compares with and without.
struct Fusions {
  bool activation = true;   // of a convolution or dense layer, applied while its sums are in registers
  bool up_sampling = true;  // nearest, folded into the kernel of the convolution that follows
  bool pooling = true;      // max pooling of a convolution's rows while they are in the cache
  bool batch_norm = true;   // folded into the convolution before it, for inference
  bool loss = true;         // a sparse cross-entropy taken by the large dense layer that makes the logits
};

// Folds batch normalisation, as it is in inference, into the convolutions before it. Whether there was any.
bool fold_batch_norm(std::vector<Node>& nodes, const std::vector<Tensor>& tensors, const std::vector<int>& kept);

// Applies the fusions to `nodes`. `kept` marks tensors that outputs and losses read.
void fuse(std::vector<Node>& nodes, const std::vector<Tensor>& tensors, const std::vector<int>& kept,
          const Fusions& fusions);

}  // namespace day33
