#include "core/block_pool.h"

#include <mutex>
#include <vector>

#include "core/process_wide.h"

namespace day33 {
namespace {

constexpr int64_t kKeptFloats = (int64_t{768} << 20) / static_cast<int64_t>(sizeof(float));
constexpr int64_t kSpare = 1 << 14;  // a leased block may exceed four times its request by this many floats

struct Blocks {
  std::mutex mutex;
  std::vector<std::unique_ptr<AlignedBuffer>> blocks;  // oldest first
  int64_t floats = 0;
};

Blocks& kept_blocks() { return process_wide<Blocks>(); }

}  // namespace

std::unique_ptr<AlignedBuffer> lease_block(int64_t floats, bool exact) {
  const int64_t most = exact ? floats + floats / 8 : 4 * floats + kSpare;
  Blocks& p = kept_blocks();
  {
    std::lock_guard<std::mutex> lock(p.mutex);
    auto best = p.blocks.end();  // the smallest block of `floats` to `most` floats
    for (auto block = p.blocks.begin(); block != p.blocks.end(); ++block) {
      const int64_t size = (*block)->size();
      if (size < floats || size > most) continue;
      if (best == p.blocks.end() || size < (*best)->size()) best = block;
    }
    if (best != p.blocks.end()) {
      std::unique_ptr<AlignedBuffer> found = std::move(*best);
      p.blocks.erase(best);
      p.floats -= found->size();
      return found;
    }
  }
  return std::make_unique<AlignedBuffer>(floats);
}

void return_block(std::unique_ptr<AlignedBuffer> block) {
  std::vector<std::unique_ptr<AlignedBuffer>> dropped;  // freed after the lock is released
  Blocks& p = kept_blocks();
  std::lock_guard<std::mutex> lock(p.mutex);
  p.floats += block->size();
  p.blocks.push_back(std::move(block));
  while (p.floats > kKeptFloats) {
    p.floats -= p.blocks.front()->size();
    dropped.push_back(std::move(p.blocks.front()));
    p.blocks.erase(p.blocks.begin());
  }
}

std::shared_ptr<AlignedBuffer> lease_shared_block(int64_t floats) {
  return {lease_block(floats, true).release(),
          [](AlignedBuffer* block) { return_block(std::unique_ptr<AlignedBuffer>(block)); }};
}

}  // namespace day33
