// The nodes of a network under construction, and the rewrites that join neighbouring nodes.
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

// An op that has not been made yet: what the fusions read and change, and how to make the op.
struct Node {
  enum Kind {
    convolution_node,
    dense_node,
    activation_node,
    batch_norm_node,
    max_pool_node,
    nearest_up_sampling_node,
    parameter_value_node,
    broadcast_node,
    other_node
  };
  Kind kind;
  std::vector<int> inputs, outputs;
  std::function<std::unique_ptr<Op>(const Node&)> make;

  ActivationSpec activation{};  // of an activation node, or fused into a convolution or dense layer
  Convolution convolution{};    // of a convolution node
  ConvAxis pool_height{}, pool_width{};
  Pair scale{1, 1};
  FoldedNorm norm{};         // of a batch normalisation node
  int slot = -1;             // of a parameter value
  std::vector<int> slots{};  // of a broadcast node, by operand: a parameter, or -1 for the next one of the inputs
  bool effect = false;
};

// Rewrites that change how a plan computes, but not what. All are on unless a test compares with and without.
//   activation   of a convolution or dense layer, applied while its sums are in registers
//   batch_norm   folded into the convolution before it, for inference
//   loss         a sparse cross-entropy taken by the large dense layer that makes the logits
//   parameters   read by arithmetic where they are, not from a copy for every sample
//   pooling      max pooling of a convolution's rows while they are in the cache
//   up_sampling  nearest, folded into the kernel of the convolution that follows
#define DAY33_FUSIONS(X) X(activation) X(batch_norm) X(loss) X(parameters) X(pooling) X(up_sampling)
struct Fusions {
#define DAY33_FUSION(name) bool name = true;
  DAY33_FUSIONS(DAY33_FUSION)
#undef DAY33_FUSION
};

// Folds batch normalisation, as it works in inference, into the convolutions before it. Returns whether there was any.
bool fold_batch_norm(std::vector<Node>& nodes, const std::vector<Tensor>& tensors, const std::vector<int>& kept);

// Applies the fusions to `nodes`. `kept` marks tensors that outputs and losses read.
void fuse(std::vector<Node>& nodes, const std::vector<Tensor>& tensors, const std::vector<int>& kept,
          const Fusions& fusions);

}  // namespace day33
