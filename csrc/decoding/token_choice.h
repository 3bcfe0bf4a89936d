// From logits to tokens: the most probable ones, and sampling.
#pragma once

#include <cstdint>
#include <vector>

#include "core/isa.h"

namespace day33 {

struct TokenLogit {
  float logit;
  int32_t token;
};

// The `count` largest logits (or all, if there are fewer) in descending order, on a tie the lower token first. NaN
// counts as -infinity, and tokens with -infinity are left out.
std::vector<TokenLogit> largest_logits(const float* logits, int64_t n, int64_t count);

// log(sum of exp(logits)). NaN if a logit is NaN or none is finite.
double log_sum_exp(const Kernels& kernels, const float* logits, int64_t n);

// Tokens are drawn with the probabilities softmax(logits / temperature), restricted first to the `top_k` most probable
// tokens and then to the smallest set of most probable ones whose share of the rest is at least `top_p`
// (A. Holtzman et al., "The curious case of neural text degeneration", ICLR 2020).
struct Sampling {
  float temperature = 1.0f;  // > 0
  int64_t top_k = 0;         // 0 for all
  double top_p = 1.0;        // in (0, 1]
};

// The token at which the cumulative probability exceeds `u`, which is in [0, 1); -1 if a logit is NaN or none is
// finite. Overwrites the logits.
int64_t sample_token(const Kernels& kernels, float* logits, int64_t n, const Sampling& sampling, double u);

}  // namespace day33
