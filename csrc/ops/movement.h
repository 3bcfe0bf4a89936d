// Ops that only move values: padding, slices, permuted axes, repetition, constant indices, concatenation. int32 is
// moved like float32, which has the same size.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/enumerators.h"
#include "ops/op.h"

namespace day33 {

#define DAY33_PAD_MODES(X) X(constant) X(reflect) X(symmetric)
enum class PadMode { DAY33_PAD_MODES(DAY33_ENUMERATOR) };

PadMode parse_pad_mode(const std::string& name);

// Neighbours on one axis of the result: cell i is element `from + i * stride` of the source, counted from where the
// other axes begin. A stride of 0 repeats, a negative one reverses. kFill: there is no such cell.
struct SourceRun {
  int64_t count, from, stride;
};
constexpr int64_t kFill = -1;
using SourceAxis = std::vector<SourceRun>;

// An axis whose cell i is cell indices[i] of the source, or kFill; `step` is what one cell of the source counts.
SourceAxis indexed_axis(const std::vector<int64_t>& indices, int64_t step);

// `axes` are those of the result. `fill` has the bits of the value of cells that the source does not have.
std::unique_ptr<Op> make_rearrange(std::string kind, int x, int y, int64_t source_size,
                                   const std::vector<SourceAxis>& axes, float fill = 0.0f);

// Each input is [outer][inner[i]]; the output [outer][sum of inner].
std::unique_ptr<Op> make_concatenate(std::vector<int> xs, int y, int64_t outer, std::vector<int64_t> inner);

std::unique_ptr<Op> make_copy(int x, int y, int64_t features);

}  // namespace day33
