// Maximum and average pooling over windows and over all pixels, and un-pooling, forward and backward.
#include "kernels/kernels.h"
#include "simd/body.h"

namespace day33::DAY33_ISA {
namespace {

// The part of an output pixel's window that lies inside the input.
struct Span {
  int64_t begin, end;
};

Span window_span(int64_t out, int64_t stride, int64_t pad, int64_t window, int64_t size) {
  const int64_t start = out * stride - pad;
  return {max_of<int64_t>(start, 0), min_of<int64_t>(start + window, size)};
}

int64_t cells(Span rows, Span columns) {
  return max_of<int64_t>(rows.end - rows.begin, 0) * max_of<int64_t>(columns.end - columns.begin, 0);
}

// Calls body(rows, columns, output pixel) for each window.
template <typename Body>
DAY33_INLINE void each_window(const Pool2dArgs& args, Body body) {
  for (int64_t oy = 0; oy < args.OH; ++oy)
    for (int64_t ox = 0; ox < args.OW; ++ox)
      body(window_span(oy, args.SH, args.pad_top, args.KH, args.H),
           window_span(ox, args.SW, args.pad_left, args.KW, args.W), oy * args.OW + ox);
}

// Whether v is better than the best so far: strictly greater, or the first NaN.
template <typename Float>
DAY33_INLINE auto beats(Float v, Float best) {
  return (v > best) | ((v != v) & (best == best));
}

// One output pixel. kKH, kKW: the size of the window if it is constant, or 0 for the size of the spans.
template <bool kWinner, int kKH, int kKW>
DAY33_INLINE void pool_pixel(const float* x, int64_t W, int64_t inner, Span rows, Span columns, float* y,
                             int32_t* winner) {
  const int64_t height = kKH ? kKH : rows.end - rows.begin;
  const int64_t width = kKW ? kKW : columns.end - columns.begin;
  const int64_t first = rows.begin * W + columns.begin;
  const float* corner = x + first * inner;
  over_inner(inner, [=](auto w, int64_t i) __attribute__((always_inline)) {
    auto best = w.load(corner + i);
    auto index = w.fill(static_cast<int32_t>(first));
    for (int64_t dy = 0; dy < height; ++dy) {
      for (int64_t dx = 0; dx < width; ++dx) {
        if (dy + dx == 0) continue;
        const auto v = w.load(corner + (dy * W + dx) * inner + i);
        const auto take = beats(v, best);
        best = w.choose(take, v, best);
        if (kWinner) index = w.choose(take, w.fill(static_cast<int32_t>(first + dy * W + dx)), index);
      }
    }
    w.store(y + i, best);
    if (kWinner) w.store(winner + i, index);
  });
}

template <bool kWinner>
DAY33_INLINE void pool_forward(const Pool2dArgs& args, const float* x, float* y, int32_t* winner) {
  const int64_t inner = args.inner;
  for (int64_t oy = 0; oy < args.OH; ++oy) {
    const Span rows = window_span(oy, args.SH, args.pad_top, args.KH, args.H);
    for (int64_t ox = 0; ox < args.OW; ++ox) {
      const Span columns = window_span(ox, args.SW, args.pad_left, args.KW, args.W);
      if (rows.begin >= rows.end || columns.begin >= columns.end) {
        // The window lies in the padding: minus infinity, and no winner that would get a gradient.
        for (int64_t i = 0; i < inner; ++i) {
          y[i] = -__builtin_inff();
          if (kWinner) winner[i] = -1;
        }
      } else if (rows.end - rows.begin == 2 && columns.end - columns.begin == 2) {
        pool_pixel<kWinner, 2, 2>(x, args.W, inner, rows, columns, y, winner);
      } else {
        pool_pixel<kWinner, 0, 0>(x, args.W, inner, rows, columns, y, winner);
      }
      y += inner;
      if (kWinner) winner += inner;
    }
  }
}

// For windows that do not overlap: every cell is written once, by its window or as part of a gap.
DAY33_INLINE void pool_backward_disjoint(const Pool2dArgs& args, const int32_t* winner, const float* dy, float* dx) {
  const int64_t inner = args.inner, W = args.W;
  int64_t done_rows = 0;
  for (int64_t oy = 0; oy < args.OH; ++oy) {
    const Span rows = window_span(oy, args.SH, args.pad_top, args.KH, args.H);
    if (rows.begin >= rows.end) continue;
    zero_floats(dx + done_rows * W * inner, (rows.begin - done_rows) * W * inner);
    done_rows = rows.end;
    int64_t done_columns = 0;
    for (int64_t ox = 0; ox < args.OW; ++ox) {
      const Span columns = window_span(ox, args.SW, args.pad_left, args.KW, W);
      if (columns.begin >= columns.end) continue;
      const int64_t out = (oy * args.OW + ox) * inner;
      for (int64_t iy = rows.begin; iy < rows.end; ++iy)
        zero_floats(dx + (iy * W + done_columns) * inner, (columns.begin - done_columns) * inner);
      done_columns = columns.end;
      over_inner(inner, [=](auto w, int64_t i) __attribute__((always_inline)) {
        const auto index = w.load(winner + out + i);
        const auto gradient = w.load(dy + out + i);
        for (int64_t iy = rows.begin; iy < rows.end; ++iy)
          for (int64_t ix = columns.begin; ix < columns.end; ++ix) {
            const int64_t cell = iy * W + ix;
            w.store(dx + cell * inner + i, w.where(index == w.fill(static_cast<int32_t>(cell)), gradient));
          }
      });
    }
    for (int64_t iy = rows.begin; iy < rows.end; ++iy)
      zero_floats(dx + (iy * W + done_columns) * inner, (W - done_columns) * inner);
  }
  zero_floats(dx + done_rows * W * inner, (args.H - done_rows) * W * inner);
}

DAY33_INLINE void pool_backward_overlapping(const Pool2dArgs& args, const int32_t* winner, const float* dy, float* dx) {
  const int64_t inner = args.inner, W = args.W;
  zero_floats(dx, args.H * W * inner);
  for (int64_t oy = 0; oy < args.OH; ++oy) {
    const Span rows = window_span(oy, args.SH, args.pad_top, args.KH, args.H);
    for (int64_t ox = 0; ox < args.OW; ++ox) {
      const Span columns = window_span(ox, args.SW, args.pad_left, args.KW, W);
      const int64_t out = (oy * args.OW + ox) * inner;
      over_inner(inner, [=](auto w, int64_t i) __attribute__((always_inline)) {
        const auto index = w.load(winner + out + i);
        const auto gradient = w.load(dy + out + i);
        for (int64_t iy = rows.begin; iy < rows.end; ++iy)
          for (int64_t ix = columns.begin; ix < columns.end; ++ix) {
            const int64_t cell = iy * W + ix;
            float* p = dx + cell * inner + i;
            w.store(p, w.load(p) + w.where(index == w.fill(static_cast<int32_t>(cell)), gradient));
          }
      });
    }
  }
}

}  // namespace

void max_pool2d_forward(const Pool2dArgs& args, const float* x, float* y, int32_t* winner) {
  if (winner != nullptr)
    pool_forward<true>(args, x, y, winner);
  else
    pool_forward<false>(args, x, y, nullptr);
}

void max_pool2d_backward(const Pool2dArgs& args, const int32_t* winner, const float* dy, float* dx) {
  if (args.SH >= args.KH && args.SW >= args.KW)
    pool_backward_disjoint(args, winner, dy, dx);
  else
    pool_backward_overlapping(args, winner, dy, dx);
}

void number_winners(const int32_t* winner, int32_t* indices, int64_t pixels, int64_t C, int lanes) {
  const int32_t channels = static_cast<int32_t>(C);
  for (int64_t pixel = 0; pixel < pixels; ++pixel, winner += C * lanes, indices += C * lanes) {
    if (lanes == 1) {
      over_inner(C, [=](auto w, int64_t c) __attribute__((always_inline)) {
        w.store(indices + c, w.load(winner + c) * channels + w.count_from(static_cast<int32_t>(c)));
      });
      continue;
    }
    over_inner(C * kLanes, [=](auto w, int64_t i) __attribute__((always_inline)) {
      w.store(indices + i, w.load(winner + i) * channels + static_cast<int32_t>(i / kLanes));
    });
  }
}

void avg_pool2d_forward(const Pool2dArgs& args, const float* x, float* y) {
  const int64_t inner = args.inner, W = args.W;
  each_window(args, [=](Span rows, Span columns, int64_t out) __attribute__((always_inline)) {
    const float count = static_cast<float>(max_of<int64_t>(cells(rows, columns), 1));
    over_inner(inner, [=](auto w, int64_t i) __attribute__((always_inline)) {
      auto sum = w.fill(0.0f);
      for (int64_t iy = rows.begin; iy < rows.end; ++iy)
        for (int64_t ix = columns.begin; ix < columns.end; ++ix) sum += w.load(x + (iy * W + ix) * inner + i);
      w.store(y + out * inner + i, sum / count);
    });
  });
}

void avg_pool2d_backward(const Pool2dArgs& args, const float* dy, float* dx) {
  const int64_t inner = args.inner, W = args.W;
  zero_floats(dx, args.H * W * inner);
  each_window(args, [=](Span rows, Span columns, int64_t out) __attribute__((always_inline)) {
    const float count = static_cast<float>(max_of<int64_t>(cells(rows, columns), 1));
    over_inner(inner, [=](auto w, int64_t i) __attribute__((always_inline)) {
      const auto share = w.load(dy + out * inner + i) / count;
      for (int64_t iy = rows.begin; iy < rows.end; ++iy)
        for (int64_t ix = columns.begin; ix < columns.end; ++ix) {
          float* p = dx + (iy * W + ix) * inner + i;
          w.store(p, w.load(p) + share);
        }
    });
  });
}

void global_average_forward(const float* x, float* y, int64_t pixels, int64_t inner) {
  const float count = static_cast<float>(pixels);
  over_inner(inner, [=](auto w, int64_t i) {
    auto sum = w.fill(0.0f);
    for (int64_t pixel = 0; pixel < pixels; ++pixel) sum += w.load(x + pixel * inner + i);
    w.store(y + i, sum / count);
  });
}

void global_average_backward(const float* dy, float* dx, int64_t pixels, int64_t inner) {
  const float count = static_cast<float>(pixels);
  for (int64_t pixel = 0; pixel < pixels; ++pixel, dx += inner)
    over_inner(inner, [=](auto w, int64_t i) { w.store(dx + i, w.load(dy + i) / count); });
}

void global_max_forward(const float* x, float* y, int64_t pixels, int64_t inner) {
  over_inner(inner, [=](auto w, int64_t i) __attribute__((always_inline)) {
    auto best = w.load(x + i);
    for (int64_t pixel = 1; pixel < pixels; ++pixel) {
      const auto v = w.load(x + pixel * inner + i);
      best = w.choose(beats(v, best), v, best);
    }
    w.store(y + i, best);
  });
}

void global_max_backward(const float* x, const float* y, const float* dy, float* dx, int64_t pixels, int64_t inner) {
  over_inner(inner, [=](auto w, int64_t i) __attribute__((always_inline)) {
    const auto best = w.load(y + i);
    auto count = w.fill(0.0f);
    for (int64_t pixel = 0; pixel < pixels; ++pixel)
      count += w.where(w.load(x + pixel * inner + i) == best, w.fill(1.0f));
    const auto share = w.load(dy + i) / count;
    for (int64_t pixel = 0; pixel < pixels; ++pixel)
      w.store(dx + pixel * inner + i, w.where(w.load(x + pixel * inner + i) == best, share));
  });
}

bool max_unpool2d_forward(const float* x, const int32_t* index, float* y, int64_t in, int64_t out, int lanes) {
  zero_floats(y, out * lanes);
  bool inside = true;
  for (int64_t i = 0; i < in; ++i)
    for (int lane = 0; lane < lanes; ++lane) {
      const int64_t target = index[i * lanes + lane];
      if (target >= 0 && target < out)
        y[target * lanes + lane] = x[i * lanes + lane];
      else
        inside = false;
    }
  return inside;
}

void max_unpool2d_backward(const int32_t* index, const float* dy, float* dx, int32_t* owner, int64_t in, int64_t out,
                           int lanes) {
  // The owner of a cell is the last input that names it. Cells that no input names are never read, so `owner` need not
  // be initialised.
  for (int64_t i = 0; i < in; ++i)
    for (int lane = 0; lane < lanes; ++lane) {
      const int64_t target = index[i * lanes + lane];
      if (target >= 0 && target < out) owner[target * lanes + lane] = static_cast<int32_t>(i);
    }
  for (int64_t i = 0; i < in; ++i)
    for (int lane = 0; lane < lanes; ++lane) {
      const int64_t target = index[i * lanes + lane];
      const bool wins = target >= 0 && target < out && owner[target * lanes + lane] == static_cast<int32_t>(i);
      dx[i * lanes + lane] = wins ? dy[target * lanes + lane] : 0.0f;
    }
}

}  // namespace day33::DAY33_ISA
