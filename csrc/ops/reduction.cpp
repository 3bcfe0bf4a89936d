#include "ops/reduction.h"

#include <array>

#include "core/aligned_buffer.h"
#include "core/names.h"
#include "ops/broadcast.h"
#include "ops/flat.h"

namespace day33 {
namespace {

constexpr const char* kReduceNames[] = {DAY33_REDUCTIONS(DAY33_ENUMERATOR_NAME)};
constexpr const char* kArgReduceNames[] = {DAY33_ARG_REDUCTIONS(DAY33_ENUMERATOR_NAME)};
constexpr const char* kCumulateNames[] = {DAY33_CUMULATIONS(DAY33_ENUMERATOR_NAME)};

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
    return flat(n).count();
  }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const float* x = tile.value[inputs[0]];
    float* y = tile.value[outputs[0]];
    const int64_t size = y_size() * tile.n * tile.lanes;
    if (broadcast_.size() == 0) return of_nothing(tile, y, size);
    if (chain().steps().size() != 1) {
      chain().run(*tile.kernels, kind_, ints_, broadcast_.samples(tile.n), tile.lanes, x, y, tile.scratch);
      return finish(tile, y, size);
    }
    const FlatUnits::Rows rows = flat(tile.n).rows(begin, end);
    const int64_t inner = chain().steps()[0].inner * tile.lanes;
    chain().run_part(*tile.kernels, kind_, ints_, tile.lanes, x, y, rows.begin, rows.end);
    finish(tile, y + rows.begin * inner, rows.size() * inner);
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
        return tile.kernels->prod_backward(s.args(broadcast_.samples(tile.n), tile.lanes), tile.value[inputs[0]], dy,
                                           dx[0]);
      }
      default:
        return times_repeated(tile, nullptr, dy, dx[0]);
    }
  }
  bool backward_reads_forward() const override { return kind_ == Reduce::max || kind_ == Reduce::min; }
  std::string detail() const override { return name_of(kind_, kReduceNames); }

  int64_t scratch_size(const Kernels&, int lanes, int64_t n) const override {
    return chain().scratch_size(broadcast_.samples(n), lanes) + round_to_line(y_size() * n * lanes);
  }

 private:
  const ReduceChain& chain() const { return broadcast_.chain(1); }
  int64_t y_size() const { return broadcast_.size_of(1); }
  FlatUnits flat(int64_t n) const {
    const ReduceChain::Step& s = chain().steps()[0];
    return {s.outer * broadcast_.samples(n), s.K * s.inner};
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
    broadcast_.each(broadcast_.whole(tile.n), tile.lanes, {factor, share, nullptr},
                    [&](BroadcastRows rows, int64_t at) {
                      if (factor == nullptr) rows.x[0] = {scale_.data(), 0, true};
                      tile.kernels->binary_forward(Binary::multiply, rows, dx + at);
                    });
  }

  // The gradient of an extreme, in equal parts for all that attain it.
  void share_among_equals(const Tile& tile, const float* dy, float* dx) const {
    broadcast_.each(broadcast_.whole(tile.n), tile.lanes, {tile.value[inputs[0]], tile.value[outputs[0]], nullptr},
                    [&](const BroadcastRows& rows, int64_t at) { tile.kernels->equal_as_float(rows, dx + at); });
    const int64_t size = y_size() * tile.n * tile.lanes;
    float* share = tile.scratch;
    chain().run(*tile.kernels, Reduce::sum, false, broadcast_.samples(tile.n), tile.lanes, dx, share,
                share + round_to_line(size));
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

// The base of ops along the middle axis of [outer][K][inner]; units are parts of the outer axis.
class AxisOp : public Op {
 public:
  AxisOp(std::string kind, int x, int y, DType dtype, const ReduceArgs& sample)
      : Op(std::move(kind), {x}, {y}, {}), ints_(dtype == DType::int32), sample_(sample) {}

  int64_t units(int64_t n) const final { return flat(n).count(); }
  bool backward_reads_forward() const override { return false; }

 protected:
  // The part of a tile that is the units [begin, end).
  struct Part {
    ReduceArgs args;
    const float* x;
    int64_t first;  // row of the outer axis
  };
  Part part(const Tile& tile, int64_t begin, int64_t end) const {
    const FlatUnits::Rows rows = flat(tile.n).rows(begin, end);
    const int64_t inner = sample_.inner * tile.lanes;
    return {{rows.size(), sample_.K, inner}, tile.value[inputs[0]] + rows.begin * sample_.K * inner, rows.begin};
  }
  Part all(const Tile& tile) const { return part(tile, 0, units(tile.n)); }

  const bool ints_;
  const ReduceArgs sample_;

 private:
  FlatUnits flat(int64_t n) const { return {sample_.outer * n, sample_.K * sample_.inner}; }
};

class ArgReduceOp final : public AxisOp {
 public:
  ArgReduceOp(ArgReduce kind, int x, int y, DType dtype, const ReduceArgs& sample)
      : AxisOp(name_of(kind, kArgReduceNames), x, y, dtype, sample), kind_(kind) {}

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const Part p = part(tile, begin, end);
    int32_t* y = reinterpret_cast<int32_t*>(tile.value[outputs[0]]) + p.first * p.args.inner;
    if (ints_)
      tile.kernels->arg_reduce_int(kind_, p.args, reinterpret_cast<const int32_t*>(p.x), y);
    else
      tile.kernels->arg_reduce(kind_, p.args, p.x, y);
  }
  void backward(const Tile&, float* const*) const override {}  // a whole number has no gradient

 private:
  const ArgReduce kind_;
};

class CumulateOp final : public AxisOp {
 public:
  CumulateOp(Cumulate kind, int x, int y, DType dtype, const ReduceArgs& sample)
      : AxisOp(name_of(kind, kCumulateNames), x, y, dtype, sample), kind_(kind) {}

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const Part p = part(tile, begin, end);
    float* y = tile.value[outputs[0]] + p.first * p.args.K * p.args.inner;
    if (ints_)
      tile.kernels->cumulate_int(kind_, p.args, reinterpret_cast<const int32_t*>(p.x), reinterpret_cast<int32_t*>(y));
    else
      tile.kernels->cumulate(kind_, false, p.args, p.x, y);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const Part p = all(tile);
    if (kind_ == Cumulate::cumsum)
      tile.kernels->cumulate(kind_, true, p.args, tile.gradient[outputs[0]], dx[0]);
    else
      tile.kernels->cumprod_backward(p.args, p.x, tile.gradient[outputs[0]], dx[0]);
  }

 private:
  const Cumulate kind_;
};

}  // namespace

ArgReduce parse_arg_reduce(const std::string& name) { return parse_name<ArgReduce>("kind", name, kArgReduceNames); }
Cumulate parse_cumulate(const std::string& name) { return parse_name<Cumulate>("kind", name, kCumulateNames); }

std::unique_ptr<Op> make_arg_reduce(ArgReduce kind, int x, int y, DType dtype, const ReduceArgs& sample) {
  return std::make_unique<ArgReduceOp>(kind, x, y, dtype, sample);
}
std::unique_ptr<Op> make_cumulate(Cumulate kind, int x, int y, DType dtype, const ReduceArgs& sample) {
  return std::make_unique<CumulateOp>(kind, x, y, dtype, sample);
}

Reduce parse_reduce(const std::string& name) { return parse_name<Reduce>("kind", name, kReduceNames); }

std::unique_ptr<Op> make_reduce(Reduce kind, int x, int y, DType dtype, const Shape& shape,
                                const std::vector<int64_t>& axes) {
  return std::make_unique<ReduceOp>(kind, x, y, dtype, shape, axes);
}

}  // namespace day33
