#include "ops/arithmetic.h"

#include <algorithm>
#include <cstring>

#include "core/names.h"
#include "ops/flat.h"

namespace day33 {
namespace {

constexpr const char* kUnaryNames[] = {DAY33_UNARIES(DAY33_ENUMERATOR_NAME)};
constexpr Trait kUnaryTraits[] = {DAY33_UNARIES(DAY33_ENUMERATOR_TRAIT)};

// Whether moving the words costs more than the function.
bool is_cheap(Unary kind) {
  const Trait trait = trait_of(kind);
  return trait == Trait::flat || trait == Trait::truth || kind == Unary::negative || kind == Unary::abs ||
         kind == Unary::square || kind == Unary::reciprocal;
}

const int32_t* ints(const float* p) { return reinterpret_cast<const int32_t*>(p); }
int32_t* ints(float* p) { return reinterpret_cast<int32_t*>(p); }

// The base of ops on elements at the same place of one input and the output: units are stretches of words.
class FlatOp : public Op {
 public:
  FlatOp(std::string kind, int x, int y, int64_t size) : Op(std::move(kind), {x}, {y}, {}), size_(size) {}

  int64_t units(int64_t n) const final { return FlatUnits(size_ * n).count(); }
  void forward(const Tile& tile, int64_t begin, int64_t end) const final {
    const FlatUnits::Rows words = FlatUnits(size_ * tile.n).rows(begin, end);
    const int64_t from = words.begin * tile.lanes;
    map(*tile.kernels, tile.value[inputs[0]] + from, tile.value[outputs[0]] + from, words.size() * tile.lanes);
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
  bool passes_gradient() const override { return day33::passes_gradient(trait_of(kind_)); }
  int64_t cost_per_word() const override { return is_cheap(kind_) ? 4 : 32; }

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
std::string to_string(Unary kind) { return name_of(kind, kUnaryNames); }
Trait trait_of(Unary kind) { return kUnaryTraits[static_cast<size_t>(kind)]; }

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

std::unique_ptr<Op> make_unary(Unary kind, int x, int y, DType dtype, int64_t size) {
  return std::make_unique<UnaryOp>(kind, x, y, dtype, size);
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
