#include "ops/activations.h"

#include "core/names.h"
#include "ops/flat.h"

namespace day33 {
namespace {

constexpr const char* kActivationNames[] = {DAY33_ACTIVATIONS(DAY33_ENUMERATOR_NAME)};

class ActivationOp final : public Op {
 public:
  ActivationOp(int x, int y, ActivationSpec spec, int64_t rows, int64_t C)
      : Op("activation", {x}, {y}, {}), spec_(spec), rows_(rows), C_(C) {}

  int64_t units(int64_t n) const override { return FlatUnits(n * rows_, C_).count(); }
  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const FlatUnits::Rows rows = FlatUnits(tile.n * rows_, C_).rows(begin, end);
    const int64_t from = rows.begin * C_ * tile.lanes;
    run_activation(tile, spec_, tile.value[inputs[0]] + from, tile.value[outputs[0]] + from, rows.size(), C_);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const float* saved = tile.value[backward_reads_input(spec_.kind) ? inputs[0] : outputs[0]];
    run_activation_backward(tile, spec_, saved, tile.gradient[outputs[0]], dx[0], tile.n * rows_, C_);
  }
  bool backward_reads_forward() const override { return !backward_reads_input(spec_.kind); }
  std::string detail() const override { return to_string(spec_.kind); }

 private:
  const ActivationSpec spec_;
  const int64_t rows_, C_;
};

}  // namespace

Activation parse_activation(const std::string& name) {
  return parse_name<Activation>("activation", name, kActivationNames);
}

std::string to_string(Activation activation) { return name_of(activation, kActivationNames); }

bool backward_reads_input(Activation kind) {
  switch (kind) {
    case Activation::gelu:
    case Activation::gelu_tanh:
    case Activation::silu:
    case Activation::hard_silu:
    case Activation::mish:
      return true;
    default:
      return false;
  }
}

bool is_elementwise(Activation kind) { return kind != Activation::softmax && kind != Activation::log_softmax; }

void run_activation(const Tile& tile, ActivationSpec spec, const float* x, float* y, int64_t rows, int64_t C) {
  if (spec.kind == Activation::softmax)
    tile.kernels->softmax_forward(x, y, rows, C, tile.lanes);
  else if (spec.kind == Activation::log_softmax)
    tile.kernels->log_softmax_forward(x, y, rows, C, tile.lanes);
  else
    tile.kernels->activation_forward(spec.kind, spec.alpha, x, y, rows * C * tile.lanes);
}

void run_activation_backward(const Tile& tile, ActivationSpec spec, const float* saved, const float* dy, float* dx,
                             int64_t rows, int64_t C) {
  if (spec.kind == Activation::softmax)
    tile.kernels->softmax_backward(saved, dy, dx, rows, C, tile.lanes);
  else if (spec.kind == Activation::log_softmax)
    tile.kernels->log_softmax_backward(saved, dy, dx, rows, C, tile.lanes);
  else
    tile.kernels->activation_backward(spec.kind, spec.alpha, saved, dy, dx, rows * C * tile.lanes);
}

std::unique_ptr<Op> make_activation(int x, int y, ActivationSpec spec, int64_t rows, int64_t C) {
  return std::make_unique<ActivationOp>(x, y, spec, rows, C);
}

}  // namespace day33
