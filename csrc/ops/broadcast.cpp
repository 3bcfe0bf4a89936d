#include "ops/broadcast.h"

#include "core/aligned_buffer.h"

namespace day33 {
namespace {

constexpr int64_t kUnitElements = 4096;

}  // namespace

ReduceChain::ReduceChain(const std::vector<int64_t>& sizes, const std::vector<char>& reduced) {
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
  for (size_t i = 0; i + 1 < steps_.size(); ++i) floats += round_to_line(steps_[i].outer * n * steps_[i].inner * lanes);
  return floats;
}

void ReduceChain::run(const Kernels& kernels, Reduce kind, bool ints, int64_t n, int lanes, const float* x, float* y,
                      float* scratch) const {
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Step& s = steps_[i];
    const ReduceArgs args{
        .outer = s.over_samples ? s.outer : s.outer * n, .K = s.over_samples ? s.K * n : s.K, .inner = s.inner * lanes};
    const bool last = i + 1 == steps_.size();
    float* to = last ? y : scratch;
    if (ints)
      kernels.reduce_int(kind, args, reinterpret_cast<const int32_t*>(x), reinterpret_cast<int32_t*>(to));
    else
      kernels.reduce(kind, args, x, to);
    if (last) return;
    scratch += round_to_line(args.outer * args.inner);
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

Broadcast::Broadcast(const Shape& result, const std::vector<Shape>& operands) : size_(element_count(result)) {
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
  for (size_t k = 0; k < operands.size(); ++k) samples.step[k] = operand_size_[k];
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
  std::vector<int64_t> sizes;
  for (const Axis& axis : axes_) sizes.push_back(axis.size);
  for (size_t k = 0; k < operands.size(); ++k) {
    std::vector<char> repeated;
    for (const Axis& axis : axes_) repeated.push_back(axis.step[k] == 0);
    sums_.emplace_back(sizes, repeated);
  }
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
