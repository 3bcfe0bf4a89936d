#include "ops/elementwise.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/names.h"
#include "ops/flat.h"
#include "ops/random_key.h"

namespace day33 {
namespace {

constexpr const char* kMergeNames[] = {DAY33_MERGES(DAY33_ENUMERATOR_NAME)};

void copy(float* to, const float* from, int64_t floats) {
  std::memcpy(to, from, static_cast<size_t>(floats) * sizeof(float));
}

class RescalingOp final : public Op {
 public:
  RescalingOp(int x, int y, int64_t features, std::vector<float> scale, std::vector<float> offset)
      : Op("rescaling", {x}, {y}, {}),
        features_(features),
        scale_(std::move(scale)),
        offset_(std::move(offset)),
        zero_(offset_.size(), 0.0f) {}

  int64_t units(int64_t n) const override { return flat(n).count(); }
  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    run(tile, flat(tile.n).rows(begin, end), tile.value[inputs[0]], offset_, tile.value[outputs[0]]);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    const FlatUnits all = flat(tile.n);
    if (dx[0] != nullptr) run(tile, all.rows(0, all.count()), tile.gradient[outputs[0]], zero_, dx[0]);
  }
  bool backward_reads_forward() const override { return false; }

 private:
  // Rows: single elements, or samples where each element has factors of its own.
  FlatUnits flat(int64_t n) const { return scale_.size() == 1 ? FlatUnits(n * features_) : FlatUnits(n, features_); }
  void run(const Tile& tile, FlatUnits::Rows rows, const float* x, const std::vector<float>& shift, float* y) const {
    const int64_t row = (scale_.size() == 1 ? 1 : features_) * tile.lanes;
    x += rows.begin * row;
    y += rows.begin * row;
    if (scale_.size() == 1)
      tile.kernels->scale_shift(x, scale_[0], shift[0], y, rows.size() * row);
    else
      tile.kernels->channel_affine(
          {.rows = rows.size(), .C = features_, .lanes = tile.lanes, .valid_lanes = tile.valid_lanes}, x, scale_.data(),
          shift.data(), y);
  }
  const int64_t features_;
  const std::vector<float> scale_, offset_, zero_;
};

class MergeOp final : public Op {
 public:
  MergeOp(Merge kind, std::vector<int> xs, int y, int64_t features)
      : Op(name_of(kind, kMergeNames), std::move(xs), {y}, {}), kind_(kind), features_(features) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const int64_t floats = tile.n * features_ * tile.lanes;
    float* y = tile.value[outputs[0]];
    copy(y, tile.value[inputs[0]], floats);
    for (size_t i = 1; i < inputs.size(); ++i) tile.kernels->merge_with(kind_, tile.value[inputs[i]], y, floats);
    if (kind_ == Merge::average) tile.kernels->scale_by(y, share(), floats);
  }

  void backward(const Tile& tile, float* const* dx) const override {
    const int64_t floats = tile.n * features_ * tile.lanes;
    const float* dy = tile.gradient[outputs[0]];
    const float* y = tile.value[outputs[0]];
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (dx[i] == nullptr) continue;
      if (kind_ == Merge::maximum || kind_ == Merge::minimum) {
        tile.kernels->keep_where_equal(tile.value[inputs[i]], y, true, dy, dx[i], floats);
        for (size_t j = 0; j < i; ++j)
          tile.kernels->keep_where_equal(tile.value[inputs[j]], y, false, dx[i], dx[i], floats);
        continue;
      }
      copy(dx[i], dy, floats);
      if (kind_ == Merge::average) tile.kernels->scale_by(dx[i], share(), floats);
      if (kind_ == Merge::subtract && i > 0) tile.kernels->scale_by(dx[i], -1.0f, floats);
      if (kind_ == Merge::multiply)
        for (size_t j = 0; j < inputs.size(); ++j)
          if (j != i) tile.kernels->merge_with(Merge::multiply, tile.value[inputs[j]], dx[i], floats);
    }
  }
  bool backward_reads_forward() const override { return kind_ == Merge::maximum || kind_ == Merge::minimum; }

 private:
  float share() const { return 1.0f / static_cast<float>(inputs.size()); }

  const Merge kind_;
  const int64_t features_;
};

class DropoutOp final : public Op {
 public:
  DropoutOp(int x, int y, int64_t repeats, int64_t features, float rate, uint64_t seed)
      : Op("dropout", {x}, {y}, {}), repeats_(repeats), features_(features), rate_(rate), seed_(seed) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    if (tile.training && rate_ > 0.0f)
      mask(tile, tile.value[inputs[0]], tile.value[outputs[0]]);
    else
      std::memcpy(tile.value[outputs[0]], tile.value[inputs[0]], bytes(tile));
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    if (tile.training && rate_ > 0.0f)
      mask(tile, tile.gradient[outputs[0]], dx[0]);
    else
      std::memcpy(dx[0], tile.gradient[outputs[0]], bytes(tile));
  }
  bool backward_reads_forward() const override { return false; }
  bool is_random() const override { return true; }
  std::string detail() const override { return std::to_string(rate_); }

 private:
  size_t bytes(const Tile& tile) const {
    return static_cast<size_t>(tile.n * repeats_ * features_ * tile.lanes) * sizeof(float);
  }
  void mask(const Tile& tile, const float* x, float* y) const {
    const uint64_t key = random_key(tile.seed, seed_);
    const int64_t floats = features_ * tile.lanes;
    for (int64_t row = 0; row < tile.n * repeats_; ++row)
      tile.kernels->dropout(x + row * floats, y + row * floats, features_, tile.lanes, key,
                            tile.first_sample + row / repeats_, rate_);
  }

  const int64_t repeats_, features_;
  const float rate_;
  const uint64_t seed_;
};

class ByModeOp final : public Op {
 public:
  ByModeOp(int in_training, int in_inference, int y, int64_t size)
      : Op("by_mode", {in_training, in_inference}, {y}, {}), size_(size) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    copy(tile.value[outputs[0]], tile.value[inputs[chosen(tile)]], tile.n * size_ * tile.lanes);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    const int64_t floats = tile.n * size_ * tile.lanes;
    const size_t from = chosen(tile);
    if (dx[from] != nullptr) copy(dx[from], tile.gradient[outputs[0]], floats);
    if (dx[1 - from] != nullptr) std::fill_n(dx[1 - from], floats, 0.0f);
  }
  bool backward_reads_forward() const override { return false; }
  bool reads(size_t i, bool training) const override { return i == (training ? 0 : 1); }

 private:
  static size_t chosen(const Tile& tile) { return tile.training ? 0 : 1; }

  const int64_t size_;
};

class ToInt32Op final : public Op {
 public:
  ToInt32Op(int x, int y, int64_t size) : Op("to_int32", {x}, {y}, {}), size_(size) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const float* x = tile.value[inputs[0]];
    int32_t* y = reinterpret_cast<int32_t*>(tile.value[outputs[0]]);
    for (int64_t i = 0; i < tile.n * size_ * tile.lanes; ++i) {
      if (!(x[i] >= -2147483648.0f && x[i] < 2147483648.0f)) refuse(x[i]);
      y[i] = static_cast<int32_t>(x[i]);
    }
  }
  void backward(const Tile&, float* const*) const override {}
  bool backward_reads_forward() const override { return false; }

 private:
  [[noreturn]] static void refuse(float value) {
    const bool whole = value > -9e18f && value < 9e18f;
    throw std::invalid_argument("x holds the index " +
                                (whole ? std::to_string(static_cast<int64_t>(value)) : std::to_string(value)) +
                                "; expected one in the range of int32");
  }
  const int64_t size_;
};

class ToInt64Op final : public Op {
 public:
  ToInt64Op(int x, int y, int64_t size) : Op("to_int64", {x}, {y}, {}), size_(size) {}

  // An int64 is two words of a tensor, the lower word first.
  void forward(const Tile& tile, int64_t, int64_t) const override {
    static_assert(std::endian::native == std::endian::little);
    const int32_t* x = reinterpret_cast<const int32_t*>(tile.value[inputs[0]]);
    int32_t* y = reinterpret_cast<int32_t*>(tile.value[outputs[0]]);
    const int64_t lanes = tile.lanes;
    if (lanes == 1) {
      for (int64_t i = 0; i < tile.n * size_; ++i) {
        y[2 * i] = x[i];
        y[2 * i + 1] = x[i] >> 31;
      }
      return;
    }
    for (int64_t i = 0; i < size_; ++i, x += lanes, y += 2 * lanes)
      for (int64_t lane = 0; lane < lanes; ++lane) {
        y[lane] = x[lane];
        y[lanes + lane] = x[lane] >> 31;
      }
  }
  void backward(const Tile&, float* const*) const override {}
  bool backward_reads_forward() const override { return false; }

 private:
  const int64_t size_;
};

}  // namespace

std::unique_ptr<Op> make_rescaling(int x, int y, int64_t features, std::vector<float> scale,
                                   std::vector<float> offset) {
  return std::make_unique<RescalingOp>(x, y, features, std::move(scale), std::move(offset));
}
std::unique_ptr<Op> make_merge(Merge kind, std::vector<int> xs, int y, int64_t features) {
  return std::make_unique<MergeOp>(kind, std::move(xs), y, features);
}

Merge parse_merge(const std::string& name) { return parse_name<Merge>("kind", name, kMergeNames); }
std::unique_ptr<Op> make_dropout(int x, int y, int64_t repeats, int64_t features, float rate, uint64_t seed) {
  return std::make_unique<DropoutOp>(x, y, repeats, features, rate, seed);
}
std::unique_ptr<Op> make_by_mode(int in_training, int in_inference, int y, int64_t size) {
  return std::make_unique<ByModeOp>(in_training, in_inference, y, size);
}
std::unique_ptr<Op> make_to_int32(int x, int y, int64_t size) { return std::make_unique<ToInt32Op>(x, y, size); }
std::unique_ptr<Op> make_to_int64(int x, int y, int64_t size) { return std::make_unique<ToInt64Op>(x, y, size); }

}  // namespace day33
