// Units of ops that treat all elements alike: stretches of elements, in the order in which they lie in memory.
#pragma once

#include <algorithm>
#include <cstdint>

namespace day33 {

inline constexpr int64_t kUnitElements = 4096;

// `rows` rows of `length` elements, cut between rows.
class FlatUnits {
 public:
  FlatUnits(int64_t rows, int64_t length = 1)
      : rows_(rows), grain_(std::max<int64_t>(kUnitElements / std::max<int64_t>(length, 1), 1)) {}

  int64_t count() const { return std::max<int64_t>((rows_ + grain_ - 1) / grain_, 1); }
  // The rows of the units [begin, end).
  struct Rows {
    int64_t begin, end;
    int64_t size() const { return std::max<int64_t>(end - begin, 0); }
  };
  Rows rows(int64_t begin, int64_t end) const { return {begin * grain_, std::min(end * grain_, rows_)}; }

 private:
  int64_t rows_, grain_;
};

}  // namespace day33
