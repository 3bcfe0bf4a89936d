// What the engine knows of an op, and what an op knows of the tile it works on.
//
// An op is one layer kind with its shapes fixed. It holds no data: values, gradients, packed weights and
// accumulators are the engine's, and an op only says how large they must be. All methods are const and may run on
// many tiles at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/shapes.h"
#include "kernels/kernels.h"

namespace day33 {

enum class DType { float32, int32, int64 };  // int64 is for results only

struct ActivationSpec {
  Activation kind = Activation::linear;
  float alpha = 0.0f;
};

// A value in the plan, without the batch axis.
struct Tensor {
  Shape shape;
  DType dtype = DType::float32;
  int64_t size = 0;  // words of 32 bits
  int buffer = -1;   // tensors that are one memory under several shapes (reshape) share a buffer
};

// `n` samples in [n][...][lanes]; see kernels/args.h for the two layouts.
struct Tile {
  const Kernels* kernels;
  int lanes;             // 1, or kernels->lanes with one sample in each lane
  int64_t n;             // samples side by side in memory: 1 in the lanes layout
  int valid_lanes;       // lanes that hold samples of their own
  int64_t first_sample;  // number of the first sample in the batch
  bool training;
  uint64_t seed;

  float* const* value;            // by tensor
  float* const* gradient;         // by tensor; null where nothing is wanted
  const float* const* parameter;  // by slot, as the user sees it

  // Of the op at work:
  const float* packed;
  const float* packed_backward;
  float* const* accumulate;  // by parameter of the op; null where no gradient is wanted
  float* scratch;
  const float* statistics;
};

// A sparse cross-entropy of the op's output, taken by the op itself so that the output is never there as a whole.
struct JoinedLoss {
  const int32_t* labels;  // a row each
  const float* weights;   // a row each, or null; rows of weight 0 are left out
  float scale;            // multiplies the gradient
  bool backward;
};

class Op {
 public:
  Op(std::string kind, std::vector<int> inputs, std::vector<int> outputs, std::vector<int> parameters)
      : kind(std::move(kind)),
        inputs(std::move(inputs)),
        outputs(std::move(outputs)),
        parameters(std::move(parameters)) {}
  virtual ~Op() = default;

  const std::string kind;
  std::vector<int> inputs;      // tensors
  std::vector<int> outputs;     // tensors; only the first carries a gradient
  std::vector<int> parameters;  // slots, -1 for one that was left out

  // The work of one tile is `units` equal parts that may run in any order, on any thread.
  virtual int64_t units(int64_t /*n*/) const { return 1; }
  virtual void forward(const Tile& tile, int64_t begin, int64_t end) const = 0;
  // dx: one pointer an input, null where no gradient is wanted. Overwritten, never added to. May change the
  // gradient of its output in place.
  virtual void backward(const Tile& tile, float* const* dx) const = 0;

  // Whether the op takes the whole batch at once and spreads the work over the pool itself, as matrix products with
  // large weights do. Its tile is then the batch, and `accumulate` points into the caller's gradients.
  virtual bool whole(int /*lanes*/) const { return false; }
  // Whether the op can run with samples in the lanes.
  virtual bool takes_lanes() const { return true; }
  // Whether output o, a by-product, is wanted by the op itself.
  virtual bool keeps_output(size_t o, bool backward) const { return o == 1 && backward; }

  // Ops that can take a sparse cross-entropy of their output together with it: forward, loss and backward in one.
  // Returns the sum over rows of weight * loss.
  virtual bool joins_loss(int /*lanes*/) const { return false; }
  virtual double run_joined(const Tile&, const JoinedLoss&, float* /*dx*/) const { return 0.0; }

  // Whether backward reads what forward wrote (its outputs, scratch or statistics).
  virtual bool backward_reads_forward() const { return true; }

  virtual int64_t scratch_size(const Kernels&, int /*lanes*/, int64_t /*n*/) const { return 0; }

  // Weights in the order the kernels want, made once a call (or once for many calls).
  virtual int64_t packed_size(const Kernels&, int /*lanes*/, bool /*backward*/) const { return 0; }
  virtual void pack(const Kernels&, int /*lanes*/, bool /*backward*/, const float* const* /*parameter*/,
                    float* /*packed*/) const {}
  // Whether the backward block is read even when no gradient of an input is wanted.
  virtual bool parameter_gradients_need_packed() const { return false; }

  // The gradient of parameter i is gathered in an accumulator of this many elements, of `lanes` floats each for kernels
  // that add the lanes up at the end, and then added to the parameter's gradient.
  virtual int64_t accumulator_size(size_t /*i*/, int64_t parameter_size) const { return parameter_size; }
  virtual int accumulator_lanes(size_t /*i*/, int /*lanes*/) const { return 1; }
  virtual void add_gradient(size_t /*i*/, const float* accumulated, int64_t size, float* gradient) const {
    for (int64_t j = 0; j < size; ++j) gradient[j] += accumulated[j];
  }

  // Ops that need the whole batch before they can go on (batch statistics) work in three steps: a partial result a
  // tile, one reduction, and then forward (or backward) reads `tile.statistics`.
  virtual bool needs_batch(bool /*training*/) const { return false; }
  virtual int64_t statistics_size() const { return 0; }  // floats, for the batch
  virtual int64_t partial_size() const { return 0; }     // doubles, for a tile
  virtual void forward_partial(const Tile&, double* /*partial*/) const {}
  virtual void forward_reduce(const double* /*partials*/, int64_t /*tiles*/, float* const* /*parameter*/,
                              float* /*statistics*/) const {}
  virtual void backward_partial(const Tile&, double* /*partial*/) const {}
  virtual void backward_reduce(const double* /*partials*/, int64_t /*tiles*/, float* /*statistics*/,
                               float* const* /*parameter_gradient*/) const {}

  // Multiply-adds of one sample, for describe() and for choosing how to split.
  virtual int64_t multiply_adds() const { return 0; }
  // For the choice of the layout: the largest number of channels that a convolution reads or writes. 0 for an op that
  // gains nothing from samples in the lanes, such as a convolution whose channels fill vectors anyway.
  virtual int64_t channels_for_layout(int /*lanes*/) const { return 0; }
  // Whether the op draws random numbers in training.
  virtual bool is_random() const { return false; }

  virtual std::string detail() const { return ""; }
  // The kernels that do most of it.
  virtual std::string kernel(int /*lanes*/) const { return kind; }
};

}  // namespace day33
