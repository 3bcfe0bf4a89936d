// Ops that reduce axes to one value.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace day33 {

Reduce parse_reduce(const std::string& name);

// `axes` of x: sorted, each once, at least one. prod takes only axes that lie next to each other (or have size 1).
std::unique_ptr<Op> make_reduce(Reduce kind, int x, int y, DType dtype, const Shape& shape,
                                const std::vector<int64_t>& axes);

ArgReduce parse_arg_reduce(const std::string& name);
Cumulate parse_cumulate(const std::string& name);

// A sample as [outer][K][inner], reduced or cumulated along K.
std::unique_ptr<Op> make_arg_reduce(ArgReduce kind, int x, int y, DType dtype, const ReduceArgs& sample);
std::unique_ptr<Op> make_cumulate(Cumulate kind, int x, int y, DType dtype, const ReduceArgs& sample);

}  // namespace day33
