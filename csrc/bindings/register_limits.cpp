// What the machine can do at most, on all threads: for benchmarks.
#include <algorithm>
#include <chrono>

#include "bindings/bindings.h"
#include "core/aligned_buffer.h"
#include "core/isa.h"
#include "core/thread_pool.h"

namespace day33 {
namespace {

// The seconds that body(thread) takes on all threads at once.
template <typename Body>
double seconds_of(Body body) {
  const auto start = std::chrono::steady_clock::now();
  parallel_for(num_threads(), body);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double flops_per_second(double seconds) {
  const WithoutGil released;
  const Kernels& kernels = active_kernels();
  AlignedBuffer results(num_threads());
  int64_t rounds = 1000;
  for (;; rounds *= 2) {
    int64_t count = 0;
    const double taken = seconds_of([&](int64_t thread) {
      const int64_t made = kernels.limit_multiply_adds(rounds, results.data() + thread);
      if (thread == 0) count = made;
    });
    if (taken >= seconds) return 2.0 * static_cast<double>(count) * num_threads() / taken;
  }
}

double bytes_per_second(int64_t bytes, double seconds) {
  constexpr int64_t kPiece = 8 * 16;  // vectors of the longest instruction set
  const int64_t n = bytes / static_cast<int64_t>(sizeof(float)) / kPiece * kPiece;
  if (n == 0) throw py::value_error("bytes is " + std::to_string(bytes) + "; expected at least 512");
  const WithoutGil released;
  const Kernels& kernels = active_kernels();
  AlignedBuffer data(n * num_threads()), results(num_threads());
  // Each thread writes its part, so that the pages are there.
  const auto fill = [&](int64_t thread) { std::fill_n(data.data() + thread * n, n, 1.0f); };
  parallel_for(num_threads(), fill);
  for (int64_t passes = 1;; passes *= 2) {
    const double taken = seconds_of([&](int64_t thread) {
      for (int64_t pass = 0; pass < passes; ++pass)
        kernels.limit_reading(data.data() + thread * n, n, results.data() + thread);
    });
    if (taken >= seconds)
      return static_cast<double>(passes * n * num_threads()) * static_cast<double>(sizeof(float)) / taken;
  }
}

}  // namespace

void register_limits(py::module_& m) {
  m.def("limit_flops", &flops_per_second, py::arg("seconds") = 0.02);
  m.def("limit_reading", &bytes_per_second, py::arg("bytes"), py::arg("seconds") = 0.02);
}

}  // namespace day33
