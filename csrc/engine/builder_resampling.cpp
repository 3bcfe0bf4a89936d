// The builder's methods for up-sampling, resizing and transforming images.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/affine_transform.h"
#include "ops/resampling.h"
#include "ops/resize.h"

namespace day33 {
namespace {

constexpr int64_t kMaxSide = 1 << 24;  // float counts so far

}  // namespace

int GraphBuilder::up_sampling2d(int x, Pair size, Interpolation interpolation) {
  const Shape in = tensor_of_rank(x, 3, "x").shape;
  if (size.height < 1 || size.width < 1 || size.height > INT32_MAX || size.width > INT32_MAX)
    fail("size is " + to_string({size.height, size.width}) + "; expected positive integers");
  const int y = new_tensor({in[0] * size.height, in[1] * size.width, in[2]});
  add_other({x}, y, [=](const Node& n) {
    return make_up_sampling2d(n.inputs[0], y, in[0], in[1], in[2], size.height, size.width, interpolation);
  });
  if (interpolation == Interpolation::nearest) nodes_.back().kind = Node::nearest_up_sampling_node;
  nodes_.back().scale = size;
  return y;
}

int GraphBuilder::resize(int x, Pair size, Resizing kind, bool antialias) {
  const Tensor image = tensor_of_rank(x, 3, "x");
  const Shape in = image.shape;
  if (size.height < 1 || size.width < 1 || size.height > INT32_MAX || size.width > INT32_MAX)
    fail("size is " + to_string({size.height, size.width}) + "; expected positive integers");
  if (in[0] < 1 || in[1] < 1) fail(shape_of("x", in) + "; expected at least one pixel");
  const Shape shape{size.height, size.width, in[2]};
  if (kind == Resizing::nearest)
    return rearrange("resize", x, shape,
                     {indexed_axis(nearest_cells(in[0], size.height), in[1] * in[2]),
                      indexed_axis(nearest_cells(in[1], size.width), in[2]),
                      {{in[2], 0, 1}}});
  if (image.dtype != DType::float32) fail("x: expected a float32 tensor");
  const int y = new_tensor(shape);
  add_other({x}, y, [=](const Node& n) {
    return make_resize(n.inputs[0], y, in[0], in[1], in[2], size.height, size.width, kind, antialias);
  });
  return y;
}

int GraphBuilder::affine_transform(int x, int transform, bool bilinear, FillMode fill_mode, float fill_value) {
  const Tensor image = tensor_of_rank(x, 3, "x"), numbers = tensor(transform, "transform");
  if (image.dtype != DType::float32) fail("x: expected a float32 tensor");
  if (numbers.dtype != DType::float32) fail("transform: expected a float32 tensor");
  if (numbers.shape != Shape{8}) fail(shape_of("transform", numbers.shape) + "; expected (8,)");
  const Shape in = image.shape;
  if (in[0] > kMaxSide || in[1] > kMaxSide) fail(shape_of("x", in) + "; expected at most 2^24 rows and columns");
  const int y = new_tensor(in);
  const AffineTransform what{in[0], in[1], in[2], bilinear, fill_mode, fill_value};
  add_other({x, transform}, y, [=](const Node& n) { return make_affine_transform(n.inputs[0], n.inputs[1], y, what); });
  return y;
}

}  // namespace day33
