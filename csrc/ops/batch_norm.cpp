#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/normalization.h"

namespace day33 {
namespace {

constexpr int kGamma = 0, kBeta = 1, kMovingMean = 2, kMovingVariance = 3;  // parameters

// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, with the statistics of the batch in training and the moving
// ones otherwise. With M values per channel, xhat = (x - mean) / std and s = gamma / std, the gradient in training is
//   dx = s (dy - sum(dy) / M - xhat sum(dy xhat) / M)        (S. Ioffe and C. Szegedy, 2015, section 3)
// With a mask, M counts the rows it keeps, the sums run over all rows, and rows it leaves out have dx = s dy.
class BatchNormOp final : public Op, private BatchStatistics {
 public:
  BatchNormOp(int x, int mask, int y, const BatchNormParameters& p, int64_t rows, int64_t C, float momentum,
              float epsilon, bool frozen)
      : Op("batch_normalization", inputs_of(x, mask), {y}, {p.gamma, p.beta, p.moving_mean, p.moving_variance}),
        rows_(rows),
        C_(C),
        momentum_(momentum),
        epsilon_(epsilon),
        frozen_(frozen) {}

  // ---- with given statistics: one multiplication and one addition per value; both factors are made when packing ----

  int64_t packed_size(const Kernels&, int, bool backward) const override { return (backward ? 3 : 2) * C_; }

  void pack(const Kernels&, int, bool backward, const float* const* parameter, float* packed) const override {
    const float* mean = parameter[parameters[kMovingMean]];
    const float* variance = parameter[parameters[kMovingVariance]];
    for (int64_t c = 0; c < C_; ++c) {
      const float inv_std = inverse_std(variance[c]);
      const float scale = inv_std * gamma(parameter, c);
      if (backward) {
        packed[c] = mean[c];
        packed[C_ + c] = inv_std;
        packed[2 * C_ + c] = scale;
      } else {
        packed[c] = scale;
        packed[C_ + c] = beta(parameter, c) - mean[c] * scale;
      }
    }
  }

  bool parameter_gradients_need_packed() const override { return true; }

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const bool batch = uses_batch(tile.training);
    const float* scale = batch ? tile.statistics + kScale * C_ : tile.packed;
    const float* shift = batch ? tile.statistics + kShift * C_ : tile.packed + C_;
    tile.kernels->channel_affine(rows(tile), tile.value[inputs[0]], scale, shift, tile.value[outputs[0]]);
  }

  void backward(const Tile& tile, float* const* dx) const override {
    const float* dy = tile.gradient[outputs[0]];
    const float* x = tile.value[inputs[0]];
    if (uses_batch(tile.training)) {
      if (dx[0] == nullptr) return;
      const float* s = tile.statistics;
      tile.kernels->batch_norm_backward_dx(rows(tile), x, dy, s + kMean * C_, s + kInvStd * C_, s + kScale * C_,
                                           s + kMeanDy * C_, s + kMeanDyXhat * C_, dx[0]);
      if (has_mask()) {
        each_value(tile, false, [&](int64_t at, int64_t c) { dx[0][at] = s[kScale * C_ + c] * dy[at]; });
      }
      // The sums over the batch contribute to every sample, also to those repeated in unused lanes, which must not
      // count.
      if (tile.valid_lanes < tile.lanes) {
        for (int64_t i = 0; i < tile.n * rows_ * C_; ++i) {
          std::fill(dx[0] + i * tile.lanes + tile.valid_lanes, dx[0] + (i + 1) * tile.lanes, 0.0f);
        }
      }
      return;
    }
    const float* mean = tile.packed_backward;
    const float* inv_std = mean + C_;
    const float* scale = mean + 2 * C_;
    if (tile.accumulate[kGamma] != nullptr || tile.accumulate[kBeta] != nullptr) {
      double* sums = reinterpret_cast<double*>(tile.scratch);
      for (int64_t i = 0; i < 2 * C_; ++i) sums[i] = 0.0;
      tile.kernels->batch_norm_backward_sums(rows(tile), x, dy, mean, inv_std, sums, sums + C_);
      for (int64_t c = 0; c < C_; ++c) {
        if (tile.accumulate[kBeta] != nullptr) tile.accumulate[kBeta][c] += static_cast<float>(sums[c]);
        if (tile.accumulate[kGamma] != nullptr) tile.accumulate[kGamma][c] += static_cast<float>(sums[C_ + c]);
      }
    }
    if (dx[0] != nullptr) {
      // y = x scale + shift, so dx = dy scale: the same pass with a shift of zero.
      float* zero = tile.scratch + scratch_sums();
      for (int64_t c = 0; c < C_; ++c) zero[c] = 0.0f;
      tile.kernels->channel_affine(rows(tile), dy, scale, zero, dx[0]);
    }
  }

  int64_t scratch_size(const Kernels&, int, int64_t) const override { return scratch_sums() + C_; }

  // ---- with the statistics of the batch ----

  const BatchStatistics* batch_statistics(bool training) const override {
    return uses_batch(training) ? this : nullptr;
  }
  int64_t statistics_size() const override { return kStatistics * C_; }
  int64_t partial_size() const override { return 2 * C_ + 1; }

  void forward_partial(const Tile& tile, double* partial) const override {
    if (has_mask()) return masked_moments(tile, partial);
    tile.kernels->channel_moments(rows(tile), tile.value[inputs[0]], partial, partial + C_);
    partial[2 * C_] = static_cast<double>(tile.n * rows_ * tile.valid_lanes);
  }

  // Means and sums of squared distances are combined tile by tile, in order (T. Chan, G. Golub, R. LeVeque, 1979).
  void forward_reduce(const double* partials, int64_t tiles, float* const* parameter,
                      float* statistics) const override {
    float* moving_mean = parameter[parameters[kMovingMean]];
    float* moving_variance = parameter[parameters[kMovingVariance]];
    for (int64_t c = 0; c < C_; ++c) {
      double count = 0.0, mean = 0.0, m2 = 0.0;
      for (int64_t t = 0; t < tiles; ++t) {
        const double* partial = partials + t * partial_size();
        const double more = partial[2 * C_], total = count + more;
        if (more == 0.0) continue;  // a tile of which the mask keeps nothing
        const double distance = partial[c] - mean;
        mean += distance * more / total;
        m2 += partial[C_ + c] + distance * distance * count * more / total;
        count = total;
      }
      const float batch_mean = static_cast<float>(mean), variance = static_cast<float>(m2 / std::max(count, 1.0));
      const float inv_std = inverse_std(variance);
      const float scale = inv_std * gamma(parameter, c);
      statistics[kMean * C_ + c] = batch_mean;
      statistics[kInvStd * C_ + c] = inv_std;
      statistics[kScale * C_ + c] = scale;
      statistics[kShift * C_ + c] = beta(parameter, c) - batch_mean * scale;
      moving_mean[c] = moving_mean[c] * momentum_ + batch_mean * (1.0f - momentum_);
      moving_variance[c] = moving_variance[c] * momentum_ + variance * (1.0f - momentum_);
    }
  }

  void backward_partial(const Tile& tile, double* partial) const override {
    for (int64_t i = 0; i < 2 * C_; ++i) partial[i] = 0.0;
    partial[2 * C_] = static_cast<double>(has_mask() ? kept_rows(tile) : tile.n * rows_ * tile.valid_lanes);
    tile.kernels->batch_norm_backward_sums(rows(tile), tile.value[inputs[0]], tile.gradient[outputs[0]],
                                           tile.statistics + kMean * C_, tile.statistics + kInvStd * C_, partial,
                                           partial + C_);
  }

  void backward_reduce(const double* partials, int64_t tiles, float* statistics,
                       float* const* parameter_gradient) const override {
    for (int64_t c = 0; c < C_; ++c) {
      double count = 0.0, dy = 0.0, dy_xhat = 0.0;
      for (int64_t t = 0; t < tiles; ++t) {
        const double* partial = partials + t * partial_size();
        dy += partial[c];
        dy_xhat += partial[C_ + c];
        count += partial[2 * C_];
      }
      count = std::max(count, 1.0);
      statistics[kMeanDy * C_ + c] = static_cast<float>(dy / count);
      statistics[kMeanDyXhat * C_ + c] = static_cast<float>(dy_xhat / count);
      if (parameter_gradient[kBeta] != nullptr) parameter_gradient[kBeta][c] += static_cast<float>(dy);
      if (parameter_gradient[kGamma] != nullptr) parameter_gradient[kGamma][c] += static_cast<float>(dy_xhat);
    }
  }

 private:
  // The rows of the statistics, of C floats each.
  static constexpr int64_t kMean = 0, kInvStd = 1, kScale = 2, kShift = 3, kMeanDy = 4, kMeanDyXhat = 5;
  static constexpr int64_t kStatistics = 6;

  bool uses_batch(bool training) const { return training && !frozen_; }
  static std::vector<int> inputs_of(int x, int mask) {
    return mask < 0 ? std::vector<int>{x} : std::vector<int>{x, mask};
  }
  bool has_mask() const { return inputs.size() > 1; }

  // Calls body(offset, channel) for the values of the rows that the mask keeps, or of those that it leaves out.
  template <typename Body>
  void each_value(const Tile& tile, bool kept, Body body) const {
    const int32_t* mask = reinterpret_cast<const int32_t*>(tile.value[inputs[1]]);
    for (int64_t row = 0; row < tile.n * rows_; ++row)
      for (int lane = 0; lane < tile.valid_lanes; ++lane) {
        if ((mask[row * tile.lanes + lane] != 0) != kept) continue;
        for (int64_t c = 0; c < C_; ++c) body((row * C_ + c) * tile.lanes + lane, c);
      }
  }

  int64_t kept_rows(const Tile& tile) const {
    const int32_t* mask = reinterpret_cast<const int32_t*>(tile.value[inputs[1]]);
    int64_t count = 0;
    for (int64_t row = 0; row < tile.n * rows_; ++row)
      for (int lane = 0; lane < tile.valid_lanes; ++lane) count += mask[row * tile.lanes + lane] != 0;
    return count;
  }

  void masked_moments(const Tile& tile, double* partial) const {
    const float* x = tile.value[inputs[0]];
    double *mean = partial, *m2 = partial + C_;
    const double count = static_cast<double>(kept_rows(tile));
    std::fill(partial, partial + 2 * C_, 0.0);
    partial[2 * C_] = count;
    each_value(tile, true, [&](int64_t at, int64_t c) { mean[c] += static_cast<double>(x[at]) / count; });
    each_value(tile, true, [&](int64_t at, int64_t c) {
      const double d = static_cast<double>(x[at]) - mean[c];
      m2[c] += d * d;
    });
  }

  int64_t scratch_sums() const { return 4 * C_; }  // two doubles per channel

  ChannelRows rows(const Tile& tile) const {
    return {.rows = tile.n * rows_, .C = C_, .lanes = tile.lanes, .valid_lanes = tile.valid_lanes};
  }
  float inverse_std(float variance) const { return 1.0f / std::sqrt(variance + epsilon_); }
  template <typename Parameters>
  float gamma(Parameters parameter, int64_t c) const {
    return parameters[kGamma] < 0 ? 1.0f : parameter[parameters[kGamma]][c];
  }
  template <typename Parameters>
  float beta(Parameters parameter, int64_t c) const {
    return parameters[kBeta] < 0 ? 0.0f : parameter[parameters[kBeta]][c];
  }

  const int64_t rows_, C_;
  const float momentum_, epsilon_;
  const bool frozen_;
};

}  // namespace

std::unique_ptr<Op> make_batch_norm(int x, int mask, int y, const BatchNormParameters& parameters, int64_t rows,
                                    int64_t C, float momentum, float epsilon, bool frozen) {
  return std::make_unique<BatchNormOp>(x, mask, y, parameters, rows, C, momentum, epsilon, frozen);
}

}  // namespace day33
