// Operands of several shapes taken as one shape, without copies, and the way back: sums over what was repeated.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/shapes.h"
#include "kernels/kernels.h"

namespace day33 {

// Reduces some axes of an array, in several steps where they do not lie next to each other. The first axis is that of
// the samples or begins with it: its size is given for one sample.
class ReduceChain {
 public:
  ReduceChain(const std::vector<int64_t>& sizes, const std::vector<char>& reduced);

  // x and y may not overlap. Words of int32 with `ints`.
  void run(const Kernels& kernels, Reduce kind, bool ints, int64_t n, int lanes, const float* x, float* y,
           float* scratch) const;
  // The same for some of the cells before the reduced axis, where there is one step only.
  void run_part(const Kernels& kernels, Reduce kind, bool ints, int lanes, const float* x, float* y, int64_t begin,
                int64_t end) const;
  int64_t scratch_size(int64_t n, int lanes) const;

  struct Step {
    int64_t outer, K, inner;
    bool over_samples;  // n multiplies K, not outer
  };
  const std::vector<Step>& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
};

class Broadcast {
 public:
  static constexpr size_t kMaxOperands = 3;
  using Pointers = std::array<const float*, kMaxOperands>;

  // Shapes of one sample; `result` is the shape to which the operands are broadcast.
  Broadcast(const Shape& result, const std::vector<Shape>& operands);

  int64_t size() const { return size_; }
  int64_t size_of(size_t operand) const { return operand_size_[operand]; }

  // The result in equal parts that can be made in any order.
  int64_t units(int64_t n) const;

  // Calls body(rows, offset) for parts of the result that together are the units [begin, end). `offset` is that of the
  // first row, in words.
  template <typename Body>
  void each(int64_t n, int lanes, int64_t begin, int64_t end, const Pointers& base, Body body) const {
    if (size_ == 0 || n == 0 || begin >= end) return;
    const size_t split = split_axis(n), last = axes_.size() - 1, leading = last > 0 ? last - 1 : 0;
    const int64_t grain = this->grain(n, split), whole = size_of_axis(split, n);
    const int64_t from = begin * grain, to = std::min(end * grain, whole);
    const auto size = [&](size_t axis) { return axis == split ? to - from : size_of_axis(axis, n); };

    BroadcastRows rows{};
    rows.lanes = lanes;
    rows.inner = size(last) * lanes;
    rows.outer = last > 0 ? size(last - 1) : 1;
    rows.row_step = last > 0 ? axes_[last - 1].result_step * lanes : 0;
    for (size_t k = 0; k < operand_size_.size(); ++k) {
      rows.x[k].step = last > 0 ? axes_[last - 1].step[k] * lanes : 0;
      rows.x[k].held = axes_[last].step[k] == 0;
    }
    int64_t blocks = 1;
    for (size_t axis = 0; axis < leading; ++axis) blocks *= size(axis);
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t offset = from * axes_[split].result_step;
      std::array<int64_t, kMaxOperands> at{};
      for (size_t k = 0; k < operand_size_.size(); ++k) at[k] = from * axes_[split].step[k];
      for (int64_t rest = block, axis = static_cast<int64_t>(leading) - 1; axis >= 0; --axis) {
        const int64_t index = rest % size(static_cast<size_t>(axis));
        rest /= size(static_cast<size_t>(axis));
        offset += index * axes_[axis].result_step;
        for (size_t k = 0; k < operand_size_.size(); ++k) at[k] += index * axes_[axis].step[k];
      }
      for (size_t k = 0; k < operand_size_.size(); ++k)
        rows.x[k].p = base[k] == nullptr ? nullptr : base[k] + at[k] * lanes;
      body(rows, offset * lanes);
    }
  }
  template <typename Body>
  void each(int64_t n, int lanes, const Pointers& base, Body body) const {
    each(n, lanes, 0, units(n), base, body);
  }

  // Sums a gradient with the result's shape to that of an operand.
  const ReduceChain& sums(size_t operand) const { return sums_[operand]; }
  bool is_repeated(size_t operand) const { return operand_size_[operand] != size_; }

 private:
  // Neighbouring axes are one where every operand has both or lacks both. The size of the first is for one sample, and
  // is multiplied by their number.
  struct Axis {
    int64_t size, result_step;
    std::array<int64_t, kMaxOperands> step;  // in elements; 0 where the operand is repeated
  };
  int64_t size_of_axis(size_t axis, int64_t n) const { return axis == 0 ? axes_[0].size * n : axes_[axis].size; }
  size_t split_axis(int64_t n) const;
  int64_t grain(int64_t n, size_t split) const;

  int64_t size_;
  std::vector<int64_t> operand_size_;
  std::vector<Axis> axes_;
  std::vector<ReduceChain> sums_;
};

// The shape to which the shapes are broadcast, as NumPy does it; false if they do not fit.
bool broadcast_shapes(const std::vector<Shape>& shapes, Shape& result);

}  // namespace day33
