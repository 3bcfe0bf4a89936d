// The builder's method for products of matrices.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/broadcast.h"
#include "ops/matrix.h"

namespace day33 {
namespace {

// The number of the matrix of `shape` that each matrix of a product with the leading axes `leading` takes.
std::vector<int64_t> matrices(const Shape& leading, const Shape& shape) {
  const size_t missing = leading.size() - (shape.size() - 2);
  std::vector<int64_t> numbers;
  const int64_t count = element_count(leading);
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, number = 0, step = 1;
    for (size_t axis = leading.size(); axis-- > missing;) {
      const int64_t there = shape[axis - missing];
      if (there > 1) number += rest % leading[axis] * step;
      rest /= leading[axis];
      step *= there;
    }
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

int GraphBuilder::matmul(int a, int b) {
  const Tensor left = tensor(a, "a"), right = tensor(b, "b");
  if (left.dtype != DType::float32) fail("a: expected a float32 tensor");
  if (right.dtype != DType::float32) fail("b: expected a float32 tensor");
  if (left.shape.empty()) fail(shape_of("a", left.shape) + "; expected at least one dimension");
  if (right.shape.empty()) fail(shape_of("b", right.shape) + "; expected at least one dimension");
  const bool row = left.shape.size() == 1, column = right.shape.size() == 1;
  Shape as = left.shape, bs = right.shape;
  if (row) as.insert(as.begin(), 1);
  if (column) bs.push_back(1);
  const int64_t M = as[as.size() - 2], K = as.back(), N = bs.back();
  const auto refuse = [&](const std::string& expected) {
    fail("a and b have shapes " + to_string(left.shape) + " and " + to_string(right.shape) +
         " (without the batch); expected " + expected);
  };
  if (bs[bs.size() - 2] != K) refuse("as many columns of a as rows of b");
  Shape leading;
  if (!broadcast_shapes({Shape(as.begin(), as.end() - 2), Shape(bs.begin(), bs.end() - 2)}, leading))
    refuse("leading axes that are equal or 1");
  Shape shape = leading;
  shape.insert(shape.end(), {M, N});
  const MatrixProduct sizes{.M = M,
                            .N = N,
                            .K = K,
                            .a_count = product(as, 0, as.size() - 2),
                            .b_count = product(bs, 0, bs.size() - 2),
                            .a_of = matrices(leading, as),
                            .b_of = matrices(leading, bs)};
  const int y = new_tensor(shape);
  add_other({a, b}, y, [=](const Node& n) { return make_matmul(n.inputs[0], n.inputs[1], y, sizes); });
  if (!row && !column) return y;
  shape = leading;
  if (!row) shape.push_back(M);
  if (!column) shape.push_back(N);
  return alias(y, shape);
}

}  // namespace day33
