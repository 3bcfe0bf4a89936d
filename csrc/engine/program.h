// A graph prepared to run in one way: which ops run, in which order, forward and backward; where the whole batch is
// needed before the next op can run; and where every value lies in a tile's memory.
#pragma once

#include <memory>
#include <vector>

#include "engine/graph.h"
#include "engine/weight_cache.h"

namespace day33 {

// What a run computes. There is one program for each combination that occurs.
struct Purpose {
  bool lanes = false;     // layout
  bool outputs = false;   // the outputs are wanted
  bool losses = false;    // the losses are wanted
  bool backward = false;  // gradients are wanted: of the losses if these are wanted, too, else of the outputs
  bool input_gradients = false;
  bool training = false;
  const Kernels* kernels = nullptr;

  bool operator==(const Purpose&) const = default;
  bool reaches_outputs() const { return outputs || (backward && !losses); }
};

struct Action {
  enum Kind { forward, forward_partial, losses, output_gradients, backward, backward_partial };
  Kind kind;
  int op = -1;  // index in the graph
};

// A tile runs the actions of a pass one after the other, without waiting for other tiles. A pass ends where the whole
// batch is needed: to reduce the partial results of an op, or for an op that takes the batch as one tile.
struct Pass {
  enum End { results, reduce_forward, reduce_backward, whole_forward, whole_joined, whole_backward };
  std::vector<Action> actions;
  End end = results;
  int op = -1;    // the op at the end
  int loss = -1;  // the loss joined with that op
  bool is_whole() const { return end == whole_forward || end == whole_joined || end == whole_backward; }
};

// What the gradient of a parameter is in a program: none is computed; a sum of slices, from ops that give their squares
// and magnitudes as well; or a sum in which other ops have a part.
enum class GradientKind : char { none, slices, whole };

enum class Write : char { none, set, add };  // what an op does with the gradient of one of its inputs

struct Memory {
  // Offsets in floats into a tile's arena. -1: the value does not exist, or lies in the caller's array.
  std::vector<int64_t> value, gradient;      // by buffer
  std::vector<int64_t> target, loss_weight;  // by loss
  int64_t scratch = 0, scratch_floats = 0;
  int64_t addend = 0, addend_floats = 0;  // gradients that are added to others as soon as they are complete
  int64_t floats = 0;
};

struct Request;

class Program {
 public:
  Program(const Graph& graph, const Purpose& purpose);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  const Graph& graph;
  const Purpose purpose;
  int lanes;             // 1 in the channels layout
  int64_t tile_samples;  // samples of a full tile

  std::vector<Pass> passes;
  std::vector<std::vector<Write>> writes;   // by op, by input
  std::vector<Write> root_writes;           // by loss, or by output
  std::vector<int> joined;                  // by loss: the op that takes it with its output, or -1
  std::vector<char> wanted;                 // by buffer: carries a gradient
  std::vector<char> bound;                  // by buffer: lies in the caller's array (channels layout only)
  std::vector<char> runs_backward;          // by op
  std::vector<GradientKind> gradient_kind;  // by slot
  Memory memory;
  // Whether some op takes the whole batch as one array: the tiles of a shared arena then lie side by side in every
  // block. Otherwise each tile has its own contiguous part of the arena, which is friendlier to the cache and lets more
  // blocks share memory.
  bool interleaved = false;

  // By op: where its weights begin in the packed block (in floats), forward and backward; -1 for none.
  std::vector<int64_t> packed, packed_backward;
  int64_t packed_floats = 0;
  // By op and parameter: where its accumulator begins in the block of a group (in floats); -1 for none.
  std::vector<std::vector<int64_t>> accumulator;
  int64_t accumulator_floats = 0;
  // By op: offsets of batch statistics (floats) and of the partial results of a tile (doubles).
  std::vector<int64_t> statistics, partial;
  int64_t statistics_floats = 0, partial_doubles = 0;

  // The rough cost of one sample in multiply-adds. It decides whether several threads are worth while.
  int64_t work = 0;
  int64_t work_of(const Op& op) const;  // the same for one op, forward

  int64_t tiles(int64_t samples) const { return (samples + tile_samples - 1) / tile_samples; }
  // The tiles form this many groups, each with gradient accumulators of its own. The number does not depend on the
  // number of threads.
  int64_t groups(int64_t samples) const;

  // Weights packed for this program. For inference they are kept until the version of the list of parameters changes.
  PackedWeights packed_weights(const Request& request) const;
  bool keeps_packed(const Request& request) const;
  // Whether an op that has packed blocks is given them in such a run.
  bool packs(int op, const Request& request) const;

 private:
  bool is_whole(size_t op) const { return graph.ops[op]->whole(lanes); }
  bool is_joined(size_t op) const;
  // The tensor that receives the gradient of a loss: the prediction, or, for a loss joined with an op, what that op
  // reads.
  int root_tensor(size_t loss) const;
  void join_losses();
  void choose_forward_ops(std::vector<char>& runs) const;
  void plan_backward(const std::vector<char>& runs_forward);
  void note_gradient_kinds();
  void plan_passes(const std::vector<char>& runs_forward);
  struct PassSpan {
    int64_t first, last;  // the passes that run at one point of the timeline in plan_memory
  };
  std::vector<PassSpan> pass_spans(int64_t end) const;
  void plan_memory(const std::vector<char>& runs_forward);
  void plan_weights(const std::vector<char>& runs_forward);
  int64_t floats_of(int buffer) const { return buffer_size_[buffer] * tile_samples * lanes; }

  std::vector<int64_t> buffer_size_;
};

}  // namespace day33
