#include "ops/affine_transform.h"

#include <algorithm>
#include <cmath>

#include "core/names.h"

namespace day33 {
namespace {

constexpr const char* kFillModeNames[] = {DAY33_FILL_MODES(DAY33_ENUMERATOR_NAME)};
constexpr int kNumbers = 8;
// Positions further out than this are filled with the constant in every mode; float has no fractions there.
constexpr float kFar = 1 << 24;

// Positions outside of [0, size - 1] are brought back as in tf.raw_ops.ImageProjectiveTransformV3, in float as there.
// The result lies in the image unless the mode is `constant`.
float bring_back(FillMode mode, float at, int64_t size) {
  const float last = static_cast<float>(size - 1), length = static_cast<float>(size);
  if (mode == FillMode::constant || (at >= 0.0f && at <= last)) return at;
  if (size == 1) return 0.0f;
  if (mode == FillMode::reflect) {
    const float from_edge = at < 0.0f ? -at : at, period = 2.0f * length;
    const float rest = from_edge - period * std::floor(from_edge / period);
    // Of the mirrored positions, -1/2 is the edge of the first pixel.
    if (at < 0.0f)
      at = rest > length ? period - rest : rest - 1.0f;
    else
      at = rest >= length ? period - rest - 1.0f : rest;
  } else if (mode == FillMode::wrap) {
    at = at < 0.0f ? at + length * (std::floor(-at / last) + 1.0f) : at - length * std::floor(at / last);
  }
  return std::clamp(at, 0.0f, last);
}

// The pixels, with their weights, of which one pixel of the result is the sum; what is missing is the constant.
struct BilinearTaps {
  int count = 0;
  int64_t pixel[4];
  float weight[4];
  float outside = 0.0f;
};

class AffineTransformOp final : public Op {
 public:
  AffineTransformOp(int x, int transform, int y, const AffineTransform& what)
      : Op("affine_transform", {x, transform}, {y}, {}), w_(what) {}

  int64_t units(int64_t n) const override { return n; }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const int64_t lanes = tile.lanes, size = w_.H * w_.W * w_.C * lanes;
    each_pixel(tile, begin, end, [&](int64_t sample, int64_t lane, int64_t pixel, const BilinearTaps& taps) {
      const float* x = tile.value[inputs[0]] + sample * size + lane;
      float* y = tile.value[outputs[0]] + sample * size + pixel * w_.C * lanes + lane;
      for (int64_t c = 0; c < w_.C; ++c, x += lanes, y += lanes) {
        float sum = taps.outside != 0.0f ? taps.outside * w_.fill_value : 0.0f;
        for (int t = 0; t < taps.count; ++t) sum += taps.weight[t] * x[taps.pixel[t] * w_.C * lanes];
        *y = sum;
      }
    });
  }

  void backward(const Tile& tile, float* const* dx) const override {
    const int64_t lanes = tile.lanes, size = w_.H * w_.W * w_.C * lanes;
    if (dx[1] != nullptr) std::fill_n(dx[1], tile.n * kNumbers * lanes, 0.0f);
    if (dx[0] == nullptr) return;
    std::fill_n(dx[0], tile.n * size, 0.0f);
    each_pixel(tile, 0, tile.n, [&](int64_t sample, int64_t lane, int64_t pixel, const BilinearTaps& taps) {
      float* into = dx[0] + sample * size + lane;
      const float* dy = tile.gradient[outputs[0]] + sample * size + pixel * w_.C * lanes + lane;
      for (int64_t c = 0; c < w_.C; ++c, into += lanes, dy += lanes)
        for (int t = 0; t < taps.count; ++t) into[taps.pixel[t] * w_.C * lanes] += taps.weight[t] * *dy;
    });
  }
  bool backward_reads_forward() const override { return false; }

  int64_t multiply_adds() const override { return w_.H * w_.W * (w_.C + 4) * (w_.bilinear ? 4 : 1); }
  std::string detail() const override {
    return std::string(w_.bilinear ? "bilinear " : "nearest ") + name_of(w_.fill_mode, kFillModeNames);
  }

 private:
  template <typename Visit>
  void each_pixel(const Tile& tile, int64_t begin, int64_t end, Visit&& visit) const {
    for (int64_t sample = begin; sample < end; ++sample)
      for (int64_t lane = 0; lane < tile.lanes; ++lane) {
        const float* numbers = tile.value[inputs[1]] + sample * kNumbers * tile.lanes + lane;
        float transform[kNumbers];
        for (int i = 0; i < kNumbers; ++i) transform[i] = numbers[i * tile.lanes];
        for (int64_t y = 0; y < w_.H; ++y)
          for (int64_t x = 0; x < w_.W; ++x)
            visit(sample, lane, y * w_.W + x, taps(transform, static_cast<float>(x), static_cast<float>(y)));
      }
  }

  BilinearTaps taps(const float* t, float x, float y) const {
    BilinearTaps taps;
    const float k = t[6] * x + t[7] * y + 1.0f;
    float at_x = (t[0] * x + t[1] * y + t[2]) / k, at_y = (t[3] * x + t[4] * y + t[5]) / k;
    if (k == 0.0f || !(std::abs(at_x) < kFar) || !(std::abs(at_y) < kFar)) {
      taps.outside = 1.0f;
      return taps;
    }
    at_x = bring_back(w_.fill_mode, at_x, w_.W);
    at_y = bring_back(w_.fill_mode, at_y, w_.H);
    if (!w_.bilinear) {
      add(taps, std::round(at_y), std::round(at_x), 1.0f);
      return taps;
    }
    const float top = std::floor(at_y), left = std::floor(at_x), down = at_y - top, right = at_x - left;
    add(taps, top, left, (1.0f - down) * (1.0f - right));
    add(taps, top, left + 1.0f, (1.0f - down) * right);
    add(taps, top + 1.0f, left, down * (1.0f - right));
    add(taps, top + 1.0f, left + 1.0f, down * right);
    return taps;
  }
  void add(BilinearTaps& taps, float y, float x, float weight) const {
    if (weight == 0.0f) return;
    const int64_t row = static_cast<int64_t>(y), column = static_cast<int64_t>(x);
    if (row < 0 || row >= w_.H || column < 0 || column >= w_.W) {
      taps.outside += weight;
      return;
    }
    taps.pixel[taps.count] = row * w_.W + column;
    taps.weight[taps.count++] = weight;
  }

  const AffineTransform w_;
};

}  // namespace

FillMode parse_fill_mode(const std::string& name) { return parse_name<FillMode>("fill_mode", name, kFillModeNames); }

std::unique_ptr<Op> make_affine_transform(int x, int transform, int y, const AffineTransform& what) {
  return std::make_unique<AffineTransformOp>(x, transform, y, what);
}

}  // namespace day33
