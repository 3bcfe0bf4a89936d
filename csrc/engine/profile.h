// What the ops of a plan cost, counted while a plan's profile is switched on.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace day33 {

// Calls and time of one kind of work. Several threads add to it at once, so its time is the sum over threads.
struct Cost {
  std::atomic<int64_t> calls = 0, nanoseconds = 0;
};

// Adds what passes while it lives to a cost; does nothing with none.
class Stopwatch {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Stopwatch(Cost* cost) : cost_(cost), start_(cost == nullptr ? Clock::time_point() : Clock::now()) {}
  ~Stopwatch() {
    if (cost_ == nullptr) return;
    const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_);
    cost_->calls.fetch_add(1, std::memory_order_relaxed);
    cost_->nanoseconds.fetch_add(passed.count(), std::memory_order_relaxed);
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  Cost* const cost_;
  const Clock::time_point start_;
};

// Ops are numbered as in the graph that runs (Plan::graph_for).
struct Profile {
  Profile(bool of_training, size_t ops) : training(of_training), forward(new Cost[ops]), backward(new Cost[ops]) {}

  const bool training;  // of which graph the ops are
  const std::unique_ptr<Cost[]> forward, backward;
  Cost packing;    // of weights
  Cost ends;       // the way into a tile and out of it, with the gradients of outputs
  Cost losses;     // those that are no part of an op
  Cost gradients;  // adding up those of the groups of tiles
  Cost whole;      // the call, as its caller sees it
};

}  // namespace day33
