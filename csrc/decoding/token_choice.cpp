#include "decoding/token_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace day33 {
namespace {

bool before(const TokenLogit& a, const TokenLogit& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

// The candidate at which the cumulative weight exceeds u * total.
int64_t token_at(const std::vector<TokenLogit>& candidates, const std::vector<double>& weights, double total,
                 double u) {
  double cumulated = 0.0;
  for (size_t i = 0; i < weights.size(); ++i) {
    cumulated += weights[i];
    if (u * total < cumulated) return candidates[i].token;
  }
  return candidates.back().token;
}

}  // namespace

std::vector<TokenLogit> largest_logits(const float* logits, int64_t n, int64_t count) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  std::vector<TokenLogit> kept;
  if (count <= 0) return kept;
  if (count > n / 8) {
    kept.reserve(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i)
      if (logits[i] > kLowest) kept.push_back({logits[i], static_cast<int32_t>(i)});
    if (count < static_cast<int64_t>(kept.size())) {
      std::nth_element(kept.begin(), kept.begin() + count, kept.end(), before);
      kept.resize(static_cast<size_t>(count));
    }
    std::sort(kept.begin(), kept.end(), before);
    return kept;
  }
  // A heap with the smallest kept logit in front; few logits of a long row ever enter it.
  float worst = kLowest;
  for (int64_t i = 0; i < n; ++i) {
    if (!(logits[i] > worst)) continue;
    if (static_cast<int64_t>(kept.size()) == count) {
      std::pop_heap(kept.begin(), kept.end(), before);
      kept.pop_back();
    }
    kept.push_back({logits[i], static_cast<int32_t>(i)});
    std::push_heap(kept.begin(), kept.end(), before);
    if (static_cast<int64_t>(kept.size()) == count) worst = kept.front().logit;
  }
  std::sort_heap(kept.begin(), kept.end(), before);
  return kept;
}

double log_sum_exp(const Kernels& kernels, const float* logits, int64_t n) {
  const float shift = logits[kernels.arg_max(logits, n)];
  return static_cast<double>(shift) + std::log(kernels.exp_sum(logits, nullptr, n, shift, 1.0f));
}

int64_t sample_token(const Kernels& kernels, float* logits, int64_t n, const Sampling& sampling, double u) {
  const float shift = logits[kernels.arg_max(logits, n)];
  const float factor = 1.0f / sampling.temperature;
  const bool all_tokens = sampling.top_k <= 0 || sampling.top_k >= n;
  if (all_tokens && sampling.top_p >= 1.0) {
    const double total = kernels.exp_sum(logits, logits, n, shift, factor);
    if (!std::isfinite(total)) return -1;
    double cumulated = 0.0;
    int64_t last = -1;
    for (int64_t i = 0; i < n; ++i) {
      if (logits[i] <= 0.0f) continue;
      last = i;
      cumulated += static_cast<double>(logits[i]);
      if (u * total < cumulated) break;
    }
    return last;
  }

  double total = kernels.exp_sum(logits, nullptr, n, shift, factor);
  if (!std::isfinite(total)) return -1;
  std::vector<TokenLogit> candidates;
  std::vector<double> weights;
  // Without top_k it is not known how many tokens make up top_p, so the number of candidates grows until they do.
  for (int64_t count = all_tokens ? std::min<int64_t>(n, 64) : sampling.top_k;; count = std::min(n, 16 * count)) {
    candidates = largest_logits(logits, n, count);
    weights.clear();
    double sum = 0.0;
    for (const TokenLogit& candidate : candidates) {
      weights.push_back(
          std::exp((static_cast<double>(candidate.logit) - static_cast<double>(shift)) * static_cast<double>(factor)));
      sum += weights.back();
    }
    if (!all_tokens || static_cast<int64_t>(candidates.size()) < count || count == n) total = sum;
    const bool complete =
        !all_tokens || sum >= sampling.top_p * total || static_cast<int64_t>(candidates.size()) < count;
    if (complete || count == n) break;
  }
  double kept = 0.0;
  size_t size = 0;
  while (size < weights.size() && (size == 0 || kept < sampling.top_p * total)) kept += weights[size++];
  candidates.resize(size);
  weights.resize(size);
  return token_at(candidates, weights, kept, u);
}

}  // namespace day33
