// The builder's methods for ops that only move values.
#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/movement.h"

namespace day33 {
namespace {

constexpr int64_t kMaxCount = int64_t{1} << 40;  // the limit of element_count

// The cell of an axis that cell `i` of its endless reflection shows: 0 1 2 1 0 1 2 ... or, where the edges come twice,
// 0 1 2 2 1 0 0 1 2 ...
int64_t reflected(int64_t i, int64_t size, bool edges_twice) {
  const int64_t period = edges_twice ? 2 * size : std::max<int64_t>(2 * size - 2, 1);
  const int64_t at = (i % period + period) % period;
  return at < size ? at : period - at - (edges_twice ? 1 : 0);
}

SourceAxis padded_axis(int64_t size, const Border& border, PadMode mode, int64_t step) {
  if (mode == PadMode::constant) {
    const int64_t begin = std::max<int64_t>(-border.before, 0), end = size - std::max<int64_t>(-border.after, 0);
    return {{std::max<int64_t>(border.before, 0), kFill, 0},
            {end - begin, begin * step, step},
            {std::max<int64_t>(border.after, 0), kFill, 0}};
  }
  std::vector<int64_t> indices;
  for (int64_t i = -border.before; i < size + border.after; ++i)
    indices.push_back(reflected(i, size, mode == PadMode::symmetric));
  return indexed_axis(indices, step);
}

// The value with the bits that a tensor of this type keeps.
float fill_of(double value, DType dtype) {
  if (dtype != DType::int32) return static_cast<float>(value);
  if (!(value >= INT32_MIN && value <= INT32_MAX) || value != std::floor(value))
    fail("value is " + std::to_string(value) + "; expected a whole number for an int32 tensor");
  return std::bit_cast<float>(static_cast<int32_t>(value));
}

}  // namespace

int GraphBuilder::reshape(int x, const Shape& shape) {
  const Tensor in = tensor(x, "x");
  if (element_count(shape) != in.size)
    fail("shape is " + to_string(shape) + ", which has not the " + std::to_string(in.size) + " elements of x, " +
         to_string(in.shape) + " (without the batch)");
  return alias(x, shape);
}

int GraphBuilder::rearrange(const char* kind, int x, const Shape& shape, const std::vector<SourceAxis>& axes,
                            float fill) {
  const Tensor in = tensor(x, "x");
  const int y = new_tensor(shape, in.dtype);
  add_other({x}, y, [=](const Node& n) { return make_rearrange(kind, n.inputs[0], y, in.size, axes, fill); });
  return y;
}

// All axes of x as they are, but for one.
int GraphBuilder::rearrange_axis(const char* kind, int x, size_t at, const Shape& shape,
                                 const std::vector<SourceAxis>& by) {
  const Shape in = tensor(x, "x").shape;
  std::vector<SourceAxis> from;
  for (size_t i = 0; i < in.size(); ++i) from.push_back({{in[i], 0, product(in, i + 1, in.size())}});
  from.erase(from.begin() + static_cast<int64_t>(at));
  from.insert(from.begin() + static_cast<int64_t>(at), by.begin(), by.end());
  return rearrange(kind, x, shape, from);
}

int GraphBuilder::pad(int x, const std::vector<Border>& borders, PadMode mode, double value) {
  const Tensor in = tensor(x, "x");
  if (borders.size() != in.shape.size())
    fail("borders holds " + std::to_string(borders.size()) + " pairs; expected one for each axis of x of shape " +
         to_string(in.shape) + " (without the batch)");
  Shape out;
  std::vector<SourceAxis> from;
  for (size_t i = 0; i < borders.size(); ++i) {
    const Border& border = borders[i];
    const int64_t size = in.shape[i];
    if (std::max(std::abs(border.before), std::abs(border.after)) > kMaxCount ||
        size + std::min<int64_t>(border.before, 0) + std::min<int64_t>(border.after, 0) < 0)
      fail("borders is " + to_string({border.before, border.after}) + " for axis " + std::to_string(i) +
           "; expected at most 2^40 new cells, or to take away at most the " + std::to_string(size) + " of x");
    if (mode != PadMode::constant && size == 0 && border.before + border.after > 0)
      fail("x has shape " + to_string(in.shape) + " (without the batch), which has nothing to reflect on axis " +
           std::to_string(i));
    out.push_back(size + border.before + border.after);
    element_count(out);
    from.push_back(padded_axis(size, border, mode, product(in.shape, i + 1, in.shape.size())));
  }
  const bool crops = std::any_of(borders.begin(), borders.end(),
                                 [](const Border& border) { return border.before < 0 || border.after < 0; });
  return rearrange(crops ? "cropping" : "padding", x, out, from, fill_of(value, in.dtype));
}

int GraphBuilder::strided_slice(int x, const Shape& begin, const Shape& size, const Shape& stride) {
  const Shape in = tensor(x, "x").shape;
  if (begin.size() != in.size() || size.size() != in.size() || stride.size() != in.size())
    fail("begin, size and stride are " + to_string(begin) + ", " + to_string(size) + " and " + to_string(stride) +
         "; expected one number for each axis of x of shape " + to_string(in) + " (without the batch)");
  std::vector<SourceAxis> from;
  for (size_t i = 0; i < in.size(); ++i) {
    const int64_t n = in[i], step = product(in, i + 1, in.size());
    const auto exists = [&](int64_t cell) { return cell >= 0 && cell < n; };
    const bool moves = size[i] > 1;
    if (size[i] < 0 || size[i] > n || (size[i] > 0 && !exists(begin[i])) ||
        (moves && (stride[i] == 0 || std::abs(stride[i]) >= n || !exists(begin[i] + (size[i] - 1) * stride[i]))))
      fail("begin, size and stride are " + std::to_string(begin[i]) + ", " + std::to_string(size[i]) + " and " +
           std::to_string(stride[i]) + " on axis " + std::to_string(i) + "; expected cells of the " +
           std::to_string(n) + " that x has there");
    from.push_back({{size[i], size[i] > 0 ? begin[i] * step : 0, moves ? stride[i] * step : step}});
  }
  return rearrange("slice", x, size, from);
}

int GraphBuilder::repeat(int x, const std::vector<int64_t>& repeats, int64_t axis) {
  Shape shape = tensor(x, "x").shape;
  const size_t at = axis_of(shape, axis);
  const int64_t n = shape[at], step = product(shape, at + 1, shape.size());
  if (repeats.size() != 1 && static_cast<int64_t>(repeats.size()) != n)
    fail("repeats holds " + std::to_string(repeats.size()) + " numbers; expected 1, or one for each of the " +
         std::to_string(n) + " cells of axis " + std::to_string(axis));
  SourceAxis each;
  int64_t total = 0;
  for (size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0 || repeats[i] > kMaxCount)
      fail("repeats holds " + std::to_string(repeats[i]) + "; expected numbers from 0 to 2^40");
    each.push_back({repeats[i], static_cast<int64_t>(i) * step, 0});
    element_count({total += repeats[i]});
  }
  shape[at] = repeats.size() == 1 ? element_count({n, total}) : total;
  if (repeats.size() == 1) return rearrange_axis("repeat", x, at, shape, {{{n, 0, step}}, {{total, 0, 0}}});
  return rearrange_axis("repeat", x, at, shape, {each});
}

int GraphBuilder::tile(int x, const std::vector<int64_t>& repeats) {
  Shape in = tensor(x, "x").shape;
  std::vector<int64_t> times = repeats;
  if (std::any_of(times.begin(), times.end(), [](int64_t count) { return count < 0; }))
    fail("repeats is " + to_string(repeats) + "; expected numbers of at least 0");
  const size_t rank = std::max(in.size(), times.size());
  in.insert(in.begin(), rank - in.size(), 1);
  times.insert(times.begin(), rank - times.size(), 1);
  Shape shape;
  std::vector<SourceAxis> from;
  for (size_t i = 0; i < rank; ++i) {
    shape.push_back(element_count({in[i], times[i]}));
    element_count(shape);
    from.push_back({{times[i], 0, 0}});
    from.push_back({{in[i], 0, product(in, i + 1, rank)}});
  }
  return rearrange("tile", x, shape, from);
}

int GraphBuilder::take(int x, const std::vector<int64_t>& indices, const Shape& indices_shape, int64_t axis) {
  const Shape in = tensor(x, "x").shape;
  const size_t at = axis_of(in, axis);
  const int64_t n = in[at];
  std::vector<int64_t> cells = indices;
  for (int64_t& index : cells) {
    if (index < -n || index >= n)
      fail("indices holds " + std::to_string(index) + "; expected " + std::to_string(-n) + " to " +
           std::to_string(n - 1) + " for axis " + std::to_string(axis) + " of x of shape " + to_string(in) +
           " (without the batch)");
    if (index < 0) index += n;
  }
  return rearrange_axis("take", x, at, replace_axis(in, at, indices_shape),
                        {indexed_axis(cells, product(in, at + 1, in.size()))});
}

int GraphBuilder::permute(int x, const std::vector<int64_t>& axes) {
  const Shape in = tensor(x, "x").shape;
  std::vector<int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < std::max(in.size(), sorted.size()); ++i)
    if (sorted.size() != in.size() || sorted[i] != static_cast<int64_t>(i))
      fail("axes is " + to_string(axes) + "; expected each axis of x of shape " + to_string(in) +
           " (without the batch) once");
  Shape out;
  std::vector<SourceAxis> from;
  for (int64_t axis : axes) {
    const size_t at = static_cast<size_t>(axis);
    out.push_back(in[at]);
    from.push_back({{in[at], 0, product(in, at + 1, in.size())}});
  }
  return rearrange("permute", x, out, from);
}

int GraphBuilder::broadcast_to(int x, const Shape& shape) {
  Shape in = tensor(x, "x").shape;
  const auto refuse = [&] {
    fail("shape is " + to_string(shape) + ", to which x of shape " + to_string(in) +
         " (without the batch) cannot be stretched");
  };
  if (shape == in) return x;
  if (in.size() > shape.size()) refuse();
  element_count(shape);
  const Shape ones(shape.size() - in.size(), 1);
  Shape source = ones;
  source.insert(source.end(), in.begin(), in.end());
  std::vector<SourceAxis> from;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (source[i] != shape[i] && source[i] != 1) refuse();
    const bool stretched = source[i] != shape[i];
    from.push_back({{shape[i], 0, stretched ? 0 : product(source, i + 1, source.size())}});
  }
  return rearrange("broadcast", x, shape, from);
}

int GraphBuilder::concatenate(const std::vector<int>& xs, int64_t axis) {
  if (xs.empty()) fail("xs is empty; expected at least one tensor");
  Shape shape = tensor(xs[0], "xs").shape;
  const size_t at = axis_of(shape, axis, "axis is", "xs[0]");
  const int64_t outer = product(shape, 0, at), tail = product(shape, at + 1, shape.size());
  std::vector<int64_t> inner;
  int64_t total = 0;
  const DType dtype = tensor(xs[0], "xs").dtype;
  for (int x : xs) {
    Shape other = tensor(x, "xs").shape;
    if (tensor(x, "xs").dtype != dtype) fail("xs holds tensors of different dtypes; expected one dtype");
    if (other.size() == shape.size()) {
      inner.push_back(other[at] * tail);
      total += other[at];
      other[at] = shape[at];
    }
    if (other != shape)
      fail("xs: shapes " + to_string(shape) + " and " + to_string(tensor(x, "xs").shape) +
           " differ in more than axis " + std::to_string(axis));
  }
  shape[at] = total;
  const int y = new_tensor(shape, dtype);
  add_other(xs, y, [=](const Node& n) { return make_concatenate(n.inputs, y, outer, inner); });
  return y;
}

int GraphBuilder::slice(int x, int64_t begin, int64_t end) {
  const Tensor in = tensor(x, "x");
  if (in.shape.empty()) fail(shape_of("x", in.shape) + "; expected at least one dimension");
  const int64_t T = in.shape[0];
  if (begin < 0 || end <= begin || end > T)
    fail("end is [" + std::to_string(begin) + ", " + std::to_string(end) + "); expected rows of the " +
         std::to_string(T) + " that there are");
  Shape first(in.shape.size(), 0), size = in.shape;
  first[0] = begin;
  size[0] = end - begin;
  return strided_slice(x, first, size, Shape(size.size(), 1));
}

int GraphBuilder::reverse(int x) {
  const Shape in = tensor(x, "x").shape;
  if (in.empty()) fail(shape_of("x", in) + "; expected at least one dimension");
  const int64_t T = in[0], step = product(in, 1, in.size());
  return rearrange_axis("reverse", x, 0, in, {{{T, (T - 1) * step, -step}}});
}

}  // namespace day33
