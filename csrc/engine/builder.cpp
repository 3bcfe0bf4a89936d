#include "engine/builder.h"

#include <algorithm>
#include <utility>

#include "engine/builder_support.h"
#include "ops/movement.h"

namespace day33 {

Tensor GraphBuilder::any_tensor(int id, const char* argument) const {
  if (id < 0 || id >= static_cast<int>(graph_.tensors.size()))
    fail(std::string(argument) + ": no tensor has the number " + std::to_string(id));
  return graph_.tensors[id];
}

Tensor GraphBuilder::tensor(int id, const char* argument) const {
  Tensor t = any_tensor(id, argument);
  if (t.dtype == DType::int64) fail(std::string(argument) + ": got an int64 tensor, expected float32 or int32");
  return t;
}

Tensor GraphBuilder::tensor_of_rank(int id, size_t rank, const char* argument) const {
  Tensor t = tensor(id, argument);
  if (t.shape.size() != rank)
    fail(std::string(argument) + " has shape " + to_string(t.shape) + " (without the batch); expected " +
         std::to_string(rank) + " dimensions");
  return t;
}

ParameterInfo GraphBuilder::parameter_info(int slot, size_t rank, const char* argument) const {
  if (slot < 0 || slot >= static_cast<int>(graph_.parameters.size()))
    fail(std::string(argument) + ": no parameter has the number " + std::to_string(slot));
  ParameterInfo p = graph_.parameters[slot];
  if (p.shape.size() != rank)
    fail(std::string(argument) + " has shape " + to_string(p.shape) + "; expected " + std::to_string(rank) +
         " dimensions");
  return p;
}

void GraphBuilder::check_bias(int bias, int64_t channels) const {
  if (bias < 0) return;
  const ParameterInfo p = parameter_info(bias, 1, "bias");
  if (p.shape[0] != channels) fail("bias has shape " + to_string(p.shape) + "; expected " + to_string({channels}));
}

int GraphBuilder::new_tensor(const Shape& shape, DType dtype) {
  const int64_t words = dtype == DType::int64 ? 2 : 1;
  graph_.tensors.push_back({shape, dtype, element_count(shape) * words, graph_.buffers++});
  return static_cast<int>(graph_.tensors.size()) - 1;
}

int GraphBuilder::alias(int of, const Shape& shape) {
  Tensor copy = graph_.tensors[of];
  copy.shape = shape;
  graph_.tensors.push_back(copy);
  return static_cast<int>(graph_.tensors.size()) - 1;
}

Shape GraphBuilder::shape(int id) const { return any_tensor(id, "tensor").shape; }

int GraphBuilder::input(const Shape& shape, DType dtype) {
  const int id = new_tensor(shape, dtype);
  graph_.inputs.push_back(id);
  return id;
}

int GraphBuilder::parameter(const Shape& shape, bool trainable) {
  graph_.parameters.push_back({shape, element_count(shape), trainable});
  return static_cast<int>(graph_.parameters.size()) - 1;
}

void GraphBuilder::add_other(std::vector<int> inputs, int y, std::function<std::unique_ptr<Op>(const Node&)> make) {
  nodes_.push_back({Node::other_node, std::move(inputs), {y}, std::move(make)});
}

// Every output gets memory of its own, which it shares with no input and no other output.
void GraphBuilder::separate_outputs(const std::vector<int>& outputs) {
  std::vector<int> taken;
  for (int id : graph_.inputs) taken.push_back(graph_.tensors[id].buffer);
  for (int id : outputs) {
    const Tensor t = any_tensor(id, "outputs");
    int output = id;
    if (std::find(taken.begin(), taken.end(), t.buffer) != taken.end()) {
      output = new_tensor(t.shape, t.dtype);
      add_other({id}, output, [=](const Node& n) { return make_copy(n.inputs[0], output, t.size); });
    }
    taken.push_back(graph_.tensors[output].buffer);
    graph_.outputs.push_back(output);
  }
}

void GraphBuilder::drop_unused(bool effects) {
  std::vector<char> needed(graph_.buffers, 0);
  const auto need = [&](int id) -> char& { return needed[graph_.tensors[id].buffer]; };
  for (int id : graph_.outputs) need(id) = 1;
  for (const LossTerm& term : graph_.losses) need(term.tensor) = 1;
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (std::any_of(node->outputs.begin(), node->outputs.end(), need) || (effects && node->effect))
      for (int id : node->inputs) need(id) = 1;
    else
      node->outputs.clear();
  }
  std::erase_if(nodes_, [](const Node& node) { return node.outputs.empty(); });
}

Graph GraphBuilder::build(const std::vector<int>& outputs, Layout layout, const Fusions& fusions, bool effects) {
  for (int id : outputs) any_tensor(id, "outputs");
  separate_outputs(outputs);
  drop_unused(effects);
  std::vector<int> kept = graph_.outputs;
  for (const LossTerm& term : graph_.losses) kept.push_back(term.tensor);
  std::vector<Node> folded = nodes_;
  const bool folds = fusions.batch_norm && fold_batch_norm(folded, graph_.tensors, kept);
  const auto make_ops = [&](std::vector<Node>& nodes) {
    std::vector<std::unique_ptr<Op>> ops;
    fuse(nodes, graph_.tensors, kept, fusions);
    for (const Node& node : nodes) ops.push_back(node.make(node));
    return ops;
  };
  graph_.ops = make_ops(nodes_);
  nodes_.clear();
  for (const auto& op : graph_.ops)
    if (layout == Layout::lanes && !op->takes_lanes()) fail("layout is 'lanes', which " + op->kind + " does not have");
  graph_.layout = layout;
  graph_.join_losses = fusions.loss;
  if (folds) {
    auto inference = std::make_shared<Graph>();
    static_cast<Network&>(*inference) = graph_;
    inference->ops = make_ops(folded);
    graph_.inference = std::move(inference);
  }
  return std::exchange(graph_, Graph{});
}

}  // namespace day33
