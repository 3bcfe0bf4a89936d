// Recurrent layers over the whole batch. All inputs are multiplied by the kernel at once; then the states are
// multiplied by the recurrent kernel step by step. Positions that a mask leaves out take part in no product, since the
// products go over lists of rows. With dropout, each gate multiplies rows of its own.
#include "ops/recurrent_op.h"

#include <algorithm>

#include "ops/random_key.h"

namespace day33 {
namespace {

std::vector<int> flat(const RecurrentInputs& in) {
  std::vector<int> inputs{in.x};
  if (in.mask >= 0) inputs.push_back(in.mask);
  inputs.insert(inputs.end(), in.initial.begin(), in.initial.end());
  return inputs;
}

void product(const float* a, const float* b, int64_t count, float* c) {
  for (int64_t i = 0; i < count; ++i) c[i] = a[i] * b[i];
}

}  // namespace

RecurrentOp::RecurrentOp(std::string kind, const RecurrentInputs& in, std::vector<int> outputs,
                         std::vector<int> parameters, const SequenceShape& s, const RecurrentOptions& options,
                         const Layout& layout)
    : Op(std::move(kind), flat(in), std::move(outputs), std::move(parameters)),
      options_(options),
      mask_(in.mask >= 0 ? 1 : -1),
      h0_(in.initial.empty() ? -1
          : in.mask >= 0     ? 2
                             : 1),
      T_(s.T),
      E_(s.E),
      U_(s.U),
      gates_(layout.gates * s.U),
      row_(layout.row * s.U),
      y_rows_(s.T + layout.extra_rows),
      input_blocks_(blocks_of({layout.gates}, options.inputs.rate > 0.0f)),
      blocks_(blocks_of(layout.blocks, options.states.rate > 0.0f)) {}

std::vector<RecurrentOp::Block> RecurrentOp::blocks_of(const std::vector<int64_t>& counts, bool one_by_one) {
  std::vector<Block> blocks;
  int64_t gate = 0;
  for (int64_t count : counts)
    for (const int64_t end = gate + count, step = one_by_one ? 1 : count; gate < end; gate += step)
      blocks.push_back({gate, step});
  return blocks;
}

std::string RecurrentOp::detail() const {
  const std::string sizes = std::to_string(E_) + "->" + std::to_string(U_);
  if (options_.standard()) return sizes;
  const bool gated = gates_ > U_;
  return sizes + " " + to_string(options_.activation.kind) +
         (gated ? ", " + to_string(options_.recurrent_activation.kind) : "");
}

void RecurrentOp::forward(const Tile& tile, int64_t, int64_t) const {
  const Walk w = begin(tile);
  const float* bias = parameters[kBias] >= 0 ? tile.parameter[parameters[kBias]] : nullptr;
  for (size_t b = 0; b < input_blocks_.size(); ++b) {
    const int64_t column = input_blocks_[b].gate * U_;
    gemm::multiply(w.kernels,
                   {.M = w.steps.total(),
                    .N = input_blocks_[b].count * U_,
                    .K = E_,
                    .a = inputs_of(w, input_blocks_[b]),
                    .packed_b = packed_block(w, false, false, b),
                    .c = {w.memory + column, row_, w.steps.row},
                    .bias = bias == nullptr ? nullptr : bias + column},
                   w.products);
  }
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
  if (float* dk = tile.accumulate[kKernel])
    for (const Block& block : input_blocks_)
      gemm::add_outer(w.kernels,
                      {.M = E_,
                       .N = block.count * U_,
                       .K = w.steps.total(),
                       .a = inputs_of(w, block),
                       .b = memory_columns(w, 0, block.gate * U_),
                       .c = dk + block.gate * U_,
                       .c_step = gates_},
                      w.products);
  if (float* dr = tile.accumulate[kRecurrent]) add_recurrent_gradient(w, dr);
  if (dx[0] != nullptr) add_input_gradient(w, dx[0]);
}

void RecurrentOp::add_input_gradient(const Walk& w, float* dx) const {
  const bool drops = w.input_masks != nullptr;
  if (drops || w.steps.total() < w.tile.n * T_) std::fill_n(dx, w.tile.n * T_ * E_, 0.0f);
  for (size_t b = 0; b < input_blocks_.size(); ++b) {
    const gemm::Output direct{dx, E_, w.steps.row}, apart{w.masked, E_};
    gemm::multiply(w.kernels,
                   {.M = w.steps.total(),
                    .N = E_,
                    .K = input_blocks_[b].count * U_,
                    .a = memory_columns(w, 0, input_blocks_[b].gate * U_),
                    .packed_b = packed_block(w, true, false, b),
                    .c = drops ? apart : direct,
                    .add = !drops && b > 0},
                   w.products);
    if (!drops) continue;
    over_rows(0, w.steps.total(), E_, [&](int64_t i) {
      const float* mask = mask_of(w.input_masks, E_, input_blocks_[b].gate, w.steps.sample[i]);
      float* to = dx + w.steps.row[i] * E_;
      for (int64_t e = 0; e < E_; ++e) to[e] += w.masked[i * E_ + e] * mask[e];
    });
  }
}

void RecurrentOp::add_bias_gradient(const Walk& w, float* gradient) const {
  gemm::add_column_sums(w.kernels, memory_columns(w, 0, 0), w.steps.total(), gates_, gradient, w.products);
}

// ---- products with the recurrent kernel ----

void RecurrentOp::add_state_products(const Walk& w, int64_t t, const Gates& gates) const {
  if (!has_before(t)) return;
  each_block(gates, [&](size_t block, int64_t column) {
    const gemm::Input states =
        w.state_masks == nullptr ? states_before(w, t) : masked_states(w, t, w.steps.count(t), blocks_[block].gate);
    add_products(w, t, states, block, column);
  });
}

void RecurrentOp::multiply_states_back(const Walk& w, int64_t t, const Gates& gates, bool add) const {
  if (!has_before(t)) return;
  each_block(gates, [&](size_t block, int64_t column) {
    if (w.state_masks == nullptr) {
      multiply_back(w, t, block, column, w.dh, add);
    } else {
      multiply_back(w, t, block, column, w.masked, false);
      over_cells(w, t, [&](int64_t i) {
        const int64_t s = w.steps.sample[i];
        const float* mask = mask_of(w.state_masks, U_, blocks_[block].gate, s);
        float *dh = w.dh + s * U_, *masked = w.masked + s * U_;
        for (int64_t u = 0; u < U_; ++u) dh[u] = (add ? dh[u] : 0.0f) + masked[u] * mask[u];
      });
    }
    add = true;
  });
}

void RecurrentOp::add_outer_of_states(const Walk& w, const Gates& gates, float* gradient) const {
  const int64_t first = w.steps.count(0), rest = w.steps.total() - first;
  each_block(gates, [&](size_t block, int64_t column) {
    const auto add = [&](int64_t t, int64_t row, int64_t count) {
      const gemm::Input states =
          w.state_masks == nullptr ? states_before(w, t) : masked_states(w, t, count, blocks_[block].gate);
      add_outer(w, states, row, count, block, column, gradient);
    };
    if (h0_ >= 0) add(0, 0, first);
    if (T_ > 1) add(1, first, rest);
  });
}

void RecurrentOp::add_products(const Walk& w, int64_t t, gemm::Input a, size_t block, int64_t column) const {
  gemm::multiply(w.kernels,
                 {.M = w.steps.count(t),
                  .N = blocks_[block].count * U_,
                  .K = U_,
                  .a = a,
                  .packed_b = packed_block(w, false, true, block),
                  .c = {w.memory + column, row_, w.steps.row + w.steps.at(t)},
                  .add = true},
                 w.products);
}

void RecurrentOp::multiply_back(const Walk& w, int64_t t, size_t block, int64_t column, float* c, bool add) const {
  gemm::multiply(w.kernels,
                 {.M = w.steps.count(t),
                  .N = U_,
                  .K = blocks_[block].count * U_,
                  .a = memory_columns(w, w.steps.at(t), column),
                  .packed_b = packed_block(w, true, true, block),
                  .c = {c, U_, w.steps.sample + w.steps.at(t)},
                  .add = add},
                 w.products);
}

void RecurrentOp::add_outer(const Walk& w, gemm::Input a, int64_t row, int64_t count, size_t block, int64_t column,
                            float* gradient) const {
  gemm::add_outer(w.kernels,
                  {.M = U_,
                   .N = blocks_[block].count * U_,
                   .K = count,
                   .a = a,
                   .b = memory_columns(w, row, column),
                   .c = gradient + blocks_[block].gate * U_,
                   .c_step = gates_},
                  w.products);
}

// ---- packed weights: the blocks of the kernel, then those of the recurrent kernel ----

const float* RecurrentOp::packed_block(const Walk& w, bool backward, bool recurrent, size_t block) const {
  const float* at = backward ? w.tile.packed_backward : w.tile.packed;
  const auto skip = [&](const std::vector<Block>& blocks, int64_t rows, size_t count) {
    for (size_t b = 0; b < count; ++b)
      at += backward ? gemm::packed_floats(w.kernels, blocks[b].count * U_, rows)
                     : gemm::packed_floats(w.kernels, rows, blocks[b].count * U_);
  };
  skip(input_blocks_, E_, recurrent ? input_blocks_.size() : block);
  if (recurrent) skip(blocks_, U_, block);
  return at;
}

int64_t RecurrentOp::packed_size(const Kernels& k, int, bool backward) const {
  int64_t floats = 0;
  const auto add = [&](const std::vector<Block>& blocks, int64_t rows) {
    for (const Block& block : blocks)
      floats +=
          backward ? gemm::packed_floats(k, block.count * U_, rows) : gemm::packed_floats(k, rows, block.count * U_);
  };
  add(input_blocks_, E_);
  add(blocks_, U_);
  return floats;
}

void RecurrentOp::pack(const Kernels& k, int, bool backward, const float* const* parameter, float* packed) const {
  const auto pack_blocks = [&](const std::vector<Block>& blocks, const float* weights, int64_t rows) {
    for (const Block& block : blocks) {
      const int64_t columns = block.count * U_;
      const int64_t K = backward ? columns : rows, N = backward ? rows : columns;
      gemm::pack(k, {weights + block.gate * U_, gates_}, backward, K, N, packed);
      packed += gemm::packed_floats(k, K, N);
    }
  };
  pack_blocks(input_blocks_, parameter[parameters[kKernel]], E_);
  pack_blocks(blocks_, parameter[parameters[kRecurrent]], U_);
}

int64_t RecurrentOp::scratch_size(const Kernels& kernels, int, int64_t n) const {
  const int64_t all = n * T_;
  const int64_t lists = 4 * round_to_line(all), states = 2 * round_to_line(n * U_);
  const int64_t masks = (options_.inputs.rate > 0.0f ? round_to_line(n * (gates_ / U_) * E_) : 0) +
                        (options_.states.rate > 0.0f ? round_to_line(n * gates_) : 0);
  return lists + states + masks + round_to_line(masked_floats(n)) +
         std::max({gemm::scratch_floats(kernels, all, std::max(E_, gates_)),
                   gemm::scratch_floats(kernels, n, std::max(U_, gates_)),
                   gemm::outer_scratch_floats(kernels, std::max(E_, U_), gates_, all),
                   gemm::column_sums_scratch_floats(gates_)});
}

int64_t RecurrentOp::masked_floats(int64_t n) const {
  return n * T_ * std::max(options_.inputs.rate > 0.0f ? E_ : 0, options_.states.rate > 0.0f ? U_ : 0);
}

// ---- rows and states ----

RecurrentOp::Walk RecurrentOp::begin(const Tile& tile) const {
  Carver scratch(tile.scratch);
  Steps steps = list_steps(tile, scratch);
  float *dh = scratch.take(tile.n * U_), *spare = scratch.take(tile.n * U_);
  const float* input_masks = draw_masks(tile, options_.inputs, E_, scratch);
  const float* state_masks = draw_masks(tile, options_.states, U_, scratch);
  float* masked = scratch.take(masked_floats(tile.n));
  return {tile,        *tile.kernels, std::move(steps), tile.value[outputs[0]], tile.value[outputs[1]], dh, spare,
          input_masks, state_masks,   masked,           scratch.rest()};
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

// Backward draws the same numbers as forward did.
const float* RecurrentOp::draw_masks(const Tile& tile, const GateDropout& dropout, int64_t width,
                                     Carver& scratch) const {
  if (!drops(tile, dropout)) return nullptr;
  const int64_t floats = gates_ / U_ * width;
  float* masks = scratch.take(tile.n * floats);
  std::fill_n(masks, tile.n * floats, 1.0f);
  for (int64_t s = 0; s < tile.n; ++s)
    tile.kernels->dropout(masks + s * floats, masks + s * floats, floats, 1, random_key(tile.seed, dropout.seed),
                          tile.first_sample + s, dropout.rate);
  return masks;
}

void RecurrentOp::mask_state(const Walk& w, int64_t gate, int64_t sample, float* row) const {
  if (w.state_masks != nullptr) product(row, mask_of(w.state_masks, U_, gate, sample), U_, row);
}

gemm::Input RecurrentOp::inputs_of(const Walk& w, const Block& block) const {
  const float* x = w.tile.value[inputs[0]];
  if (w.input_masks == nullptr) return {x, E_, w.steps.row};
  over_rows(0, w.steps.total(), E_, [&](int64_t i) {
    product(x + w.steps.row[i] * E_, mask_of(w.input_masks, E_, block.gate, w.steps.sample[i]), E_, w.masked + i * E_);
  });
  return {w.masked, E_};
}

gemm::Input RecurrentOp::states_before(const Walk& w, int64_t t) const {
  if (t > 0) return {w.y, U_, w.steps.y_before + w.steps.at(t)};
  return {w.tile.value[inputs[h0_]], U_, w.steps.sample};
}

// `count` states, beginning with those before step t, as gate `gate` sees them.
gemm::Input RecurrentOp::masked_states(const Walk& w, int64_t t, int64_t count, int64_t gate) const {
  const int64_t first = w.steps.at(t);
  over_rows(first, count, U_, [&](int64_t i) {
    product(state_before(w, t, i), mask_of(w.state_masks, U_, gate, w.steps.sample[i]), U_,
            w.masked + (i - first) * U_);
  });
  return {w.masked, U_};
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
