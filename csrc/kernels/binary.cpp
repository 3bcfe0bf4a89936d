// Functions of two or three elements, row by row of operands that are broadcast, and their derivatives.
#include "kernels/kernels.h"
#include "simd/arcs.h"
#include "simd/body.h"
#include "simd/lanes.h"
#include "simd/math.h"
#include "simd/power.h"
#include "simd/rounding.h"

namespace day33::DAY33_ISA {
namespace {

// An operand along the words that a body computes at once.
template <typename T>
class Along {
 public:
  // One row. An operand that is held is a vector that every step reads again: in the layout of channels its element,
  // repeated; in the lanes layout the vector of its samples.
  inline __attribute__((always_inline)) void start(const Operand& operand, int64_t row, int lanes) {
    p_ = reinterpret_cast<const T*>(operand.p) + row * operand.step;
    mask_ = operand.held ? kLanes - 1 : -1;
    if (!operand.held || lanes != 1) return;
    for (int i = 0; i < kLanes; ++i) copies_[i] = *p_;
    p_ = copies_;
  }
  // Several rows of less than a vector each, which lie next to each other in the result and here, in copies if need be.
  __attribute__((noinline)) void start_short(const Operand& operand, int64_t row, int64_t count, int64_t inner) {
    const T* from = reinterpret_cast<const T*>(operand.p) + row * operand.step;
    mask_ = -1;
    p_ = copies_;
    if (!operand.held && operand.step == inner)
      p_ = from;
    else if (operand.step != 0 || row == 0)  // else the copies of the first rows serve all others
      for (int64_t r = 0; r < count; ++r)
        for (int64_t i = 0; i < inner; ++i) copies_[r * inner + i] = from[r * operand.step + (operand.held ? 0 : i)];
  }
  inline __attribute__((always_inline)) const T* at(int64_t i) const { return p_ + (i & mask_); }

 private:
  const T* p_;
  int64_t mask_;
  alignas(4 * kLanes) T copies_[kLanes * kLanes];
};

// Calls body(operands, begin, count) for stretches of the result; operands[k].at(i) is operand k for word begin + i.
// The body is inlined here, for each function and each operand: once, therefore, for short rows and for long ones.
template <int kCount, typename T, typename Body>
DAY33_INLINE void each_stretch(const BroadcastRows& rows, Body body) {
  Along<T> x[kCount];
  const bool together = rows.lanes == 1 && rows.inner < kLanes && rows.outer > 1 && rows.row_step == rows.inner;
  const int64_t step = together ? kLanes : 1;
  for (int64_t row = 0; row < rows.outer; row += step) {
    const int64_t count = min_of(rows.outer - row, step);
    for (int k = 0; k < kCount; ++k)
      together ? x[k].start_short(rows.x[k], row, count, rows.inner) : x[k].start(rows.x[k], row, rows.lanes);
    body(x, row * rows.row_step, count * rows.inner);
  }
}

// Kinds whose body works on whole vectors only.
constexpr bool is_whole(Binary kind) {
  return kind == Binary::power || kind == Binary::floor_divide || kind == Binary::mod || kind == Binary::arctan2 ||
         kind == Binary::sigmoid_crossentropy;
}

template <Binary kKind>
DAY33_INLINE Vec whole(Vec a, Vec b) {
  if constexpr (kKind == Binary::power) return power(a, b);
  if constexpr (kKind == Binary::floor_divide) return floor(a / b);
  if constexpr (kKind == Binary::mod) return mod(a, b);
  if constexpr (kKind == Binary::sigmoid_crossentropy)
    return at_least(a, 0.0f) - a * b + log1p_of_fraction(exp(-abs(a)));
  return atan2(a, b);
}

// NaN in either operand is kept.
template <Binary kKind, typename W, typename F>
DAY33_INLINE F simple(W w, F a, F b) {
  if constexpr (kKind == Binary::add) return a + b;
  if constexpr (kKind == Binary::subtract) return a - b;
  if constexpr (kKind == Binary::multiply) return a * b;
  if constexpr (kKind == Binary::divide) return a / b;
  if constexpr (kKind == Binary::maximum) return w.choose((b > a) | (b != b), b, a);
  return w.choose((b < a) | (b != b), b, a);
}

template <Binary kKind, typename F>
DAY33_INLINE auto holds(F a, F b) {
  if constexpr (kKind == Binary::greater)
    return a > b;
  else if constexpr (kKind == Binary::greater_equal)
    return a >= b;
  else if constexpr (kKind == Binary::less)
    return a < b;
  else if constexpr (kKind == Binary::less_equal)
    return a <= b;
  else if constexpr (kKind == Binary::equal)
    return a == b;
  else if constexpr (kKind == Binary::not_equal)
    return a != b;
  else if constexpr (kKind == Binary::logical_and)
    return (a != 0) & (b != 0);
  else if constexpr (kKind == Binary::logical_or)
    return (a != 0) | (b != 0);
  else
    return (a != 0) ^ (b != 0);
}

// body(used, i) for vectors only: the tail is a vector with unused lanes. The body is large and inlined once, so that
// it is not compiled again for the tail.
template <typename Body>
DAY33_INLINE void over_vectors(int64_t n, Body body) {
  for (int64_t i = 0; i < n; i += kLanes) body(static_cast<int>(min_of<int64_t>(n - i, kLanes)), i);
}
DAY33_INLINE Vec load_count(const float* p, int count) {
  return count == kLanes ? load(p) : load_first(p, count, 1.0f);
}
DAY33_INLINE void store_count(float* p, Vec v, int count) { count == kLanes ? store(p, v) : store_first(p, v, count); }

template <Binary kKind>
DAY33_INLINE void forward(const BroadcastRows& rows, float* y) {
  each_stretch<2, float>(rows, [&](const Along<float>(&x)[2], int64_t begin, int64_t count) {
    float* to = y + begin;
    if constexpr (is_whole(kKind))
      over_vectors(count, [&](int used, int64_t i) {
        store_count(to + i, whole<kKind>(load_count(x[0].at(i), used), load_count(x[1].at(i), used)), used);
      });
    else
      over_inner(count,
                 [&](auto w, int64_t i) { w.store(to + i, simple<kKind>(w, w.load(x[0].at(i)), w.load(x[1].at(i)))); });
  });
}

template <Binary kKind, typename T>
DAY33_INLINE void compare(const BroadcastRows& rows, int32_t* y) {
  each_stretch<2, T>(rows, [&](const Along<T>(&x)[2], int64_t begin, int64_t count) {
    over_inner(count, [&](auto w, int64_t i) {
      w.store(y + begin + i, w.choose(holds<kKind>(w.load(x[0].at(i)), w.load(x[1].at(i))), w.fill(1), w.fill(0)));
    });
  });
}

// ---- derivatives: dy times the one with respect to operand kWhich, as TensorFlow defines them ----
//
// Where the operands of a maximum or minimum are equal, the first gets the gradient. log(a) counts as 0 for a <= 0.

template <Binary kKind, int kWhich, typename W, typename F>
DAY33_INLINE F simple_slope(W w, F a, F b, F dy) {
  const F zero = w.fill(0.0f);
  if constexpr (kKind == Binary::add) return dy;
  if constexpr (kKind == Binary::subtract) return kWhich == 0 ? dy : -dy;
  if constexpr (kKind == Binary::multiply) return dy * (kWhich == 0 ? b : a);
  if constexpr (kKind == Binary::divide) return kWhich == 0 ? dy / b : dy * (-a / b / b);
  if constexpr (kKind == Binary::maximum) return kWhich == 0 ? w.choose(a >= b, dy, zero) : w.choose(a >= b, zero, dy);
  return kWhich == 0 ? w.choose(a <= b, dy, zero) : w.choose(a <= b, zero, dy);
}

template <Binary kKind, int kWhich>
DAY33_INLINE Vec whole_slope(Vec a, Vec b, Vec y, Vec dy) {
  if constexpr (kKind == Binary::power && kWhich == 0) return dy * (b * power(a, b - 1.0f));
  if constexpr (kKind == Binary::power) return dy * (y * select(a > 0.0f, log(a), broadcast(0.0f)));
  if constexpr (kKind == Binary::mod) return kWhich == 0 ? dy : dy * -floor(a / b);
  if constexpr (kKind == Binary::sigmoid_crossentropy) return kWhich == 0 ? dy * (sigmoid(a) - b) : dy * -a;
  if constexpr (kKind == Binary::arctan2) {
    const Vec share = dy / (a * a + b * b);
    return kWhich == 0 ? b * share : -a * share;
  }
  return dy;
}

template <Binary kKind, int kWhich>
DAY33_INLINE void backward(const BroadcastRows& rows, const float* y, const float* dy, float* d) {
  each_stretch<2, float>(rows, [&](const Along<float>(&x)[2], int64_t begin, int64_t count) {
    if constexpr (is_whole(kKind))
      over_vectors(count, [&](int used, int64_t i) {
        const int64_t at = begin + i;
        const Vec slope = whole_slope<kKind, kWhich>(load_count(x[0].at(i), used), load_count(x[1].at(i), used),
                                                     load_count(y + at, used), load_count(dy + at, used));
        store_count(d + at, slope, used);
      });
    else
      over_inner(count, [&](auto w, int64_t i) {
        const int64_t at = begin + i;
        w.store(d + at, simple_slope<kKind, kWhich>(w, w.load(x[0].at(i)), w.load(x[1].at(i)), w.load(dy + at)));
      });
  });
}

// ---- int32: sums and products wrap around; a division by zero gives 0, as NumPy's does ----

DAY33_INLINE int32_t floor_divide_of(int32_t a, int32_t b) {
  if (b == 0) return 0;
  if (b == -1) return static_cast<int32_t>(-static_cast<uint32_t>(a));
  const int32_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0));
}
DAY33_INLINE int32_t mod_of(int32_t a, int32_t b) {
  if (b == 0 || b == -1) return 0;
  const int32_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
// A negative power is the whole part of the fraction.
DAY33_INLINE int32_t power_of(int32_t a, int32_t b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
  uint32_t base = static_cast<uint32_t>(a), result = 1;
  for (uint32_t left = static_cast<uint32_t>(b); left != 0; left >>= 1, base *= base)
    if (left & 1) result *= base;
  return static_cast<int32_t>(result);
}

template <Binary kKind>
DAY33_INLINE int32_t of_ints(int32_t a, int32_t b) {
  const uint32_t u = static_cast<uint32_t>(a), v = static_cast<uint32_t>(b);
  if constexpr (kKind == Binary::add) return static_cast<int32_t>(u + v);
  if constexpr (kKind == Binary::subtract) return static_cast<int32_t>(u - v);
  if constexpr (kKind == Binary::multiply) return static_cast<int32_t>(u * v);
  if constexpr (kKind == Binary::maximum) return a > b ? a : b;
  if constexpr (kKind == Binary::minimum) return a < b ? a : b;
  if constexpr (kKind == Binary::power) return power_of(a, b);
  if constexpr (kKind == Binary::floor_divide) return floor_divide_of(a, b);
  return mod_of(a, b);
}

template <Binary kKind>
DAY33_INLINE void forward_int(const BroadcastRows& rows, int32_t* y) {
  each_stretch<2, int32_t>(rows, [&](const Along<int32_t>(&x)[2], int64_t begin, int64_t count) {
    for (int64_t i = 0; i < count; ++i) y[begin + i] = of_ints<kKind>(x[0].at(i)[0], x[1].at(i)[0]);
  });
}

}  // namespace

void binary_forward(Binary kind, const BroadcastRows& rows, float* y) {
#define DAY33_CASE(name, trait)                                                 \
  case Binary::name:                                                            \
    if constexpr (Trait::trait != Trait::truth) forward<Binary::name>(rows, y); \
    return;
  switch (kind) { DAY33_BINARIES(DAY33_CASE) }
#undef DAY33_CASE
}

void binary_backward(Binary kind, int which, const BroadcastRows& rows, const float* y, const float* dy, float* d) {
#define DAY33_CASE(name, trait)                                                                           \
  case Binary::name:                                                                                      \
    if constexpr (Trait::trait == Trait::of_input || Trait::trait == Trait::of_output)                    \
      which == 0 ? backward<Binary::name, 0>(rows, y, dy, d) : backward<Binary::name, 1>(rows, y, dy, d); \
    return;
  switch (kind) { DAY33_BINARIES(DAY33_CASE) }
#undef DAY33_CASE
}

void binary_truth(Binary kind, bool ints, const BroadcastRows& rows, int32_t* y) {
#define DAY33_CASE(name, trait)                                                               \
  case Binary::name:                                                                          \
    if constexpr (Trait::trait == Trait::truth)                                               \
      ints ? compare<Binary::name, int32_t>(rows, y) : compare<Binary::name, float>(rows, y); \
    return;
  switch (kind) { DAY33_BINARIES(DAY33_CASE) }
#undef DAY33_CASE
}

void binary_int(Binary kind, const BroadcastRows& rows, int32_t* y) {
#define DAY33_CASE(name) \
  case Binary::name:     \
    return forward_int<Binary::name>(rows, y);
  switch (kind) {
    DAY33_CASE(add)
    DAY33_CASE(subtract)
    DAY33_CASE(multiply)
    DAY33_CASE(maximum)
    DAY33_CASE(minimum)
    DAY33_CASE(power)
    DAY33_CASE(floor_divide)
    DAY33_CASE(mod)
    default:
      return;  // the builder asks for no other
  }
#undef DAY33_CASE
}

void select_where(const BroadcastRows& rows, float* y) {
  int32_t* words = reinterpret_cast<int32_t*>(y);
  each_stretch<3, int32_t>(rows, [&](const Along<int32_t>(&x)[3], int64_t begin, int64_t count) {
    over_inner(count, [&](auto w, int64_t i) {
      w.store(words + begin + i, w.choose(w.load(x[0].at(i)) != 0, w.load(x[1].at(i)), w.load(x[2].at(i))));
    });
  });
}

void equal_as_float(const BroadcastRows& rows, float* y) {
  each_stretch<2, float>(rows, [&](const Along<float>(&x)[2], int64_t begin, int64_t count) {
    over_inner(count, [&](auto w, int64_t i) {
      w.store(y + begin + i, w.where(w.load(x[0].at(i)) == w.load(x[1].at(i)), w.fill(1.0f)));
    });
  });
}

}  // namespace day33::DAY33_ISA
