#include "ops/broadcast.h"

#include "ops/flat.h"

namespace day33 {

ReduceChain::ReduceChain(std::vector<int64_t> sizes, const std::vector<char>& reduced) {
  sizes[0] = 1;
  int64_t inner = 1;
  for (size_t end = sizes.size(); end > 0;) {
    size_t begin = end;
    int64_t size = 1;
    while (begin > 0 && reduced[begin - 1] == reduced[end - 1]) size *= sizes[--begin];
    if (reduced[end - 1]) {
      int64_t outer = 1;
      for (size_t i = 0; i < begin; ++i) outer *= sizes[i];
      steps_.push_back({outer, size, inner, begin == 0});
    } else {
      inner *= size;
    }
    end = begin;
  }
}

int64_t ReduceChain::scratch_size(int64_t n, int lanes) const {
  int64_t floats = 0;
  for (size_t i = 0; i + 1 < steps_.size(); ++i) {
    const ReduceArgs args = steps_[i].args(n, lanes);
    floats += round_to_line(args.outer * args.inner);
  }
  return floats;
}

int64_t ReduceChain::result_size(int64_t n, int lanes) const {
  const ReduceArgs args = steps_.back().args(n, lanes);
  return args.outer * args.inner;
}

void ReduceChain::run(const Kernels& kernels, Reduce kind, bool ints, int64_t n, int lanes, const float* x, float* y,
                      float* scratch) const {
  for (size_t i = 0; i < steps_.size(); ++i) {
    const ReduceArgs args = steps_[i].args(n, lanes);
    const bool last = i + 1 == steps_.size();
    float* to = last ? y : scratch;
    if (ints)
      kernels.reduce_int(kind, args, reinterpret_cast<const int32_t*>(x), reinterpret_cast<int32_t*>(to));
    else
      kernels.reduce(kind, args, x, to);
    scratch += last ? 0 : round_to_line(args.outer * args.inner);
    x = to;
  }
}

void ReduceChain::run_part(const Kernels& kernels, Reduce kind, bool ints, int lanes, const float* x, float* y,
                           int64_t begin, int64_t end) const {
  const Step& s = steps_[0];
  const int64_t inner = s.inner * lanes;
  const ReduceArgs args{.outer = end - begin, .K = s.K, .inner = inner};
  x += begin * s.K * inner;
  y += begin * inner;
  if (ints)
    kernels.reduce_int(kind, args, reinterpret_cast<const int32_t*>(x), reinterpret_cast<int32_t*>(y));
  else
    kernels.reduce(kind, args, x, y);
}

Broadcast::Broadcast(const Shape& result, const std::vector<Shape>& operands, const std::vector<char>& shared)
    : size_(element_count(result)) {
  for (const Shape& shape : operands) operand_size_.push_back(element_count(shape));
  const auto push = [&](const Axis& axis) {
    if (!axes_.empty()) {
      Axis& before = axes_.back();
      bool one = before.result_step == axis.result_step * axis.size;
      for (size_t k = 0; k < operands.size(); ++k) one = one && before.step[k] == axis.step[k] * axis.size;
      if (one) {
        before.size *= axis.size;
        before.result_step = axis.result_step;
        before.step = axis.step;
        return;
      }
    }
    axes_.push_back(axis);
  };
  Axis samples{1, size_, {}};
  for (size_t k = 0; k < operands.size(); ++k) samples.step[k] = !shared.empty() && shared[k] ? 0 : operand_size_[k];
  push(samples);
  std::vector<int64_t> left(operand_size_);  // elements per index of the axes before
  int64_t below = size_;
  for (size_t i = 0; i < result.size() && size_ > 0; ++i) {
    if (result[i] == 1) continue;
    below /= result[i];
    Axis axis{result[i], below, {}};
    for (size_t k = 0; k < operands.size(); ++k) {
      const size_t missing = result.size() - operands[k].size();
      if (i < missing || operands[k][i - missing] == 1) continue;
      left[k] /= result[i];
      axis.step[k] = left[k];
    }
    push(axis);
  }
  for (size_t k = 0; k < operands.size(); ++k) {
    std::vector<int64_t> sizes;
    std::vector<char> repeated;
    for (const Axis& axis : axes_) {
      sizes.push_back(axis.size);
      repeated.push_back(axis.step[k] == 0);
    }
    ReduceChain all(sizes, repeated);
    if (axes_.size() > 1) {
      sizes.erase(sizes.begin());
      repeated.erase(repeated.begin());
    }
    sums_.push_back({std::move(all), ReduceChain(sizes, repeated)});
  }
}

Broadcast::Part Broadcast::whole(int64_t n) const {
  Part part;
  for (size_t axis = 0; axis < axes_.size(); ++axis) part.push_back({0, size_of_axis(axis, n)});
  return part;
}

Broadcast::Part Broadcast::units(int64_t n, int64_t begin, int64_t end) const {
  Part part = whole(n);
  Range& range = part[split_axis(n)];
  const int64_t grain = this->grain(n, split_axis(n));
  range = {begin * grain, std::min(end * grain, range.end)};
  return part;
}

int64_t Broadcast::sum_scratch_size(size_t operand, int64_t n, int lanes) const {
  if (size_ == 0) return 0;
  const size_t axis = splits_second(lanes) ? 1 : 0;
  const ReduceChain& chain = axis == 0 ? sums_[operand].all : sums_[operand].inner;
  const int64_t rows = part_rows(axis, n, lanes);
  return round_to_line(rows * axes_[axis].result_step * lanes) + round_to_line(operand_size_[operand] * lanes) +
         chain.scratch_size(rows, lanes);
}

size_t Broadcast::split_axis(int64_t n) const {
  size_t best = 0;
  for (size_t axis = 1; axis < axes_.size(); ++axis)
    if (size_of_axis(axis, n) > size_of_axis(best, n)) best = axis;
  return best;
}

int64_t Broadcast::grain(int64_t n, size_t split) const {
  const int64_t slice = std::max<int64_t>(size_ * n / std::max<int64_t>(size_of_axis(split, n), 1), 1);
  return (std::max<int64_t>(kUnitElements / slice, 1) + 15) / 16 * 16;
}

int64_t Broadcast::units(int64_t n) const {
  const size_t split = split_axis(n);
  const int64_t grain = this->grain(n, split);
  return std::max<int64_t>((size_of_axis(split, n) + grain - 1) / grain, 1);
}

bool broadcast_shapes(const std::vector<Shape>& shapes, Shape& result) {
  result.clear();
  for (const Shape& shape : shapes)
    if (shape.size() > result.size()) result.resize(shape.size(), 1);
  std::fill(result.begin(), result.end(), 1);
  for (const Shape& shape : shapes) {
    const size_t missing = result.size() - shape.size();
    for (size_t i = 0; i < shape.size(); ++i) {
      int64_t& side = result[missing + i];
      if (shape[i] == 1 || shape[i] == side) continue;
      if (side != 1) return false;
      side = shape[i];
    }
  }
  return true;
}

}  // namespace day33
