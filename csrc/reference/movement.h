// Where the cells of a rearranged array come from, one at a time.
#pragma once

#include <vector>

#include "reference/array.h"

namespace day33::reference {

using Index = std::vector<int64_t>;

constexpr int64_t kNowhere = -1;

// For each cell of an array of shape `to`, in order, the number of the cell of one of shape `from` that is at
// source(index); kNowhere where that is outside.
template <typename Source>
std::vector<int64_t> cells_of(const Index& from, const Index& to, Source source) {
  std::vector<int64_t> cells;
  int64_t count = 1;
  for (int64_t size : to) count *= size;
  for (int64_t i = 0; i < count; ++i) {
    Index index(to.size());
    int64_t rest = i;
    for (size_t axis = to.size(); axis-- > 0; rest /= to[axis]) index[axis] = rest % to[axis];
    const Index at = source(index);
    int64_t cell = 0;
    for (size_t axis = 0; axis < from.size(); ++axis) {
      if (at[axis] < 0 || at[axis] >= from[axis]) cell = kNowhere;
      if (cell != kNowhere) cell = cell * from[axis] + at[axis];
    }
    cells.push_back(cell);
  }
  return cells;
}

// A position on an axis, thrown back at the edges until it is inside; with `edges_twice`, the edge itself is the
// mirror.
inline int64_t thrown_back(int64_t at, int64_t size, bool edges_twice) {
  const int64_t more = edges_twice ? 1 : 0;
  while (size > 0 && (at < 0 || at >= size)) {
    if (size == 1 && !edges_twice) return 0;
    at = at < 0 ? -at - more : 2 * (size - 1) - at + more;
  }
  return at;
}

}  // namespace day33::reference
