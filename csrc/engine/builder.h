// Builds a graph op by op.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/shapes.h"
#include "engine/fusion.h"
#include "engine/graph.h"
#include "ops/affine_transform.h"
#include "ops/arithmetic.h"
#include "ops/losses.h"
#include "ops/movement.h"
#include "ops/normalization.h"
#include "ops/op.h"
#include "ops/recurrent.h"
#include "ops/resampling.h"
#include "ops/resize.h"

namespace day33 {

struct RecurrentParameters {
  int kernel, recurrent_kernel, bias;  // slots; bias may be -1
};

// Cells to add before and after those of an axis; negative numbers remove them.
struct Border {
  int64_t before, after;
};

// The sizes of a recurrent layer with U units.
struct RecurrentSizes {
  int64_t gates;
  int64_t states;      // initial ones
  int64_t row;         // floats in a row of memory, divided by U
  int64_t extra_rows;  // rows of y after those of the steps
};

// Adds one op at a time and computes its output shape. Tensors and parameter slots are numbered 0, 1, 2, ... Every
// method throws std::invalid_argument with a message that names the argument, what was given and what was expected.
class GraphBuilder {
 public:
  Shape shape(int tensor) const;

  int input(const Shape& shape, DType dtype);
  int parameter(const Shape& shape, bool trainable);

  // builder_convolution.cpp
  int conv2d(int x, int kernel, int bias, Pair strides, Padding padding, Pair dilation, int64_t groups,
             ActivationSpec activation);
  int conv2d_transpose(int x, int kernel, int bias, Pair strides, Padding padding,
                       std::optional<int64_t> output_padding_height, std::optional<int64_t> output_padding_width,
                       Pair dilation, ActivationSpec activation);
  int depthwise_conv2d(int x, int kernel, int bias, Pair strides, Padding padding, Pair dilation,
                       ActivationSpec activation);

  // builder_dense.cpp
  // transposed: the kernel is (O, C).
  int dense(int x, int kernel, int bias, ActivationSpec activation, bool transposed = false);

  // builder_pooling.cpp
  std::pair<int, int> max_pool2d(int x, Pair pool_size, Pair strides, Padding padding);  // {pooled, indices}
  int average_pool2d(int x, Pair pool_size, Pair strides, Padding padding);
  int max_unpool2d(int x, int indices, const Shape& output_shape);
  int global_average_pooling2d(int x, bool keepdims);
  int global_max_pooling2d(int x, bool keepdims);

  // builder_resampling.cpp
  int up_sampling2d(int x, Pair size, Interpolation interpolation);
  int resize(int x, Pair size, Resizing kind, bool antialias);  // as tf.image.resize
  // As tf.raw_ops.ImageProjectiveTransformV3; `transform` is an (8,) for each image.
  int affine_transform(int x, int transform, bool bilinear, FillMode fill_mode, float fill_value);

  // builder_normalization.cpp
  int batch_normalization(int x, const BatchNormParameters& parameters, float momentum, float epsilon, bool frozen,
                          int mask = -1);
  int layer_normalization(int x, int gamma, int beta, int64_t axes, float epsilon);  // over the last `axes` axes

  // builder_elementwise.cpp
  int activation(int x, ActivationSpec activation);
  // One value for all, or one for each element of a sample.
  int rescaling(int x, const std::vector<float>& scale, const std::vector<float>& offset);
  int merge(Merge kind, const std::vector<int>& xs);  // of one shape
  int add(const std::vector<int>& xs) { return merge(Merge::add, xs); }
  int dropout(int x, float rate, uint64_t seed, bool shared_axis);  // shared_axis: one mask for the first axis
  int by_mode(int in_training, int in_inference);  // the one that the mode says; of one shape and dtype
  int to_int64(int x);                             // of int32; only the caller can read the result, no op does
  int to_int32(int x);  // the fraction is cut off; values outside the range of int32 are refused when it runs

  // builder_arithmetic.cpp. Shapes are broadcast as NumPy does it; operands of one op have one dtype.
  int unary(Unary kind, int x);
  int binary(Binary kind, int a, int b);
  int select(int condition, int a, int b);  // condition: int32
  int cast(int x, Cast to);
  int stop_gradient(int x);
  int parameter_value(int slot);

  // builder_reduction.cpp. Axes count from 0, or back from -1.
  int reduce(Reduce kind, int x, const std::vector<int64_t>& axes, bool keepdims);
  int arg_reduce(ArgReduce kind, int x, int64_t axis);  // int32; the axis is gone
  int cumulate(Cumulate kind, int x, int64_t axis);

  // builder_random.cpp
  int random(Distribution kind, const Shape& shape, uint64_t seed);

  // builder_movement.cpp
  int reshape(int x, const Shape& shape);
  // One border for each axis. Reflections (`value` is for constants) repeat where a border is wider than x.
  int pad(int x, const std::vector<Border>& borders, PadMode mode, double value);
  int permute(int x, const std::vector<int64_t>& axes);
  int broadcast_to(int x, const Shape& shape);
  int concatenate(const std::vector<int>& xs, int64_t axis);
  // size[i] cells of each axis, from begin[i] on in steps of stride[i], which may be negative.
  int strided_slice(int x, const Shape& begin, const Shape& size, const Shape& stride);
  int slice(int x, int64_t begin, int64_t end);  // rows of the first axis
  int reverse(int x);                            // along the first axis
  // Each cell of the axis `repeats` times in a row: one number, or one for each cell.
  int repeat(int x, const std::vector<int64_t>& repeats, int64_t axis);
  int tile(int x, const std::vector<int64_t>& repeats);  // as NumPy does
  int take(int x, const std::vector<int64_t>& indices, const Shape& indices_shape, int64_t axis);

  // builder_masks.cpp
  // int32: 1 where x differs from `value`; for float32, where any number on the last axis does.
  int differs(int x, float value);
  int either(int a, int b);             // int32, of one shape: 1 where either is not 0
  int keep_where(int x, int mask);      // 0 where the mask, which has the leading axes of x, is 0
  int masked_average(int x, int mask);  // (T, ...) to (...): over the rows where the mask (T,) is not 0

  // builder_embedding.cpp
  int embedding(int ids, int table);

  // builder_recurrent.cpp
  // y (T, units). mask: -1 for none. initial: all states, or none. lstm: `with_state` adds a row, the last state of the
  // cell.
  int lstm(int x, const RecurrentParameters& parameters, int mask, const std::vector<int>& initial,
           const RecurrentOptions& options, bool with_state);
  int gru(int x, const RecurrentParameters& parameters, int mask, const std::vector<int>& initial,
          const RecurrentOptions& options, bool reset_after);
  int simple_rnn(int x, const RecurrentParameters& parameters, int mask, const std::vector<int>& initial,
                 const RecurrentOptions& options);

  // builder_states.cpp: parameters (samples, ...) that are no weights, with a row for each sample of a call.
  int state(int slot);              // (...): the row
  int keep_state(int x, int slot);  // x; the row becomes x, whether the result is used or not

  // builder_matrix.cpp
  int matmul(int a, int b);  // (..., M, K), (..., K, N); leading axes and operands of one axis as NumPy does

  // builder_indexing.cpp: by int32 tensors, where negative numbers count from the end
  int gather(int x, int indices, int64_t axis);           // the axis is replaced by those of the indices
  int take_along_axis(int x, int indices, int64_t axis);  // one index for each cell; other axes of 1 are stretched
  int one_hot(int indices, int64_t depth, int64_t axis);  // float32; 0 everywhere for an index outside [0, depth)

  // builder_losses.cpp
  // The input of the sigmoid or softmax that gives `prediction`; -1 where that is no output of one.
  int logits_of(int prediction) const;
  int loss(int prediction, LossKind kind, bool from_logits, bool mean, float weight);

  // Applies the fusions, drops what no output and no loss needs, and makes the ops. The builder is empty afterwards.
  // effects: whether states are kept.
  Graph build(const std::vector<int>& outputs, Layout layout, const Fusions& fusions = {}, bool effects = true);

 private:
  // Copies: a reference would not outlive the next new tensor or parameter. tensor() is for what an op reads, and so
  // never int64.
  Tensor any_tensor(int id, const char* argument) const;
  Tensor tensor(int id, const char* argument) const;
  Tensor tensor_of_rank(int id, size_t rank, const char* argument) const;
  ParameterInfo parameter_info(int slot, size_t rank, const char* argument) const;
  void check_bias(int bias, int64_t channels) const;
  Shape kernel_shape(int kernel) const;  // of four axes: a kernel of three has the height 1
  int new_tensor(const Shape& shape, DType dtype = DType::float32);
  int alias(int of, const Shape& shape);
  using MakeRecurrent = std::function<std::unique_ptr<Op>(const RecurrentInputs&, std::vector<int> outputs)>;
  int recurrent(int x, const RecurrentParameters& parameters, int mask, const std::vector<int>& initial,
                const RecurrentSizes& sizes, const MakeRecurrent& make);
  SequenceShape sequence_shape(int x, const RecurrentParameters& parameters, const RecurrentOptions& options) const;
  int convolution(int x, int kernel, int bias, const Convolution& convolution, const Shape& shape,
                  ActivationSpec activation);
  int rearrange(const char* kind, int x, const Shape& shape, const std::vector<SourceAxis>& axes, float fill = 0.0f);
  int rearrange_axis(const char* kind, int x, size_t at, const Shape& shape, const std::vector<SourceAxis>& by);
  void add_other(std::vector<int> inputs, int y, std::function<std::unique_ptr<Op>(const Node&)> make);
  void separate_outputs(const std::vector<int>& outputs);
  void drop_unused(bool effects);
  Shape state_shape(int slot);

  std::vector<Node> nodes_;
  Graph graph_;
};

}  // namespace day33
