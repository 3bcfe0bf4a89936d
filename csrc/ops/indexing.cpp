#include "ops/indexing.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace day33 {
namespace {

const int32_t* integers(const Tile& tile, int tensor) { return reinterpret_cast<const int32_t*>(tile.value[tensor]); }

class GatherOp final : public Op {
 public:
  GatherOp(int x, int indices, int y, const Gathering& gathering)
      : Op(gathering.each ? "take_along_axis" : "gather", {x, indices}, {y}, {}), g_(gathering) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const float* x = tile.value[inputs[0]];
    float* y = tile.value[outputs[0]];
    each_block(tile, [&](int64_t from, int64_t at, int64_t floats) {
      std::memcpy(y + at, x + from, static_cast<size_t>(floats) * sizeof(float));
    });
  }

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const float* dy = tile.gradient[outputs[0]];
    std::fill_n(dx[0], tile.n * g_.outer * g_.cells * g_.inner * tile.lanes, 0.0f);
    each_block(tile, [&](int64_t from, int64_t at, int64_t floats) {
      if (floats == 1)
        dx[0][from] += dy[at];
      else
        tile.kernels->add_to(dy + at, dx[0] + from, floats);
    });
  }
  bool backward_reads_forward() const override { return false; }

 private:
  int64_t cell(int32_t index) const {
    if (index < -g_.cells || index >= g_.cells)
      throw std::invalid_argument("indices holds " + std::to_string(index) + "; expected " + std::to_string(-g_.cells) +
                                  " to " + std::to_string(g_.cells - 1) + " for an axis of " +
                                  std::to_string(g_.cells));
    return index < 0 ? index + g_.cells : index;
  }

  // Calls visit(from, at, floats) for the blocks that lie together in x and in y, in the order of y.
  template <typename Visit>
  void each_block(const Tile& tile, Visit&& visit) const {
    const int32_t* indices = integers(tile, inputs[1]);
    const int64_t lanes = tile.lanes, inner = g_.inner * lanes;
    const bool rows = !g_.each && lanes == 1;  // all of a row have the same index
    const int64_t block = rows ? inner : 1;
    for (int64_t o = 0; o < tile.n * g_.outer; ++o) {
      const int64_t first = g_.each ? o * g_.count * inner : o / g_.outer * g_.count * lanes;
      for (int64_t j = 0; j < g_.count; ++j)
        for (int64_t i = 0; i < inner; i += block) {
          const int64_t index = g_.each ? j * inner + i : j * lanes + (rows ? 0 : i % lanes);
          visit((o * g_.cells + cell(indices[first + index])) * inner + i, (o * g_.count + j) * inner + i, block);
        }
    }
  }

  const Gathering g_;
};

class OneHotOp final : public Op {
 public:
  OneHotOp(int indices, int y, int64_t outer, int64_t depth, int64_t inner)
      : Op("one_hot", {indices}, {y}, {}), outer_(outer), depth_(depth), inner_(inner) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const int32_t* indices = integers(tile, inputs[0]);
    const int64_t inner = inner_ * tile.lanes, outer = tile.n * outer_;
    float* y = tile.value[outputs[0]];
    std::fill_n(y, outer * depth_ * inner, 0.0f);
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < inner; ++i) {
        const int32_t index = indices[o * inner + i];
        if (index >= 0 && index < depth_) y[(o * depth_ + index) * inner + i] = 1.0f;
      }
  }
  void backward(const Tile&, float* const*) const override {}
  bool backward_reads_forward() const override { return false; }

 private:
  const int64_t outer_, depth_, inner_;
};

}  // namespace

std::unique_ptr<Op> make_gather(int x, int indices, int y, const Gathering& gathering) {
  return std::make_unique<GatherOp>(x, indices, y, gathering);
}
std::unique_ptr<Op> make_one_hot(int indices, int y, int64_t outer, int64_t depth, int64_t inner) {
  return std::make_unique<OneHotOp>(indices, y, outer, depth, inner);
}

}  // namespace day33
