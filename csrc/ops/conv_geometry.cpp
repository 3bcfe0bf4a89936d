#include "ops/conv_geometry.h"

#include <algorithm>
#include <map>
#include <utility>

namespace day33 {
namespace {

struct Tap {
  int64_t kernel;  // index in the kernel, as packed
  int64_t cell;    // index in the gathered input, relative to the first tap once normalised
  bool operator<(const Tap& other) const { return std::pair(kernel, cell) < std::pair(other.kernel, other.cell); }
  bool operator==(const Tap& other) const { return kernel == other.kernel && cell == other.cell; }
};
using Taps = std::vector<Tap>;

// The taps of one output cell that fall inside the input, in ascending order of both fields.
Taps taps_of(const ConvAxis& axis, Walk walk, int64_t output) {
  Taps taps;
  if (walk == Walk::direct) {
    const int64_t start = output * axis.stride - axis.before;
    // First and last tap inside [0, in), found without walking the ones outside.
    const int64_t first = start >= 0 ? 0 : (-start + axis.dilation - 1) / axis.dilation;
    for (int64_t k = first; k < axis.kernel; ++k) {
      const int64_t cell = start + k * axis.dilation;
      if (cell >= axis.in) break;
      taps.push_back({k, cell});
    }
  } else {
    for (int64_t k = axis.kernel - 1; k >= 0; --k) {
      const int64_t at = output + axis.before - k * axis.dilation;
      if (at < 0 || at % axis.stride != 0) continue;
      if (at / axis.stride >= axis.out) break;
      taps.push_back({axis.kernel - 1 - k, at / axis.stride});
    }
  }
  return taps;
}

// Makes cells relative to the first tap and returns where that is.
int64_t normalise(Taps& taps) {
  const int64_t base = taps.empty() ? 0 : taps.front().cell;
  for (Tap& tap : taps) tap.cell -= base;
  return base;
}

}  // namespace

ConvGeometry::ConvGeometry(const ConvAxis& height, const ConvAxis& width, Walk walk, int64_t channels,
                           int64_t group_channels)
    : channels_(channels), reduction_(height.kernel * width.kernel * group_channels) {
  const bool direct = walk == Walk::direct;
  in_rows_ = direct ? height.in : height.out;
  in_columns_ = direct ? width.in : width.out;
  columns_ = direct ? width.out : width.in;
  const int64_t row_count = direct ? height.out : height.in;

  std::map<Taps, int64_t> kinds;
  std::vector<Taps> row_taps;
  for (int64_t y = 0; y < row_count; ++y) {
    Taps taps = taps_of(height, walk, y);
    const int64_t base = normalise(taps);
    const auto [found, added] = kinds.emplace(taps, static_cast<int64_t>(row_taps.size()));
    if (added) row_taps.push_back(taps);
    rows_.push_back({found->second, base});
  }

  // Neighbouring pixels of one stride phase join a run while they use the same taps.
  std::vector<Taps> run_taps;
  const int64_t phases = direct ? 1 : width.stride;
  const int64_t advance = direct ? width.stride : 1;
  for (int64_t phase = 0; phase < std::min(phases, columns_); ++phase) {
    bool open = false;
    for (int64_t x = phase; x < columns_; x += phases) {
      Taps taps = taps_of(width, walk, x);
      const int64_t base = normalise(taps);
      if (open && run_taps.back() == taps &&
          (taps.empty() || base == runs_.back().base + runs_.back().count * advance)) {
        ++runs_.back().count;
        continue;
      }
      runs_.push_back({x, phases, 1, base, advance});
      run_taps.push_back(taps);
      open = true;
    }
  }

  for (const Taps& rows : row_taps) {
    for (const Taps& columns : run_taps) {
      std::vector<Segment> segments;
      for (const Tap& row : rows) {
        for (const Tap& column : columns) {
          const int64_t at = (row.cell * in_columns_ + column.cell) * channels_;
          const int64_t k = (row.kernel * width.kernel + column.kernel) * group_channels;
          if (!segments.empty() && segments.back().x + segments.back().length == at &&
              segments.back().weight + segments.back().length == k)
            segments.back().length += group_channels;
          else
            segments.push_back({at, k, group_channels});
        }
      }
      segments_.push_back(std::move(segments));
    }
  }
}

}  // namespace day33
