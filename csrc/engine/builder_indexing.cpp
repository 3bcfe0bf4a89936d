// The builder's methods for ops on indices that are values.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/broadcast.h"
#include "ops/indexing.h"

namespace day33 {
namespace {

void check_indices(const Tensor& indices) {
  if (indices.dtype != DType::int32) fail("indices: expected an int32 tensor");
}

}  // namespace

int GraphBuilder::gather(int x, int indices, int64_t axis) {
  const Tensor in = tensor(x, "x"), at = tensor(indices, "indices");
  check_indices(at);
  const size_t along = axis_of(in.shape, axis);
  const Gathering gathering{.outer = product(in.shape, 0, along),
                            .cells = in.shape[along],
                            .inner = product(in.shape, along + 1, in.shape.size()),
                            .count = at.size,
                            .each = false};
  const int y = new_tensor(replace_axis(in.shape, along, at.shape), in.dtype);
  add_other({x, indices}, y, [=](const Node& n) { return make_gather(n.inputs[0], n.inputs[1], y, gathering); });
  return y;
}

int GraphBuilder::take_along_axis(int x, int indices, int64_t axis) {
  const Shape shape = tensor(x, "x").shape, places = tensor(indices, "indices").shape;
  check_indices(tensor(indices, "indices"));
  const size_t along = axis_of(shape, axis);
  Shape wide;
  const auto others = [&](Shape all) {
    all[along] = 1;
    return all;
  };
  if (shape.size() != places.size() || !broadcast_shapes({others(shape), others(places)}, wide))
    fail("indices has shape " + to_string(places) + " and x " + to_string(shape) +
         " (without the batch); expected the same number of axes, which are equal or 1 but for axis " +
         std::to_string(axis));
  Shape wide_places = wide;
  wide[along] = shape[along];
  wide_places[along] = places[along];
  const int from = broadcast_to(x, wide), at = broadcast_to(indices, wide_places);
  const Gathering gathering{.outer = product(wide, 0, along),
                            .cells = wide[along],
                            .inner = product(wide, along + 1, wide.size()),
                            .count = wide_places[along],
                            .each = true};
  const int y = new_tensor(wide_places, tensor(x, "x").dtype);
  add_other({from, at}, y, [=](const Node& n) { return make_gather(n.inputs[0], n.inputs[1], y, gathering); });
  return y;
}

int GraphBuilder::one_hot(int indices, int64_t depth, int64_t axis) {
  const Tensor at = tensor(indices, "indices");
  check_indices(at);
  if (depth < 0 || depth > INT32_MAX) fail("depth is " + std::to_string(depth) + "; expected a number from 0 to 2^31");
  Shape shape = at.shape;
  shape.push_back(depth);
  const size_t along = axis_of(shape, axis, "axis is", "the result");
  shape.pop_back();
  const int64_t outer = product(shape, 0, along), inner = product(shape, along, shape.size());
  shape.insert(shape.begin() + static_cast<int64_t>(along), depth);
  const int y = new_tensor(shape);
  add_other({indices}, y, [=](const Node& n) { return make_one_hot(n.inputs[0], y, outer, depth, inner); });
  return y;
}

}  // namespace day33
