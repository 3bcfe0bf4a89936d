// A network as a list of ops in order, every shape known; and the builder that makes one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/shapes.h"
#include "ops/batch_norm.h"
#include "ops/channel_ops.h"
#include "ops/conv_ops.h"
#include "ops/loss_ops.h"
#include "ops/op.h"

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
};

struct Pair {
  int64_t height, width;
};

struct ActivationSpec {
  Activation kind = Activation::linear;
  float alpha = 0.0f;
};

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
  int batch_normalization(int x, const BatchNormParameters& parameters, float momentum, float epsilon, bool frozen);
  int dropout(int x, float rate, uint64_t seed);
  int global_average_pooling2d(int x, bool keepdims);
  int reshape(int x, const Shape& shape);
  int add(const std::vector<int>& xs);
  int concatenate(const std::vector<int>& xs, int64_t axis);
  int loss(int prediction, LossKind kind, bool from_logits, bool mean, float weight);

  // Fuses activations into the op before them, drops what no output and no loss needs. The builder is empty after.
  Graph build(const std::vector<int>& outputs, Layout layout);

 private:
  struct PendingActivation {
    size_t op;
    int input, output;
    ActivationSpec spec;
  };

  const Tensor& tensor(int id, const char* argument) const;
  const Tensor& tensor_of_rank(int id, size_t rank, const char* argument) const;
  const ParameterInfo& parameter_info(int slot, size_t rank, const char* argument) const;
  void check_bias(int bias, int64_t channels) const;
  int new_tensor(const Shape& shape, DType dtype = DType::float32);
  int alias(int of, const Shape& shape);
  void fuse_activations(const std::vector<int>& outputs);
  void separate_outputs(const std::vector<int>& outputs);
  void drop_unused();

  Graph graph_;
  std::vector<PendingActivation> activations_;
};

}  // namespace day33
