#include "check.h"
#include "inputs.h"

namespace day33::testing {

TEST(add_to_and_scale_by_are_exact) {
  Random random(20);
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      const Floats x = random.integers(n, -99, 99), y = random.integers(n, -99, 99);
      Floats sum = y, scaled = x;
      k.add_to(x.data(), sum.data(), n);
      k.scale_by(scaled.data(), -0.5f, n);
      for (int64_t i = 0; i < n; ++i) {
        CHECK_EQUAL(sum[i], x[i] + y[i]);
        CHECK_EQUAL(scaled[i], x[i] * -0.5f);
      }
    }
    k.add_to(nullptr, nullptr, 0);
    k.scale_by(nullptr, 2.0f, 0);
  });
}

TEST(merging_is_exact) {
  Random random(22);
  const auto merged = [](Merge kind, float a, float b) {
    switch (kind) {
      case Merge::subtract:
        return a - b;
      case Merge::multiply:
        return a * b;
      case Merge::maximum:
        return std::fmax(a, b);
      case Merge::minimum:
        return std::fmin(a, b);
      default:
        return a + b;
    }
  };
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      const Floats x = random.integers(n), y = random.integers(n), dy = random.integers(n, 1, 99);
      for (Merge kind :
           {Merge::add, Merge::subtract, Merge::multiply, Merge::maximum, Merge::minimum, Merge::average}) {
        Floats result = y;
        k.merge_with(kind, x.data(), result.data(), n);
        for (int64_t i = 0; i < n; ++i) CHECK_EQUAL(result[i], merged(kind, y[i], x[i]));
      }
      for (bool equal : {false, true}) {
        Floats dx(x.size(), kNan);
        k.keep_where_equal(x.data(), y.data(), equal, dy.data(), dx.data(), n);
        for (int64_t i = 0; i < n; ++i) CHECK_EQUAL(dx[i], (x[i] == y[i]) == equal ? dy[i] : 0.0f);
      }
      Floats scaled(x.size(), kNan);
      k.scale_shift(x.data(), 0.5f, -3.0f, scaled.data(), n);
      for (int64_t i = 0; i < n; ++i) CHECK_EQUAL(scaled[i], x[i] * 0.5f - 3.0f);
    }
    for (Merge kind : {Merge::maximum, Merge::minimum})
      for (bool first : {false, true}) {
        const Floats x(static_cast<size_t>(k.lanes) + 1, first ? 1.0f : kNan);
        Floats y(x.size(), first ? kNan : 1.0f);
        k.merge_with(kind, x.data(), y.data(), static_cast<int64_t>(x.size()));
        for (float v : y) CHECK(std::isnan(v));
      }
  });
}

TEST(pack_and_unpack_lanes) {
  Random random(21);
  for_each_isa([&](const Kernels& k) {
    const int lanes = k.lanes;
    for (int64_t features : sizes_around(lanes)) {
      const Context context("features ", features);
      std::vector<Floats> samples;
      std::vector<const float*> src;
      for (int i = 0; i < lanes; ++i) samples.push_back(random.reals(features));
      for (const Floats& s : samples) src.push_back(s.data());
      Floats tile(static_cast<size_t>(features * lanes), kNan);
      k.pack_lanes(src.data(), tile.data(), features);
      for (int64_t f = 0; f < features; ++f)
        for (int i = 0; i < lanes; ++i) CHECK(same_bits(tile[f * lanes + i], samples[i][f]));
      for (int count : {1, lanes - 1, lanes}) {
        std::vector<Floats> back(count, Floats(static_cast<size_t>(features), kNan));
        std::vector<float*> dst;
        for (Floats& b : back) dst.push_back(b.data());
        k.unpack_lanes(tile.data(), dst.data(), features, count);
        for (int i = 0; i < count; ++i) CHECK(same_bits(back[i], samples[i]));
      }
    }
  });
}

// The published test vectors of Philox4x32-10 (Random123, kat_vectors) reach the mask: counter 0, key 0 gives
// 6627e8d5 e169c58d bc57ac4c 9b00dbd8, the words of features 0, 16, 32 and 48 of sample 0.
TEST(dropout_uses_philox4x32_10) {
  const uint32_t words[] = {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u};
  for_each_isa([&](const Kernels& k) {
    const Floats x(64, 1.0f);
    Floats y(64);
    for (int i = 0; i < 4; ++i) {
      const Context context("word ", i);
      // A rate just at the word's uniform number keeps it, the next one drops it.
      const float uniform = static_cast<float>(words[i] >> 8) / 16777216.0f;
      k.dropout(x.data(), y.data(), 64, 1, 0, 0, uniform);
      CHECK(y[16 * i] != 0.0f);
      k.dropout(x.data(), y.data(), 64, 1, 0, 0, std::nextafter(uniform, 1.0f));
      CHECK(y[16 * i] == 0.0f);
    }
  });
}

// One mask for all instruction sets and both layouts, also where the sample number crosses 32 bits.
TEST(dropout_mask_depends_on_key_sample_and_feature_only) {
  const uint64_t key = 0x0123456789abcdefull;
  for (int64_t features : {1, 15, 16, 63, 64, 65, 200})
    for (int64_t first : {int64_t{0}, int64_t{7}, (int64_t{1} << 32) - 3}) {
      const Context context("features ", features, " first sample ", first);
      constexpr int kSamples = 16;
      // Scaling by 1 / (1 - 1/4) of 3 gives 4 (rounded alike everywhere).
      const Floats x(static_cast<size_t>(features), 3.0f);
      std::vector<Floats> expected(kSamples, Floats(x.size()));
      for (int s = 0; s < kSamples; ++s)
        available_kernels()[0]->dropout(x.data(), expected[s].data(), features, 1, key, first + s, 0.25f);
      for_each_isa([&](const Kernels& k) {
        for (int s = 0; s < kSamples; ++s) {
          Floats y(x.size(), kNan);
          k.dropout(x.data(), y.data(), features, 1, key, first + s, 0.25f);
          CHECK(same_bits(y, expected[s]));
        }
        for (int s = 0; s + k.lanes <= kSamples; s += k.lanes) {
          const Floats tile(static_cast<size_t>(features * k.lanes), 3.0f);
          Floats y(tile.size(), kNan);
          k.dropout(tile.data(), y.data(), features, k.lanes, key, first + s, 0.25f);
          for (int lane = 0; lane < k.lanes; ++lane)
            for (int64_t f = 0; f < features; ++f) CHECK(same_bits(y[f * k.lanes + lane], expected[s + lane][f]));
        }
      });
    }
}

TEST(dropout_keeps_the_right_share) {
  const int64_t n = 100000;
  for_each_isa([&](const Kernels& k) {
    const Floats x(static_cast<size_t>(n), 1.0f);
    for (float rate : {0.1f, 0.5f, 0.9f}) {
      const Context context("rate ", rate);
      Floats y(x.size());
      k.dropout(x.data(), y.data(), n, 1, 42, 3, rate);
      int64_t kept = 0;
      for (float v : y) {
        CHECK(v == 0.0f || same_bits(v, 1.0f / (1.0f - rate)));
        kept += v != 0.0f;
      }
      // Six standard deviations of a binomial count; the generator is fixed, so this passes always or never.
      const double p = 1.0 - static_cast<double>(rate);
      CHECK_NEAR(static_cast<double>(kept), n * p, 6.0 * std::sqrt(n * p * (1.0 - p)));
    }
    Floats y(x.size());
    k.dropout(x.data(), y.data(), n, 1, 42, 3, 0.0f);
    CHECK(same_bits(x, y));
    // What is dropped is zero, whatever it was.
    const Floats bad(64, kNan);
    k.dropout(bad.data(), y.data(), 64, 1, 42, 3, 0.5f);
    int zeros = 0;
    for (int i = 0; i < 64; ++i) zeros += y[i] == 0.0f;
    CHECK(zeros > 0 && zeros < 64);
  });
}

}  // namespace day33::testing
