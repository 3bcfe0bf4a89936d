// Losses and their gradients, with the numerics of Keras 3 on TensorFlow (keras/src/backend/tensorflow/nn.py).
#include "kernels/kernels.h"
#include "simd/math.h"
#include "simd/row.h"
#include "simd/wide_sum.h"

namespace day33::DAY33_ISA {
namespace {

constexpr float kLow = 1e-7f;                            // Keras's epsilon
constexpr float kHigh = static_cast<float>(1.0 - 1e-7);  // computed in double, as in Keras

DAY33_INLINE Vec clip(Vec p) { return at_most(at_least(p, kLow), kHigh); }
// Clipping has gradient 0 outside the range; the bounds count as inside, NaN as outside.
DAY33_INLINE VecI inside_clip(Vec p) { return (p >= kLow) & (p <= kHigh); }

// ---- losses that are the mean over C of one term per element ----

struct Term {
  Vec loss, gradient;
};

struct BinaryCrossentropy {
  DAY33_INLINE Term term(Vec p, Vec t) {
    const Vec q = clip(p), rest = 1.0f - q;
    const Vec loss = -(t * log(q) + (1.0f - t) * log(rest));
    return {loss, keep_where(inside_clip(p), (1.0f - t) / rest - t / q)};
  }
};

struct BinaryCrossentropyLogits {
  // max(z, 0) - z t + log(1 + exp(-|z|)); the gradient is sigmoid(z) - t.
  DAY33_INLINE Term term(Vec z, Vec t) {
    const Vec e = exp(-abs(z));
    const VecI positive = z >= 0.0f;
    const Vec loss = (select(positive, z, broadcast(0.0f)) - z * t) + log1p_of_fraction(e);
    return {loss, select(positive, broadcast(1.0f), e) / (1.0f + e) - t};
  }
};

struct SquaredError {
  DAY33_INLINE Term term(Vec p, Vec t) {
    const Vec difference = p - t;
    return {difference * difference, difference + difference};
  }
};

struct AbsoluteError {
  DAY33_INLINE Term term(Vec p, Vec t) {
    const Vec difference = p - t, zero = broadcast(0.0f), one = broadcast(1.0f);
    const Vec sign = select(difference > 0.0f, one, select(difference < 0.0f, -one, zero));
    return {abs(difference), select(difference != difference, difference, sign)};
  }
};

// n contiguous elements; `weight` returns the vector of weights at a step.
template <typename Loss, typename Weight>
DAY33_INLINE void mean_terms(const float* prediction, const float* target, float* gradient, int64_t n, float factor,
                             WideSum& sum, Weight weight) {
  const ChannelRow elements{n};
  elements.each([&](auto at) __attribute__((always_inline)) {
    const Term term = Loss::term(at.load(prediction, 0.5f), at.load(target, 0.5f));
    const Vec w = weight(at);
    sum.add(at.keep(term.loss * w));
    if (gradient != nullptr) at.store(gradient, term.gradient * (w * factor));
  });
}

template <typename Loss>
DAY33_INLINE double mean_loss(const LossArgs& args) {
  const int64_t rows = args.rows, C = args.C;
  const float factor = args.scale / static_cast<float>(C);
  WideSum sum;
  if (args.lanes == 1) {
    if (args.weights == nullptr) {
      mean_terms<Loss>(args.prediction, args.target, args.gradient, rows * C, factor, sum,
                       [](auto) { return broadcast(1.0f); });
    } else if (C == 1) {
      mean_terms<Loss>(args.prediction, args.target, args.gradient, rows, factor, sum,
                       [&](auto at) { return at.load(args.weights, 0.0f); });
    } else {
      for (int64_t row = 0; row < rows; ++row) {
        const int64_t begin = row * C;
        const Vec w = broadcast(args.weights[row]);
        mean_terms<Loss>(args.prediction + begin, args.target + begin,
                         args.gradient != nullptr ? args.gradient + begin : nullptr, C, factor, sum,
                         [w](auto) { return w; });
      }
    }
    return sum.total() / static_cast<double>(C);
  }
  const VecI valid = first_numbers() < args.valid_lanes;
  // One loop over rows and channels: in two, the many constants of a term would be loaded for every row.
  const float* weights = args.weights;
  for (int64_t i = 0, c = 0; i < rows * C; ++i) {
    const Vec w = weights != nullptr ? load(weights) : broadcast(1.0f);
    const Term term = Loss::term(load(args.prediction + i * kLanes), load(args.target + i * kLanes));
    sum.add(term.loss * w);
    if (args.gradient != nullptr) store(args.gradient + i * kLanes, keep_where(valid, term.gradient * (w * factor)));
    if (++c < C) continue;
    c = 0;
    if (weights != nullptr) weights += kLanes;
  }
  return sum.total(args.valid_lanes) / static_cast<double>(C);
}

// ---- losses that are a cross-entropy of the whole row ----

// The arguments of row_loss() for one row. In a ChannelRow, label and scale are the same in every lane.
struct RowData {
  const float* prediction;
  const float* target;
  VecI label;
  float* gradient;  // or null
  Vec scale;        // weight times scale
  VecI valid;       // lanes that may have a gradient
};

// The targets of the row at a step: as given, or 1 at the label and 0 elsewhere.
template <bool kSparse, typename Step>
DAY33_INLINE Vec target_at(const RowData& data, Step at) {
  if constexpr (kSparse) return keep_where(at.channel == data.label, broadcast(1.0f));
  return at.load(data.target, 0.0f);
}

// From logits: sum_c t_c (log sum exp(z - max) - (z_c - max)). The gradient softmax(z) - t assumes, as TensorFlow does,
// that the targets sum to one.
template <bool kSparse>
struct LogitsLoss {
  template <typename Row>
  DAY33_INLINE Vec row_loss(Row row, const RowData& data) {
    const float inf = __builtin_inff();
    const float* z = data.prediction;
    Vec largest = broadcast(-inf), sum = broadcast(0.0f), loss = broadcast(0.0f), chosen = broadcast(0.0f);
    row.each([&](auto at) {
      const Vec logit = at.load(z, -inf);
      largest = greater_of(largest, logit);
      if constexpr (kSparse) chosen += keep_where(at.channel == data.label, logit);
    });
    largest = row.reduce_max(largest);
    row.each([&](auto at) {
      const Vec e = at.keep(exp(at.load(z, -inf) - largest));
      sum += e;
      if (data.gradient != nullptr) at.store(data.gradient, e);
    });
    sum = row.reduce_sum(sum);
    const Vec log_sum = log(sum);
    if constexpr (!kSparse) {
      row.each([&](auto at) {
        const Vec distance = log_sum - (at.load(z, 0.0f) - largest);
        loss += at.keep(at.load(data.target, 0.0f) * distance);
      });
    }
    if (data.gradient != nullptr) {
      row.each([&](auto at) {
        const Vec g = at.load(data.gradient, 0.0f) / sum - target_at<kSparse>(data, at);
        at.store(data.gradient, keep_where(data.valid, g * data.scale));
      });
    }
    if constexpr (kSparse) return log_sum - (row.reduce_sum(chosen) - largest);
    return row.reduce_sum(loss);
  }
};

// From probabilities p: q = clip(p / sum p), -sum_c t_c log q_c.
struct ProbabilitiesLoss {
  template <typename Row>
  DAY33_INLINE Vec row_loss(Row row, const RowData& data) {
    Vec sum = broadcast(0.0f), loss = broadcast(0.0f), dot = broadcast(0.0f);
    row.each([&](auto at) { sum += at.load(data.prediction, 0.0f); });
    sum = row.reduce_sum(sum);
    row.each([&](auto at) {
      const Vec p = at.load(data.prediction, 0.0f) / sum, q = clip(p), t = at.load(data.target, 0.0f);
      loss += at.keep(t * log(q));
      dot += at.keep(keep_where(inside_clip(p), t / q) * p);
    });
    if (data.gradient != nullptr) {
      // d loss / d p_c before rescaling is g_c = -t_c / q_c; rescaling turns it into (g_c - sum g p) / sum.
      dot = row.reduce_sum(dot);
      row.each([&](auto at) {
        const Vec p = at.load(data.prediction, 0.0f) / sum;
        const Vec g = keep_where(inside_clip(p), at.load(data.target, 0.0f) / clip(p));
        at.store(data.gradient, keep_where(data.valid, (dot - g) / sum * data.scale));
      });
    }
    return -row.reduce_sum(loss);
  }
};

// From probabilities and a label: Keras uses log(clip(p)) as the logits, so the loss is log(sum q) - log(q_label).
struct SparseProbabilitiesLoss {
  template <typename Row>
  DAY33_INLINE Vec row_loss(Row row, const RowData& data) {
    Vec sum = broadcast(0.0f), chosen = broadcast(0.0f);
    row.each([&](auto at) {
      const Vec q = at.keep(clip(at.load(data.prediction, 0.5f)));
      sum += q;
      chosen += keep_where(at.channel == data.label, q);
    });
    sum = row.reduce_sum(sum);
    if (data.gradient != nullptr) {
      row.each([&](auto at) {
        const Vec p = at.load(data.prediction, 0.5f), q = clip(p);
        const Vec g = (q / sum - target_at<true>(data, at)) / q;
        at.store(data.gradient, keep_where(data.valid, keep_where(inside_clip(p), g) * data.scale));
      });
    }
    return log(sum) - log(row.reduce_sum(chosen));
  }
};

template <typename Loss, bool kSparse>
DAY33_INLINE double row_loss(const LossArgs& args) {
  const int64_t C = args.C;
  const int lanes = args.lanes;
  const VecI valid = lanes == 1 ? broadcast_i(-1) : first_numbers() < args.valid_lanes;
  const Vec nan = broadcast(__builtin_nanf(""));
  WideSum sum;
  double total = 0.0;
  for (int64_t row = 0; row < args.rows; ++row) {
    const int64_t begin = row * C * lanes;
    RowData data;
    data.prediction = args.prediction + begin;
    data.target = kSparse ? nullptr : args.target + begin;
    data.gradient = args.gradient != nullptr ? args.gradient + begin : nullptr;
    data.valid = valid;
    Vec weight = broadcast(1.0f);
    data.label = broadcast_i(0);
    if (lanes == 1) {
      if (args.weights != nullptr) weight = broadcast(args.weights[row]);
      if (kSparse) data.label = broadcast_i(args.labels[row]);
    } else {
      if (args.weights != nullptr) weight = load(args.weights + row * kLanes);
      if (kSparse) data.label = load_i(args.labels + row * kLanes);
    }
    // A label outside [0, C) makes the whole row NaN.
    const VecI bad = (data.label < 0) | (data.label >= static_cast<int32_t>(C));
    data.scale = select(bad, nan, weight * args.scale);
    const Vec loss = lanes == 1 ? Loss::row_loss(ChannelRow{C}, data) : Loss::row_loss(LanesRow{C}, data);
    const Vec weighted = select(bad, nan, loss * weight);
    if (lanes == 1)
      total += static_cast<double>(weighted[0]);
    else
      sum.add(weighted);
  }
  return lanes == 1 ? total : sum.total(args.valid_lanes);
}

}  // namespace

double binary_crossentropy(const LossArgs& args) { return mean_loss<BinaryCrossentropy>(args); }
double binary_crossentropy_logits(const LossArgs& args) { return mean_loss<BinaryCrossentropyLogits>(args); }
double mean_squared_error(const LossArgs& args) { return mean_loss<SquaredError>(args); }
double mean_absolute_error(const LossArgs& args) { return mean_loss<AbsoluteError>(args); }

double value_loss(const LossArgs& args) {
  const int lanes = args.lanes;
  const int64_t vectors = lanes == 1 ? 1 : args.rows, length = lanes == 1 ? args.rows : kLanes;
  const ChannelRow elements{length};
  WideSum sum;
  for (int64_t row = 0; row < vectors; ++row) {
    const int64_t begin = row * kLanes;
    elements.each([&](auto at) __attribute__((always_inline)) {
      const VecI valid = lanes == 1 ? broadcast_i(-1) : first_numbers() < args.valid_lanes;
      const Vec weight = args.weights != nullptr ? at.load(args.weights + begin, 0.0f) : broadcast(1.0f);
      sum.add(at.keep(keep_where(valid, at.load(args.prediction + begin, 0.0f) * weight)));
      if (args.gradient != nullptr) at.store(args.gradient + begin, keep_where(valid, weight * args.scale));
    });
  }
  return sum.total();
}

double categorical_crossentropy(const LossArgs& args) { return row_loss<ProbabilitiesLoss, false>(args); }
double categorical_crossentropy_logits(const LossArgs& args) { return row_loss<LogitsLoss<false>, false>(args); }
double sparse_categorical_crossentropy(const LossArgs& args) { return row_loss<SparseProbabilitiesLoss, true>(args); }
double sparse_categorical_crossentropy_logits(const LossArgs& args) { return row_loss<LogitsLoss<true>, true>(args); }

}  // namespace day33::DAY33_ISA
