// The one thread pool of the process.
//
// It starts when it is first used. One job runs at a time; a caller that finds the pool busy, and a call from
// inside a job, simply does its own work alone, so any number of threads may call at once and none waits for
// another. What index a thread gets is left to chance: callers must not let results depend on it. After fork()
// the child starts a pool of its own.
#pragma once

#include <cstdint>
#include <type_traits>

namespace day33 {

// Threads a job may use, the caller's included. The first value is DAY33_NUM_THREADS, else what affinity and
// the control group's CPU quota allow.
int num_threads();

// Throws std::invalid_argument unless 1 <= count <= 1024. Takes effect with the next job.
void set_num_threads(int64_t count);

namespace detail {
using Task = void (*)(void* context, int64_t index);
void parallel_for(int64_t count, Task task, void* context);
}  // namespace detail

// Calls body(i) for every i in [0, count), each once, spread over the pool. Returns when all are done. The first
// exception thrown by a body is rethrown here; indices not begun by then are skipped.
template <typename Body>
void parallel_for(int64_t count, Body&& body) {
  detail::parallel_for(
      count, [](void* context, int64_t index) { (*static_cast<std::remove_reference_t<Body>*>(context))(index); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace day33
