#include "engine/fusion.h"

#include <algorithm>

namespace day33 {
namespace {

class Fuser {
 public:
  Fuser(std::vector<Node>& nodes, const std::vector<Tensor>& tensors, const std::vector<int>& kept)
      : nodes_(nodes), tensors_(tensors), readers_(tensors.size(), 0) {  // there are at most as many buffers as tensors
    for (const Node& node : nodes)
      for (int id : node.inputs) ++readers_[tensors[id].buffer];
    for (int id : kept) ++readers_[tensors[id].buffer];
  }

  // Moves an activation into the convolution or dense layer before it.
  void fuse_activations() {
    each(Node::activation_node, [&](Node& activation) {
      Node* before = only_maker(activation.inputs[0]);
      if (before == nullptr || before->activation.kind != Activation::linear) return false;
      if (before->kind != Node::convolution_node && before->kind != Node::dense_node) return false;
      before->activation = activation.activation;
      const int sums = before->outputs[0];
      before->outputs = activation.outputs;
      if (backward_reads_input(activation.activation.kind)) before->outputs.push_back(sums);
      return true;
    });
  }

  // Batch normalisation with fixed statistics scales and shifts channels, which the convolution before it can do, too.
  bool fold_batch_norm() {
    bool any = false;
    each(Node::batch_norm_node, [&](Node& norm) {
      Node* before = only_maker(norm.inputs[0]);
      if (before == nullptr || before->kind != Node::convolution_node || before->convolution.norm) return false;
      before->convolution.norm = norm.norm;
      before->outputs = norm.outputs;
      return any = true;
    });
    return any;
  }

  // Moves nearest up-sampling into the kernel of the convolution after it, if that has strides and dilation 1.
  void fuse_up_sampling() {
    each(Node::nearest_up_sampling_node, [&](Node& up) {
      Node* after = only_reader(up.outputs[0]);
      if (after == nullptr || after->kind != Node::convolution_node) return false;
      Convolution& c = after->convolution;
      if (c.height.stride != 1 || c.width.stride != 1 || c.height.dilation != 1 || c.width.dilation != 1) return false;
      c.scale_h = up.scale.height;
      c.scale_w = up.scale.width;
      after->inputs = up.inputs;
      return true;
    });
  }

  // Lets arithmetic read parameters themselves.
  void fuse_parameters() {
    const auto slot_of = [&](int id) {
      for (const Node& node : nodes_)
        if (node.kind == Node::parameter_value_node && tensors_[node.outputs[0]].buffer == tensors_[id].buffer)
          return node.slot;
      return -1;
    };
    for (Node& node : nodes_) {
      if (node.kind != Node::broadcast_node) continue;
      std::vector<int> left;
      size_t next = 0;
      for (int& slot : node.slots) {
        if (slot >= 0) continue;
        const int id = node.inputs[next++];
        slot = slot_of(id);
        if (slot < 0)
          left.push_back(id);
        else
          --readers_[tensors_[id].buffer];
      }
      node.inputs = left;
    }
    each(Node::parameter_value_node, [&](const Node& value) { return readers(value.outputs[0]) == 0; });
  }

  // Moves max pooling into the convolution before it, if windows do not overlap and the indices are not wanted.
  void fuse_pooling() {
    each(Node::max_pool_node, [&](Node& pool) {
      Node* before = only_maker(pool.inputs[0]);
      const ConvAxis &h = pool.pool_height, &w = pool.pool_width;
      if (before == nullptr || before->kind != Node::convolution_node || readers(pool.outputs[2]) > 0) return false;
      if (h.kernel != h.stride || w.kernel != w.stride) return false;
      const Activation activation = before->activation.kind;  // backward has only the outputs of the winners
      if (!is_elementwise(activation) || backward_reads_input(activation)) return false;
      Convolution& c = before->convolution;
      c.pool_h = h.kernel;
      c.pool_w = w.kernel;
      c.pool_top = h.before;
      c.pool_left = w.before;
      c.pooled_h = h.out;
      c.pooled_w = w.out;
      before->outputs = {pool.outputs[0], pool.outputs[1]};
      return true;
    });
  }

 private:
  int readers(int id) const { return readers_[tensors_[id].buffer]; }

  // Whether both are the same values in the same places. A sequence is reshaped to an image of height 1 and back
  // between any two layers: axes of length 1 in front make no difference.
  bool same_image(int a, int b) const {
    const auto axes = [&](int id) {
      const Shape& shape = tensors_[id].shape;
      return Shape(std::find_if(shape.begin(), shape.end(), [](int64_t size) { return size != 1; }), shape.end());
    };
    return a == b || (tensors_[a].buffer == tensors_[b].buffer && axes(a) == axes(b));
  }

  // The node that makes the tensor, if exactly one node reads the tensor; else null.
  Node* only_maker(int id) {
    if (readers(id) != 1) return nullptr;
    for (Node& node : nodes_)
      if (same_image(node.outputs[0], id)) return &node;
    return nullptr;
  }
  Node* only_reader(int id) {
    if (readers(id) != 1) return nullptr;
    for (Node& node : nodes_)
      if (!node.inputs.empty() && same_image(node.inputs[0], id)) return &node;
    return nullptr;
  }

  // Calls `rewrite` on every node of the kind and removes those for which it returns true.
  template <typename Rewrite>
  void each(Node::Kind kind, Rewrite&& rewrite) {
    for (size_t i = 0; i < nodes_.size();) {
      if (nodes_[i].kind == kind && rewrite(nodes_[i]))
        nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(i));
      else
        ++i;
    }
  }

  std::vector<Node>& nodes_;
  const std::vector<Tensor>& tensors_;
  std::vector<int> readers_;  // by buffer
};

}  // namespace

bool fold_batch_norm(std::vector<Node>& nodes, const std::vector<Tensor>& tensors, const std::vector<int>& kept) {
  return Fuser(nodes, tensors, kept).fold_batch_norm();
}

void fuse(std::vector<Node>& nodes, const std::vector<Tensor>& tensors, const std::vector<int>& kept,
          const Fusions& fusions) {
  Fuser fuser(nodes, tensors, kept);
  if (fusions.activation) fuser.fuse_activations();
  if (fusions.up_sampling) fuser.fuse_up_sampling();
  if (fusions.pooling) fuser.fuse_pooling();
  if (fusions.parameters) fuser.fuse_parameters();
}

}  // namespace day33
