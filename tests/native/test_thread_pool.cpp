#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <atomic>
#include <stdexcept>
#include <thread>

#include "check.h"
#include "core/thread_pool.h"
#include "inputs.h"

namespace day33::testing {
namespace {

// Restores the number of threads that a test changes.
struct ThreadCount {
  const int before = num_threads();
  explicit ThreadCount(int count) { set_num_threads(count); }
  ~ThreadCount() { set_num_threads(before); }
};

// Every index of a job is visited once.
bool visits_each_once(int64_t count) {
  std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
  parallel_for(count, [&](int64_t i) { visits[i].fetch_add(1, std::memory_order_relaxed); });
  for (const std::atomic<int>& v : visits)
    if (v.load() != 1) return false;
  return true;
}

}  // namespace

TEST(parallel_for_visits_each_index_once) {
  for (int threads : {1, 2, 3, 7}) {
    const ThreadCount scope(threads);
    CHECK_EQUAL(num_threads(), threads);
    for (int64_t count : {0, 1, 2, 7, 100, 1000}) {
      const Context context("threads ", threads, " count ", count);
      CHECK(visits_each_once(count));
    }
  }
}

TEST(parallel_for_from_many_threads_and_nested) {
  const ThreadCount scope(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 50; ++repeat) wrong += !visits_each_once(20 + repeat);
    });
  for (std::thread& caller : callers) caller.join();
  CHECK_EQUAL(wrong.load(), 0);

  std::atomic<int64_t> sum{0};
  parallel_for(10, [&](int64_t i) { parallel_for(10, [&](int64_t j) { sum += i * 10 + j; }); });
  CHECK_EQUAL(sum.load(), 99 * 100 / 2);
}

TEST(parallel_for_rethrows_and_works_again) {
  const ThreadCount scope(3);
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::string caught;
    try {
      parallel_for(100, [](int64_t i) {
        if (i == 13) throw std::runtime_error("thirteen");
      });
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    CHECK_EQUAL(caught, std::string("thirteen"));
    CHECK(visits_each_once(50));
  }
}

TEST(thread_count_is_checked_and_may_change_between_jobs) {
  const ThreadCount scope(2);
  CHECK_THROWS(set_num_threads(0), std::invalid_argument);
  CHECK_THROWS(set_num_threads(-1), std::invalid_argument);
  CHECK_THROWS(set_num_threads(1025), std::invalid_argument);
  CHECK_EQUAL(num_threads(), 2);
  for (int repeat = 0; repeat < 20; ++repeat) {
    set_num_threads(1 + repeat % 5);
    CHECK(visits_each_once(64));
  }
}

// Windows has no fork, and ThreadSanitizer does not follow threads across it.
#if !defined(_WIN32) && !DAY33_THREAD_SANITIZER
TEST(pool_survives_fork) {
  const ThreadCount scope(3);
  CHECK(visits_each_once(100));
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);  // a dead pool would hang
    _exit(visits_each_once(100) && visits_each_once(1000) ? 0 : 1);
  }
  CHECK(child > 0);
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(visits_each_once(100));
}
#endif

}  // namespace day33::testing
