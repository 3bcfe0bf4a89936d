// Ops whose output elements depend only on the input elements at the same place.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace day33 {

// x * scale + offset: one value for all, or one for each of the `features` values of a sample.
std::unique_ptr<Op> make_rescaling(int x, int y, int64_t features, std::vector<float> scale, std::vector<float> offset);

// The gradient of a maximum or minimum goes to the first input that attains it.
std::unique_ptr<Op> make_merge(Merge kind, std::vector<int> xs, int y, int64_t features);

Merge parse_merge(const std::string& name);

// [repeats][features]: the same elements are dropped in every repeat.
std::unique_ptr<Op> make_dropout(int x, int y, int64_t repeats, int64_t features, float rate, uint64_t seed);

// The first input in training, the second one otherwise.
std::unique_ptr<Op> make_by_mode(int in_training, int in_inference, int y, int64_t size);

// float32 to int32: the fraction is cut off, and values outside the range of int32 become -1.
std::unique_ptr<Op> make_to_int32(int x, int y, int64_t size);
// int32 to int64.
std::unique_ptr<Op> make_to_int64(int x, int y, int64_t size);

}  // namespace day33
