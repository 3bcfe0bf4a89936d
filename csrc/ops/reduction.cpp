#include "ops/reduction.h"

#include <array>

#include "core/aligned_buffer.h"
#include "core/names.h"
#include "ops/broadcast.h"

namespace day33 {
namespace {

constexpr const char* kReduceNames[] = {DAY33_REDUCTIONS(DAY33_ENUMERATOR_NAME)};
constexpr int kMaxLanes = 16;
constexpr int64_t kUnitElements = 4096;

Shape kept_shape(Shape shape, const std::vector<int64_t>& axes) {
  for (int64_t axis : axes) shape[static_cast<size_t>(axis)] = 1;
  return shape;
}

class ReduceOp final : public Op {
 public:
  ReduceOp(Reduce kind, int x, int y, DType dtype, const Shape& shape, const std::vector<int64_t>& axes)
      : Op("reduce", {x}, {y}, {}),
        kind_(kind),
        ints_(dtype == DType::int32),
        broadcast_(shape, {shape, kept_shape(shape, axes)}),
        count_(1),
        scale_{} {
    for (int64_t axis : axes) count_ *= shape[static_cast<size_t>(axis)];
    scale_.fill(kind == Reduce::mean ? 1.0f / static_cast<float>(count_) : 1.0f);
  }

  int64_t units(int64_t n) const override {
    if (broadcast_.size() == 0 || chain().steps().size() != 1) return 1;
    return std::max<int64_t>((chain().steps()[0].outer * n + grain() - 1) / grain(), 1);
  }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const float* x = tile.value[inputs[0]];
    float* y = tile.value[outputs[0]];
    const int64_t size = y_size() * tile.n * tile.lanes;
    if (broadcast_.size() == 0) return of_nothing(tile, y, size);
    if (chain().steps().size() != 1) {
      chain().run(*tile.kernels, kind_, ints_, tile.n, tile.lanes, x, y, tile.scratch);
      return finish(tile, y, size);
    }
    const ReduceChain::Step& s = chain().steps()[0];
    const int64_t from = begin * grain(), to = std::min(end * grain(), s.outer * tile.n);
    if (to <= from) return;
    chain().run_part(*tile.kernels, kind_, ints_, tile.lanes, x, y, from, to);
    finish(tile, y + from * s.inner * tile.lanes, (to - from) * s.inner * tile.lanes);
  }

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr || broadcast_.size() == 0) return;
    const float* dy = tile.gradient[outputs[0]];
    switch (kind_) {
      case Reduce::max:
      case Reduce::min:
        return share_among_equals(tile, dy, dx[0]);
      case Reduce::prod: {
        const ReduceChain::Step& s = chain().steps()[0];
        return tile.kernels->prod_backward({s.outer * tile.n, s.K, s.inner * tile.lanes}, tile.value[inputs[0]], dy,
                                           dx[0]);
      }
      default:
        return times_repeated(tile, nullptr, dy, dx[0]);
    }
  }
  bool backward_reads_forward() const override { return kind_ == Reduce::max || kind_ == Reduce::min; }
  std::string detail() const override { return name_of(kind_, kReduceNames); }

  int64_t scratch_size(const Kernels&, int lanes, int64_t n) const override {
    return chain().scratch_size(n, lanes) + round_to_line(y_size() * n * lanes);
  }

 private:
  const ReduceChain& chain() const { return broadcast_.sums(1); }
  int64_t y_size() const { return broadcast_.size_of(1); }
  int64_t grain() const {
    const ReduceChain::Step& s = chain().steps()[0];
    return std::max<int64_t>(kUnitElements / std::max<int64_t>(s.K * s.inner, 1), 1);
  }
  // A sum of nothing is 0, a mean NaN, a product 1, a maximum -infinity.
  void of_nothing(const Tile& tile, float* y, int64_t size) const {
    const ReduceArgs args{.outer = 1, .K = 0, .inner = size};
    if (ints_) return tile.kernels->reduce_int(kind_, args, nullptr, reinterpret_cast<int32_t*>(y));
    tile.kernels->reduce(kind_, args, nullptr, y);
    finish(tile, y, size);
  }
  void finish(const Tile& tile, float* y, int64_t floats) const {
    if (kind_ == Reduce::mean) tile.kernels->scale_by(y, scale_[0], floats);
  }

  // dx = factor * share, where `share` has the shape of y and is repeated. Without a factor: the scale.
  void times_repeated(const Tile& tile, const float* factor, const float* share, float* dx) const {
    broadcast_.each(tile.n, tile.lanes, {factor, share, nullptr}, [&](BroadcastRows rows, int64_t at) {
      if (factor == nullptr) rows.x[0] = {scale_.data(), 0, true};
      tile.kernels->binary_forward(Binary::multiply, rows, dx + at);
    });
  }

  // The gradient of an extreme, in equal parts for all that attain it.
  void share_among_equals(const Tile& tile, const float* dy, float* dx) const {
    broadcast_.each(tile.n, tile.lanes, {tile.value[inputs[0]], tile.value[outputs[0]], nullptr},
                    [&](const BroadcastRows& rows, int64_t at) { tile.kernels->equal_as_float(rows, dx + at); });
    const int64_t size = y_size() * tile.n * tile.lanes;
    float* share = tile.scratch;
    chain().run(*tile.kernels, Reduce::sum, false, tile.n, tile.lanes, dx, share, share + round_to_line(size));
    const BroadcastRows flat{1, size, 0, tile.lanes, {{dy, 0, false}, {share, 0, false}, {}}};
    tile.kernels->binary_forward(Binary::divide, flat, share);
    times_repeated(tile, dx, share, dx);
  }

  const Reduce kind_;
  const bool ints_;
  const Broadcast broadcast_;  // of y to the shape of x
  int64_t count_;
  std::array<float, kMaxLanes> scale_;
};

}  // namespace

Reduce parse_reduce(const std::string& name) { return parse_name<Reduce>("kind", name, kReduceNames); }

std::unique_ptr<Op> make_reduce(Reduce kind, int x, int y, DType dtype, const Shape& shape,
                                const std::vector<int64_t>& axes) {
  return std::make_unique<ReduceOp>(kind, x, y, dtype, shape, axes);
}

}  // namespace day33
