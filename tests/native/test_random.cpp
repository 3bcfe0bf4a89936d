#include <algorithm>
#include <cmath>

#include "check.h"
#include "core/philox.h"
#include "inputs.h"

namespace day33::testing {

// Counter (0, stream 1 in the top byte of the second word), key 0. The words are those of core/philox.h, which agrees
// with the published vectors (test_decode.cpp).
TEST(random_numbers_depend_on_key_sample_and_element_only) {
  const uint64_t key = 0x0123456789abcdefull;
  constexpr int kSamples = 16;
  for (Distribution kind : {Distribution::uniform, Distribution::normal})
    for (int64_t features : {1, 15, 16, 63, 64, 65, 200})
      for (int64_t first : {int64_t{0}, (int64_t{1} << 32) - 3}) {
        const Context context("kind ", static_cast<int>(kind), " features ", features, " first sample ", first);
        std::vector<Floats> expected(kSamples, Floats(static_cast<size_t>(features)));
        for (int s = 0; s < kSamples; ++s)
          available_kernels()[0]->random_numbers(kind, expected[s].data(), 0, features, 1, key, first + s);
        for_each_isa([&](const Kernels& k) {
          // Uniform numbers are the same on every instruction set, normal ones up to rounding.
          const auto agree = [&](float a, float b) {
            if (kind == Distribution::uniform) CHECK(same_bits(a, b));
            CHECK_NEAR(a, b, 16.0 * kRoundoff * (1.0 + std::fabs(b)));
          };
          std::vector<Floats> own(kSamples, Floats(static_cast<size_t>(features), kNan));
          for (int s = 0; s < kSamples; ++s) {
            k.random_numbers(kind, own[s].data(), 0, features, 1, key, first + s);
            for (int64_t f = 0; f < features; ++f) agree(own[s][f], expected[s][f]);
            // In parts.
            Floats parts(own[s].size(), kNan);
            for (int64_t begin = 0; begin < features; begin += 64)
              k.random_numbers(kind, parts.data(), begin, std::min(begin + 64, features), 1, key, first + s);
            CHECK(same_bits(parts, own[s]));
          }
          for (int s = 0; s + k.lanes <= kSamples; s += k.lanes) {
            Floats tile(static_cast<size_t>(features * k.lanes), kNan);
            k.random_numbers(kind, tile.data(), 0, features, k.lanes, key, first + s);
            for (int lane = 0; lane < k.lanes; ++lane)
              for (int64_t f = 0; f < features; ++f) CHECK(same_bits(tile[f * k.lanes + lane], own[s + lane][f]));
          }
        });
      }
}

// Box and Muller, from the uniform numbers of another implementation of the generator.
TEST(normal_numbers_are_those_of_box_and_muller) {
  const uint64_t key = 99;
  for_each_isa([&](const Kernels& k) {
    Floats y(64 * 50);
    k.random_numbers(Distribution::normal, y.data(), 0, static_cast<int64_t>(y.size()), 1, key, 7);
    for (uint32_t block = 0; block < 50; ++block)
      for (uint32_t j = 0; j < 16; ++j) {
        const auto word = philox4x32({16 * block + j, 1u << 24, 7, 0}, key);
        for (int pair = 0; pair < 2; ++pair) {
          const double u = (static_cast<double>(word[2 * pair]) + 0.5) * 0x1p-32;
          const double angle = 2.0 * 3.14159265358979323846 * (static_cast<double>(word[2 * pair + 1]) * 0x1p-32);
          const double radius = std::sqrt(-2.0 * std::log(u));
          // Where u rounds near 1, its logarithm loses all but 2^-25; the square root halves the exponent.
          const double bound = 1e-6 * (1.0 + radius) + (radius < 0.1 ? 4e-4 : 0.0);
          CHECK_NEAR(y[64 * block + 32 * pair + j], radius * std::cos(angle), bound);
          CHECK_NEAR(y[64 * block + 32 * pair + 16 + j], radius * std::sin(angle), bound);
        }
      }
  });
}

}  // namespace day33::testing
