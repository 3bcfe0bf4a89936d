// The builder's methods for batch and layer normalisation.
#include "engine/builder.h"
#include "engine/builder_support.h"
#include "ops/normalization.h"

namespace day33 {

int GraphBuilder::batch_normalization(int x, const BatchNormParameters& p, float momentum, float epsilon, bool frozen,
                                      int mask) {
  const Shape shape = tensor(x, "x").shape;
  if (shape.empty() || tensor(x, "x").size == 0)
    fail("x has shape " + to_string(shape) + " (without the batch); expected at least one value");
  const int64_t C = shape.back();
  const auto check = [&](int slot, const char* name) {
    const ParameterInfo info = parameter_info(slot, 1, name);
    if (info.shape[0] != C)
      fail(std::string(name) + " has shape " + to_string(info.shape) + "; expected " + to_string({C}));
  };
  if (p.gamma >= 0) check(p.gamma, "gamma");
  if (p.beta >= 0) check(p.beta, "beta");
  check(p.moving_mean, "moving_mean");
  check(p.moving_variance, "moving_variance");
  if (mask >= 0) {
    const Shape kept = tensor(mask, "mask").shape, rows(shape.begin(), shape.end() - 1);
    if (kept != rows || tensor(mask, "mask").dtype != DType::int32)
      fail("mask has shape " + to_string(kept) + "; expected int32 of shape " + to_string(rows) +
           ", one number per row of x");
  }
  const int y = new_tensor(shape);
  add_other(mask < 0 ? std::vector<int>{x} : std::vector<int>{x, mask}, y, [=, rows = rows_of(shape)](const Node& n) {
    return make_batch_norm(n.inputs[0], mask < 0 ? -1 : n.inputs[1], y, p, rows, C, momentum, epsilon, frozen);
  });
  nodes_.back().kind = Node::batch_norm_node;
  nodes_.back().norm = {p.gamma, p.beta, p.moving_mean, p.moving_variance, epsilon};
  return y;
}

int GraphBuilder::layer_normalization(int x, int gamma, int beta, int64_t axes, float epsilon) {
  const Shape shape = tensor(x, "x").shape;
  if (axes < 1 || axes > static_cast<int64_t>(shape.size()) || element_count(shape) == 0)
    fail("x has shape " + to_string(shape) + " (without the batch); expected at least " + std::to_string(axes) +
         " dimensions and one value");
  const size_t first = shape.size() - static_cast<size_t>(axes);
  const Shape normalised(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.end());
  const auto check = [&](int slot, const char* name) {
    if (slot < 0) return;
    const ParameterInfo info = parameter_info(slot, normalised.size(), name);
    if (info.shape != normalised)
      fail(std::string(name) + " has shape " + to_string(info.shape) + "; expected " + to_string(normalised));
  };
  check(gamma, "gamma");
  check(beta, "beta");
  const int64_t rows = product(shape, 0, first), C = element_count(normalised);
  const int y = new_tensor(shape);
  add_other({x}, y, [=](const Node& n) { return make_layer_norm(n.inputs[0], y, gamma, beta, rows, C, epsilon); });
  return y;
}

}  // namespace day33
