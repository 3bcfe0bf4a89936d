// Ops that only put values elsewhere: padding, cropping, permuted axes, repetition.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace day33 {

// One axis of the result: element i comes from `first + i` of `count` cells of the source, `stride` elements apart, or
// is 0 where there is no such cell. A stride of 0 repeats.
struct SourceAxis {
  int64_t size, first, count, stride;
};

std::unique_ptr<Op> make_rearrange(std::string kind, int x, int y, int64_t source_size,
                                   const std::vector<SourceAxis>& axes);

}  // namespace day33
