// Ops that only move values: padding, cropping, permuted axes, repetition, concatenation, slices.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace day33 {

// One axis of the result: element i comes from cell `first + i` of the `count` cells of the source, which are `stride`
// elements apart; it is 0 where there is no such cell. A stride of 0 repeats.
struct SourceAxis {
  int64_t size, first, count, stride;
};

std::unique_ptr<Op> make_rearrange(std::string kind, int x, int y, int64_t source_size,
                                   const std::vector<SourceAxis>& axes);

// Each input is [outer][inner[i]]; the output [outer][sum of inner].
std::unique_ptr<Op> make_concatenate(std::vector<int> xs, int y, int64_t outer, std::vector<int64_t> inner);

// [T][inner], of any dtype: rows [begin, begin + count), or all rows in reverse order.
std::unique_ptr<Op> make_slice(int x, int y, int64_t T, int64_t inner, int64_t begin, int64_t count);
std::unique_ptr<Op> make_reverse(int x, int y, int64_t T, int64_t inner);

std::unique_ptr<Op> make_copy(int x, int y, int64_t features);

}  // namespace day33
