#include "ops/random.h"

#include <algorithm>

#include "core/names.h"
#include "ops/flat.h"
#include "ops/random_key.h"

namespace day33 {
namespace {

constexpr const char* kDistributionNames[] = {DAY33_DISTRIBUTIONS(DAY33_ENUMERATOR_NAME)};
static_assert(kUnitElements % 64 == 0);  // as the kernel asks for

class RandomOp final : public Op {
 public:
  RandomOp(Distribution kind, int y, int64_t size, uint64_t seed)
      : Op("random", {}, {y}, {}), kind_(kind), size_(size), seed_(seed) {}

  int64_t units(int64_t n) const override { return n * parts(); }
  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const uint64_t key = random_key(tile.seed, seed_);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t sample = unit / parts(), from = unit % parts() * kUnitElements;
      tile.kernels->random_numbers(kind_, tile.value[outputs[0]] + sample * size_ * tile.lanes, from,
                                   std::min(from + kUnitElements, size_), tile.lanes, key, tile.first_sample + sample);
    }
  }
  void backward(const Tile&, float* const*) const override {}
  bool backward_reads_forward() const override { return false; }
  bool is_random() const override { return true; }
  int64_t cost_per_word() const override { return 16; }
  std::string detail() const override { return name_of(kind_, kDistributionNames); }

 private:
  int64_t parts() const { return (size_ + kUnitElements - 1) / kUnitElements; }

  const Distribution kind_;
  const int64_t size_;
  const uint64_t seed_;
};

}  // namespace

Distribution parse_distribution(const std::string& name) {
  return parse_name<Distribution>("kind", name, kDistributionNames);
}

std::unique_ptr<Op> make_random(Distribution kind, int y, int64_t size, uint64_t seed) {
  return std::make_unique<RandomOp>(kind, y, size, seed);
}

}  // namespace day33
