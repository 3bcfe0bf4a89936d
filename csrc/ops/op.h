// The interface between the engine and the ops.
//
// An op is one kind of layer with fixed shapes. It holds no data: values, gradients, packed weights and accumulators
// belong to the engine, and an op only says how large they must be. All methods are const and may run on many tiles at
// once.
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

constexpr int kMaxLanes = 16;  // floats in the longest vector of any instruction set

// A value in the plan, without the batch axis.
struct Tensor {
  Shape shape;
  DType dtype = DType::float32;
  int64_t size = 0;  // words of 32 bits
  int buffer = -1;   // tensors that are one memory with several shapes (reshape) share a buffer
};

// What is added up over the slices of a gradient beside their sum: the square and the magnitude of each of its
// elements. Arrays of the shape of the parameter; null where not wanted.
struct SliceSums {
  float* squares = nullptr;
  float* magnitudes = nullptr;
};

// `n` samples as [n][...][lanes]; kernels/args.h explains the two layouts.
struct Tile {
  const Kernels* kernels;
  int lanes;             // 1, or kernels->lanes with one sample in each lane
  int64_t n;             // samples one after the other in memory: 1 in the lanes layout
  int valid_lanes;       // lanes that hold a sample; the others repeat one
  int64_t first_sample;  // number of the first sample in the batch
  bool training;
  uint64_t seed;

  float* const* value;      // by tensor
  float* const* gradient;   // by tensor; null where nothing is wanted
  float* const* parameter;  // by slot, not packed; ops write none but states

  // Of the op that is running:
  const float* packed;
  const float* packed_backward;
  float* const* accumulate;  // by parameter of the op; null where no gradient is wanted
  const SliceSums* slices;   // by parameter of the op, for those whose gradients are slices (Op::gives_slices)
  float* scratch;
  const float* statistics;
};

// Facet of an op that can take a sparse cross-entropy of its output itself, so that the output never exists as a whole.
class LossJoiner {
 public:
  struct Loss {
    const int32_t* labels;  // one per row
    const float* weights;   // one per row, or null; rows of weight 0 are left out
    float scale;            // multiplies the gradient
    bool backward;
  };

  virtual ~LossJoiner() = default;
  // Forward, loss and, where wanted, backward in one. Returns the sum over the rows of weight * loss.
  virtual double run_joined(const Tile& tile, const Loss& loss, float* dx) const = 0;
};

// Facet of an op that needs the whole batch before it can go on: each tile gives a partial result, these are reduced to
// statistics of the batch, and then forward (or backward) of every tile reads `tile.statistics`.
class BatchStatistics {
 public:
  virtual ~BatchStatistics() = default;
  virtual int64_t statistics_size() const = 0;  // floats, for the batch
  virtual int64_t partial_size() const = 0;     // doubles, for a tile
  virtual void forward_partial(const Tile& tile, double* partial) const = 0;
  virtual void forward_reduce(const double* partials, int64_t tiles, float* const* parameter,
                              float* statistics) const = 0;
  virtual void backward_partial(const Tile& tile, double* partial) const = 0;
  virtual void backward_reduce(const double* partials, int64_t tiles, float* statistics,
                               float* const* parameter_gradient) const = 0;
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
  std::vector<int> parameters;  // slots; -1 for one that was left out

  // ---- computing ----

  // The work of one tile is `units` equal parts that may run in any order, on any thread.
  virtual int64_t units(int64_t /*n*/) const { return 1; }
  virtual void forward(const Tile& tile, int64_t begin, int64_t end) const = 0;
  // dx: one pointer per input, null where no gradient is wanted. Overwritten, never added to. May change the gradient
  // of its output in place.
  virtual void backward(const Tile& tile, float* const* dx) const = 0;

  // ---- how the op may run ----

  // Whether the op takes the whole batch at once and spreads the work over the pool itself, as matrix products with
  // large weights do. Its tile is then the batch, and `accumulate` points into the caller's gradients.
  virtual bool whole(int /*lanes*/) const { return false; }
  // Whether the op can run with samples in the lanes.
  virtual bool takes_lanes() const { return true; }
  // Whether a gradient can pass from the output to inputs and parameters. Where not, nothing before the op is
  // differentiated.
  virtual bool passes_gradient() const { return true; }
  // Whether it reads input i in that mode. What nobody reads is not computed.
  virtual bool reads(size_t /*i*/, bool /*training*/) const { return true; }
  // Whether the op does more than give its outputs, and so runs though nobody reads them.
  virtual bool has_effect() const { return false; }
  // Whether the op draws random numbers, in training at least.
  virtual bool is_random() const { return false; }

  // ---- facets: null for an op that does not have them ----

  virtual const LossJoiner* loss_joiner(int /*lanes*/) const { return nullptr; }
  virtual const BatchStatistics* batch_statistics(bool /*training*/) const { return nullptr; }

  // ---- memory ----

  // Whether the op itself needs output o, a by-product.
  virtual bool keeps_output(size_t o, bool backward) const { return o == 1 && backward; }
  // Whether backward reads what forward wrote (its outputs, scratch or statistics).
  virtual bool backward_reads_forward() const { return true; }
  virtual int64_t scratch_size(const Kernels&, int /*lanes*/, int64_t /*n*/) const { return 0; }

  // ---- weights, in the order in which the kernels read them: packed once per call, or once for many calls ----

  // Floats that pack() writes; 0 for an op that reads its parameters as they are.
  virtual int64_t packed_size(const Kernels&, int /*lanes*/, bool /*backward*/) const { return 0; }
  virtual void pack(const Kernels&, int /*lanes*/, bool /*backward*/, const float* const* /*parameter*/,
                    float* /*packed*/) const {}
  // Whether, for n samples, the op reads its parameters as they are where it is given no packed block: asked where such
  // a block would serve one call alone.
  virtual bool reads_unpacked(int /*lanes*/, int64_t /*n*/) const { return false; }
  // Whether the backward block is read even when no gradient of an input is wanted.
  virtual bool parameter_gradients_need_packed() const { return false; }

  // ---- gradients of parameters ----

  // The gradient of parameter i is summed in an accumulator of this many elements, of `lanes` floats each for kernels
  // that add the lanes up at the end, and then added to the parameter's gradient.
  virtual int64_t accumulator_size(size_t /*i*/, int64_t parameter_size) const { return parameter_size; }
  virtual int accumulator_lanes(size_t /*i*/, int /*lanes*/) const { return 1; }
  virtual void add_gradient(size_t /*i*/, const float* accumulated, int64_t size, float* gradient) const {
    for (int64_t j = 0; j < size; ++j) gradient[j] += accumulated[j];
  }

  // Whether the gradient of parameter i comes in slices, each of which is a part of the parameter (a row of a table,
  // once for each time that it was looked up), and backward can add up their squares and magnitudes, too. For ops that
  // take the whole batch at once.
  virtual bool gives_slices(size_t /*i*/) const { return false; }

  // ---- what it costs, and how describe() shows it ----

  // Multiply-adds of one sample. They also decide how the work is split.
  virtual int64_t multiply_adds() const { return 0; }
  // What moving and computing one word of the output costs, in multiply-adds, for the same decision.
  virtual int64_t cost_per_word() const { return 4; }
  // For the choice of the layout: the largest number of channels that a convolution reads or writes; and whether it
  // gains from samples in the lanes, which one whose channels fill vectors anyway does not.
  virtual int64_t channels_for_layout() const { return 0; }
  virtual bool gains_from_lanes(int /*lanes*/) const { return false; }
  virtual std::string detail() const { return ""; }
  // The kernels that do most of the work.
  virtual std::string kernel(int /*lanes*/) const { return kind; }
};

}  // namespace day33
