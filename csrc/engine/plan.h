// A graph and the programs that run it.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "engine/graph.h"
#include "engine/program.h"

namespace day33 {

// One call. Arrays are contiguous, (samples, *shape); pointers that are not needed are null or the vector empty.
struct Request {
  int64_t samples = 0;
  std::vector<const void*> inputs;
  std::vector<float*> parameters;   // by slot; only the moving statistics of batch normalisation are written
  uint64_t owner = 0, version = 0;  // of the parameters, for keeping packed weights; owner 0 keeps nothing
  bool training = false;
  uint64_t seed = 0;

  bool want_outputs = false;
  std::vector<void*> outputs;

  bool want_losses = false;
  std::vector<const void*> targets;          // float32, or int32 for the sparse loss
  std::vector<const float*> sample_weights;  // by loss; null for none
  std::vector<char> weights_per_position;    // by loss: (samples, positions) instead of (samples,)
  std::vector<double> loss_sums;             // result, by loss

  bool want_backward = false;  // from the losses, else from output_gradients
  std::vector<const float*> output_gradients;
  std::vector<float*> input_gradients;      // result, by input; empty when not wanted, null for int32 inputs
  std::vector<float*> parameter_gradients;  // result, by slot; null where not wanted
};

class Plan {
 public:
  explicit Plan(Graph graph) : graph_(std::move(graph)) {}

  const Graph& graph() const { return graph_; }
  // What runs: the graph, or its form for inference.
  const Graph& graph_for(bool training) const {
    return !training && graph_.inference != nullptr ? *graph_.inference : graph_;
  }

  // Safe to call from many threads at once. Throws std::invalid_argument for un-pooling indices out of range.
  void run(Request& request) const;

  // The layout that a batch of this size gets with the instruction set in use.
  bool uses_lanes(int64_t samples) const;

  // How it runs for a batch of this size: inference, or a step of training where there are losses.
  struct Step {
    int op;     // in graph_for(training)
    int stage;  // ops of one stage run tile by tile, depth first; an op that takes the whole batch is a stage of its
                // own
    bool whole;
    bool joined;  // with its loss
  };
  struct Description {
    bool lanes;
    int64_t tile_samples;
    int64_t tile_bytes;  // memory of a tile
    std::vector<Step> steps;
  };
  Description describe(int64_t samples, bool training) const;

 private:
  std::shared_ptr<const Program> program(const Purpose& purpose) const;

  const Graph graph_;
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<const Program>> programs_;
};

}  // namespace day33
