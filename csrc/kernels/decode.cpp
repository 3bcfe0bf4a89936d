// One step of a language model: panels of weights times a few rows, the LSTM cell, and the maximum and sum of the
// logits.
#include "kernels/kernels.h"
#include "kernels/lstm_cell.h"
#include "simd/int8.h"
#include "simd/math.h"
#include "simd/wide_sum.h"

namespace day33::DAY33_ISA {
namespace {

constexpr int kPanel = kPanelVectors * kLanes;
// A register tile: the sums of so many rows and vectors, 24 of 32 registers or 12 of 16. With 16, up to kFewRows rows
// take all vectors of a panel, which reads each weight once; more rows take them in two halves, which needs fewer loads
// for as many products.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileRows = 6, kTileVectors = kPanelVectors, kFewRows = kTileRows;
#else
constexpr int kTileRows = 6, kTileVectors = kPanelVectors / 2, kFewRows = 3;
#endif
// How many k all rows of a batch take before the next ones: half of a first-level cache of 32 KB.
constexpr int64_t kChunk = 16384 / (kPanel * 4);
constexpr int64_t kLine = 64;

DAY33_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }

// How weights are stored: the bytes of one k (four vectors), how many k all rows take before the next ones, and whether
// panels are taken in halves: float32, which the multiplications read from the cache themselves, gains nothing by it.
struct Float32Weights {
  static constexpr int64_t kBytes = 4 * kPanel, kTerms = kChunk;
  static constexpr bool kHalves = false;
  template <int kCount>
  DAY33_INLINE void load(const char* w, Vec (&v)[kCount]) {
    for (int j = 0; j < kCount; ++j) v[j] = DAY33_ISA::load(reinterpret_cast<const float*>(w) + j * kLanes);
  }
};

struct Bfloat16Weights {
  static constexpr int64_t kBytes = 2 * kPanel, kTerms = 2 * kChunk;
  static constexpr bool kHalves = true;
  template <int kCount>
  DAY33_INLINE void load(const char* w, Vec (&v)[kCount]) {
    for (int j = 0; j < kCount / 2; ++j) {
      const VecI both = load_i(reinterpret_cast<const int32_t*>(w) + j * kLanes);
      v[2 * j] = as_float(both << 16);
      v[2 * j + 1] = as_float(both & static_cast<int32_t>(0xffff0000u));
    }
  }
};

// A stretch of k for the rows from `row` and the vectors from `vector` on; `first`: the sums begin here, with the bias.
struct Stretch {
  const PanelArgs* args;
  const PanelSegment* segment;
  int64_t row, begin, end;
  bool first;
  const char* ahead;  // weights to prefetch meanwhile, one cache line per k
  int vector = 0;
};

template <typename Weights, int kRows, int kVectors>
__attribute__((noinline)) void float_tile(const Stretch& s) {
  const int64_t lane = s.vector * kLanes;
  const float* x[kRows];
  Vec sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    x[r] = static_cast<const float*>(s.segment->x[s.row + r]);
    const float* from = (s.first ? s.args->bias : s.args->z[s.row + r] + s.args->offset) + lane;
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) sum[r][j] = load(from + j * kLanes);
  }
  const char* w =
      static_cast<const char*>(s.segment->w) + s.begin * Weights::kBytes + s.vector * (Weights::kBytes / kPanelVectors);
  const char* ahead = s.ahead;
  for (int64_t k = s.begin; k < s.end; ++k, w += Weights::kBytes) {
    Vec v[kVectors];
    Weights::load(w, v);
    if (kRows > 1) prefetch(ahead + (k - s.begin) * kLine);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vec value = broadcast(x[r][k]);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[r][j] += v[j] * value;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) store(s.args->z[s.row + r] + s.args->offset + lane + j * kLanes, sum[r][j]);
}

template <typename Weights>
struct FloatTiles {
  static constexpr bool kHalves = Weights::kHalves;
  template <int kRows, int kVectors>
  DAY33_INLINE void run(const Stretch& s) {
    float_tile<Weights, kRows, kVectors>(s);
  }
};

// The tile of `rows` rows, at most kRows.
template <typename Tiles, int kVectors, int kRows>
DAY33_INLINE void tile_of(int64_t rows, const Stretch& s) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return tile_of<Tiles, kVectors, kRows - 1>(rows, s);
  }
  Tiles::template run<kRows, kVectors>(s);
}

// All rows go through a stretch of weights of so many bytes for each of `steps` steps, and prefetch the next stretch
// meanwhile.
template <typename Tiles>
DAY33_INLINE void stretch_of_rows(Stretch s, int64_t steps, int64_t bytes) {
  const char* next = s.ahead;
  const int64_t rows = s.args->rows, last = max_of<int64_t>(steps * (bytes - kLine), 0);
  int64_t fetched = 0;
  const auto prefetched = [&] {
    const Stretch now = s;
    fetched += steps * kLine;
    s.ahead = next + min_of(fetched, last);
    return now;
  };
  for (; Tiles::kHalves && rows - s.row > kFewRows; s.row += kTileRows)
    for (s.vector = 0; s.vector < kPanelVectors; s.vector += kTileVectors)
      tile_of<Tiles, kTileVectors, kTileRows>(rows - s.row, prefetched());
  s.vector = 0;
  for (; s.row < rows; s.row += kFewRows) tile_of<Tiles, kPanelVectors, kFewRows>(rows - s.row, prefetched());
}

template <typename Weights>
DAY33_INLINE void float_panel(const PanelArgs& args) {
  for (int segment = 0; segment < args.segments; ++segment) {
    const PanelSegment& seg = args.segment[segment];
    const int64_t terms = args.rows <= kFewRows ? seg.K : Weights::kTerms;
    for (int64_t begin = 0; begin < seg.K; begin += terms) {
      const int64_t end = min_of(begin + terms, seg.K);
      const char* next = static_cast<const char*>(seg.w) + end * Weights::kBytes;
      stretch_of_rows<FloatTiles<Weights>>({&args, &seg, 0, begin, end, segment == 0 && begin == 0, next}, end - begin,
                                           Weights::kBytes);
    }
  }
}

// The two forms of int8: groups of kGroup terms, with `load` and `add` for one vector of weights.
struct Pairs {
  static constexpr int kGroup = 2;
  DAY33_INLINE VecI load(const char* w, int j) {
    return load_byte_pairs(reinterpret_cast<const int8_t*>(w) + j * 2 * kLanes);
  }
  DAY33_INLINE VecI add(VecI sum, VecI w, VecI x) { return add_pair_products(sum, w, x); }
};

struct Quads {
  static constexpr int kGroup = 4;
  DAY33_INLINE VecI load(const char* w, int j) { return load_i(reinterpret_cast<const int32_t*>(w) + j * kLanes); }
  DAY33_INLINE VecI add(VecI sum, VecI w, VecI x) { return add_quad_products(sum, w, x); }
};

template <typename Form, int kRows, int kVectors>
__attribute__((noinline)) void int8_tile(const Stretch& s) {
  const int64_t lane = s.vector * kLanes;
  const char* x[kRows];
  VecI sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    x[r] = static_cast<const char*>(s.segment->x[s.row + r]);
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      sum[r][j] = Form::kGroup == 4 ? load_i(s.segment->w_sum + lane + j * kLanes) * -kByteOffset : VecI{};
  }
  const char* w = static_cast<const char*>(s.segment->w) + s.vector * Form::kGroup * kLanes;
  const char* ahead = s.ahead;
  const int64_t groups = (s.end + Form::kGroup - 1) / Form::kGroup;
  for (int64_t g = 0; g < groups; ++g, w += Form::kGroup * kPanel) {
    VecI v[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) v[j] = Form::load(w, j);
    if (kRows > 1) prefetch(ahead + g * kLine);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const VecI word = broadcast_word(x[r] + g * 4);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[r][j] = Form::add(sum[r][j], v[j], word);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    float* z = s.args->z[s.row + r] + s.args->offset + lane;
    const float* from = s.first ? s.args->bias + lane : z;
    const float step = s.segment->x_step[s.row + r];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      store(z + j * kLanes,
            load(from + j * kLanes) + to_float(sum[r][j]) * (load(s.segment->w_step + lane + j * kLanes) * step));
  }
}

template <typename Form>
struct Int8Tiles {
  static constexpr bool kHalves = true;
  template <int kRows, int kVectors>
  DAY33_INLINE void run(const Stretch& s) {
    int8_tile<Form, kRows, kVectors>(s);
  }
};

// Sums of integers are not cut into stretches: at a quarter of the bytes of float32, a panel stays in the cache.
template <typename Form>
DAY33_INLINE void int8_panel(const PanelArgs& args) {
  constexpr int64_t kBytes = Form::kGroup * kPanel;
  for (int segment = 0; segment < args.segments; ++segment) {
    const PanelSegment& seg = args.segment[segment];
    const int64_t groups = (seg.K + Form::kGroup - 1) / Form::kGroup;
    const char* next = static_cast<const char*>(seg.w) + groups * kBytes;
    stretch_of_rows<Int8Tiles<Form>>({&args, &seg, 0, 0, seg.K, segment == 0, next}, groups, kBytes);
  }
}

}  // namespace

void panel_float32(const PanelArgs& args) { float_panel<Float32Weights>(args); }
void panel_bfloat16(const PanelArgs& args) { float_panel<Bfloat16Weights>(args); }
void panel_int8_pairs(const PanelArgs& args) { int8_panel<Pairs>(args); }
void panel_int8_quads(const PanelArgs& args) { int8_panel<Quads>(args); }

float quantize_row(const float* x, int64_t n, int group, void* q) {
  Vec greatest = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vec a = abs(load(x + i));
    greatest = select(a > greatest, a, greatest);
  }
  float largest = 0.0f;
  for (int j = 0; j < kLanes; ++j) largest = max_of(largest, greatest[j]);
  for (; i < n; ++i) largest = max_of(largest, __builtin_fabsf(x[i]));
  const float step = largest / static_cast<float>(kInt8Levels);
  // If the step is zero, or so small that its reciprocal is infinite, the row becomes zero.
  const float factor = step > 1e-38f ? 1.0f / step : 0.0f;
  const auto put = [=](int64_t at, Vec v) {
    const VecI level = to_int(round_small(v * factor));
    if (group == 2)
      store_short(static_cast<int16_t*>(q) + at, level);
    else
      store_byte(static_cast<uint8_t*>(q) + at, level + kByteOffset);
  };
  for (i = 0; i + kLanes <= n; i += kLanes) put(i, load(x + i));
  if (i < n) put(i, load_first(x + i, static_cast<int>(n - i)));
  return step;
}

void lstm_cell_panel(const CellArgs& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    const float* z = args.z[row];
    const LstmGates gates = lstm_gates(load(z), load(z + kLanes), load(z + 2 * kLanes), load(z + 3 * kLanes));
    const LstmState state = lstm_state(gates, load(args.c_in[row] + args.offset));
    store(args.c_out[row] + args.offset, state.c);
    store(args.h[row] + args.offset, state.h);
  }
}

int64_t arg_max(const float* x, int64_t n) {
  const float lowest = -__builtin_inff();
  Vec best = broadcast(lowest);
  VecI where = {}, index;
  for (int j = 0; j < kLanes; ++j) index[j] = j;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes, index += kLanes) {
    const Vec v = load(x + i);
    where = select_i(v > best, index, where);
    best = select(v > best, v, best);
  }
  float largest = lowest;
  int64_t first = 0;
  for (int j = 0; j < kLanes; ++j)
    if (best[j] > largest || (best[j] == largest && where[j] < first && largest > lowest)) {
      largest = best[j];
      first = where[j];
    }
  for (; i < n; ++i)
    if (x[i] > largest) {
      largest = x[i];
      first = i;
    }
  return first;
}

double exp_sum(const float* x, float* y, int64_t n, float shift, float factor) {
  WideSum sum;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vec e = exp((load(x + i) - shift) * factor);
    if (y != nullptr) store(y + i, e);
    sum.add(e);
  }
  const int rest = static_cast<int>(n - i);
  if (rest > 0) {
    const Vec e = exp((load_first(x + i, rest, -__builtin_inff()) - shift) * factor);
    if (y != nullptr) store_first(y + i, e, rest);
    sum.add(e);
  }
  return sum.total();
}

}  // namespace day33::DAY33_ISA
