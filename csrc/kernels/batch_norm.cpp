// Sums over every axis but the channels: batch normalisation and bias gradients.
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/wide_sum.h"

namespace day33::DAY33_ISA {
namespace {

// The sum over the rows of value(offset of the row), per lane and in double.
template <typename Value>
DAY33_INLINE WideSum sum_rows(int64_t rows, int64_t stride, Value value) {
  WideSum sum;
  for (int64_t row = 0; row < rows; ++row) sum.add(value(row * stride));
  return sum;
}

// In the lanes layout, calls lanes_body(c) for each channel; otherwise vector_body(c) for every kLanes channels and
// scalar_body(c) for each channel left over.
template <typename LanesBody, typename VectorBody, typename ScalarBody>
DAY33_INLINE void over_channels(int64_t C, int lanes, LanesBody lanes_body, VectorBody vector_body,
                                ScalarBody scalar_body) {
  int64_t c = 0;
  if (lanes != 1) {
    for (; c < C; ++c) lanes_body(c);
    return;
  }
  for (; c + kLanes <= C; c += kLanes) vector_body(c);
  for (; c < C; ++c) scalar_body(c);
}

DAY33_INLINE WideVec minus(WideVec a, WideVec b) { return {a.low - b.low, a.high - b.high}; }
DAY33_INLINE WideVec times(WideVec a, WideVec b) { return {a.low * b.low, a.high * b.high}; }
DAY33_INLINE WideVec wide_broadcast(double s) { return {VecD{} + s, VecD{} + s}; }

}  // namespace

void channel_moments(const ChannelRows& r, const float* x, double* mean, double* m2) {
  const int64_t rows = r.rows, C = r.C, stride = C * r.lanes;
  const double count = static_cast<double>(rows * r.valid_lanes);
  over_channels(
      C, r.lanes,
      [=](int64_t c) {
        const float* p = x + c * kLanes;
        mean[c] = sum_rows(rows, stride, [=](int64_t at) { return widen(load(p + at)); }).total(r.valid_lanes) / count;
        const WideVec centre = wide_broadcast(mean[c]);
        m2[c] = sum_rows(rows, stride, [=](int64_t at) {
                  const WideVec d = minus(widen(load(p + at)), centre);
                  return times(d, d);
                }).total(r.valid_lanes);
      },
      [=](int64_t c) {
        const float* p = x + c;
        const WideSum sum = sum_rows(rows, stride, [=](int64_t at) { return widen(load(p + at)); });
        const WideVec centre = {sum.low / count, sum.high / count};
        const WideSum squares = sum_rows(rows, stride, [=](int64_t at) {
          const WideVec d = minus(widen(load(p + at)), centre);
          return times(d, d);
        });
        for (int i = 0; i < kLanes; ++i) {
          mean[c + i] = sum.lane(i) / count;
          m2[c + i] = squares.lane(i);
        }
      },
      [=](int64_t c) {
        double sum = 0.0, squares = 0.0;
        for (int64_t row = 0; row < rows; ++row) sum += static_cast<double>(x[row * C + c]);
        mean[c] = sum / count;
        for (int64_t row = 0; row < rows; ++row) {
          const double d = static_cast<double>(x[row * C + c]) - mean[c];
          squares += d * d;
        }
        m2[c] = squares;
      });
}

void channel_affine(const ChannelRows& r, const float* x, const float* scale, const float* shift, float* y) {
  for (int64_t row = 0; row < r.rows; ++row, x += r.C * r.lanes, y += r.C * r.lanes) {
    if (r.lanes != 1) {
      for (int64_t c = 0; c < r.C; ++c) store(y + c * kLanes, load(x + c * kLanes) * scale[c] + shift[c]);
    } else {
      over_inner(r.C,
                 [=](auto w, int64_t c) { w.store(y + c, w.load(x + c) * w.load(scale + c) + w.load(shift + c)); });
    }
  }
}

void batch_norm_backward_sums(const ChannelRows& r, const float* x, const float* dy, const float* mean,
                              const float* inv_std, double* sum_dy, double* sum_dy_xhat) {
  const int64_t rows = r.rows, C = r.C, stride = C * r.lanes;
  over_channels(
      C, r.lanes,
      [=](int64_t c) {
        const float* px = x + c * kLanes;
        const float* pdy = dy + c * kLanes;
        const float centre = mean[c], factor = inv_std[c];
        sum_dy[c] += sum_rows(rows, stride, [=](int64_t at) { return load(pdy + at); }).total(r.valid_lanes);
        sum_dy_xhat[c] += sum_rows(rows, stride, [=](int64_t at) {
                            return load(pdy + at) * ((load(px + at) - centre) * factor);
                          }).total(r.valid_lanes);
      },
      [=](int64_t c) {
        const float* px = x + c;
        const float* pdy = dy + c;
        const Vec centre = load(mean + c), factor = load(inv_std + c);
        const WideSum plain = sum_rows(rows, stride, [=](int64_t at) { return load(pdy + at); });
        const WideSum scaled =
            sum_rows(rows, stride, [=](int64_t at) { return load(pdy + at) * ((load(px + at) - centre) * factor); });
        for (int i = 0; i < kLanes; ++i) {
          sum_dy[c + i] += plain.lane(i);
          sum_dy_xhat[c + i] += scaled.lane(i);
        }
      },
      [=](int64_t c) {
        double plain = 0.0, scaled = 0.0;
        for (int64_t at = c; at < rows * C; at += C) {
          plain += static_cast<double>(dy[at]);
          scaled += static_cast<double>(dy[at] * ((x[at] - mean[c]) * inv_std[c]));
        }
        sum_dy[c] += plain;
        sum_dy_xhat[c] += scaled;
      });
}

void batch_norm_backward_dx(const ChannelRows& r, const float* x, const float* dy, const float* mean,
                            const float* inv_std, const float* scale, const float* a, const float* b, float* dx) {
  const int64_t C = r.C;
  for (int64_t row = 0; row < r.rows; ++row, x += C * r.lanes, dy += C * r.lanes, dx += C * r.lanes) {
    if (r.lanes != 1) {
      for (int64_t c = 0; c < C; ++c) {
        const Vec normalised = (load(x + c * kLanes) - mean[c]) * inv_std[c];
        store(dx + c * kLanes, (load(dy + c * kLanes) - a[c] - normalised * b[c]) * scale[c]);
      }
    } else {
      over_inner(C, [=](auto w, int64_t c) {
        const auto normalised = (w.load(x + c) - w.load(mean + c)) * w.load(inv_std + c);
        w.store(dx + c, (w.load(dy + c) - w.load(a + c) - normalised * w.load(b + c)) * w.load(scale + c));
      });
    }
  }
}

void channel_sums(const float* dy, int64_t rows, int64_t C, int lanes, float* sum) {
  if (rows == 0) return;  // dy may be null
  if (lanes == 1 && kLanes % C == 0) {
    // Few channels: a vector holds several rows, which are summed in parallel.
    const int64_t n = rows * C;
    Vec parts = broadcast(0.0f);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) parts += load(dy + i);
    parts += load_first(dy + i, static_cast<int>(n - i));
    for (int lane = 0; lane < kLanes; ++lane) sum[lane % C] += parts[lane];
    return;
  }
  const int64_t stride = C * lanes;
  // Four accumulators hide the latency of the addition.
  const auto sum_vectors = [=](const float* p) {
    Vec part[4] = {};
    int64_t row = 0;
    for (; row + 4 <= rows; row += 4)
      for (int k = 0; k < 4; ++k) part[k] += load(p + (row + k) * stride);
    for (; row < rows; ++row) part[0] += load(p + row * stride);
    return (part[0] + part[1]) + (part[2] + part[3]);
  };
  over_channels(
      C, lanes, [=](int64_t c) { sum[c] += sum_lanes(sum_vectors(dy + c * kLanes)); },
      [=](int64_t c) { store(sum + c, load(sum + c) + sum_vectors(dy + c)); },
      [=](int64_t c) {
        float part = 0.0f;
        for (int64_t row = 0; row < rows; ++row) part += dy[row * C + c];
        sum[c] += part;
      });
}

}  // namespace day33::DAY33_ISA
