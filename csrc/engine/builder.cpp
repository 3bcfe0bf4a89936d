#include "engine/builder.h"

#include <algorithm>
#include <utility>

namespace day33 {
const Tensor& GraphBuilder::tensor(int id, const char* argument) const {
  if (id < 0 || id >= static_cast<int>(graph_.tensors.size()))
    fail(std::string(argument) + ": no tensor has the number " + std::to_string(id));
  return graph_.tensors[id];
}

const Tensor& GraphBuilder::tensor_of_rank(int id, size_t rank, const char* argument) const {
  const Tensor& t = tensor(id, argument);
  if (t.shape.size() != rank)
    fail(std::string(argument) + ": got shape " + to_string(t.shape) + " (without the batch), expected " +
         std::to_string(rank) + " dimensions");
  return t;
}

const ParameterInfo& GraphBuilder::parameter_info(int slot, size_t rank, const char* argument) const {
  if (slot < 0 || slot >= static_cast<int>(graph_.parameters.size()))
    fail(std::string(argument) + ": no parameter has the number " + std::to_string(slot));
  const ParameterInfo& p = graph_.parameters[slot];
  if (p.shape.size() != rank)
    fail(std::string(argument) + ": got shape " + to_string(p.shape) + ", expected " + std::to_string(rank) +
         " dimensions");
  return p;
}

void GraphBuilder::check_bias(int bias, int64_t channels) const {
  if (bias < 0) return;
  const ParameterInfo& p = parameter_info(bias, 1, "bias");
  if (p.shape[0] != channels) fail("bias: got shape " + to_string(p.shape) + ", expected " + to_string({channels}));
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

const Shape& GraphBuilder::shape(int id) const { return tensor(id, "tensor").shape; }

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

int GraphBuilder::convolution(int x, int kernel, int bias, const Convolution& convolution, const Shape& shape,
                              ActivationSpec spec) {
  const int y = new_tensor(shape);
  Node node{Node::convolution_node, {x}, {y}, [=](const Node& n) {
              return make_convolution(n.inputs[0], n.outputs, kernel, bias, n.convolution, n.activation);
            }};
  node.convolution = convolution;
  nodes_.push_back(std::move(node));
  return activation(y, spec);
}

int GraphBuilder::conv2d(int x, int kernel, int bias, Pair strides, Padding padding, Pair dilation, int64_t groups,
                         ActivationSpec spec) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const bool flat =
      kernel >= 0 && kernel < static_cast<int>(graph_.parameters.size()) && graph_.parameters[kernel].shape.size() == 3;
  Shape k = parameter_info(kernel, flat ? 3 : 4, "kernel").shape;
  if (flat) k.insert(k.begin(), 1);  // a kernel (KW, C / groups, O) has the height 1
  if (groups < 1) fail("groups: got " + std::to_string(groups) + ", expected at least 1");
  if (k[2] < 1 || in[2] != k[2] * groups)
    fail("kernel: got shape " + to_string(k) + " with groups=" + std::to_string(groups) + ", which reads " +
         std::to_string(k[2] * groups) + " channels, but x has " + std::to_string(in[2]));
  if (k[3] < 1 || k[3] % groups != 0)
    fail("groups: got " + std::to_string(groups) + ", which does not divide the kernel's " + std::to_string(k[3]) +
         " output channels");
  check_bias(bias, k[3]);
  Convolution c{conv_axis(in[0], k[0], strides.height, dilation.height, padding, "height"),
                conv_axis(in[1], k[1], strides.width, dilation.width, padding, "width"),
                k[2],
                k[3],
                groups,
                false};
  return convolution(x, kernel, bias, c, {c.height.out, c.width.out, k[3]}, spec);
}

int GraphBuilder::conv2d_transpose(int x, int kernel, int bias, Pair strides, Padding padding,
                                   std::optional<int64_t> output_padding_height,
                                   std::optional<int64_t> output_padding_width, Pair dilation, ActivationSpec spec) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const Shape k = parameter_info(kernel, 4, "kernel").shape;
  if (k[3] < 1 || in[2] != k[3])
    fail("kernel: got shape " + to_string(k) + ", whose last dimension must be the channels of x, " +
         std::to_string(in[2]));
  if (k[2] < 1) fail("kernel: got shape " + to_string(k) + ", expected at least one output channel");
  check_bias(bias, k[2]);
  Convolution c{
      conv_transpose_axis(in[0], k[0], strides.height, dilation.height, padding, output_padding_height, "height"),
      conv_transpose_axis(in[1], k[1], strides.width, dilation.width, padding, output_padding_width, "width"),
      k[2],
      k[3],
      1,
      true};
  return convolution(x, kernel, bias, c, {c.height.in, c.width.in, k[2]}, spec);
}

int GraphBuilder::dense(int x, int kernel, int bias, ActivationSpec spec) {
  Shape shape = tensor(x, "x").shape;
  const Shape k = parameter_info(kernel, 2, "kernel").shape;
  if (shape.empty()) fail("x: got shape () (without the batch), expected at least one dimension");
  if (shape.back() != k[0] || k[0] < 1 || k[1] < 1)
    fail("kernel: got shape " + to_string(k) + ", expected (" + std::to_string(shape.back()) +
         ", units) for x of shape " + to_string(shape) + " (without the batch)");
  check_bias(bias, k[1]);
  const int64_t rows = rows_of(shape);
  shape.back() = k[1];
  const int y = new_tensor(shape);
  nodes_.push_back({Node::dense_node, {x}, {y}, [=, C = k[0], O = k[1]](const Node& n) {
                      return make_dense(n.inputs[0], n.outputs, kernel, bias, rows, C, O, n.activation);
                    }});
  return activation(y, spec);
}

std::pair<int, int> GraphBuilder::max_pool2d(int x, Pair pool_size, Pair strides, Padding padding) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const ConvAxis height = conv_axis(in[0], pool_size.height, strides.height, 1, padding, "height");
  const ConvAxis width = conv_axis(in[1], pool_size.width, strides.width, 1, padding, "width");
  if (product(in, 0, 3) > INT32_MAX)
    fail("x: got shape " + to_string(in) + " (without the batch), too large for 32-bit indices");
  const Shape out{height.out, width.out, in[2]};
  const int y = new_tensor(out);
  const int winner = new_tensor(out, DType::int32);
  const int indices = new_tensor(out, DType::int32);
  Node node{Node::max_pool_node, {x}, {y, winner, indices}, [=, C = in[2]](const Node& n) {
              return make_max_pool2d(n.inputs[0], y, winner, indices, height, width, C);
            }};
  node.pool_height = height;
  node.pool_width = width;
  nodes_.push_back(std::move(node));
  return {y, indices};
}

int GraphBuilder::max_unpool2d(int x, int indices, const Shape& output_shape) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  const Tensor& index = tensor(indices, "indices");
  if (index.shape != in)
    fail("indices: got shape " + to_string(index.shape) + ", expected the shape of x, " + to_string(in));
  if (index.dtype != DType::int32) fail("indices: expected an int32 tensor");
  if (output_shape.size() != 3 || output_shape[2] != in[2])
    fail("output_shape: got " + to_string(output_shape) + ", expected (height, width, " + std::to_string(in[2]) + ")");
  const int64_t out = element_count(output_shape);
  if (out > INT32_MAX) fail("output_shape: " + to_string(output_shape) + " is too large for 32-bit indices");
  const int y = new_tensor(output_shape);
  add_other({x, indices}, y, [=, cells = product(in, 0, 3)](const Node& n) {
    return make_max_unpool2d(n.inputs[0], n.inputs[1], y, cells, out);
  });
  return y;
}

int GraphBuilder::up_sampling2d(int x, Pair size, Interpolation interpolation) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  if (size.height < 1 || size.width < 1 || size.height > INT32_MAX || size.width > INT32_MAX)
    fail("size: got " + to_string({size.height, size.width}) + ", expected positive integers");
  const int y = new_tensor({in[0] * size.height, in[1] * size.width, in[2]});
  add_other({x}, y, [=](const Node& n) {
    return make_up_sampling2d(n.inputs[0], y, in[0], in[1], in[2], size.height, size.width, interpolation);
  });
  if (interpolation == Interpolation::nearest) nodes_.back().kind = Node::nearest_up_sampling_node;
  nodes_.back().scale = size;
  return y;
}

int GraphBuilder::activation(int x, ActivationSpec spec) {
  if (spec.kind == Activation::linear) return x;
  const Shape shape = tensor(x, "x").shape;
  if (shape.empty() && !is_elementwise(spec.kind))
    fail("x: got shape () (without the batch); " + to_string(spec.kind) + " needs at least one dimension");
  const int64_t C = shape.empty() ? 1 : shape.back();
  const int y = new_tensor(shape);
  const int64_t rows = shape.empty() ? 1 : rows_of(shape);
  add_other({x}, y, [=](const Node& n) { return make_activation(n.inputs[0], y, spec, rows, C); });
  nodes_.back().kind = Node::activation_node;
  nodes_.back().activation = spec;
  return y;
}

int GraphBuilder::batch_normalization(int x, const BatchNormParameters& p, float momentum, float epsilon, bool frozen,
                                      int mask) {
  const Shape shape = tensor(x, "x").shape;
  if (shape.empty() || tensor(x, "x").size == 0)
    fail("x: got shape " + to_string(shape) + " (without the batch), expected at least one value");
  const int64_t C = shape.back();
  const auto check = [&](int slot, const char* name) {
    const ParameterInfo& info = parameter_info(slot, 1, name);
    if (info.shape[0] != C)
      fail(std::string(name) + ": got shape " + to_string(info.shape) + ", expected " + to_string({C}));
  };
  if (p.gamma >= 0) check(p.gamma, "gamma");
  if (p.beta >= 0) check(p.beta, "beta");
  check(p.moving_mean, "moving_mean");
  check(p.moving_variance, "moving_variance");
  if (mask >= 0) {
    const Shape kept = tensor(mask, "mask").shape, rows(shape.begin(), shape.end() - 1);
    if (kept != rows || tensor(mask, "mask").dtype != DType::int32)
      fail("mask: got shape " + to_string(kept) + ", expected int32 of shape " + to_string(rows) +
           ", one number per row of x");
  }
  const int y = new_tensor(shape);
  add_other(mask < 0 ? std::vector<int>{x} : std::vector<int>{x, mask}, y, [=, rows = rows_of(shape)](const Node& n) {
    return make_batch_norm(n.inputs[0], mask < 0 ? -1 : n.inputs[1], y, p, rows, C, momentum, epsilon, frozen);
  });
  nodes_.back().kind = Node::batch_norm_node;
  nodes_.back().norm = {p.gamma, p.beta, p.moving_mean, p.moving_variance, epsilon};
  return y;
}

int GraphBuilder::dropout(int x, float rate, uint64_t seed, bool shared_axis) {
  const Tensor& in = tensor(x, "x");
  if (!(rate >= 0.0f && rate < 1.0f)) fail("rate: got " + std::to_string(rate) + ", expected a number in [0, 1)");
  if (shared_axis && (in.shape.empty() || in.shape[0] == 0)) fail("shared_axis: x has no first axis to share");
  const int64_t repeats = shared_axis ? in.shape[0] : 1, features = in.size / repeats;
  const int y = new_tensor(Shape(in.shape));
  add_other({x}, y, [=](const Node& n) { return make_dropout(n.inputs[0], y, repeats, features, rate, seed); });
  return y;
}

int GraphBuilder::global_average_pooling2d(int x, bool keepdims) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  if (in[0] * in[1] == 0)
    fail("x: got shape " + to_string(in) + " (without the batch), which has no pixels to average");
  const int y = new_tensor(keepdims ? Shape{1, 1, in[2]} : Shape{in[2]});
  add_other({x}, y, [=](const Node& n) { return make_global_average(n.inputs[0], y, in[0] * in[1], in[2]); });
  return y;
}

int GraphBuilder::reshape(int x, const Shape& shape) {
  const Tensor& in = tensor(x, "x");
  if (element_count(shape) != in.size)
    fail("shape: got " + to_string(shape) + ", which has not the " + std::to_string(in.size) + " elements of x, " +
         to_string(in.shape) + " (without the batch)");
  return alias(x, shape);
}

int GraphBuilder::concatenate(const std::vector<int>& xs, int64_t axis) {
  if (xs.empty()) fail("xs: got no tensors");
  Shape shape = tensor(xs[0], "xs").shape;
  const int64_t rank = static_cast<int64_t>(shape.size());
  if (axis < -rank || axis >= rank)
    fail("axis: got " + std::to_string(axis) + ", expected one of the " + std::to_string(rank) +
         " axes after the batch");
  const size_t at = static_cast<size_t>(axis < 0 ? axis + rank : axis);
  const int64_t outer = product(shape, 0, at), tail = product(shape, at + 1, shape.size());
  std::vector<int64_t> inner;
  int64_t total = 0;
  const DType dtype = tensor(xs[0], "xs").dtype;
  for (int x : xs) {
    Shape other = tensor(x, "xs").shape;
    if (tensor(x, "xs").dtype != dtype) fail("xs: got tensors of different dtypes");
    if (other.size() == shape.size()) {
      inner.push_back(other[at] * tail);
      total += other[at];
      other[at] = shape[at];
    }
    if (other != shape)
      fail("xs: shapes " + to_string(shape) + " and " + to_string(tensor(x, "xs").shape) +
           " differ in more than axis " + std::to_string(axis));
  }
  shape[at] = total;
  const int y = new_tensor(shape, dtype);
  add_other(xs, y, [=](const Node& n) { return make_concatenate(n.inputs, y, outer, inner); });
  return y;
}

int GraphBuilder::loss(int prediction, LossKind kind, bool from_logits, bool mean, float weight) {
  const Shape shape = tensor(prediction, "prediction").shape;
  if (shape.empty()) fail("prediction: got shape () (without the batch), expected at least one dimension");
  LossTerm term{kind, from_logits, mean, weight, prediction, rows_of(shape), shape.back()};
  // A prediction straight out of a sigmoid or softmax: like Keras on TensorFlow, cross-entropies then look through it
  // to the logits, whichever of the two it is and whatever from_logits says (backend/tensorflow/nn.py, _get_logits).
  // That is cheaper, and exact where a probability rounds to 0 or 1.
  const bool crossentropy = kind == LossKind::binary_crossentropy || kind == LossKind::categorical_crossentropy ||
                            kind == LossKind::sparse_categorical_crossentropy;
  for (const Node& node : nodes_) {
    const Activation head = node.activation.kind;
    if (!crossentropy || node.kind != Node::activation_node || node.outputs[0] != prediction) continue;
    if (head != Activation::sigmoid && head != Activation::softmax) continue;
    term.tensor = node.inputs[0];
    term.from_logits = true;
  }
  graph_.losses.push_back(term);
  return static_cast<int>(graph_.losses.size()) - 1;
}

// Every output gets memory of its own, which no input and no other output has.
void GraphBuilder::separate_outputs(const std::vector<int>& outputs) {
  std::vector<int> taken;
  for (int id : graph_.inputs) taken.push_back(graph_.tensors[id].buffer);
  for (int id : outputs) {
    const Tensor t = tensor(id, "outputs");
    int output = id;
    if (std::find(taken.begin(), taken.end(), t.buffer) != taken.end()) {
      output = new_tensor(t.shape, t.dtype);
      add_other({id}, output, [=](const Node& n) { return make_copy(n.inputs[0], output, t.size); });
    }
    taken.push_back(graph_.tensors[output].buffer);
    graph_.outputs.push_back(output);
  }
}

void GraphBuilder::drop_unused() {
  std::vector<char> needed(graph_.buffers, 0);
  const auto need = [&](int id) -> char& { return needed[graph_.tensors[id].buffer]; };
  for (int id : graph_.outputs) need(id) = 1;
  for (const LossTerm& term : graph_.losses) need(term.tensor) = 1;
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (std::any_of(node->outputs.begin(), node->outputs.end(), need))
      for (int id : node->inputs) need(id) = 1;
    else
      node->outputs.clear();
  }
  std::erase_if(nodes_, [](const Node& node) { return node.outputs.empty(); });
}

Graph GraphBuilder::build(const std::vector<int>& outputs, Layout layout, const Fusions& fusions) {
  for (int id : outputs) tensor(id, "outputs");
  separate_outputs(outputs);
  drop_unused();
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
    if (layout == Layout::lanes && !op->takes_lanes())
      fail("layout: got 'lanes', which " + op->kind + " does not have");
  graph_.layout = layout;
  graph_.join_losses = fusions.loss;
  if (folds) {
    auto inference = std::make_shared<Graph>();
    inference->tensors = graph_.tensors;
    inference->buffers = graph_.buffers;
    inference->parameters = graph_.parameters;
    inference->ops = make_ops(folded);
    inference->inputs = graph_.inputs;
    inference->outputs = graph_.outputs;
    inference->losses = graph_.losses;
    inference->layout = layout;
    inference->join_losses = fusions.loss;
    graph_.inference = std::move(inference);
  }
  return std::exchange(graph_, Graph{});
}

}  // namespace day33
