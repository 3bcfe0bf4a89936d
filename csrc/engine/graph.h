// A network as a list of ops in order, every shape known; and the builder that makes one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/shapes.h"
#include "ops/activation.h"
#include "ops/batch_norm.h"
#include "ops/channel_ops.h"
#include "ops/conv_ops.h"
#include "ops/layer_ops.h"
#include "ops/loss_ops.h"
#include "ops/op.h"
#include "ops/rearrange.h"
#include "ops/sequence_ops.h"

namespace day33 {

struct ParameterInfo {
  Shape shape;
  int64_t size;
  bool trainable;
};

// Samples in the SIMD lanes, channels in the lanes, or whichever suits channels and batch.
enum class Layout { automatic, lanes, channels };

struct Graph {
  std::vector<Tensor> tensors;
  int buffers = 0;
  std::vector<ParameterInfo> parameters;
  std::vector<std::unique_ptr<Op>> ops;  // in an order in which they can run
  std::vector<int> inputs, outputs;      // tensors
  std::vector<LossTerm> losses;
  Layout layout = Layout::automatic;
  bool join_losses = true;  // Fusions::loss
  // The same network for inference, where that can be told apart: with batch normalisation folded into weights.
  std::shared_ptr<const Graph> inference;
};

struct Pair {
  int64_t height, width;
};

struct RecurrentParameters {
  int kernel, recurrent_kernel, bias;  // slots; bias may be -1
};

// Rows or columns added before and after; negative: taken away.
struct Border {
  int64_t before, after;
};

// Of a recurrent layer with U units: gates, initial states, floats in a row of memory by U, rows of y after the steps.
struct RecurrentSizes {
  int64_t gates, states, row, extra_rows;
};

// Rewrites that change how a plan computes, not what. All are on unless a test compares with and without.
struct Fusions {
  bool activation = true;   // of a convolution or dense layer, applied while its sums are in registers
  bool up_sampling = true;  // nearest, folded into the kernel of the convolution that follows
  bool pooling = true;      // max pooling of a convolution's rows while they are in the cache
  bool batch_norm = true;   // folded into the convolution before it, for inference
  bool loss = true;         // a sparse cross-entropy taken by the large dense layer that makes the logits
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

// Folds batch normalisation, as it is in inference, into the convolutions before it. Whether there was any.
bool fold_batch_norm(std::vector<Node>& nodes, const std::vector<Tensor>& tensors, const std::vector<int>& kept);

// Applies the fusions to `nodes`. `kept` marks tensors that outputs and losses read.
void fuse(std::vector<Node>& nodes, const std::vector<Tensor>& tensors, const std::vector<int>& kept,
          const Fusions& fusions);

// Adds one op at a time and works out its output shape. Tensors and parameter slots are small integers. Every method
// throws std::invalid_argument that names the argument, what was given and what was expected.
class GraphBuilder {
 public:
  const Shape& shape(int tensor) const;

  int input(const Shape& shape, DType dtype);
  int parameter(const Shape& shape, bool trainable);

  int conv2d(int x, int kernel, int bias, Pair strides, Padding padding, Pair dilation, int64_t groups,
             ActivationSpec activation);
  int conv2d_transpose(int x, int kernel, int bias, Pair strides, Padding padding,
                       std::optional<int64_t> output_padding_height, std::optional<int64_t> output_padding_width,
                       Pair dilation, ActivationSpec activation);
  int dense(int x, int kernel, int bias, ActivationSpec activation);
  // {pooled, indices}
  std::pair<int, int> max_pool2d(int x, Pair pool_size, Pair strides, Padding padding);
  int max_unpool2d(int x, int indices, const Shape& output_shape);
  int up_sampling2d(int x, Pair size, Interpolation interpolation);
  int activation(int x, ActivationSpec activation);
  int batch_normalization(int x, const BatchNormParameters& parameters, float momentum, float epsilon, bool frozen,
                          int mask = -1);
  int dropout(int x, float rate, uint64_t seed, bool shared_axis);  // shared: one mask along the first axis
  int global_average_pooling2d(int x, bool keepdims);
  int reshape(int x, const Shape& shape);
  int add(const std::vector<int>& xs) { return merge(Merge::add, xs); }
  int concatenate(const std::vector<int>& xs, int64_t axis);
  // builder_sequences.cpp
  int embedding(int ids, int table);
  // y (T, units). mask -1: none; initial: the states, or none. lstm: `with_state` adds a row, the last state of the
  // cell.
  int lstm(int x, const RecurrentParameters& parameters, int mask, const std::vector<int>& initial, bool with_state);
  int gru(int x, const RecurrentParameters& parameters, int mask, const std::vector<int>& initial, bool reset_after);
  int simple_rnn(int x, const RecurrentParameters& parameters, int mask, const std::vector<int>& initial);
  int slice(int x, int64_t begin, int64_t end);  // rows of the first axis
  int reverse(int x);                            // along the first axis
  int keep_where(int x, int mask);               // 0 where the mask, of the leading axes of x, is 0
  int either(int a, int b);                      // int32, of one shape: 1 where either is not 0
  int masked_average(int x, int mask);           // (T, ...) to (...): over the rows where the mask (T,) is not 0
  int to_int64(int x);                           // of int32; nothing reads it but the caller
  int to_int32(int x);                           // the fraction is cut off; what int32 cannot hold becomes -1
  // int32: 1 where x differs from `value`; of float32, where any number on the last axis does.
  int differs(int x, float value);

  // builder_layers.cpp
  int average_pool2d(int x, Pair pool_size, Pair strides, Padding padding);
  int global_max_pooling2d(int x, bool keepdims);
  int depthwise_conv2d(int x, int kernel, int bias, Pair strides, Padding padding, Pair dilation,
                       ActivationSpec activation);
  int layer_normalization(int x, int gamma, int beta, int64_t axes, float epsilon);
  // One value for all, or one for each element of a sample.
  int rescaling(int x, const std::vector<float>& scale, const std::vector<float>& offset);
  int merge(Merge kind, const std::vector<int>& xs);  // of one shape
  int pad2d(int x, Border height, Border width);
  int permute(int x, const std::vector<int64_t>& axes);
  int broadcast_to(int x, const Shape& shape);

  int loss(int prediction, LossKind kind, bool from_logits, bool mean, float weight);

  // Fuses, drops what no output and no loss needs, and makes the ops. The builder is empty afterwards.
  Graph build(const std::vector<int>& outputs, Layout layout, const Fusions& fusions = {});

 private:
  const Tensor& tensor(int id, const char* argument) const;
  const Tensor& tensor_of_rank(int id, size_t rank, const char* argument) const;
  const ParameterInfo& parameter_info(int slot, size_t rank, const char* argument) const;
  void check_bias(int bias, int64_t channels) const;
  int new_tensor(const Shape& shape, DType dtype = DType::float32);
  int alias(int of, const Shape& shape);
  using MakeRecurrent = std::function<std::unique_ptr<Op>(const RecurrentInputs&, std::vector<int> outputs)>;
  int recurrent(int x, const RecurrentParameters& parameters, int mask, const std::vector<int>& initial,
                const RecurrentSizes& sizes, const MakeRecurrent& make);
  SequenceShape sequence_shape(int x, const RecurrentParameters& parameters) const;
  int convolution(int x, int kernel, int bias, const Convolution& convolution, const Shape& shape,
                  ActivationSpec activation);
  int rearrange(const char* kind, int x, const Shape& shape, const std::vector<SourceAxis>& axes);
  void add_other(std::vector<int> inputs, int y, std::function<std::unique_ptr<Op>(const Node&)> make);
  void separate_outputs(const std::vector<int>& outputs);
  void drop_unused();

  std::vector<Node> nodes_;
  Graph graph_;
};

}  // namespace day33
