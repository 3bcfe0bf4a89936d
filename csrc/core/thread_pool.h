// The thread pool of the process.
//
// It is created on first use and runs one job at a time. A caller that finds the pool busy, or that is itself inside a
// job, does its work alone, so any number of threads may call at once and none waits for another. Which thread gets
// which index is not defined; results must not depend on it. After fork(), the child creates its own pool.
#pragma once

#include <cstdint>
#include <type_traits>

namespace day33 {

// The number of threads that a job may use, including the caller. Initially DAY33_NUM_THREADS if set, otherwise what
// CPU affinity and the control group's CPU quota allow.
int num_threads();

// Throws std::invalid_argument unless 1 <= count <= 1024. Takes effect with the next job.
void set_num_threads(int64_t count);

namespace detail {
using Task = void (*)(void* context, int64_t index);
void parallel_for(int64_t count, Task task, void* context);
}  // namespace detail

// Calls body(i) exactly once for every i in [0, count), spread over the pool, and returns when all calls are done. The
// first exception thrown by a body is rethrown here; indices not begun by then are skipped.
template <typename Body>
void parallel_for(int64_t count, Body&& body) {
  detail::parallel_for(
      count, [](void* context, int64_t index) { (*static_cast<std::remove_reference_t<Body>*>(context))(index); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace day33
