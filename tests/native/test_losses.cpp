#include "check.h"
#include "inputs.h"
#include "reference/losses.h"

namespace day33::testing {
namespace {

enum class Kind { binary, binary_logits, categorical, categorical_logits, sparse, sparse_logits, squared, absolute };
const Kind kAll[] = {Kind::binary, Kind::binary_logits, Kind::categorical, Kind::categorical_logits,
                     Kind::sparse, Kind::sparse_logits, Kind::squared,     Kind::absolute};

bool takes_probabilities(Kind kind) {
  return kind == Kind::binary || kind == Kind::categorical || kind == Kind::sparse;
}

double run(const Kernels& k, Kind kind, const LossArgs& args) {
  switch (kind) {
    case Kind::binary:
      return k.binary_crossentropy(args);
    case Kind::binary_logits:
      return k.binary_crossentropy_logits(args);
    case Kind::categorical:
      return k.categorical_crossentropy(args);
    case Kind::categorical_logits:
      return k.categorical_crossentropy_logits(args);
    case Kind::sparse:
      return k.sparse_categorical_crossentropy(args);
    case Kind::sparse_logits:
      return k.sparse_categorical_crossentropy_logits(args);
    case Kind::squared:
      return k.mean_squared_error(args);
    case Kind::absolute:
      break;
  }
  return k.mean_absolute_error(args);
}

reference::Loss expected_row(Kind kind, const reference::Values& p, const reference::Values& t, int64_t label) {
  switch (kind) {
    case Kind::binary:
      return reference::binary_crossentropy(p, t);
    case Kind::binary_logits:
      return reference::binary_crossentropy_logits(p, t);
    case Kind::categorical:
      return reference::categorical_crossentropy(p, t);
    case Kind::categorical_logits:
      return reference::categorical_crossentropy_logits(p, t);
    case Kind::sparse:
      return reference::sparse_categorical_crossentropy(p, label);
    case Kind::sparse_logits:
      return reference::sparse_categorical_crossentropy_logits(p, label);
    case Kind::squared:
      return reference::mean_squared_error(p, t);
    case Kind::absolute:
      break;
  }
  return reference::mean_absolute_error(p, t);
}

// One row of C values, in the channels layout.
LossArgs row_of(int64_t C, const float* prediction, const float* target, const int32_t* labels, float* gradient) {
  return {.rows = 1,
          .C = C,
          .lanes = 1,
          .valid_lanes = 1,
          .prediction = prediction,
          .target = target,
          .labels = labels,
          .weights = nullptr,
          .gradient = gradient,
          .scale = 1.0f};
}

// One tile of predictions and everything the losses may ask for.
struct Case {
  int64_t rows, C;
  int lanes, valid;
  Floats prediction, target, weights;
  std::vector<int32_t> labels;
  float scale = 0.25f;

  LossArgs args(float* gradient, bool weighted) const {
    return {rows,
            C,
            lanes,
            valid,
            prediction.data(),
            target.data(),
            labels.data(),
            weighted ? weights.data() : nullptr,
            gradient,
            scale};
  }
};

Case make_case(Random& random, Kind kind, int64_t rows, int64_t C, int lanes, int valid) {
  Case c{rows, C, lanes, valid, {}, {}, {}, {}};
  const int64_t n = rows * C * lanes;
  c.prediction = takes_probabilities(kind) ? random.reals(n, 0.05f, 0.95f) : random.reals(n, -4.0f, 4.0f);
  c.target = random.reals(n, 0.0f, 1.0f);
  c.weights = random.reals(rows * lanes, 0.5f, 2.0f);
  for (int64_t i = 0; i < rows * lanes; ++i) c.labels.push_back(static_cast<int32_t>(random.integer(0, C - 1)));
  // Lanes without a sample hold what must neither be counted nor get a gradient.
  for (int64_t i = 0; i < n; ++i)
    if (i % lanes >= valid) c.prediction[i] = c.target[i] = kNan;
  return c;
}

// `relative` times the size of the quantities involved is the tolerance of the gradient.
void check_case(const Kernels& k, Kind kind, const Case& c, bool weighted, double relative) {
  const Context context("loss ", static_cast<int>(kind), " rows ", c.rows, " C ", c.C, " lanes ", c.lanes, " valid ",
                        c.valid, " weighted ", weighted);
  Floats gradient(c.prediction.size(), kNan);
  const double value = run(k, kind, c.args(gradient.data(), weighted));
  const double value_alone = run(k, kind, c.args(nullptr, weighted));
  CHECK_NEAR(value, value_alone, 0.0);

  double expected = 0.0, magnitude = 0.0;
  for (int64_t row = 0; row < c.rows; ++row)
    for (int lane = 0; lane < c.lanes; ++lane) {
      if (lane >= c.valid) {
        for (int64_t i = 0; i < c.C; ++i) CHECK_EQUAL(gradient[(row * c.C + i) * c.lanes + lane], 0.0f);
        continue;
      }
      reference::Values p, t;
      for (int64_t i = 0; i < c.C; ++i) {
        p.push_back(c.prediction[(row * c.C + i) * c.lanes + lane]);
        t.push_back(c.target[(row * c.C + i) * c.lanes + lane]);
      }
      const reference::Loss loss = expected_row(kind, p, t, c.labels[row * c.lanes + lane]);
      const double weight = weighted ? static_cast<double>(c.weights[row * c.lanes + lane]) : 1.0;
      expected += weight * loss.value;
      magnitude += weight * (std::fabs(loss.value) + 1.0);
      double largest = 0.0;
      for (double g : loss.gradient) largest = std::fmax(largest, std::fabs(g));
      for (int64_t i = 0; i < c.C; ++i) {
        const Context at("row ", row, " lane ", lane, " class ", i);
        const double g = loss.gradient[i] * weight * static_cast<double>(c.scale);
        // Differences such as softmax(z) - t are exact to a rounding of their terms, which are at most 1 / C apart
        // from the result in the means.
        CHECK_NEAR(gradient[(row * c.C + i) * c.lanes + lane], g,
                   relative * weight * static_cast<double>(c.scale) * (largest + 1.0 / static_cast<double>(c.C)));
      }
    }
  CHECK_NEAR(value, expected, relative * magnitude);
}

}  // namespace

TEST(losses_match_the_reference) {
  Random random(60);
  for_each_isa([&](const Kernels& k) {
    for (Kind kind : kAll)
      for (int64_t C : sizes_around(k.lanes))
        for (int64_t rows : {1, 4}) {
          // A row's sums have C terms; functions and quotients add a dozen roundings.
          const double relative = sum_bound(C, 4.0, 16);
          for (bool weighted : {false, true}) {
            check_case(k, kind, make_case(random, kind, rows, C, 1, 1), weighted, relative);
            for (int valid : {1, k.lanes - 1, k.lanes})
              check_case(k, kind, make_case(random, kind, rows, C, k.lanes, valid), weighted, relative);
          }
        }
  });
}

// Outside the clipped range the loss stands still and the gradient is zero.
TEST(losses_clip_probabilities) {
  Random random(61);
  for_each_isa([&](const Kernels& k) {
    for (Kind kind : {Kind::binary, Kind::categorical, Kind::sparse})
      for (int64_t C : {int64_t{2}, int64_t{k.lanes} + 2}) {
        Case c = make_case(random, kind, 6, C, 1, 1);
        // Rescaling rounds, so only the others can be tested on the very ends of the range.
        const bool rescales = kind == Kind::categorical;
        const float low = rescales ? 2e-7f : 1e-7f, high = rescales ? 0.999999f : static_cast<float>(1.0 - 1e-7);
        const float edges[] = {0.0f, 1.0f, 1e-9f, low, high, 0.5f};
        for (int64_t row = 0; row < 6; ++row) {
          for (int64_t i = 1; i < C; ++i) c.prediction[row * C + i] = (1.0f - edges[row]) / static_cast<float>(C - 1);
          c.prediction[row * C] = edges[row];
          for (int64_t i = 0; i < C; ++i) c.target[row * C + i] = i == 0 ? 1.0f : 0.0f;
          c.labels[row] = 0;
        }
        // 1 - q has lost all but a bit or two next to one, where kernel and reference take the same float.
        check_case(k, kind, c, false, 64.0 * kRoundoff);
      }
    const float zero = 0.0f, one = 1.0f;
    float gradient = 5.0f;
    const LossArgs args = row_of(1, &zero, &one, nullptr, &gradient);
    CHECK_NEAR(k.binary_crossentropy(args), -std::log(static_cast<double>(1e-7f)), 4.0 * kRoundoff * 17.0);
    CHECK_EQUAL(gradient, 0.0f);
  });
}

TEST(losses_from_extreme_logits) {
  for_each_isa([](const Kernels& k) {
    const Floats z = {100.0f, -100.0f, 100.0f, -100.0f, 1e30f, -1e30f, 0.0f, -0.0f};
    const Floats t = {0.0f, 0.0f, 1.0f, 1.0f, 1.0f, 0.0f, 0.5f, 0.5f};
    const int64_t n = static_cast<int64_t>(z.size());
    for (int64_t i = 0; i < n; ++i) {
      const Context context("logit ", z[i]);
      float gradient;
      const LossArgs args = row_of(1, &z[i], &t[i], nullptr, &gradient);
      const reference::Loss expected = reference::binary_crossentropy_logits({z[i]}, {t[i]});
      // exp gives zero for what float can only hold as a subnormal number.
      CHECK_NEAR(k.binary_crossentropy_logits(args), expected.value,
                 4.0 * kRoundoff * std::fabs(expected.value) + static_cast<double>(std::numeric_limits<float>::min()));
      CHECK_NEAR(gradient, expected.gradient[0], 4.0 * kRoundoff);
    }
    const Floats far = {1e30f, -1e30f, 5.0f};
    Floats gradient(3);
    const int32_t label = 0;
    const LossArgs args = row_of(3, far.data(), nullptr, &label, gradient.data());
    CHECK_EQUAL(k.sparse_categorical_crossentropy_logits(args), 0.0);
    for (float g : gradient) CHECK_EQUAL(g, 0.0f);
  });
}

TEST(sparse_losses_of_labels_that_are_no_class) {
  Random random(62);
  for_each_isa([&](const Kernels& k) {
    for (Kind kind : {Kind::sparse, Kind::sparse_logits})
      for (int lanes : {1, k.lanes})
        for (int32_t bad : {-1, 3, 1000000, -2147483647 - 1}) {
          Case c = make_case(random, kind, 2, 3, lanes, lanes);
          c.labels[lanes] = bad;  // the first sample of the second row
          const Context context("loss ", static_cast<int>(kind), " lanes ", lanes, " label ", bad);
          Floats gradient(c.prediction.size());
          CHECK(std::isnan(run(k, kind, c.args(gradient.data(), false))));
          for (int64_t i = 0; i < static_cast<int64_t>(gradient.size()); ++i) {
            const bool of_bad_row = i / lanes / 3 == 1 && i % lanes == 0;
            CHECK_EQUAL(std::isnan(gradient[i]), of_bad_row);
          }
        }
  });
}

TEST(losses_of_nan_are_nan) {
  Random random(63);
  for_each_isa([&](const Kernels& k) {
    for (Kind kind : kAll) {
      const Context context("loss ", static_cast<int>(kind));
      Case c = make_case(random, kind, 2, k.lanes + 1, 1, 1);
      c.prediction[k.lanes] = kNan;
      c.labels[0] = static_cast<int32_t>(k.lanes);
      CHECK(std::isnan(run(k, kind, c.args(nullptr, false))));
    }
  });
}

TEST(squared_and_absolute_error_are_exact) {
  Random random(64);
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      const Floats p = random.integers(4 * n), t = random.integers(4 * n);
      Floats gradient(p.size());
      double squares = 0.0, distances = 0.0;
      for (size_t i = 0; i < p.size(); ++i) {
        squares += static_cast<double>((p[i] - t[i]) * (p[i] - t[i]));
        distances += static_cast<double>(std::fabs(p[i] - t[i]));
      }
      // C = 4, so that the mean is exact.
      LossArgs args = row_of(4, p.data(), t.data(), nullptr, gradient.data());
      args.rows = n;
      args.scale = 2.0f;
      CHECK_EQUAL(k.mean_squared_error(args), squares / 4.0);
      for (size_t i = 0; i < p.size(); ++i) CHECK_EQUAL(gradient[i], p[i] - t[i]);
      CHECK_EQUAL(k.mean_absolute_error(args), distances / 4.0);
      for (size_t i = 0; i < p.size(); ++i) CHECK_EQUAL(gradient[i], p[i] > t[i] ? 0.5f : p[i] < t[i] ? -0.5f : 0.0f);
    }
  });
}

// The prediction itself, in both layouts.
TEST(value_loss_is_the_weighted_sum) {
  Random random(47);
  for_each_isa([&](const Kernels& k) {
    for (int lanes : {1, k.lanes})
      for (int valid : {1, lanes / 2, lanes})
        for (int64_t rows : {int64_t{1}, int64_t{5}, int64_t{2} * k.lanes + 3}) {
          if (valid < 1) continue;
          const Context context("lanes ", lanes, " valid ", valid, " rows ", rows);
          Floats value = random.integers(rows * lanes), weights = random.integers(rows * lanes, 0, 3);
          for (int64_t i = 0; i < rows * lanes; ++i)
            if (i % lanes >= valid) value[i] = kNan;
          for (bool weighted : {false, true}) {
            Floats gradient(value.size(), kNan);
            LossArgs args{};
            args.rows = rows;
            args.C = 1;
            args.lanes = lanes;
            args.valid_lanes = valid;
            args.prediction = value.data();
            args.weights = weighted ? weights.data() : nullptr;
            args.gradient = gradient.data();
            args.scale = 0.5f;
            double expected = 0.0;
            for (int64_t i = 0; i < rows * lanes; ++i)
              if (i % lanes < valid) expected += static_cast<double>(value[i] * (weighted ? weights[i] : 1.0f));
            CHECK_EQUAL(k.value_loss(args), expected);
            for (int64_t i = 0; i < rows * lanes; ++i)
              CHECK_EQUAL(gradient[i], i % lanes < valid ? 0.5f * (weighted ? weights[i] : 1.0f) : 0.0f);
            args.gradient = nullptr;
            CHECK_EQUAL(k.value_loss(args), expected);
          }
        }
  });
}

}  // namespace day33::testing
