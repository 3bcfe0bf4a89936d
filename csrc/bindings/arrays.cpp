#include <functional>
#include <numeric>

#include "bindings/bindings.h"
#include "core/block_pool.h"

namespace day33 {

py::array_t<float> new_array(const std::vector<py::ssize_t>& shape) {
  constexpr int64_t kLarge = 1 << 18;  // floats: a megabyte, whose pages cost more than the bookkeeping
  const int64_t size = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  if (size < kLarge) return py::array_t<float>(shape);
  using Block = std::shared_ptr<AlignedBuffer>;
  auto* block = new Block(lease_shared_block(size));
  const py::capsule owner(block, [](void* held) { delete static_cast<Block*>(held); });
  return py::array_t<float>(shape, (*block)->data(), owner);
}

}  // namespace day33
