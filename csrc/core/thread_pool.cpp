#include "core/thread_pool.h"

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#elif defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX 1
#include <windows.h>
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/at_fork.h"

namespace day33 {
namespace {

constexpr int64_t kMaxThreads = 1024;

int affinity_count() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#elif defined(_WIN32)
  DWORD_PTR ours = 0, all = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &ours, &all)) return std::max(1, std::popcount(uint64_t{ours}));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

// The number of CPUs that the quota of Linux's control group allows (rounded up), or kMaxThreads without a quota.
int quota_count() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0)
    return std::max(1, static_cast<int>(std::ceil(std::atof(quota.c_str()) / period)));
  std::ifstream quota_v1("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream period_v1("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double quota_us = 0;
  if (quota_v1 >> quota_us && period_v1 >> period && quota_us > 0 && period > 0)
    return std::max(1, static_cast<int>(std::ceil(quota_us / period)));
  return kMaxThreads;
}

int default_count() {
  const char* wanted = std::getenv("DAY33_NUM_THREADS");
  if (wanted != nullptr && *wanted != '\0') {
    char* end = nullptr;
    errno = 0;
    const long count = std::strtol(wanted, &end, 10);
    if (*end != '\0' || errno != 0 || count < 1 || count > kMaxThreads)
      throw std::invalid_argument("DAY33_NUM_THREADS is '" + std::string(wanted) + "'; expected an integer from 1 to " +
                                  std::to_string(kMaxThreads));
    return static_cast<int>(count);
  }
  return std::min(affinity_count(), quota_count());
}

std::atomic<int> wanted_threads{0};  // 0: not set, use default_count()

thread_local bool inside_job = false;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// A job is open while it has indices left. Helpers join an open job. The caller works too, closes the job when no index
// is left, and waits for the helpers that joined. So a helper that wakes late delays nothing: it finds the job closed
// and goes back to sleep.
class Pool {
 public:
  // True if the job was run by the pool; false if the pool is busy and the caller should work alone.
  bool try_run(int64_t count, detail::Task task, void* context, int threads) {
    std::unique_lock<std::mutex> owner(owner_, std::try_to_lock);
    if (!owner.owns_lock()) return false;
    const int helpers = static_cast<int>(std::min<int64_t>(threads - 1, count - 1));
    grow(helpers);
    keep_off_the_callers_cpu();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      task_ = task;
      context_ = context;
      count_ = count;
      error_ = nullptr;
      next_.store(0, std::memory_order_relaxed);
      places_ = helpers;
      ticket_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();

    work();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      places_ = 0;
    }
    for (int spins = 0; spins < kSpins && inside_.load(std::memory_order_acquire) != 0; ++spins) relax();
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return inside_.load(std::memory_order_relaxed) == 0; });
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return true;
  }

 private:
  // About 20 to 50 microseconds: longer than the gap between two layers, but too short to be noticed.
  static constexpr int kSpins = 2000;

  void grow(int helpers) {
    while (static_cast<int>(threads_.size()) < helpers) {
      const uint64_t seen = ticket_.load(std::memory_order_relaxed);
      // Detached: the pool is never destroyed, so no order of static destructors can make the process hang at exit.
      std::thread helper([this, seen] { serve(seen); });
      threads_.push_back(helper.native_handle());
      helper.detach();
    }
  }

  // Linux tends to wake a thread on the CPU of the thread that wakes it, where it has to wait while another CPU is
  // idle. So helpers may run on every CPU that the caller may use, except the one that the caller is on.
  void keep_off_the_callers_cpu() {
#if defined(__linux__)
    const int cpu = sched_getcpu();
    if (cpu == avoided_cpu_ && told_ == threads_.size()) return;
    avoided_cpu_ = cpu;
    told_ = threads_.size();
    cpu_set_t others;
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof(others), &others) != 0) return;
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) == 0) return;
    for (const std::thread::native_handle_type helper : threads_)
      pthread_setaffinity_np(helper, sizeof(others), &others);
#endif
  }

  void serve(uint64_t seen) {
    inside_job = true;
    for (;;) {
      for (int spins = 0; spins < kSpins && ticket_.load(std::memory_order_acquire) == seen; ++spins) relax();
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return ticket_.load(std::memory_order_relaxed) != seen; });
        seen = ticket_.load(std::memory_order_relaxed);
        if (places_ == 0) continue;
        --places_;
        inside_.fetch_add(1, std::memory_order_relaxed);
      }
      work();
      std::lock_guard<std::mutex> lock(mutex_);
      if (inside_.fetch_sub(1, std::memory_order_release) == 1) done_.notify_one();
    }
  }

  void work() {
    const bool before = inside_job;
    inside_job = true;
    for (;;) {
      const int64_t index = next_.fetch_add(1, std::memory_order_relaxed);
      if (index >= count_) break;
      try {
        task_(context_, index);
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!error_) error_ = std::current_exception();
        next_.store(count_, std::memory_order_relaxed);
      }
    }
    inside_job = before;
  }

  std::mutex owner_;  // held by the thread whose job is running
  std::mutex mutex_;  // guards the job below; the atomics are also accessed without it
  std::condition_variable wake_, done_;
  std::vector<std::thread::native_handle_type> threads_;
  [[maybe_unused]] int avoided_cpu_ = -1;  // the CPU that the first told_ threads avoid
  [[maybe_unused]] size_t told_ = 0;
  std::atomic<uint64_t> ticket_{0};  // number of the job
  int places_ = 0;                   // helpers that may still join it
  std::atomic<int> inside_{0};       // helpers that have joined it and not finished
  std::atomic<int64_t> next_{0};
  int64_t count_ = 0;
  detail::Task task_ = nullptr;
  void* context_ = nullptr;
  std::exception_ptr error_;
};

std::atomic<Pool*> current_pool{nullptr};

// After fork(), the child has only the forking thread. It abandons the parent's pool, whose locks may be held by
// threads that do not exist in the child, and creates a new one when needed.
void forget_pool() {
  current_pool.store(nullptr, std::memory_order_relaxed);
  inside_job = false;
}

Pool& pool() {
  Pool* existing = current_pool.load(std::memory_order_acquire);
  if (existing != nullptr) return *existing;
  static std::once_flag registered;
  std::call_once(registered, [] { at_fork(nullptr, nullptr, forget_pool); });
  Pool* made = new Pool;
  if (current_pool.compare_exchange_strong(existing, made, std::memory_order_acq_rel)) return *made;
  delete made;
  return *existing;
}

}  // namespace

int num_threads() {
  int count = wanted_threads.load(std::memory_order_relaxed);
  if (count == 0) {
    static const int initial = default_count();
    count = initial;
  }
  return count;
}

void set_num_threads(int64_t count) {
  if (count < 1 || count > kMaxThreads)
    throw std::invalid_argument("num_threads is " + std::to_string(count) + "; expected an integer from 1 to " +
                                std::to_string(kMaxThreads));
  wanted_threads.store(static_cast<int>(count), std::memory_order_relaxed);
}

namespace detail {

void parallel_for(int64_t count, Task task, void* context) {
  const int threads = num_threads();
  if (count > 1 && threads > 1 && !inside_job && pool().try_run(count, task, context, threads)) return;
  for (int64_t index = 0; index < count; ++index) task(context, index);
}

}  // namespace detail
}  // namespace day33
