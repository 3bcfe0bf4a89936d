// Helpers that the files of GraphBuilder share.
#pragma once

#include <stdexcept>
#include <string>

#include "core/shapes.h"

namespace day33 {

[[noreturn]] inline void fail(const std::string& message) { throw std::invalid_argument(message); }

// The beginning of a message about a tensor of the wrong shape.
inline std::string shape_of(const char* name, const Shape& shape) {
  return std::string(name) + " has shape " + to_string(shape) + " (without the batch)";
}

inline int64_t product(const Shape& shape, size_t begin, size_t end) {
  int64_t result = 1;
  for (size_t i = begin; i < end; ++i) result *= shape[i];
  return result;
}
inline int64_t rows_of(const Shape& shape) { return product(shape, 0, shape.size() - 1); }

}  // namespace day33
