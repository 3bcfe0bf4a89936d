#include "ops/arithmetic.h"

#include <array>
#include <cstring>

#include "core/aligned_buffer.h"
#include "core/names.h"
#include "ops/broadcast.h"

namespace day33 {
namespace {

constexpr const char* kUnaryNames[] = {DAY33_UNARIES(DAY33_ENUMERATOR_NAME)};
constexpr const char* kBinaryNames[] = {DAY33_BINARIES(DAY33_ENUMERATOR_NAME)};
#define DAY33_TRAIT(name, trait) Trait::trait,
constexpr Trait kUnaryTraits[] = {DAY33_UNARIES(DAY33_TRAIT)};
constexpr Trait kBinaryTraits[] = {DAY33_BINARIES(DAY33_TRAIT)};
#undef DAY33_TRAIT

constexpr int kMaxLanes = 16;
constexpr int64_t kUnitWords = 4096;

const int32_t* ints(const float* p) { return reinterpret_cast<const int32_t*>(p); }
int32_t* ints(float* p) { return reinterpret_cast<int32_t*>(p); }

bool has_gradient(Trait trait) { return trait == Trait::of_input || trait == Trait::of_output; }

// The base of ops on elements at the same place of one input and the output: units are stretches of words.
class FlatOp : public Op {
 public:
  FlatOp(std::string kind, int x, int y, int64_t size) : Op(std::move(kind), {x}, {y}, {}), size_(size) {}

  int64_t units(int64_t n) const final { return std::max<int64_t>((size_ * n + kUnitWords - 1) / kUnitWords, 1); }
  void forward(const Tile& tile, int64_t begin, int64_t end) const final {
    const int64_t from = begin * kUnitWords, to = std::min(end * kUnitWords, size_ * tile.n);
    if (to <= from) return;
    map(*tile.kernels, tile.value[inputs[0]] + from * tile.lanes, tile.value[outputs[0]] + from * tile.lanes,
        (to - from) * tile.lanes);
  }
  void backward(const Tile&, float* const*) const override {}
  bool backward_reads_forward() const override { return false; }
  bool passes_gradient() const override { return false; }

 protected:
  virtual void map(const Kernels& kernels, const float* x, float* y, int64_t words) const = 0;
  const int64_t size_;
};

class UnaryOp final : public FlatOp {
 public:
  UnaryOp(Unary kind, int x, int y, DType dtype, int64_t size)
      : FlatOp(to_string(kind), x, y, size), kind_(kind), dtype_(dtype) {}

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const float* x = tile.value[inputs[0]];
    const float* y = backward_reads_forward() ? tile.value[outputs[0]] : x;
    tile.kernels->unary_backward(kind_, x, y, tile.gradient[outputs[0]], dx[0], size_ * tile.n * tile.lanes);
  }
  bool backward_reads_forward() const override { return trait_of(kind_) == Trait::of_output; }
  bool passes_gradient() const override { return has_gradient(trait_of(kind_)); }

 private:
  void map(const Kernels& kernels, const float* x, float* y, int64_t words) const override {
    if (dtype_ == DType::int32)
      kernels.unary_int(kind_, ints(x), ints(y), words);
    else
      kernels.unary_forward(kind_, x, y, words);
  }
  const Unary kind_;
  const DType dtype_;
};

class CastOp final : public FlatOp {
 public:
  CastOp(int x, int y, DType from, Cast to, int64_t size) : FlatOp("cast", x, y, size), from_(from), to_(to) {}
  std::string detail() const override {
    return to_ == Cast::boolean ? "bool" : to_ == Cast::int32 ? "int32" : "float32";
  }

 private:
  void map(const Kernels& kernels, const float* x, float* y, int64_t words) const override {
    if (from_ == DType::int32)
      to_ == Cast::boolean ? kernels.int_to_bool(ints(x), ints(y), words) : kernels.int_to_float(ints(x), y, words);
    else
      (to_ == Cast::boolean ? kernels.float_to_bool : kernels.float_to_int)(x, ints(y), words);
  }
  const DType from_;
  const Cast to_;
};

class StopGradientOp final : public FlatOp {
 public:
  StopGradientOp(int x, int y, int64_t size) : FlatOp("stop_gradient", x, y, size) {}

 private:
  void map(const Kernels&, const float* x, float* y, int64_t words) const override {
    std::memcpy(y, x, static_cast<size_t>(words) * sizeof(float));
  }
};

// The base of ops on operands that are broadcast.
class BroadcastOp : public Op {
 public:
  BroadcastOp(std::string kind, std::vector<int> xs, int y, const Shape& shape, const std::vector<Shape>& operands)
      : Op(std::move(kind), std::move(xs), {y}, {}), broadcast_(shape, operands) {}

  int64_t units(int64_t n) const final { return broadcast_.units(n); }
  void forward(const Tile& tile, int64_t begin, int64_t end) const final {
    float* y = tile.value[outputs[0]];
    broadcast_.each(broadcast_.units(tile.n, begin, end), tile.lanes, values(tile),
                    [&](const BroadcastRows& rows, int64_t at) { map(*tile.kernels, rows, y + at); });
  }
  int64_t scratch_size(const Kernels&, int lanes, int64_t n) const final {
    int64_t floats = 0;
    for (size_t k = 0; k < inputs.size(); ++k)
      if (broadcast_.is_repeated(k)) floats = std::max(floats, broadcast_.sum_scratch_size(k, n, lanes));
    return floats;
  }

 protected:
  virtual void map(const Kernels& kernels, const BroadcastRows& rows, float* y) const = 0;

  Broadcast::Pointers values(const Tile& tile) const {
    Broadcast::Pointers base{};
    for (size_t k = 0; k < inputs.size(); ++k) base[k] = tile.value[inputs[k]];
    return base;
  }
  // slope(rows, at, d) writes the gradient of operand k for rows of the result that begin with its word `at`.
  template <typename Slope>
  void gradient(const Tile& tile, size_t k, float* dx, Slope slope) const {
    const auto make = [&](const Broadcast::Part& part, int64_t first, float* d) -> const float* {
      broadcast_.each(part, tile.lanes, values(tile),
                      [&](const BroadcastRows& rows, int64_t at) { slope(rows, at, d + (at - first)); });
      return d;
    };
    if (broadcast_.is_repeated(k))
      broadcast_.sum_repeated(*tile.kernels, k, tile.n, tile.lanes, tile.scratch, dx, make);
    else
      make(broadcast_.whole(tile.n), 0, dx);
  }

  const Broadcast broadcast_;
};

class BinaryOp final : public BroadcastOp {
 public:
  BinaryOp(Binary kind, int a, int b, int y, DType dtype, const Shape& a_shape, const Shape& b_shape,
           const Shape& shape)
      : BroadcastOp(to_string(kind), {a, b}, y, shape, {a_shape, b_shape}), kind_(kind), dtype_(dtype) {}

  void backward(const Tile& tile, float* const* dx) const override {
    const float* dy = tile.gradient[outputs[0]];
    for (size_t k = 0; k < 2; ++k) {
      if (dx[k] == nullptr) continue;
      if (kind_ == Binary::add && broadcast_.is_repeated(k)) {  // the gradient is dy itself
        broadcast_.sum_repeated(*tile.kernels, k, tile.n, tile.lanes, tile.scratch, dx[k],
                                [&](const Broadcast::Part&, int64_t first, float*) { return dy + first; });
        continue;
      }
      const float* y = backward_reads_forward() ? tile.value[outputs[0]] : dy;
      gradient(tile, k, dx[k], [&](const BroadcastRows& rows, int64_t at, float* d) {
        tile.kernels->binary_backward(kind_, static_cast<int>(k), rows, y + at, dy + at, d);
      });
    }
  }
  bool backward_reads_forward() const override { return trait_of(kind_) == Trait::of_output; }
  bool passes_gradient() const override { return has_gradient(trait_of(kind_)); }

 private:
  void map(const Kernels& kernels, const BroadcastRows& rows, float* y) const override {
    if (trait_of(kind_) == Trait::truth)
      kernels.binary_truth(kind_, dtype_ == DType::int32, rows, ints(y));
    else if (dtype_ == DType::int32)
      kernels.binary_int(kind_, rows, ints(y));
    else
      kernels.binary_forward(kind_, rows, y);
  }
  const Binary kind_;
  const DType dtype_;
};

class SelectOp final : public BroadcastOp {
 public:
  SelectOp(int condition, int a, int b, int y, const Shape& condition_shape, const Shape& a_shape, const Shape& b_shape,
           const Shape& shape)
      : BroadcastOp("select", {condition, a, b}, y, shape, {condition_shape, a_shape, b_shape}) {}

  void backward(const Tile& tile, float* const* dx) const override {
    static constexpr std::array<float, kMaxLanes> kZeros{};
    for (size_t k = 1; k < 3; ++k) {
      if (dx[k] == nullptr) continue;
      gradient(tile, k, dx[k], [&](BroadcastRows rows, int64_t at, float* d) {
        rows.x[k] = {tile.gradient[outputs[0]] + at, rows.row_step, false};
        rows.x[3 - k] = {kZeros.data(), 0, true};
        tile.kernels->select_where(rows, d);
      });
    }
  }
  bool backward_reads_forward() const override { return false; }

 private:
  void map(const Kernels& kernels, const BroadcastRows& rows, float* y) const override {
    kernels.select_where(rows, y);
  }
};

class ParameterValueOp final : public Op {
 public:
  ParameterValueOp(int y, int slot, int64_t size) : Op("parameter_value", {}, {y}, {slot}), size_(size) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const float* from = tile.lanes > 1 ? tile.packed : tile.parameter[parameters[0]];
    const int64_t floats = size_ * tile.lanes;
    for (int64_t s = 0; s < tile.n; ++s)
      std::memcpy(tile.value[outputs[0]] + s * floats, from, static_cast<size_t>(floats) * sizeof(float));
  }
  void backward(const Tile& tile, float* const*) const override {
    if (tile.accumulate[0] == nullptr) return;
    const int64_t floats = size_ * tile.lanes;
    for (int64_t s = 0; s < tile.n; ++s)
      tile.kernels->add_to(tile.gradient[outputs[0]] + s * floats, tile.accumulate[0], floats);
  }
  bool backward_reads_forward() const override { return false; }

  // In the lanes layout, every value once per lane.
  int64_t packed_size(const Kernels&, int lanes, bool backward) const override {
    return lanes > 1 && !backward ? size_ * lanes : 0;
  }
  void pack(const Kernels&, int lanes, bool, const float* const* parameter, float* packed) const override {
    for (int64_t i = 0; i < size_; ++i) std::fill_n(packed + i * lanes, lanes, parameter[parameters[0]][i]);
  }
  int accumulator_lanes(size_t, int lanes) const override { return lanes; }

 private:
  const int64_t size_;
};

}  // namespace

Unary parse_unary(const std::string& name) { return parse_name<Unary>("kind", name, kUnaryNames); }
Binary parse_binary(const std::string& name) { return parse_name<Binary>("kind", name, kBinaryNames); }
std::string to_string(Unary kind) { return name_of(kind, kUnaryNames); }
std::string to_string(Binary kind) { return name_of(kind, kBinaryNames); }
Trait trait_of(Unary kind) { return kUnaryTraits[static_cast<size_t>(kind)]; }
Trait trait_of(Binary kind) { return kBinaryTraits[static_cast<size_t>(kind)]; }

bool takes_ints(Unary kind) {
  switch (kind) {
    case Unary::negative:
    case Unary::abs:
    case Unary::sign:
    case Unary::square:
    case Unary::logical_not:
      return true;
    default:
      return false;
  }
}

bool takes_ints(Binary kind) {
  return kind != Binary::divide && kind != Binary::arctan2 && kind != Binary::sigmoid_crossentropy;
}

std::unique_ptr<Op> make_unary(Unary kind, int x, int y, DType dtype, int64_t size) {
  return std::make_unique<UnaryOp>(kind, x, y, dtype, size);
}
std::unique_ptr<Op> make_binary(Binary kind, int a, int b, int y, DType dtype, const Shape& a_shape,
                                const Shape& b_shape, const Shape& shape) {
  return std::make_unique<BinaryOp>(kind, a, b, y, dtype, a_shape, b_shape, shape);
}
std::unique_ptr<Op> make_select(int condition, int a, int b, int y, const Shape& condition_shape, const Shape& a_shape,
                                const Shape& b_shape, const Shape& shape) {
  return std::make_unique<SelectOp>(condition, a, b, y, condition_shape, a_shape, b_shape, shape);
}
std::unique_ptr<Op> make_cast(int x, int y, DType from, Cast to, int64_t size) {
  return std::make_unique<CastOp>(x, y, from, to, size);
}
std::unique_ptr<Op> make_stop_gradient(int x, int y, int64_t size) {
  return std::make_unique<StopGradientOp>(x, y, size);
}
std::unique_ptr<Op> make_parameter_value(int y, int slot, int64_t size) {
  return std::make_unique<ParameterValueOp>(y, slot, size);
}

}  // namespace day33
