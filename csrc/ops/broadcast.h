// Operands of several shapes taken as one shape, without copies, and the way back: sums over what was repeated.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/aligned_buffer.h"
#include "core/shapes.h"
#include "kernels/kernels.h"

namespace day33 {

// Reduces some axes of an array, in several steps where they do not lie next to each other. The size of the first axis,
// which is `n` below, is known only when it runs.
class ReduceChain {
 public:
  // sizes[0] does not count.
  ReduceChain(std::vector<int64_t> sizes, const std::vector<char>& reduced);

  // x and y may not overlap. Words of int32 with `ints`.
  void run(const Kernels& kernels, Reduce kind, bool ints, int64_t n, int lanes, const float* x, float* y,
           float* scratch) const;
  // The same for some of the cells before the reduced axis, where there is one step only.
  void run_part(const Kernels& kernels, Reduce kind, bool ints, int lanes, const float* x, float* y, int64_t begin,
                int64_t end) const;
  int64_t scratch_size(int64_t n, int lanes) const;

  int64_t result_size(int64_t n, int lanes) const;

  struct Step {
    int64_t outer, K, inner;
    bool over_samples;  // n multiplies K, not outer
    ReduceArgs args(int64_t n, int lanes) const {
      return {over_samples ? outer : outer * n, over_samples ? K * n : K, inner * lanes};
    }
  };
  const std::vector<Step>& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
};

class Broadcast {
 public:
  static constexpr size_t kMaxOperands = 3;
  using Pointers = std::array<const float*, kMaxOperands>;

  // Shapes of one sample; `result` is the shape to which the operands are broadcast. `shared`: by operand, whether it
  // is the same for all samples.
  Broadcast(const Shape& result, const std::vector<Shape>& operands, const std::vector<char>& shared = {});

  int64_t size() const { return size_; }
  int64_t size_of(size_t operand) const { return operand_size_[operand]; }
  bool is_repeated(size_t operand) const { return operand_size_[operand] != size_ || axes_[0].step[operand] == 0; }

  // The result in equal parts that can be made in any order.
  int64_t units(int64_t n) const;

  // A part of the result: the indices of each axis.
  struct Range {
    int64_t begin, end;
  };
  using Part = std::vector<Range>;
  Part whole(int64_t n) const;
  Part units(int64_t n, int64_t begin, int64_t end) const;

  // Calls body(rows, offset) for rows that together are the part. `offset` is that of the first one, in words.
  template <typename Body>
  void each(const Part& part, int lanes, const Pointers& base, Body body) const;

  // Sums a gradient of the result's shape to that of an operand which is repeated. The gradient is made in parts that
  // fit in the cache: make(part, offset, d) returns where it stands, from the word `offset` of the result on, which may
  // be d, memory for it. The sums of an operand that is the same for all samples are added to `sums`.
  template <typename Make>
  void sum_repeated(const Kernels& kernels, size_t operand, int64_t n, int lanes, float* scratch, float* sums,
                    Make make) const;
  int64_t sum_scratch_size(size_t operand, int64_t n, int lanes) const;

  // Reduces from the result's shape to the operand's, for samples(n) samples: n and the axes that are one with them.
  const ReduceChain& chain(size_t operand) const { return sums_[operand].all; }
  int64_t samples(int64_t n) const { return size_of_axis(0, n); }

 private:
  // Neighbouring axes are one where every operand has both or lacks both. The size of the first is for one sample, and
  // is multiplied by their number.
  struct Axis {
    int64_t size, result_step;
    std::array<int64_t, kMaxOperands> step;  // in elements; 0 where the operand is repeated
  };
  // How an operand's gradient is summed: over the axes from the first or the second on.
  struct Sums {
    ReduceChain all, inner;
  };
  static constexpr int64_t kPartFloats = 8192;

  int64_t size_of_axis(size_t axis, int64_t n) const { return axis == 0 ? axes_[0].size * n : axes_[axis].size; }
  size_t split_axis(int64_t n) const;
  int64_t grain(int64_t n, size_t split) const;
  // Whether parts are indices of the second axis, since one of the first has too many floats; how many they take.
  bool splits_second(int lanes) const { return axes_.size() > 1 && axes_[0].result_step * lanes > kPartFloats; }
  int64_t part_rows(size_t axis, int64_t n, int lanes) const {
    return std::clamp<int64_t>(kPartFloats / (axes_[axis].result_step * lanes), 1, size_of_axis(axis, n));
  }

  int64_t size_;
  std::vector<int64_t> operand_size_;
  std::vector<Axis> axes_;
  std::vector<Sums> sums_;
};

template <typename Body>
void Broadcast::each(const Part& part, int lanes, const Pointers& base, Body body) const {
  if (size_ == 0) return;
  const size_t last = axes_.size() - 1, leading = last > 0 ? last - 1 : 0;
  const auto size = [&](size_t axis) { return part[axis].end - part[axis].begin; };
  BroadcastRows rows{};
  rows.lanes = lanes;
  rows.inner = size(last) * lanes;
  rows.outer = last > 0 ? size(last - 1) : 1;
  rows.row_step = last > 0 ? axes_[last - 1].result_step * lanes : 0;
  for (size_t k = 0; k < operand_size_.size(); ++k) {
    rows.x[k].step = last > 0 ? axes_[last - 1].step[k] * lanes : 0;
    rows.x[k].held = axes_[last].step[k] == 0;
  }
  int64_t blocks = 1, first = 0;
  std::array<int64_t, kMaxOperands> first_of{};
  for (size_t axis = 0; axis < axes_.size(); ++axis) {
    if (size(axis) <= 0) return;
    if (axis < leading) blocks *= size(axis);
    first += part[axis].begin * axes_[axis].result_step;
    for (size_t k = 0; k < operand_size_.size(); ++k) first_of[k] += part[axis].begin * axes_[axis].step[k];
  }
  for (int64_t block = 0; block < blocks; ++block) {
    int64_t offset = first;
    std::array<int64_t, kMaxOperands> at = first_of;
    int64_t rest = block;
    for (size_t axis = leading; axis-- > 0;) {
      const int64_t index = rest % size(axis);
      rest /= size(axis);
      offset += index * axes_[axis].result_step;
      for (size_t k = 0; k < operand_size_.size(); ++k) at[k] += index * axes_[axis].step[k];
    }
    for (size_t k = 0; k < operand_size_.size(); ++k)
      rows.x[k].p = base[k] == nullptr ? nullptr : base[k] + at[k] * lanes;
    body(rows, offset * lanes);
  }
}

template <typename Make>
void Broadcast::sum_repeated(const Kernels& kernels, size_t operand, int64_t n, int lanes, float* scratch, float* sums,
                             Make make) const {
  const bool shared = axes_[0].step[operand] == 0;
  if (size_ == 0) {
    if (!shared) std::fill_n(sums, operand_size_[operand] * n * lanes, 0.0f);
    return;
  }
  const size_t axis = splits_second(lanes) ? 1 : 0;
  const ReduceChain& chain = axis == 0 ? sums_[operand].all : sums_[operand].inner;
  const int64_t rows = part_rows(axis, n, lanes), step = axes_[axis].step[operand];
  float* d = scratch;
  float* addend = d + round_to_line(rows * axes_[axis].result_step * lanes);
  float* rest = addend + round_to_line(operand_size_[operand] * lanes);
  Part part = whole(n);
  const int64_t outside = axis == 0 ? 1 : size_of_axis(0, n);
  for (int64_t i = 0; i < outside; ++i)
    for (int64_t from = 0; from < size_of_axis(axis, n); from += rows) {
      if (axis == 1) part[0] = {i, i + 1};
      part[axis] = {from, std::min(from + rows, size_of_axis(axis, n))};
      const int64_t count = part[axis].end - from;
      const int64_t outer_offset = axis == 0 ? 0 : i * axes_[0].result_step;
      const float* made = make(part, (outer_offset + from * axes_[axis].result_step) * lanes, d);
      float* to = sums + ((axis == 0 ? 0 : i * axes_[0].step[operand]) + from * step) * lanes;
      if (chain.steps().empty()) {  // a part of an operand that is repeated for the samples only
        kernels.add_to(made, to, count * axes_[axis].result_step * lanes);
        continue;
      }
      const bool add = shared || (step == 0 && from > 0);
      chain.run(kernels, Reduce::sum, false, count, lanes, made, add ? addend : to, rest);
      if (add) kernels.add_to(addend, to, chain.result_size(count, lanes));
    }
}

// The shape to which the shapes are broadcast, as NumPy does it; false if they do not fit.
bool broadcast_shapes(const std::vector<Shape>& shapes, Shape& result);

}  // namespace day33
