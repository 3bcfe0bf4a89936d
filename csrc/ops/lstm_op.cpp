// LSTM over the whole batch. All inputs are multiplied by the kernel at once; then, step by step, the states by the
// recurrent kernel. Positions that a mask leaves out are in no product: rows are named by lists.
#include <algorithm>
#include <cstring>

#include "ops/gemm.h"
#include "ops/scratch.h"
#include "ops/sequence_ops.h"

namespace day33 {
namespace {

constexpr int64_t kPortion = 8;  // rows of cells a thread takes at a time

// Which samples run at step t, as rows of [N][T] (x, memory), of y and of [N]: from begin[t] to begin[t + 1].
struct Steps {
  std::vector<int64_t> begin;
  int32_t *row, *y_row, *y_before, *sample;
  int64_t total() const { return begin.back(); }
  int64_t count(int64_t t) const { return begin[static_cast<size_t>(t) + 1] - begin[static_cast<size_t>(t)]; }
  int64_t at(int64_t t) const { return begin[static_cast<size_t>(t)]; }
};

class LstmOp final : public Op {
 public:
  static constexpr int kKernel = 0, kRecurrent = 1, kBias = 2;  // parameters

  LstmOp(std::vector<int> inputs, bool masked, bool started, std::vector<int> outputs, std::vector<int> parameters,
         const LstmShape& s)
      : Op("lstm", std::move(inputs), std::move(outputs), std::move(parameters)),
        mask_(masked ? 1 : -1),
        h0_(started ? (masked ? 2 : 1) : -1),
        T_(s.T),
        E_(s.E),
        U_(s.U),
        y_rows_(s.T + (s.with_state ? 1 : 0)) {}

  bool whole(int) const override { return true; }
  bool takes_lanes() const override { return false; }
  bool keeps_output(size_t o, bool) const override { return o == 1; }

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const Kernels& kernels = *tile.kernels;
    Carver scratch(tile.scratch);
    const Steps steps = list_steps(tile, scratch);
    float *y = tile.value[outputs[0]], *memory = tile.value[outputs[1]], *products = scratch.rest();
    const float* bias = parameters[kBias] >= 0 ? tile.parameter[parameters[kBias]] : nullptr;
    gemm::multiply(kernels,
                   {steps.total(), 4 * U_, E_, {tile.value[inputs[0]], E_, steps.row}, tile.packed,
                    {memory, 5 * U_, steps.row}, bias},
                   products);
    const float* packed_recurrent = tile.packed + gemm::packed_floats(kernels, E_, 4 * U_);
    for (int64_t t = 0; t < T_; ++t) {
      const int64_t at = steps.at(t), count = steps.count(t);
      if (t > 0 || h0_ >= 0)
        gemm::multiply(kernels,
                       {count, 4 * U_, U_, h_before(tile, steps, t), packed_recurrent,
                        {memory, 5 * U_, steps.row + at}, nullptr, true},
                       products);
      gemm::over_rows(count, kPortion, count * U_ * 16, [&](int64_t first, int64_t portion) {
        for (int64_t i = at + first; i < at + first + portion; ++i) {
          LstmCellArgs cell = cell_of(tile, steps, t, i, memory);
          cell.h = y + steps.y_row[i] * U_;
          kernels.lstm_cell_forward(cell);
        }
      });
      if (count < tile.n) stand_still(tile, t, y, memory);
    }
    if (y_rows_ > T_)
      for (int64_t s = 0; s < tile.n; ++s)
        copy(memory + (s * T_ + T_ - 1) * 5 * U_ + 4 * U_, y + (s * y_rows_ + T_) * U_);
  }

  void backward(const Tile& tile, float* const* dx) const override {
    const Kernels& kernels = *tile.kernels;
    Carver scratch(tile.scratch);
    const Steps steps = list_steps(tile, scratch);
    float* dh = scratch.take(tile.n * U_);
    float* dc = scratch.take(tile.n * U_);
    float* products = scratch.rest();
    float* memory = tile.value[outputs[1]];
    const float* dy = tile.gradient[outputs[0]];
    std::fill_n(dh, tile.n * U_, 0.0f);
    std::fill_n(dc, tile.n * U_, 0.0f);
    if (y_rows_ > T_)
      for (int64_t s = 0; s < tile.n; ++s) copy(dy + (s * y_rows_ + T_) * U_, dc + s * U_);

    const float* packed_recurrent = tile.packed_backward + gemm::packed_floats(kernels, 4 * U_, E_);
    float* dh0 = h0_ < 0 ? nullptr : dx[h0_];
    for (int64_t t = T_ - 1; t >= 0; --t) {
      const int64_t at = steps.at(t), count = steps.count(t);
      for (int64_t s = 0; s < tile.n; ++s) kernels.add_to(dy + (s * y_rows_ + t) * U_, dh + s * U_, U_);
      gemm::over_rows(count, kPortion, count * U_ * 16, [&](int64_t first, int64_t portion) {
        for (int64_t i = at + first; i < at + first + portion; ++i) {
          const int64_t s = steps.sample[i];
          kernels.lstm_cell_backward(cell_of(tile, steps, t, i, memory), dh + s * U_, dc + s * U_);
        }
      });
      if (t > 0 || dh0 != nullptr)
        gemm::multiply(kernels,
                       {count, U_, 4 * U_, {memory, 5 * U_, steps.row + at}, packed_recurrent,
                        {dh, U_, steps.sample + at}},
                       products);
    }
    if (dh0 != nullptr) std::memcpy(dh0, dh, bytes(tile.n * U_));
    if (h0_ >= 0 && dx[h0_ + 1] != nullptr) std::memcpy(dx[h0_ + 1], dc, bytes(tile.n * U_));

    const gemm::Input dz{memory, 5 * U_, steps.row};
    if (float* db = parameters[kBias] >= 0 ? tile.accumulate[kBias] : nullptr)
      gemm::add_column_sums(kernels, dz, steps.total(), 4 * U_, db, products);
    if (float* dk = tile.accumulate[kKernel])
      gemm::add_outer(kernels, {E_, 4 * U_, steps.total(), {tile.value[inputs[0]], E_, steps.row}, dz, dk}, products);
    if (float* dr = tile.accumulate[kRecurrent]) {
      const int64_t first = steps.count(0), rest = steps.total() - first;
      if (h0_ >= 0)
        gemm::add_outer(kernels, {U_, 4 * U_, first, h_before(tile, steps, 0), dz, dr}, products);
      const gemm::Input later{memory, 5 * U_, steps.row + first};
      if (T_ > 1) gemm::add_outer(kernels, {U_, 4 * U_, rest, h_before(tile, steps, 1), later, dr}, products);
    }
    if (dx[0] == nullptr) return;
    if (steps.total() < tile.n * T_) std::fill_n(dx[0], tile.n * T_ * E_, 0.0f);
    gemm::multiply(kernels, {steps.total(), E_, 4 * U_, dz, tile.packed_backward, {dx[0], E_, steps.row}}, products);
  }

  int64_t packed_size(const Kernels& kernels, int, bool backward) const override {
    if (backward) return gemm::packed_floats(kernels, 4 * U_, E_) + gemm::packed_floats(kernels, 4 * U_, U_);
    return gemm::packed_floats(kernels, E_, 4 * U_) + gemm::packed_floats(kernels, U_, 4 * U_);
  }
  void pack(const Kernels& kernels, int, bool backward, const float* const* parameter, float* packed) const override {
    const int64_t G = 4 * U_;
    const gemm::Input kernel{parameter[parameters[kKernel]], G}, recurrent{parameter[parameters[kRecurrent]], G};
    if (backward) {
      gemm::pack(kernels, kernel, true, G, E_, packed);
      gemm::pack(kernels, recurrent, true, G, U_, packed + gemm::packed_floats(kernels, G, E_));
    } else {
      gemm::pack(kernels, kernel, false, E_, G, packed);
      gemm::pack(kernels, recurrent, false, U_, G, packed + gemm::packed_floats(kernels, E_, G));
    }
  }
  bool parameter_gradients_need_packed() const override { return true; }  // through time

  int64_t scratch_size(const Kernels& kernels, int, int64_t n) const override {
    const int64_t all = n * T_, G = 4 * U_;
    const int64_t lists = 4 * round_to_line(all), states = 2 * round_to_line(n * U_);
    return lists + states +
           std::max({gemm::scratch_floats(kernels, all, std::max(E_, G)), gemm::scratch_floats(kernels, n, G),
                     gemm::outer_scratch_floats(kernels, std::max(E_, U_), G, all),
                     gemm::column_sums_scratch_floats(G)});
  }

  int64_t multiply_adds() const override { return T_ * (E_ + U_) * 4 * U_; }
  std::string kernel(int) const override { return "gemm_tile, lstm_cell"; }
  std::string detail() const override { return std::to_string(E_) + "->" + std::to_string(U_); }

 private:
  static size_t bytes(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }
  void copy(const float* from, float* to) const { std::memcpy(to, from, bytes(U_)); }

  Steps list_steps(const Tile& tile, Carver& scratch) const {
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

  // The states that step t and those after it began with; for t = 0 the initial ones.
  gemm::Input h_before(const Tile& tile, const Steps& steps, int64_t t) const {
    if (t > 0) return {tile.value[outputs[0]], U_, steps.y_before + steps.at(t)};
    return {tile.value[inputs[h0_]], U_, steps.sample};
  }

  LstmCellArgs cell_of(const Tile& tile, const Steps& steps, int64_t t, int64_t i, float* memory) const {
    float* row = memory + steps.row[i] * 5 * U_;
    LstmCellArgs cell{};
    cell.U = U_;
    cell.gates = row;
    cell.c = row + 4 * U_;
    cell.c_before = t > 0 ? cell.c - 5 * U_ : initial(tile, 1, steps.sample[i]);
    return cell;
  }

  // Initial h (which = 0) or c (which = 1) of a sample; null for zeros.
  const float* initial(const Tile& tile, int which, int64_t sample) const {
    return h0_ < 0 ? nullptr : tile.value[inputs[h0_ + which]] + sample * U_;
  }

  // Samples masked at step t keep their state.
  void stand_still(const Tile& tile, int64_t t, float* y, float* memory) const {
    const int32_t* mask = reinterpret_cast<const int32_t*>(tile.value[inputs[mask_]]);
    for (int64_t s = 0; s < tile.n; ++s) {
      if (mask[s * T_ + t] != 0) continue;
      float* h = y + (s * y_rows_ + t) * U_;
      float* c = memory + (s * T_ + t) * 5 * U_ + 4 * U_;
      const float* h_before = t > 0 ? h - U_ : initial(tile, 0, s);
      const float* c_before = t > 0 ? c - 5 * U_ : initial(tile, 1, s);
      h_before == nullptr ? void(std::fill_n(h, U_, 0.0f)) : copy(h_before, h);
      c_before == nullptr ? void(std::fill_n(c, U_, 0.0f)) : copy(c_before, c);
    }
  }

  const int mask_, h0_;  // places among the inputs, -1 for none
  const int64_t T_, E_, U_, y_rows_;
};

}  // namespace

std::unique_ptr<Op> make_lstm(int x, int mask, int h0, int c0, std::vector<int> outputs, std::vector<int> parameters,
                              const LstmShape& shape) {
  std::vector<int> inputs{x};
  if (mask >= 0) inputs.push_back(mask);
  if (h0 >= 0) inputs.insert(inputs.end(), {h0, c0});
  return std::make_unique<LstmOp>(std::move(inputs), mask >= 0, h0 >= 0, std::move(outputs), std::move(parameters),
                                  shape);
}

}  // namespace day33
