// Recurrent layers over the whole batch. All inputs are multiplied by the kernel at once; then the states are
// multiplied by the recurrent kernel step by step. Positions that a mask leaves out take part in no product, since the
// products go over lists of rows.
#include "ops/recurrent_op.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace day33 {
namespace {

std::vector<int> flat(const RecurrentInputs& in) {
  std::vector<int> inputs{in.x};
  if (in.mask >= 0) inputs.push_back(in.mask);
  inputs.insert(inputs.end(), in.initial.begin(), in.initial.end());
  return inputs;
}

}  // namespace

RecurrentOp::RecurrentOp(std::string kind, const RecurrentInputs& in, std::vector<int> outputs,
                         std::vector<int> parameters, const SequenceShape& s, int64_t gates, int64_t row,
                         int64_t extra_rows, std::vector<int64_t> blocks)
    : Op(std::move(kind), flat(in), std::move(outputs), std::move(parameters)),
      mask_(in.mask >= 0 ? 1 : -1),
      h0_(in.initial.empty() ? -1
          : in.mask >= 0     ? 2
                             : 1),
      T_(s.T),
      E_(s.E),
      U_(s.U),
      gates_(gates),
      row_(row),
      y_rows_(s.T + extra_rows),
      blocks_(std::move(blocks)) {}

void RecurrentOp::forward(const Tile& tile, int64_t, int64_t) const {
  const Walk w = begin(tile);
  const float* bias = parameters[kBias] >= 0 ? tile.parameter[parameters[kBias]] : nullptr;
  gemm::multiply(w.kernels,
                 {.M = w.steps.total(),
                  .N = gates_,
                  .K = E_,
                  .a = {tile.value[inputs[0]], E_, w.steps.row},
                  .packed_b = tile.packed,
                  .c = {w.memory, row_, w.steps.row},
                  .bias = bias},
                 w.products);
  const int32_t* mask = mask_ < 0 ? nullptr : reinterpret_cast<const int32_t*>(tile.value[inputs[mask_]]);
  for (int64_t t = 0; t < T_; ++t) {
    forward_step(w, t);
    for (int64_t s = 0; mask != nullptr && s < tile.n; ++s) {
      if (mask[s * T_ + t] != 0) continue;
      float* h = w.y + (s * y_rows_ + t) * U_;  // the state does not change
      copy_state(t > 0 ? h - U_ : initial(w, 0, s), h);
      keep_state(w, t, s);
    }
  }
  end_forward(w);
}

void RecurrentOp::backward(const Tile& tile, float* const* dx) const {
  const Walk w = begin(tile);
  const float* dy = tile.gradient[outputs[0]];
  std::fill_n(w.dh, tile.n * U_, 0.0f);
  std::fill_n(w.spare, tile.n * U_, 0.0f);
  begin_backward(w);
  for (int64_t t = T_ - 1; t >= 0; --t) {
    for (int64_t s = 0; s < tile.n; ++s) w.kernels.add_to(dy + (s * y_rows_ + t) * U_, w.dh + s * U_, U_);
    backward_step(w, t);
  }
  if (h0_ >= 0 && dx[h0_] != nullptr) std::copy_n(w.dh, tile.n * U_, dx[h0_]);
  end_backward(w, dx);

  if (float* db = parameters[kBias] >= 0 ? tile.accumulate[kBias] : nullptr) add_bias_gradient(w, db);
  const gemm::Input x{tile.value[inputs[0]], E_, w.steps.row}, sums = memory_columns(w, 0, 0);
  if (float* dk = tile.accumulate[kKernel])
    gemm::add_outer(w.kernels, {.M = E_, .N = gates_, .K = w.steps.total(), .a = x, .b = sums, .c = dk}, w.products);
  if (float* dr = tile.accumulate[kRecurrent]) add_recurrent_gradient(w, dr);
  if (dx[0] == nullptr) return;
  if (w.steps.total() < tile.n * T_) std::fill_n(dx[0], tile.n * T_ * E_, 0.0f);
  gemm::multiply(w.kernels,
                 {.M = w.steps.total(),
                  .N = E_,
                  .K = gates_,
                  .a = sums,
                  .packed_b = tile.packed_backward,
                  .c = {dx[0], E_, w.steps.row}},
                 w.products);
}

void RecurrentOp::add_bias_gradient(const Walk& w, float* gradient) const {
  gemm::add_column_sums(w.kernels, memory_columns(w, 0, 0), w.steps.total(), gates_, gradient, w.products);
}

void RecurrentOp::add_outer_of_states(const Walk& w, int64_t column, float* gradient) const {
  const int64_t first = w.steps.count(0), rest = w.steps.total() - first;
  const auto add = [&](int64_t t, int64_t row, int64_t count) {
    gemm::add_outer(w.kernels,
                    {.M = U_,
                     .N = gates_,
                     .K = count,
                     .a = states_before(w, t),
                     .b = memory_columns(w, row, column),
                     .c = gradient},
                    w.products);
  };
  if (h0_ >= 0) add(0, 0, first);
  if (T_ > 1) add(1, first, rest);
}

// ---- products with the recurrent kernel ----

void RecurrentOp::add_products(const Walk& w, int64_t t, gemm::Input a, size_t block, int64_t column) const {
  gemm::multiply(w.kernels,
                 {.M = w.steps.count(t),
                  .N = blocks_[block],
                  .K = U_,
                  .a = a,
                  .packed_b = packed_recurrent(w, false, block),
                  .c = {w.memory + column, row_, w.steps.row + w.steps.at(t)},
                  .add = true},
                 w.products);
}

void RecurrentOp::multiply_back(const Walk& w, int64_t t, size_t block, int64_t column, float* c, bool add) const {
  gemm::multiply(w.kernels,
                 {.M = w.steps.count(t),
                  .N = U_,
                  .K = blocks_[block],
                  .a = memory_columns(w, w.steps.at(t), column),
                  .packed_b = packed_recurrent(w, true, block),
                  .c = {c, U_, w.steps.sample + w.steps.at(t)},
                  .add = add},
                 w.products);
}

const float* RecurrentOp::packed_recurrent(const Walk& w, bool backward, size_t block) const {
  const Kernels& k = w.kernels;
  const float* at = backward ? w.tile.packed_backward + gemm::packed_floats(k, gates_, E_)
                             : w.tile.packed + gemm::packed_floats(k, E_, gates_);
  for (size_t b = 0; b < block; ++b)
    at += backward ? gemm::packed_floats(k, blocks_[b], U_) : gemm::packed_floats(k, U_, blocks_[b]);
  return at;
}

int64_t RecurrentOp::packed_size(const Kernels& k, int, bool backward) const {
  int64_t floats = backward ? gemm::packed_floats(k, gates_, E_) : gemm::packed_floats(k, E_, gates_);
  for (int64_t block : blocks_)
    floats += backward ? gemm::packed_floats(k, block, U_) : gemm::packed_floats(k, U_, block);
  return floats;
}

void RecurrentOp::pack(const Kernels& k, int, bool backward, const float* const* parameter, float* packed) const {
  const auto pack_one = [&](gemm::Input weights, int64_t rows, int64_t columns) {
    const int64_t K = backward ? columns : rows, N = backward ? rows : columns;
    gemm::pack(k, weights, backward, K, N, packed);
    packed += gemm::packed_floats(k, K, N);
  };
  pack_one({parameter[parameters[kKernel]], gates_}, E_, gates_);
  const int64_t columns = std::accumulate(blocks_.begin(), blocks_.end(), int64_t{0});
  const float* recurrent = parameter[parameters[kRecurrent]];
  for (int64_t block : blocks_) {
    pack_one({recurrent, columns}, U_, block);
    recurrent += block;
  }
}

int64_t RecurrentOp::scratch_size(const Kernels& kernels, int, int64_t n) const {
  const int64_t all = n * T_;
  const int64_t lists = 4 * round_to_line(all), states = 2 * round_to_line(n * U_);
  return lists + states +
         std::max({gemm::scratch_floats(kernels, all, std::max(E_, gates_)),
                   gemm::scratch_floats(kernels, n, std::max(U_, gates_)),
                   gemm::outer_scratch_floats(kernels, std::max(E_, U_), gates_, all),
                   gemm::column_sums_scratch_floats(gates_)});
}

// ---- rows and states ----

RecurrentOp::Walk RecurrentOp::begin(const Tile& tile) const {
  Carver scratch(tile.scratch);
  Steps steps = list_steps(tile, scratch);
  float *dh = scratch.take(tile.n * U_), *spare = scratch.take(tile.n * U_);
  return {tile, *tile.kernels, std::move(steps), tile.value[outputs[0]], tile.value[outputs[1]],
          dh,   spare,         scratch.rest()};
}

RecurrentOp::Steps RecurrentOp::list_steps(const Tile& tile, Carver& scratch) const {
  const int64_t all = tile.n * T_;
  Steps steps{{0}, scratch.take_ints(all), scratch.take_ints(all), scratch.take_ints(all), scratch.take_ints(all)};
  const int32_t* mask = mask_ < 0 ? nullptr : reinterpret_cast<const int32_t*>(tile.value[inputs[mask_]]);
  int64_t i = 0;
  for (int64_t t = 0; t < T_; ++t) {
    for (int64_t s = 0; s < tile.n; ++s) {
      if (mask != nullptr && mask[s * T_ + t] == 0) continue;
      steps.row[i] = static_cast<int32_t>(s * T_ + t);
      steps.y_row[i] = static_cast<int32_t>(s * y_rows_ + t);
      steps.y_before[i] = steps.y_row[i] - 1;  // not used at the first step
      steps.sample[i++] = static_cast<int32_t>(s);
    }
    steps.begin.push_back(i);
  }
  return steps;
}

gemm::Input RecurrentOp::states_before(const Walk& w, int64_t t) const {
  if (t > 0) return {w.y, U_, w.steps.y_before + w.steps.at(t)};
  return {w.tile.value[inputs[h0_]], U_, w.steps.sample};
}

const float* RecurrentOp::state_before(const Walk& w, int64_t t, int64_t i) const {
  return t > 0 ? w.y + w.steps.y_before[i] * U_ : initial(w, 0, w.steps.sample[i]);
}

const float* RecurrentOp::initial(const Walk& w, int which, int64_t sample) const {
  return h0_ < 0 ? nullptr : w.tile.value[inputs[h0_ + which]] + sample * U_;
}

void RecurrentOp::copy_state(const float* from, float* to) const {
  from == nullptr ? void(std::fill_n(to, U_, 0.0f)) : void(std::copy_n(from, U_, to));
}

}  // namespace day33
