// A job of many short stages on the thread pool, for stages that take microseconds: the threads stay in one pool job
// and wait for each other by spinning.
//
// A stage consists of a number of items. Each thread has a share of them, the same in every stage with that number of
// items, so that the data an item reads stays close to the thread's core. A thread that has finished its share takes
// items from the others. The thread that completes the last item of a stage opens the next stage. So no stage waits for
// a thread that has not arrived yet, and if the pool is busy, the caller does all the work itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "core/thread_pool.h"

namespace day33 {

// Work must provide
//   int64_t items():                     the number of items of the open stage;
//   void run(int64_t item, int thread):  one item; called from several threads at once;
//   bool advance():                      goes on to the next stage and returns whether there is one.
// An exception from any of them ends the job and is rethrown by run().
template <typename Work>
class StagedJob {
 public:
  StagedJob(Work& work, int threads)
      : work_(work), threads_(threads), shares_(std::make_unique<Share[]>(static_cast<size_t>(threads))) {}

  void run() {
    do {
      if (work_.items() > 1 && threads_ > 1) {
        open();
        parallel_for(threads_, [this](int64_t thread) {
          try {
            take_part(static_cast<int>(thread));
          } catch (...) {
            stage_.store(kOver, std::memory_order_release);
            throw;
          }
        });
        return;
      }
      alone(0);
    } while (work_.advance());
  }

 private:
  static constexpr int kSpins = 4000;  // before the core is yielded to other threads

  // The rest of a thread's share, in one word: the number of the stage, the next item, the end.
  struct alignas(64) Share {
    std::atomic<uint64_t> left{0};
  };
  static constexpr int kItemBits = 20;
  static constexpr uint64_t kItemMask = (uint64_t{1} << kItemBits) - 1;

  void alone(int thread) {
    const int64_t items = work_.items();
    for (int64_t item = 0; item < items; ++item) work_.run(item, thread);
  }

  void open() {
    items_ = work_.items();
    done_.store(0, std::memory_order_relaxed);
    const uint64_t stage = (stage_.load(std::memory_order_relaxed) + 1) & kStageMask;
    for (int64_t t = 0; t < threads_; ++t) {
      const uint64_t begin = static_cast<uint64_t>(items_ * t / threads_);
      const uint64_t end = static_cast<uint64_t>(items_ * (t + 1) / threads_);
      shares_[t].left.store(stage << (2 * kItemBits) | begin << kItemBits | end, std::memory_order_release);
    }
    stage_.store(stage, std::memory_order_release);
  }

  // Takes an item of the share and returns it, or -1 if none is left. The same exchange checks the stage, so that a
  // late thread takes no item of another stage.
  int64_t take(Share& share, uint64_t stage) {
    uint64_t left = share.left.load(std::memory_order_acquire);
    for (;;) {
      const uint64_t item = left >> kItemBits & kItemMask;
      if (left >> (2 * kItemBits) != stage || item >= (left & kItemMask)) return -1;
      if (share.left.compare_exchange_weak(left, left + (uint64_t{1} << kItemBits), std::memory_order_acq_rel,
                                           std::memory_order_acquire))
        return static_cast<int64_t>(item);
    }
  }

  void take_part(int thread) {
    uint64_t stage = stage_.load(std::memory_order_acquire);
    while (stage != kOver) {
      int64_t mine = 0;
      for (int turn = 0; turn < threads_; ++turn) {
        Share& share = shares_[(thread + turn) % threads_];
        for (int64_t item = take(share, stage); item >= 0; item = take(share, stage), ++mine) work_.run(item, thread);
      }
      // items_ is read here because the stage cannot end before `mine` is added to done_.
      const int64_t items = mine > 0 ? items_ : 0;
      if (mine > 0 && done_.fetch_add(mine, std::memory_order_acq_rel) + mine == items) {
        // A stage of one item is not worth opening to the other threads.
        bool more = work_.advance();
        while (more && work_.items() <= 1) {
          alone(thread);
          more = work_.advance();
        }
        if (more)
          open();
        else
          stage_.store(kOver, std::memory_order_release);
      }
      int spins = 0;
      uint64_t now = stage_.load(std::memory_order_acquire);
      for (; now == stage; now = stage_.load(std::memory_order_acquire)) {
        relax();
        if (++spins > kSpins) std::this_thread::yield();
      }
      stage = now;
    }
  }

  static void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  static constexpr uint64_t kStageMask = (uint64_t{1} << (64 - 2 * kItemBits)) - 1;
  static constexpr uint64_t kOver = ~uint64_t{0};

  Work& work_;
  const int threads_;
  std::unique_ptr<Share[]> shares_;
  int64_t items_ = 0;
  alignas(64) std::atomic<int64_t> done_{0};
  alignas(64) std::atomic<uint64_t> stage_{0};
};

}  // namespace day33
