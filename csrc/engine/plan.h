// A graph and the programs that run it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/graph.h"
#include "engine/profile.h"
#include "engine/program.h"
#include "engine/request.h"

namespace day33 {

class Plan {
 public:
  explicit Plan(Graph graph) : graph_(std::move(graph)) {}

  const Graph& graph() const { return graph_; }
  // The graph that runs: the graph itself, or its form for inference.
  const Graph& graph_for(bool training) const {
    return !training && graph_.inference != nullptr ? *graph_.inference : graph_;
  }

  // Safe to call from many threads at once. Throws std::invalid_argument for un-pooling indices out of range.
  void run(Request& request) const;

  // Whether an op draws random numbers, so that the seed of a request matters.
  bool is_random() const;

  // By slot, what gradients of the losses (or of the outputs) are: one kind for batches of all sizes.
  std::vector<GradientKind> gradient_kinds(bool losses) const;

  // The layout that a batch of this size gets with the instruction set in use.
  bool uses_lanes(int64_t samples) const;

  // How a batch of this size runs: in inference, or in a training step if the plan has losses.
  struct Step {
    int op;  // index in graph_for(training)
    // Ops of one stage run tile by tile, depth first. An op that takes the whole batch is a stage of its own.
    int stage;
    bool whole;
    bool joined;  // the op and its loss run together
  };
  struct Description {
    bool lanes;
    int64_t tile_samples;
    int64_t tile_bytes;  // memory of a tile
    std::vector<Step> steps;
  };
  Description describe(int64_t samples, bool training) const;

  // From now on, calls add to a new profile; `training` says of which graph its ops are. Calls of the other kind add
  // nothing.
  void start_profile(bool training);
  // The profile that was started last, to which no call adds any more; null if there is none.
  std::shared_ptr<const Profile> stop_profile();

 private:
  std::shared_ptr<const Program> program(const Purpose& purpose) const;
  std::shared_ptr<Profile> profile(bool training) const;

  const Graph graph_;
  mutable std::mutex mutex_;  // of what follows
  mutable std::vector<std::shared_ptr<const Program>> programs_;
  std::shared_ptr<Profile> profile_;
  std::atomic<bool> profiles_ = false;  // read without the mutex, by every call
};

}  // namespace day33
