// Ops on operands that are broadcast.
#include <array>
#include <utility>

#include "core/names.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"

namespace day33 {
namespace {

constexpr const char* kBinaryNames[] = {DAY33_BINARIES(DAY33_ENUMERATOR_NAME)};
constexpr Trait kBinaryTraits[] = {DAY33_BINARIES(DAY33_ENUMERATOR_TRAIT)};

std::vector<int> known(const std::vector<BroadcastOperand>& operands, int BroadcastOperand::* member) {
  std::vector<int> numbers;
  for (const BroadcastOperand& operand : operands)
    if (operand.*member >= 0) numbers.push_back(operand.*member);
  return numbers;
}

std::vector<Shape> shapes_of(const std::vector<BroadcastOperand>& operands) {
  std::vector<Shape> shapes;
  for (const BroadcastOperand& operand : operands) shapes.push_back(operand.shape);
  return shapes;
}

std::vector<char> shared_of(const std::vector<BroadcastOperand>& operands) {
  std::vector<char> shared;
  for (const BroadcastOperand& operand : operands) shared.push_back(operand.slot >= 0);
  return shared;
}

// An operand is a tensor or a parameter. In the lanes layout, the latter is packed: every value once per lane.
class BroadcastOp : public Op {
 public:
  BroadcastOp(std::string kind, const std::vector<BroadcastOperand>& operands, int y, const Shape& shape)
      : Op(std::move(kind), known(operands, &BroadcastOperand::tensor), {y}, known(operands, &BroadcastOperand::slot)),
        broadcast_(shape, shapes_of(operands), shared_of(operands)) {
    int tensors = 0, slots = 0;
    for (const BroadcastOperand& operand : operands)
      sources_.push_back({operand.slot >= 0, operand.slot >= 0 ? slots++ : tensors++});
  }

  int64_t units(int64_t n) const final { return broadcast_.units(n); }
  void forward(const Tile& tile, int64_t begin, int64_t end) const final {
    float* y = tile.value[outputs[0]];
    broadcast_.each(broadcast_.units(tile.n, begin, end), tile.lanes, values(tile),
                    [&](const BroadcastRows& rows, int64_t at) { map(*tile.kernels, rows, y + at); });
  }
  int64_t scratch_size(const Kernels&, int lanes, int64_t n) const final {
    int64_t floats = 0;
    for (size_t k = 0; k < sources_.size(); ++k)
      if (broadcast_.is_repeated(k)) floats = std::max(floats, broadcast_.sum_scratch_size(k, n, lanes));
    return floats;
  }

  int64_t packed_size(const Kernels&, int lanes, bool backward) const final {
    int64_t floats = 0;
    for (size_t k = 0; k < sources_.size() && lanes > 1 && !backward; ++k)
      floats += sources_[k].is_parameter ? packed_floats(k, lanes) : 0;
    return floats;
  }
  void pack(const Kernels&, int lanes, bool, const float* const* parameter, float* packed) const final {
    for (size_t k = 0; k < sources_.size(); ++k) {
      if (!sources_[k].is_parameter) continue;
      const float* from = parameter[parameters[sources_[k].index]];
      for (int64_t i = 0; i < broadcast_.size_of(k); ++i) std::fill_n(packed + i * lanes, lanes, from[i]);
      packed += packed_floats(k, lanes);
    }
  }
  int accumulator_lanes(size_t, int lanes) const final { return lanes; }

 protected:
  virtual void map(const Kernels& kernels, const BroadcastRows& rows, float* y) const = 0;

  // Where the gradient of an operand goes; null where none is wanted.
  float* gradient_of(const Tile& tile, size_t k, float* const* dx) const {
    return sources_[k].is_parameter ? tile.accumulate[sources_[k].index] : dx[sources_[k].index];
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
      sum_repeated(tile, k, dx, make);
    else
      make(broadcast_.whole(tile.n), 0, dx);
  }
  template <typename Make>
  void sum_repeated(const Tile& tile, size_t k, float* dx, Make make) const {
    broadcast_.sum_repeated(*tile.kernels, k, tile.n, tile.lanes, tile.scratch, dx, make);
  }

  const Broadcast broadcast_;

 private:
  struct Source {
    bool is_parameter;
    int index;  // in `parameters` or `inputs`
  };
  int64_t packed_floats(size_t k, int lanes) const { return round_to_line(broadcast_.size_of(k) * lanes); }
  Broadcast::Pointers values(const Tile& tile) const {
    Broadcast::Pointers base{};
    const float* packed = tile.packed;
    for (size_t k = 0; k < sources_.size(); ++k) {
      if (!sources_[k].is_parameter) {
        base[k] = tile.value[inputs[sources_[k].index]];
      } else if (tile.lanes == 1) {
        base[k] = tile.parameter[parameters[sources_[k].index]];
      } else {
        base[k] = packed;
        packed += packed_floats(k, tile.lanes);
      }
    }
    return base;
  }
  std::vector<Source> sources_;
};

class BinaryOp final : public BroadcastOp {
 public:
  BinaryOp(Binary kind, const std::vector<BroadcastOperand>& operands, int y, DType dtype, const Shape& shape)
      : BroadcastOp(to_string(kind), operands, y, shape), kind_(kind), dtype_(dtype) {}

  void backward(const Tile& tile, float* const* dx) const override {
    const float* dy = tile.gradient[outputs[0]];
    for (size_t k = 0; k < 2; ++k) {
      float* d_operand = gradient_of(tile, k, dx);
      if (d_operand == nullptr) continue;
      if (kind_ == Binary::add && broadcast_.is_repeated(k)) {  // the gradient is dy itself
        sum_repeated(tile, k, d_operand, [&](const Broadcast::Part&, int64_t first, float*) { return dy + first; });
        continue;
      }
      const float* y = backward_reads_forward() ? tile.value[outputs[0]] : dy;
      gradient(tile, k, d_operand, [&](const BroadcastRows& rows, int64_t at, float* d) {
        tile.kernels->binary_backward(kind_, static_cast<int>(k), rows, y + at, dy + at, d);
      });
    }
  }
  bool backward_reads_forward() const override { return trait_of(kind_) == Trait::of_output; }
  bool passes_gradient() const override { return day33::passes_gradient(trait_of(kind_)); }

 private:
  void map(const Kernels& kernels, const BroadcastRows& rows, float* y) const override {
    int32_t* whole = reinterpret_cast<int32_t*>(y);
    if (trait_of(kind_) == Trait::truth)
      kernels.binary_truth(kind_, dtype_ == DType::int32, rows, whole);
    else if (dtype_ == DType::int32)
      kernels.binary_int(kind_, rows, whole);
    else
      kernels.binary_forward(kind_, rows, y);
  }
  const Binary kind_;
  const DType dtype_;
};

class SelectOp final : public BroadcastOp {
 public:
  SelectOp(const std::vector<BroadcastOperand>& operands, int y, const Shape& shape)
      : BroadcastOp("select", operands, y, shape) {}

  void backward(const Tile& tile, float* const* dx) const override {
    static constexpr std::array<float, kMaxLanes> kZeros{};
    for (size_t k = 1; k < 3; ++k) {
      float* d_operand = gradient_of(tile, k, dx);
      if (d_operand == nullptr) continue;
      gradient(tile, k, d_operand, [&](BroadcastRows rows, int64_t at, float* d) {
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

}  // namespace

Binary parse_binary(const std::string& name) { return parse_name<Binary>("kind", name, kBinaryNames); }
std::string to_string(Binary kind) { return name_of(kind, kBinaryNames); }
Trait trait_of(Binary kind) { return kBinaryTraits[static_cast<size_t>(kind)]; }
bool takes_ints(Binary kind) {
  return kind != Binary::divide && kind != Binary::arctan2 && kind != Binary::sigmoid_crossentropy;
}

std::unique_ptr<Op> make_binary(Binary kind, const std::vector<BroadcastOperand>& operands, int y, DType dtype,
                                const Shape& shape) {
  return std::make_unique<BinaryOp>(kind, operands, y, dtype, shape);
}
std::unique_ptr<Op> make_select(const std::vector<BroadcastOperand>& operands, int y, const Shape& shape) {
  return std::make_unique<SelectOp>(operands, y, shape);
}

}  // namespace day33
