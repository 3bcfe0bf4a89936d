// Running sums and products along the middle axis of [outer][K][inner].
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/wide_sum.h"

namespace day33::DAY33_ISA {
namespace {

template <Cumulate kKind, typename V>
DAY33_INLINE V joined(V total, V next) {
  if constexpr (kKind == Cumulate::cumsum) return total + next;
  return total * next;
}

// One [K][inner]; the k-th step stands at row first + k * direction.
template <Cumulate kKind>
DAY33_INLINE void run(const float* x, float* y, int64_t K, int64_t inner, int64_t first, int64_t direction) {
  constexpr double kStart = kKind == Cumulate::cumsum ? 0.0 : 1.0;
  int64_t i = 0;
  for (; i + kLanes <= inner; i += kLanes) {
    WideVec total{VecD{} + kStart, VecD{} + kStart};
    for (int64_t k = 0; k < K; ++k) {
      const int64_t at = (first + k * direction) * inner + i;
      const WideVec next = widen(load(x + at));
      total = {joined<kKind>(total.low, next.low), joined<kKind>(total.high, next.high)};
      store(y + at, narrow(total.low, total.high));
    }
  }
  for (; i < inner; ++i) {
    double total = kStart;
    for (int64_t k = 0; k < K; ++k) {
      const int64_t at = (first + k * direction) * inner + i;
      total = joined<kKind>(total, static_cast<double>(x[at]));
      y[at] = static_cast<float>(total);
    }
  }
}

template <Cumulate kKind>
DAY33_INLINE void run_ints(const int32_t* x, int32_t* y, int64_t K, int64_t inner) {
  for (int64_t i = 0; i < inner; ++i) {
    uint32_t total = kKind == Cumulate::cumsum ? 0 : 1;  // which wraps around
    for (int64_t k = 0; k < K; ++k) {
      total = joined<kKind>(total, static_cast<uint32_t>(x[k * inner + i]));
      y[k * inner + i] = static_cast<int32_t>(total);
    }
  }
}

}  // namespace

void cumulate(Cumulate kind, bool reverse, const ReduceArgs& args, const float* x, float* y) {
  const int64_t first = reverse ? args.K - 1 : 0, direction = reverse ? -1 : 1;
  for (int64_t o = 0; o < args.outer; ++o, x += args.K * args.inner, y += args.K * args.inner) {
    if (kind == Cumulate::cumsum)
      run<Cumulate::cumsum>(x, y, args.K, args.inner, first, direction);
    else
      run<Cumulate::cumprod>(x, y, args.K, args.inner, first, direction);
  }
}

void cumulate_int(Cumulate kind, const ReduceArgs& args, const int32_t* x, int32_t* y) {
  for (int64_t o = 0; o < args.outer; ++o, x += args.K * args.inner, y += args.K * args.inner) {
    if (kind == Cumulate::cumsum)
      run_ints<Cumulate::cumsum>(x, y, args.K, args.inner);
    else
      run_ints<Cumulate::cumprod>(x, y, args.K, args.inner);
  }
}

// The product of all before i, times s[i] = dy[i] + x[i + 1] s[i + 1]: no division, so zeros are no special case.
void cumprod_backward(const ReduceArgs& args, const float* x, const float* dy, float* dx) {
  const int64_t K = args.K, inner = args.inner;
  for (int64_t o = 0; o < args.outer; ++o, x += K * inner, dy += K * inner, dx += K * inner)
    over_inner(inner, [=](auto w, int64_t i) {
      auto before = w.fill(1.0f), after = w.fill(0.0f);
      for (int64_t k = 0; k < K; ++k) {
        w.store(dx + k * inner + i, before);
        before = before * w.load(x + k * inner + i);
      }
      for (int64_t k = K; k-- > 0;) {
        const int64_t at = k * inner + i;
        after = w.load(dy + at) + after;
        w.store(dx + at, w.load(dx + at) * after);
        after = after * w.load(x + at);
      }
    });
}

}  // namespace day33::DAY33_ISA
