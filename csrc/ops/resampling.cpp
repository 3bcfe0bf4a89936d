#include "ops/resampling.h"

#include "core/names.h"

namespace day33 {
namespace {

constexpr const char* kInterpolationNames[] = {DAY33_INTERPOLATIONS(DAY33_ENUMERATOR_NAME)};

class UpSampling2dOp final : public Op {
 public:
  UpSampling2dOp(int x, int y, const UpSample2dArgs& args, Interpolation interpolation)
      : Op("up_sampling2d", {x}, {y}, {}), args_(args), interpolation_(interpolation) {}

  int64_t units(int64_t n) const override { return n; }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const Kernels& k = *tile.kernels;
    const auto kernel = pick(k.upsample_nearest_forward, k.upsample_bilinear_forward, k.upsample_nails_forward);
    each(tile, begin, end, tile.value[inputs[0]], tile.value[outputs[0]],
         [&](const UpSample2dArgs& args, float* small, float* large) { kernel(args, small, large); });
  }

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const Kernels& k = *tile.kernels;
    const auto kernel = pick(k.upsample_nearest_backward, k.upsample_bilinear_backward, k.upsample_nails_backward);
    each(tile, 0, tile.n, dx[0], tile.gradient[outputs[0]],
         [&](const UpSample2dArgs& args, float* small, float* large) { kernel(args, large, small); });
  }
  bool backward_reads_forward() const override { return false; }
  std::string detail() const override {
    return std::to_string(args_.scale_h) + "x" + std::to_string(args_.scale_w) + " " +
           name_of(interpolation_, kInterpolationNames);
  }

 private:
  template <typename F>
  F pick(F nearest, F bilinear, F nails) const {
    return interpolation_ == Interpolation::nearest    ? nearest
           : interpolation_ == Interpolation::bilinear ? bilinear
                                                       : nails;
  }
  template <typename Call>
  void each(const Tile& tile, int64_t begin, int64_t end, float* small, float* large, Call&& call) const {
    UpSample2dArgs args = args_;
    args.inner *= tile.lanes;
    for (int64_t sample = begin; sample < end; ++sample)
      call(args, small + sample * args.H * args.W * args.inner, large + sample * args.OH * args.OW * args.inner);
  }

  const UpSample2dArgs args_;  // inner = C
  const Interpolation interpolation_;
};

}  // namespace

Interpolation parse_interpolation(const std::string& name) {
  return parse_name<Interpolation>("interpolation", name, kInterpolationNames);
}

std::unique_ptr<Op> make_up_sampling2d(int x, int y, int64_t H, int64_t W, int64_t C, int64_t scale_h, int64_t scale_w,
                                       Interpolation interpolation) {
  const UpSample2dArgs args{
      .H = H, .W = W, .OH = H * scale_h, .OW = W * scale_w, .inner = C, .scale_h = scale_h, .scale_w = scale_w};
  return std::make_unique<UpSampling2dOp>(x, y, args, interpolation);
}

}  // namespace day33
