#include "ops/states.h"

#include <algorithm>

namespace day33 {
namespace {

class StateOp : public Op {
 public:
  StateOp(const char* kind, std::vector<int> inputs, int y, int slot, int64_t size)
      : Op(kind, std::move(inputs), {y}, {slot}), size_(size) {}

  bool takes_lanes() const override { return false; }
  bool backward_reads_forward() const override { return false; }

 protected:
  // The rows of the tile's samples.
  float* rows(const Tile& tile) const { return tile.parameter[parameters[0]] + tile.first_sample * size_; }

  const int64_t size_;
};

class ReadStateOp final : public StateOp {
 public:
  ReadStateOp(int y, int slot, int64_t size) : StateOp("state", {}, y, slot, size) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    std::copy_n(rows(tile), tile.n * size_, tile.value[outputs[0]]);
  }
  void backward(const Tile&, float* const*) const override {}  // what came before the call is a constant
};

class KeepStateOp final : public StateOp {
 public:
  KeepStateOp(int x, int y, int slot, int64_t size) : StateOp("keep_state", {x}, y, slot, size) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const float* x = tile.value[inputs[0]];
    std::copy_n(x, tile.n * size_, rows(tile));
    std::copy_n(x, tile.n * size_, tile.value[outputs[0]]);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] != nullptr) std::copy_n(tile.gradient[outputs[0]], tile.n * size_, dx[0]);
  }
  bool has_effect() const override { return true; }
};

}  // namespace

std::unique_ptr<Op> make_state(int y, int slot, int64_t size) { return std::make_unique<ReadStateOp>(y, slot, size); }
std::unique_ptr<Op> make_keep_state(int x, int y, int slot, int64_t size) {
  return std::make_unique<KeepStateOp>(x, y, slot, size);
}

}  // namespace day33
