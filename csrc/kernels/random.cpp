// Random numbers that depend on a key, a sample and an element only.
#include "kernels/kernels.h"
#include "simd/philox.h"
#include "simd/trigonometry.h"

namespace day33::DAY33_ISA {
namespace {

// Dropout uses stream 0, so that a mask and numbers of one seed have nothing in common.
constexpr uint32_t kStream = 1;

struct Pair {
  Vec first, second;
};

// G. E. P. Box, M. E. Muller, "A note on the generation of random normal deviates" (1958): the radius from one word, in
// (0, 1] with the full precision of small numbers, the angle from the other, as quarter turns and the rest of one.
DAY33_INLINE Pair normal(VecU radius_word, VecU angle_word) {
  const Vec u = __builtin_convertvector(radius_word, Vec) * 0x1p-32f + 0x1p-33f;
  const Vec radius = sqrt(-2.0f * log(at_most(u, 1.0f)));
  const Vec rest = __builtin_convertvector((VecI)(angle_word << 2), Vec) * (1.57079632679489661923f * 0x1p-32f);
  // The rest is signed: from its half on it counts back from the next quarter.
  const QuarterTurns angle{rest, (VecI)((angle_word + 0x20000000u) >> 30)};
  return {radius * sin_ahead(angle, 1), radius * sin_ahead(angle, 0)};
}

}  // namespace

void random_numbers(Distribution kind, float* y, int64_t begin, int64_t end, int lanes, uint64_t key,
                    int64_t first_sample) {
  each_random(begin, end, lanes, key, kStream, first_sample, [=](const VecU(&word)[4], int64_t feature) {
    Vec value[4];
    if (kind == Distribution::uniform) {
      for (int k = 0; k < 4; ++k) value[k] = uniform(word[k]);
    } else {
      const Pair one = normal(word[0], word[1]), other = normal(word[2], word[3]);
      value[0] = one.first, value[1] = one.second, value[2] = other.first, value[3] = other.second;
    }
    for (int64_t k = 0; k < 4 && feature + 16 * k < end; ++k) store_feature(y, feature + 16 * k, end, lanes, value[k]);
  });
}

}  // namespace day33::DAY33_ISA
