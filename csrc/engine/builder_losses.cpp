// The builder's method for losses.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/losses.h"

namespace day33 {

int GraphBuilder::logits_of(int prediction) const {
  tensor(prediction, "prediction");
  for (const Node& node : nodes_) {
    const Activation head = node.activation.kind;
    if (node.kind != Node::activation_node || node.outputs[0] != prediction) continue;
    if (head == Activation::sigmoid || head == Activation::softmax) return node.inputs[0];
  }
  return -1;
}

int GraphBuilder::loss(int prediction, LossKind kind, bool from_logits, bool mean, float weight) {
  const Tensor in = tensor(prediction, "prediction");
  if (kind == LossKind::value) {
    if (in.dtype != DType::float32) fail("prediction has dtype int32; expected float32");
    graph_.losses.push_back({kind, false, mean, weight, prediction, in.size, 1});
    return static_cast<int>(graph_.losses.size()) - 1;
  }
  const Shape shape = in.shape;
  if (shape.empty()) fail("prediction has shape () (without the batch); expected at least one dimension");
  LossTerm term{.kind = kind,
                .from_logits = from_logits,
                .mean = mean,
                .weight = weight,
                .tensor = prediction,
                .rows = rows_of(shape),
                .C = shape.back()};
  // If the prediction is the output of a sigmoid or softmax, a cross-entropy reads the logits before it, whichever of
  // the two it is and whatever from_logits says, as Keras does on TensorFlow (backend/tensorflow/nn.py, _get_logits).
  // That is cheaper, and exact where a probability rounds to 0 or 1.
  const bool crossentropy = kind == LossKind::binary_crossentropy || kind == LossKind::categorical_crossentropy ||
                            kind == LossKind::sparse_categorical_crossentropy;
  const int logits = crossentropy ? logits_of(prediction) : -1;
  if (logits >= 0) {
    term.tensor = logits;
    term.from_logits = true;
  }
  graph_.losses.push_back(term);
  return static_cast<int>(graph_.losses.size()) - 1;
}

}  // namespace day33
