// Ops that compute with elements: functions of one or two of them, choices, conversions; parameters as values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace day33 {

Unary parse_unary(const std::string& name);
Binary parse_binary(const std::string& name);
std::string to_string(Unary kind);
std::string to_string(Binary kind);
Trait trait_of(Unary kind);
Trait trait_of(Binary kind);
inline bool passes_gradient(Trait trait) { return trait == Trait::of_input || trait == Trait::of_output; }

// Whether the function has an int32 form: of int32, with the result int32.
bool takes_ints(Unary kind);
bool takes_ints(Binary kind);

std::unique_ptr<Op> make_unary(Unary kind, int x, int y, DType dtype, int64_t size);

// An operand that is broadcast to a shape: a tensor, or the parameter in a slot; the other number is -1.
struct BroadcastOperand {
  int tensor, slot;
  Shape shape;
};
std::unique_ptr<Op> make_binary(Binary kind, const std::vector<BroadcastOperand>& operands, int y, DType dtype,
                                const Shape& shape);
// {condition, a, b}: condition != 0 ? a : b; a and b of one dtype.
std::unique_ptr<Op> make_select(const std::vector<BroadcastOperand>& operands, int y, const Shape& shape);

enum class Cast { float32, int32, boolean };
std::unique_ptr<Op> make_cast(int x, int y, DType from, Cast to, int64_t size);

// A copy through which no gradient passes.
std::unique_ptr<Op> make_stop_gradient(int x, int y, int64_t size);

// The parameter, for every sample.
std::unique_ptr<Op> make_parameter_value(int y, int slot, int64_t size);

}  // namespace day33
