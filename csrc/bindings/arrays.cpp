#include <functional>
#include <numeric>

#include "bindings/bindings.h"
#include "core/block_pool.h"

namespace day33 {

template <typename T>
py::array_t<T> new_array(const std::vector<py::ssize_t>& shape) {
  constexpr int64_t kLarge = 1 << 20;  // bytes; for larger arrays, fresh pages cost more than the bookkeeping
  const int64_t size = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  if (size * static_cast<int64_t>(sizeof(T)) < kLarge) return py::array_t<T>(shape);
  using Block = std::shared_ptr<AlignedBuffer>;
  auto* block = new Block(lease_shared_block(size * static_cast<int64_t>(sizeof(T) / sizeof(float))));
  const py::capsule owner(block, [](void* held) { delete static_cast<Block*>(held); });
  return py::array_t<T>(shape, reinterpret_cast<T*>((*block)->data()), owner);
}

template py::array_t<float> new_array<float>(const std::vector<py::ssize_t>& shape);
template py::array_t<int32_t> new_array<int32_t>(const std::vector<py::ssize_t>& shape);
template py::array_t<int64_t> new_array<int64_t>(const std::vector<py::ssize_t>& shape);

}  // namespace day33
