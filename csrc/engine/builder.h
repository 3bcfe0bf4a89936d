// What the files of GraphBuilder share.
#pragma once

#include <stdexcept>
#include <string>

#include "engine/graph.h"

namespace day33 {

[[noreturn]] inline void fail(const std::string& message) { throw std::invalid_argument(message); }

inline int64_t product(const Shape& shape, size_t begin, size_t end) {
  int64_t result = 1;
  for (size_t i = begin; i < end; ++i) result *= shape[i];
  return result;
}
inline int64_t rows_of(const Shape& shape) { return product(shape, 0, shape.size() - 1); }

}  // namespace day33
