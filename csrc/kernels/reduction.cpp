// Sums, products, extremes and truths over the middle axis of [outer][K][inner].
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/row.h"
#include "simd/wide_sum.h"

namespace day33::DAY33_ISA {
namespace {

// ---- what is accumulated: vectors, in double where rounding counts, and single numbers ----

struct Sum {
  WideSum wide;
  double one = 0.0;
  inline __attribute__((always_inline)) void take(Vec v) { wide.add(v); }
  inline __attribute__((always_inline)) void take(float v) { one += static_cast<double>(v); }
  inline __attribute__((always_inline)) Vec vector() const { return narrow(wide.low, wide.high); }
  inline __attribute__((always_inline)) void take_lane(const Sum& other, int i) { one += other.wide.lane(i); }
  inline __attribute__((always_inline)) void merge(const Sum& other) {
    wide.low += other.wide.low;
    wide.high += other.wide.high;
  }
  // Of single numbers only.
  inline __attribute__((always_inline)) float narrow_number() const { return static_cast<float>(one); }
  // Of the lanes and the numbers together.
  inline __attribute__((always_inline)) float number() const { return static_cast<float>(wide.folded() + one); }
};

struct Product {
  VecD low = VecD{} + 1.0, high = VecD{} + 1.0;
  double one = 1.0;
  inline __attribute__((always_inline)) void take(Vec v) {
    const WideVec w = widen(v);
    low *= w.low;
    high *= w.high;
  }
  inline __attribute__((always_inline)) void take(float v) { one *= static_cast<double>(v); }
  inline __attribute__((always_inline)) Vec vector() const { return narrow(low, high); }
  inline __attribute__((always_inline)) void take_lane(const Product& other, int i) {
    one *= i < kLanes / 2 ? other.low[i] : other.high[i - kLanes / 2];
  }
  inline __attribute__((always_inline)) void merge(const Product& other) {
    low *= other.low;
    high *= other.high;
  }
  inline __attribute__((always_inline)) float narrow_number() const { return static_cast<float>(one); }
  inline __attribute__((always_inline)) float number() const {
    const VecD both = low * high;
    double result = one;
    for (int i = 0; i < kLanes / 2; ++i) result *= both[i];
    return static_cast<float>(result);
  }
};

// The largest of kSign * x; NaN is kept.
template <int kSign>
struct Extreme {
  Vec wide = broadcast(-__builtin_inff());
  float one = -__builtin_inff();
  inline __attribute__((always_inline)) void take(Vec v) { wide = greater_of(wide, v * static_cast<float>(kSign)); }
  inline __attribute__((always_inline)) void take(float v) {
    // In a vector, since a branch on random numbers would be mispredicted half of the time.
    typedef float Four __attribute__((vector_size(16)));
    const Four x = Four{} + v * static_cast<float>(kSign), best = Four{} + one;
    const Four better = ((x > best) | (x != x)) ? x : best;
    one = better[0];
  }
  inline __attribute__((always_inline)) Vec vector() const { return wide * static_cast<float>(kSign); }
  inline __attribute__((always_inline)) void take_lane(const Extreme& other, int i) {
    take(other.wide[i] * static_cast<float>(kSign));
  }
  inline __attribute__((always_inline)) void merge(const Extreme& other) { wide = greater_of(wide, other.wide); }
  inline __attribute__((always_inline)) float narrow_number() const { return one * static_cast<float>(kSign); }
  inline __attribute__((always_inline)) float number() const {
    Extreme all = *this;
    all.take(max_lanes(wide) * static_cast<float>(kSign));
    return all.one * static_cast<float>(kSign);
  }
};

template <typename Total>
DAY33_INLINE float along(const float* x, int64_t K) {
  Total first, second;
  int64_t k = 0;
  if (K < kLanes) {
    for (; k < K; ++k) first.take(x[k]);
    return first.narrow_number();
  }
  for (; k + 2 * kLanes <= K; k += 2 * kLanes) {
    first.take(load(x + k));
    second.take(load(x + k + kLanes));
  }
  first.merge(second);
  for (; k + kLanes <= K; k += kLanes) first.take(load(x + k));
  for (; k < K; ++k) first.take(x[k]);
  return first.number();
}

// Rows of less than a vector: kLanes of them are `inner` vectors. Lane i of vector j belongs to column
// (j * kLanes + i) % inner.
template <typename Total>
DAY33_INLINE void across_short(const float* x, float* y, int64_t K, int64_t inner) {
  Total vectors[kLanes], columns[kLanes];
  int64_t k = 0;
  for (; k + kLanes <= K; k += kLanes)
    for (int64_t j = 0; j < inner; ++j) vectors[j].take(load(x + k * inner + j * kLanes));
  for (; k < K; ++k)
    for (int64_t c = 0; c < inner; ++c) columns[c].take(x[k * inner + c]);
  int64_t c = 0;
  for (int64_t j = 0; j < inner; ++j)
    for (int i = 0; i < kLanes; ++i) {
      columns[c].take_lane(vectors[j], i);
      c = c + 1 == inner ? 0 : c + 1;
    }
  for (c = 0; c < inner; ++c) y[c] = columns[c].narrow_number();
}

template <typename Total>
DAY33_INLINE void across(const float* x, float* y, int64_t K, int64_t inner) {
  if (inner < kLanes && K >= 2 * kLanes) return across_short<Total>(x, y, K, inner);
  int64_t i = 0;
  for (; i + 2 * kLanes <= inner; i += 2 * kLanes) {
    Total first, second;
    for (int64_t k = 0; k < K; ++k) {
      first.take(load(x + k * inner + i));
      second.take(load(x + k * inner + i + kLanes));
    }
    store(y + i, first.vector());
    store(y + i + kLanes, second.vector());
  }
  for (; i + kLanes <= inner; i += kLanes) {
    Total total;
    for (int64_t k = 0; k < K; ++k) total.take(load(x + k * inner + i));
    store(y + i, total.vector());
  }
  for (; i < inner; ++i) {
    Total total;
    for (int64_t k = 0; k < K; ++k) total.take(x[k * inner + i]);
    y[i] = total.narrow_number();
  }
}

template <typename Total>
DAY33_INLINE void reduce_all(const ReduceArgs& args, const float* x, float* y) {
  for (int64_t o = 0; o < args.outer; ++o) {
    if (args.inner == 1)
      y[o] = along<Total>(x + o * args.K, args.K);
    else
      across<Total>(x + o * args.K * args.inner, y + o * args.inner, args.K, args.inner);
  }
}

template <Reduce kKind>
DAY33_INLINE int32_t joined(int32_t a, int32_t b) {
  if constexpr (kKind == Reduce::sum) return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
  if constexpr (kKind == Reduce::prod) return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
  if constexpr (kKind == Reduce::max) return b > a ? b : a;
  if constexpr (kKind == Reduce::min) return b < a ? b : a;
  if constexpr (kKind == Reduce::any) return (a != 0) | (b != 0);
  return (a != 0) & (b != 0);
}

template <Reduce kKind>
DAY33_INLINE void reduce_ints(const ReduceArgs& args, const int32_t* x, int32_t* y, int32_t nothing) {
  for (int64_t o = 0; o < args.outer; ++o, x += args.K * args.inner, y += args.inner) {
    for (int64_t i = 0; i < args.inner; ++i) y[i] = nothing;
    for (int64_t k = 0; k < args.K; ++k)
      for (int64_t i = 0; i < args.inner; ++i) y[i] = joined<kKind>(y[i], x[k * args.inner + i]);
  }
}

// ---- indices of extremes: the first of the best, where NaN is best of all ----

template <int kSign, typename W, typename V>
DAY33_INLINE auto beats(W, V x, V best) {
  if constexpr (kSign > 0)
    return (x > best) | ((x != x) & (best == best));
  else
    return (x < best) | ((x != x) & (best == best));
}

template <int kSign, typename T>
DAY33_INLINE void arg_across(const T* x, int32_t* y, int64_t K, int64_t inner) {
  over_inner(inner, [=](auto w, int64_t i) {
    auto best = w.load(x + i);
    auto at = w.fill(int32_t{0});
    for (int64_t k = 1; k < K; ++k) {
      const auto value = w.load(x + k * inner + i);
      const auto better = beats<kSign>(w, value, best);
      best = w.choose(better, value, best);
      at = w.choose(better, w.fill(static_cast<int32_t>(k)), at);
    }
    w.store(y + i, at);
  });
}

// Every lane has its own best; of equal ones the first counts.
template <int kSign, typename T>
DAY33_INLINE int32_t arg_along(const T* x, int64_t K) {
  const Wide<kLanes> w{};
  T best = x[0];
  int32_t at = 0;
  int64_t k = 0;
  if (K >= kLanes) {
    auto wide_best = w.load(x);
    auto wide_at = w.count_from(0);
    for (k = kLanes; k + kLanes <= K; k += kLanes) {
      const auto value = w.load(x + k);
      const auto better = beats<kSign>(w, value, wide_best);
      wide_best = w.choose(better, value, wide_best);
      wide_at = w.choose(better, w.count_from(static_cast<int32_t>(k)), wide_at);
    }
    for (int i = 0; i < kLanes; ++i) {
      const T value = wide_best[i];
      const bool equal = value == best || (value != value && best != best);
      if (beats<kSign>(w, value, best) || (equal && wide_at[i] < at)) best = value, at = wide_at[i];
    }
  }
  for (; k < K; ++k)
    if (beats<kSign>(w, x[k], best)) best = x[k], at = static_cast<int32_t>(k);
  return at;
}

template <typename T>
DAY33_INLINE void arg_all(ArgReduce kind, const ReduceArgs& args, const T* x, int32_t* y) {
  const bool largest = kind == ArgReduce::argmax;
  for (int64_t o = 0; o < args.outer; ++o, x += args.K * args.inner, y += args.inner) {
    if (args.inner == 1)
      *y = largest ? arg_along<1>(x, args.K) : arg_along<-1>(x, args.K);
    else
      largest ? arg_across<1>(x, y, args.K, args.inner) : arg_across<-1>(x, y, args.K, args.inner);
  }
}

}  // namespace

void arg_reduce(ArgReduce kind, const ReduceArgs& args, const float* x, int32_t* y) { arg_all(kind, args, x, y); }
void arg_reduce_int(ArgReduce kind, const ReduceArgs& args, const int32_t* x, int32_t* y) { arg_all(kind, args, x, y); }

void reduce(Reduce kind, const ReduceArgs& args, const float* x, float* y) {
  switch (kind) {
    case Reduce::sum:
    case Reduce::mean:
      return reduce_all<Sum>(args, x, y);
    case Reduce::prod:
      return reduce_all<Product>(args, x, y);
    case Reduce::max:
      return reduce_all<Extreme<1>>(args, x, y);
    case Reduce::min:
      return reduce_all<Extreme<-1>>(args, x, y);
    case Reduce::any:
    case Reduce::all:
      return;  // of int32 only
  }
}

void reduce_int(Reduce kind, const ReduceArgs& args, const int32_t* x, int32_t* y) {
  switch (kind) {
    case Reduce::sum:
      return reduce_ints<Reduce::sum>(args, x, y, 0);
    case Reduce::prod:
      return reduce_ints<Reduce::prod>(args, x, y, 1);
    case Reduce::max:
      return reduce_ints<Reduce::max>(args, x, y, INT32_MIN);
    case Reduce::min:
      return reduce_ints<Reduce::min>(args, x, y, INT32_MAX);
    case Reduce::any:
      return reduce_ints<Reduce::any>(args, x, y, 0);
    case Reduce::all:
      return reduce_ints<Reduce::all>(args, x, y, 1);
    case Reduce::mean:
      return;  // of float32 only
  }
}

void prod_backward(const ReduceArgs& args, const float* x, const float* dy, float* dx) {
  const int64_t K = args.K, inner = args.inner;
  for (int64_t o = 0; o < args.outer; ++o, x += K * inner, dx += K * inner, dy += inner)
    over_inner(inner, [=](auto w, int64_t i) {
      auto before = w.load(dy + i), after = w.fill(1.0f);
      for (int64_t k = 0; k < K; ++k) {
        const int64_t at = k * inner + i;
        w.store(dx + at, before);
        before = before * w.load(x + at);
      }
      for (int64_t k = K; k-- > 0;) {
        const int64_t at = k * inner + i;
        w.store(dx + at, w.load(dx + at) * after);
        after = after * w.load(x + at);
      }
    });
}

}  // namespace day33::DAY33_ISA
