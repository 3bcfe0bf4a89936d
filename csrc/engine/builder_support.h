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

// The number of an axis, which may be counted from the end. `given` begins the message about one that is not there.
inline size_t axis_of(const Shape& shape, int64_t axis, const char* given = "axis is", const char* of = "x") {
  const int64_t rank = static_cast<int64_t>(shape.size());
  if (axis < -rank || axis >= rank)
    fail(std::string(given) + " " + std::to_string(axis) + "; expected an axis of " + of + " of shape " +
         to_string(shape) + " (without the batch)");
  return static_cast<size_t>(axis < 0 ? axis + rank : axis);
}

// The shape with one axis replaced by those of `by`.
inline Shape replace_axis(const Shape& shape, size_t axis, const Shape& by) {
  Shape result(shape.begin(), shape.begin() + static_cast<int64_t>(axis));
  result.insert(result.end(), by.begin(), by.end());
  result.insert(result.end(), shape.begin() + static_cast<int64_t>(axis) + 1, shape.end());
  return result;
}

}  // namespace day33
