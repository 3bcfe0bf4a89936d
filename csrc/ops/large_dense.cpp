// A dense layer as matrix products, alone and joined with the cross-entropy of its output.
#include <algorithm>
#include <vector>

#include "ops/dense_op.h"
#include "ops/gemm.h"
#include "ops/losses.h"
#include "ops/scratch.h"

namespace day33 {
namespace {

constexpr int64_t kJoinedRows = 512;    // rows of logits that exist at a time
constexpr int64_t kSamplePortion = 16;  // rows that a thread takes at a time in loops over rows

}  // namespace

gemm::Product LargeDenseOp::product(const Tile& tile, bool backward, gemm::Input a, int64_t rows,
                                    gemm::Output c) const {
  return {.M = rows,
          .N = backward ? C_ : O_,
          .K = backward ? O_ : C_,
          .a = a,
          .packed_b = backward ? tile.packed_backward : tile.packed,
          .b = kernel_of(tile.parameter),
          .b_transposed = backward != transposed_,
          .c = c,
          .bias = backward ? nullptr : bias(tile)};
}

void LargeDenseOp::forward(const Tile& tile, int64_t begin, int64_t end) const {
  if (!whole(tile.lanes)) return DenseOp::forward(tile, begin, end);
  const int64_t rows = tile.n * rows_;
  float* y = tile.value[outputs[0]];
  float* to = sums(tile);
  gemm::multiply(*tile.kernels, product(tile, false, {tile.value[inputs[0]], C_}, rows, {to, O_}), tile.scratch);
  if (linear()) return;
  gemm::over_rows(rows, kSamplePortion, rows * O_, [&](int64_t first, int64_t count) {
    if (fused_relu())
      tile.kernels->activation_forward(Activation::relu, 0.0f, y + first * O_, y + first * O_, count * O_);
    else
      activate(tile, to + first * O_, y + first * O_, count, O_);
  });
}

void LargeDenseOp::backward(const Tile& tile, float* const* dx) const {
  if (!whole(tile.lanes)) return DenseOp::backward(tile, dx);
  const Kernels& kernels = *tile.kernels;
  const int64_t rows = tile.n * rows_;
  float* dy = tile.gradient[outputs[0]];
  if (!linear())
    gemm::over_rows(rows, kSamplePortion, rows * O_, [&](int64_t first, int64_t count) {
      through_activation(tile, saved(tile) + first * O_, dy + first * O_, count, O_);
    });
  if (float* db = parameters[kBias] >= 0 ? tile.accumulate[kBias] : nullptr)
    gemm::add_column_sums(kernels, {dy, O_}, rows, O_, db, tile.scratch);
  add_kernel_gradient(tile, {tile.value[inputs[0]], C_}, {dy, O_}, rows, tile.scratch);
  if (dx[0] != nullptr) gemm::multiply(kernels, product(tile, true, {dy, O_}, rows, {dx[0], C_}), tile.scratch);
}

void LargeDenseOp::add_kernel_gradient(const Tile& tile, gemm::Input x, gemm::Input dy, int64_t rows,
                                       float* scratch) const {
  float* dw = tile.accumulate[kKernel];
  if (dw == nullptr) return;
  if (transposed_)
    gemm::add_outer(*tile.kernels, {.M = O_, .N = C_, .K = rows, .a = dy, .b = x, .c = dw}, scratch);
  else
    gemm::add_outer(*tile.kernels, {.M = C_, .N = O_, .K = rows, .a = x, .b = dy, .c = dw}, scratch);
}

int64_t LargeDenseOp::packed_size(const Kernels& kernels, int lanes, bool backward) const {
  if (!whole(lanes)) return DenseOp::packed_size(kernels, lanes, backward);
  return backward ? gemm::packed_floats(kernels, O_, C_) : gemm::packed_floats(kernels, C_, O_);
}

void LargeDenseOp::pack(const Kernels& kernels, int lanes, bool backward, const float* const* parameter,
                        float* packed) const {
  if (!whole(lanes)) return DenseOp::pack(kernels, lanes, backward, parameter, packed);
  gemm::pack(kernels, kernel_of(parameter), backward != transposed_, backward ? O_ : C_, backward ? C_ : O_, packed);
}

int64_t LargeDenseOp::scratch_size(const Kernels& kernels, int lanes, int64_t n) const {
  if (!whole(lanes)) return DenseOp::scratch_size(kernels, lanes, n);
  const int64_t rows = n * rows_, together = std::min(rows, kJoinedRows);
  const auto products = [&](int64_t count) {
    return std::max({gemm::scratch_floats(kernels, count, C_), gemm::scratch_floats(kernels, count, O_),
                     transposed_ ? gemm::outer_scratch_floats(kernels, O_, C_, count)
                                 : gemm::outer_scratch_floats(kernels, C_, O_, count),
                     gemm::column_sums_scratch_floats(O_)});
  };
  const int64_t joined = round_to_line(rows) + 2 * round_to_line(together) + round_to_line(together * O_);
  return std::max(products(rows), joined + products(together));
}

double LargeDenseOp::run_joined(const Tile& tile, const Loss& loss, float* dx) const {
  const Kernels& kernels = *tile.kernels;
  const int64_t rows = tile.n * rows_, together = std::min(rows, kJoinedRows);
  const float* x = tile.value[inputs[0]];
  Carver scratch(tile.scratch);
  int32_t* counted = scratch.take_ints(rows);
  int32_t* labels = scratch.take_ints(together);
  float* weights = scratch.take(together);
  float* logits = scratch.take(together * O_);
  float* products = scratch.rest();

  int64_t count = 0;
  for (int64_t r = 0; r < rows; ++r) {
    if (loss.weights == nullptr || loss.weights[r] != 0.0f)
      counted[count++] = static_cast<int32_t>(r);
    else if (dx != nullptr)
      std::fill_n(dx + r * C_, C_, 0.0f);
  }
  const LossTerm term{.kind = LossKind::sparse_categorical_crossentropy,
                      .from_logits = true,
                      .mean = true,
                      .weight = 1.0f,
                      .tensor = outputs[0],
                      .rows = 1,
                      .C = O_};
  double sum = 0.0;
  for (int64_t first = 0; first < count; first += together) {
    const int64_t here = std::min(together, count - first);
    const int32_t* chosen = counted + first;
    gemm::multiply(kernels, product(tile, false, {x, C_, chosen}, here, {logits, O_}), products);
    for (int64_t i = 0; i < here; ++i) {
      labels[i] = loss.labels[chosen[i]];
      weights[i] = loss.weights == nullptr ? 1.0f : loss.weights[chosen[i]];
    }
    std::vector<double> sums(static_cast<size_t>((here + kSamplePortion - 1) / kSamplePortion));
    gemm::over_rows(here, kSamplePortion, here * O_, [&](int64_t begin, int64_t rows_here) {
      const LossArgs args{.rows = rows_here,
                          .C = O_,
                          .lanes = 1,
                          .valid_lanes = 1,
                          .prediction = logits + begin * O_,
                          .target = nullptr,
                          .labels = labels + begin,
                          .weights = weights + begin,
                          .gradient = loss.backward ? logits + begin * O_ : nullptr,
                          .scale = loss.scale};
      sums[static_cast<size_t>(begin / kSamplePortion)] = run_loss(kernels, term, args);
    });
    for (double part : sums) sum += part;
    if (!loss.backward) continue;
    if (float* db = parameters[kBias] >= 0 ? tile.accumulate[kBias] : nullptr)
      gemm::add_column_sums(kernels, {logits, O_}, here, O_, db, products);
    add_kernel_gradient(tile, {x, C_, chosen}, {logits, O_}, here, products);
    if (dx != nullptr) gemm::multiply(kernels, product(tile, true, {logits, O_}, here, {dx, C_, chosen}), products);
  }
  return sum;
}

}  // namespace day33
