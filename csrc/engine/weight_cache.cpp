#include "engine/weight_cache.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "core/process_wide.h"

namespace day33 {
namespace {

constexpr int64_t kCachedFloats = (int64_t{256} << 20) / static_cast<int64_t>(sizeof(float));

struct Entry {
  const Program* program;
  uint64_t owner, version;
  PackedWeights weights;
};

struct Cache {
  std::mutex mutex;
  std::vector<Entry> entries;  // least recently used first
};

Cache& cache() { return process_wide<Cache>(); }

// Takes out the entries for which `drop` is true. The caller frees them after it has released the lock.
template <typename Drop>
std::vector<Entry> take_out(Cache& c, Drop&& drop) {
  std::vector<Entry> dropped;
  for (Entry& entry : c.entries)
    if (drop(entry)) dropped.push_back(std::exchange(entry, Entry{}));
  std::erase_if(c.entries, [](const Entry& entry) { return entry.program == nullptr; });
  return dropped;
}

}  // namespace

PackedWeights find_packed(const Program* program, uint64_t owner, uint64_t version) {
  std::vector<Entry> stale;
  Cache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  for (auto entry = c.entries.begin(); entry != c.entries.end(); ++entry)
    if (entry->program == program && entry->owner == owner && entry->version == version) {
      std::rotate(entry, entry + 1, c.entries.end());
      return c.entries.back().weights;
    }
  // Dropped before memory for the new weights is allocated.
  stale = take_out(c, [=](const Entry& entry) { return entry.program == program && entry.owner == owner; });
  return nullptr;
}

void keep_packed(const Program* program, uint64_t owner, uint64_t version, PackedWeights weights) {
  std::vector<Entry> dropped;
  Cache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  c.entries.push_back({program, owner, version, std::move(weights)});
  int64_t floats = 0;
  size_t kept = 0;  // counted from the end
  for (; kept < c.entries.size(); ++kept) {
    floats += c.entries[c.entries.size() - 1 - kept].weights->size();
    if (kept > 0 && floats > kCachedFloats) break;
  }
  const Entry* first = c.entries.data() + (c.entries.size() - kept);
  dropped = take_out(c, [=](const Entry& entry) { return &entry < first; });
}

void forget_packed(const Program* program) {
  std::vector<Entry> dropped;
  Cache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  dropped = take_out(c, [=](const Entry& entry) { return entry.program == program; });
}

}  // namespace day33
