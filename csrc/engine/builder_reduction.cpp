// The builder's methods for reductions.
#include <algorithm>
#include <limits>

#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/reduction.h"

namespace day33 {
namespace {

// Axes counted from 0, sorted, each once.
std::vector<int64_t> sorted_axes(const std::vector<int64_t>& axes, const Shape& shape) {
  std::vector<int64_t> sorted;
  for (int64_t axis : axes) sorted.push_back(static_cast<int64_t>(axis_of(shape, axis, "axes holds")));
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    fail("axes is " + to_string(axes) + "; expected each axis once");
  return sorted;
}

// x as [outer][K][inner], with K along the axis.
ReduceArgs around(int64_t axis, const Shape& shape) {
  const size_t at = axis_of(shape, axis);
  return {product(shape, 0, at), shape[at], product(shape, at + 1, shape.size())};
}

}  // namespace

int GraphBuilder::reduce(Reduce kind, int x, const std::vector<int64_t>& axes, bool keepdims) {
  const Tensor in = tensor(x, "x");
  const std::vector<int64_t> sorted = sorted_axes(axes, in.shape);
  if (kind == Reduce::mean && in.dtype != DType::float32) fail("x has dtype int32; expected float32 for 'mean'");
  const bool truth = kind == Reduce::any || kind == Reduce::all;

  Shape kept = in.shape, shape;
  for (int64_t axis : sorted) kept[static_cast<size_t>(axis)] = 1;
  for (size_t i = 0; i < kept.size(); ++i)
    if (keepdims || !std::binary_search(sorted.begin(), sorted.end(), static_cast<int64_t>(i)))
      shape.push_back(kept[i]);

  if (truth && in.dtype == DType::float32) x = cast(x, Cast::boolean);
  if (element_count(kept) == in.size && in.size > 0) {  // nothing to reduce
    if (truth && in.dtype == DType::int32) x = cast(x, Cast::boolean);
    return reshape(x, shape);
  }
  // A product over axes that are apart is a product of products.
  if (kind == Reduce::prod && in.size > 0) {
    size_t first = sorted.size() - 1;
    const auto joins = [&](size_t i) {  // whether the axes between sorted[i - 1] and sorted[i] all have size 1
      for (int64_t axis = sorted[i - 1] + 1; axis < sorted[i]; ++axis)
        if (in.shape[static_cast<size_t>(axis)] != 1) return false;
      return true;
    };
    while (first > 0 && joins(first)) --first;
    if (first > 0) {
      const std::vector<int64_t> last(sorted.begin() + static_cast<std::ptrdiff_t>(first), sorted.end());
      const std::vector<int64_t> rest(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(first));
      return reshape(reduce(kind, reduce(kind, x, last, true), rest, true), shape);
    }
  }
  const DType dtype = truth ? DType::int32 : in.dtype;
  const int y = new_tensor(shape, dtype);
  add_other({x}, y, [=](const Node& n) { return make_reduce(kind, n.inputs[0], y, dtype, in.shape, sorted); });
  return y;
}

int GraphBuilder::arg_reduce(ArgReduce kind, int x, int64_t axis) {
  const Tensor in = tensor(x, "x");
  const ReduceArgs view = around(axis, in.shape);
  if (view.K < 1 || view.K > std::numeric_limits<int32_t>::max())
    fail("x has shape " + to_string(in.shape) + " (without the batch); expected 1 to 2^31 - 1 cells along axis " +
         std::to_string(axis));
  Shape shape = in.shape;
  shape.erase(shape.begin() + (axis < 0 ? axis + static_cast<int64_t>(shape.size()) : axis));
  const int y = new_tensor(shape, DType::int32);
  add_other({x}, y, [=](const Node& n) { return make_arg_reduce(kind, n.inputs[0], y, in.dtype, view); });
  return y;
}

int GraphBuilder::cumulate(Cumulate kind, int x, int64_t axis) {
  const Tensor in = tensor(x, "x");
  const ReduceArgs view = around(axis, in.shape);
  const int y = new_tensor(in.shape, in.dtype);
  add_other({x}, y, [=](const Node& n) { return make_cumulate(kind, n.inputs[0], y, in.dtype, view); });
  return y;
}

}  // namespace day33
