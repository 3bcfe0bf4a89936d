#include "ops/masks.h"

#include <algorithm>
#include <limits>

namespace day33 {
namespace {

class KeepWhereOp final : public Op {
 public:
  KeepWhereOp(int x, int mask, int y, int64_t rows, int64_t inner)
      : Op("keep_where", {x, mask}, {y}, {}), rows_(rows), inner_(inner) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    keep(tile, tile.value[inputs[0]], tile.value[outputs[0]]);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] != nullptr) keep(tile, tile.gradient[outputs[0]], dx[0]);
  }

 private:
  void keep(const Tile& tile, const float* x, float* y) const {
    const int32_t* mask = reinterpret_cast<const int32_t*>(tile.value[inputs[1]]);
    const int64_t lanes = tile.lanes;
    for (int64_t r = 0; r < tile.n * rows_; ++r)
      for (int64_t i = 0; i < inner_; ++i)
        for (int64_t lane = 0; lane < lanes; ++lane) {
          const int64_t at = (r * inner_ + i) * lanes + lane;
          y[at] = mask[r * lanes + lane] != 0 ? x[at] : 0.0f;
        }
  }
  const int64_t rows_, inner_;
};

class EitherOp final : public Op {
 public:
  EitherOp(int a, int b, int y, int64_t size) : Op("either", {a, b}, {y}, {}), size_(size) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const int32_t* a = reinterpret_cast<const int32_t*>(tile.value[inputs[0]]);
    const int32_t* b = reinterpret_cast<const int32_t*>(tile.value[inputs[1]]);
    int32_t* y = reinterpret_cast<int32_t*>(tile.value[outputs[0]]);
    for (int64_t i = 0; i < tile.n * size_ * tile.lanes; ++i) y[i] = (a[i] | b[i]) != 0;
  }
  void backward(const Tile&, float* const*) const override {}
  bool backward_reads_forward() const override { return false; }

 private:
  const int64_t size_;
};

class MaskedAverageOp final : public Op {
 public:
  MaskedAverageOp(int x, int mask, int y, int64_t T, int64_t inner)
      : Op("masked_average", {x, mask}, {y}, {}), T_(T), inner_(inner) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const int64_t row = inner_ * tile.lanes;
    for (int64_t s = 0; s < tile.n; ++s) {
      float* y = tile.value[outputs[0]] + s * row;
      std::fill_n(y, row, 0.0f);
      for (int64_t lane = 0; lane < tile.lanes; ++lane) {
        const auto add = [&](int64_t at, float share) {
          for (int64_t i = lane; i < row; i += tile.lanes) y[i] += share * tile.value[inputs[0]][at * row + i];
        };
        if (over_rows(tile, s, lane, add) > 0) continue;
        for (int64_t i = lane; i < row; i += tile.lanes) y[i] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const int64_t row = inner_ * tile.lanes;
    for (int64_t s = 0; s < tile.n; ++s) {
      const float* dy = tile.gradient[outputs[0]] + s * row;
      std::fill_n(dx[0] + s * T_ * row, T_ * row, 0.0f);
      for (int64_t lane = 0; lane < tile.lanes; ++lane)
        over_rows(tile, s, lane, [&](int64_t at, float share) {
          for (int64_t i = lane; i < row; i += tile.lanes) dx[0][at * row + i] = share * dy[i];
        });
    }
  }

 private:
  // Calls body(row, 1 / number of rows that count) for the rows of a sample that count; returns their number.
  template <typename Body>
  int64_t over_rows(const Tile& tile, int64_t s, int64_t lane, Body body) const {
    const int32_t* mask = reinterpret_cast<const int32_t*>(tile.value[inputs[1]]);
    const auto counts = [&](int64_t t) { return mask[(s * T_ + t) * tile.lanes + lane] != 0; };
    int64_t count = 0;
    for (int64_t t = 0; t < T_; ++t) count += counts(t);
    const float share = 1.0f / static_cast<float>(count);
    for (int64_t t = 0; t < T_; ++t)
      if (counts(t)) body(s * T_ + t, share);
    return count;
  }
  const int64_t T_, inner_;
};

class DiffersOp final : public Op {
 public:
  DiffersOp(int x, int y, int64_t rows, int64_t inner, float value, DType dtype)
      : Op("differs", {x}, {y}, {}), rows_(rows), inner_(inner), value_(value), dtype_(dtype) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    int32_t* y = reinterpret_cast<int32_t*>(tile.value[outputs[0]]);
    if (dtype_ == DType::int32)
      mark(tile, reinterpret_cast<const int32_t*>(tile.value[inputs[0]]), static_cast<int32_t>(value_), y);
    else
      mark(tile, static_cast<const float*>(tile.value[inputs[0]]), value_, y);
  }
  void backward(const Tile&, float* const*) const override {}  // a whole number has no gradient
  bool backward_reads_forward() const override { return false; }

 private:
  template <typename T>
  void mark(const Tile& tile, const T* x, T value, int32_t* y) const {
    for (int64_t r = 0; r < tile.n * rows_; ++r)
      for (int64_t lane = 0; lane < tile.lanes; ++lane) {
        int32_t differs = 0;
        for (int64_t i = 0; i < inner_; ++i) differs |= x[(r * inner_ + i) * tile.lanes + lane] != value;
        y[r * tile.lanes + lane] = differs;
      }
  }
  const int64_t rows_, inner_;
  const float value_;
  const DType dtype_;
};

}  // namespace

std::unique_ptr<Op> make_keep_where(int x, int mask, int y, int64_t rows, int64_t inner) {
  return std::make_unique<KeepWhereOp>(x, mask, y, rows, inner);
}
std::unique_ptr<Op> make_either(int a, int b, int y, int64_t size) { return std::make_unique<EitherOp>(a, b, y, size); }
std::unique_ptr<Op> make_masked_average(int x, int mask, int y, int64_t T, int64_t inner) {
  return std::make_unique<MaskedAverageOp>(x, mask, y, T, inner);
}
std::unique_ptr<Op> make_differs(int x, int y, int64_t rows, int64_t inner, float value, DType dtype) {
  return std::make_unique<DiffersOp>(x, y, rows, inner, value, dtype);
}

}  // namespace day33
