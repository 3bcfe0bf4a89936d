#include "ops/conv_geometry.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace day33 {
namespace {

// Makes the cells relative to that of the first tap, which is returned.
int64_t normalise(Taps& taps) {
  const int64_t base = taps.empty() ? 0 : taps.front().cell;
  for (Tap& tap : taps) tap.cell -= base;
  return base;
}

// Numbers the parts in the order in which the longest lists of taps use them: taps that are neighbours in the input are
// then neighbours in the packed weights, too, and form one segment.
void renumber(AxisWalk& walk) {
  std::vector<size_t> order(walk.outputs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return walk.outputs[a].size() > walk.outputs[b].size(); });
  std::vector<int64_t> number(walk.parts.size(), -1);
  std::vector<KernelPart> parts;
  const auto give = [&](int64_t part) {
    if (number[part] >= 0) return;
    number[part] = static_cast<int64_t>(parts.size());
    parts.push_back(walk.parts[part]);
  };
  for (size_t o : order)
    for (const Tap& tap : walk.outputs[o]) give(tap.part);
  for (size_t part = 0; part < walk.parts.size(); ++part) give(static_cast<int64_t>(part));
  walk.parts = std::move(parts);
  for (Taps& taps : walk.outputs)
    for (Tap& tap : taps) tap.part = number[tap.part];
}

int64_t tap_count(const AxisWalk& walk) {
  int64_t count = 0;
  for (const Taps& taps : walk.outputs) count += static_cast<int64_t>(taps.size());
  return count;
}

// Neighbouring cells of one phase form a run as long as they use the same taps. Returns the lists of taps by kind.
std::vector<Taps> find_runs(const AxisWalk& walk, std::vector<AxisRun>& runs) {
  std::map<Taps, int64_t> kinds;
  std::vector<Taps> taps_of_kind;
  const int64_t cells = static_cast<int64_t>(walk.outputs.size());
  for (int64_t phase = 0; phase < std::min(walk.step, cells); ++phase) {
    bool open = false;
    for (int64_t cell = phase; cell < cells; cell += walk.step) {
      Taps taps = walk.outputs[cell];
      const int64_t base = normalise(taps);
      const auto [found, added] = kinds.emplace(taps, static_cast<int64_t>(taps_of_kind.size()));
      const int64_t kind = found->second;
      if (added) taps_of_kind.push_back(std::move(taps));
      if (open && runs.back().kind == kind &&
          (taps_of_kind[kind].empty() || base == runs.back().base + runs.back().count * walk.advance)) {
        ++runs.back().count;
        continue;
      }
      runs.push_back({cell, walk.step, 1, base, walk.advance, kind});
      open = true;
    }
  }
  return taps_of_kind;
}

}  // namespace

AxisWalk direct_walk(const ConvAxis& axis) {
  // With a stride larger than the input there is one output, so that the step does not matter. It is limited to the
  // size of the input to keep products with it within the size of the array.
  AxisWalk walk{axis.in, {}, {}, 1, std::min(axis.stride, std::max<int64_t>(axis.in, 1))};
  for (int64_t k = 0; k < axis.kernel; ++k) walk.parts.push_back({k, k + 1});
  walk.outputs.resize(static_cast<size_t>(axis.out));
  for (int64_t o = 0; o < axis.out; ++o) {
    const int64_t start = o * axis.stride - axis.before;
    // The first kernel cell inside the input, computed without a loop over the cells outside.
    const int64_t first = start >= 0 ? 0 : (-start + axis.dilation - 1) / axis.dilation;
    for (int64_t k = first; k < axis.kernel && start + k * axis.dilation < axis.in; ++k)
      walk.outputs[o].push_back({k, start + k * axis.dilation});
  }
  return walk;
}

AxisWalk inverse(const AxisWalk& walk) {
  AxisWalk turned{static_cast<int64_t>(walk.outputs.size()), {}, walk.parts, walk.advance, walk.step};
  turned.outputs.resize(static_cast<size_t>(walk.cells));
  for (size_t o = 0; o < walk.outputs.size(); ++o)
    for (const Tap& tap : walk.outputs[o]) turned.outputs[tap.cell].push_back({tap.part, static_cast<int64_t>(o)});
  renumber(turned);
  return turned;
}

AxisWalk fold(const AxisWalk& walk, int64_t scale) {
  if (scale == 1) return walk;
  AxisWalk folded{walk.cells / scale, {}, {}, walk.step * scale, walk.advance};
  for (const Taps& taps : walk.outputs) {
    Taps merged;
    for (size_t i = 0; i < taps.size();) {
      const int64_t cell = taps[i].cell / scale;
      std::vector<KernelPart>
          cells;  // the kernel cells that meet this cell: neighbours, in ascending or descending order
      for (; i < taps.size() && taps[i].cell / scale == cell; ++i) cells.push_back(walk.parts[taps[i].part]);
      const KernelPart part{std::min(cells.front().first, cells.back().first),
                            std::max(cells.front().last, cells.back().last)};
      auto known = std::find(folded.parts.begin(), folded.parts.end(), part);
      if (known == folded.parts.end()) known = folded.parts.insert(known, part);
      merged.push_back({known - folded.parts.begin(), cell});
    }
    folded.outputs.push_back(std::move(merged));
  }
  renumber(folded);
  return folded;
}

ConvGeometry::ConvGeometry(AxisWalk height, AxisWalk width, int64_t channels, int64_t group_channels)
    : height_parts(std::move(height.parts)),
      width_parts(std::move(width.parts)),
      in_rows_(height.cells),
      in_columns_(width.cells),
      rows_(static_cast<int64_t>(height.outputs.size())),
      columns_(static_cast<int64_t>(width.outputs.size())),
      channels_(channels),
      group_channels_(group_channels),
      multiply_adds_(tap_count(height) * tap_count(width) * group_channels) {
  const std::vector<Taps> row_taps = find_runs(height, row_runs_), column_taps = find_runs(width, column_runs_);
  // The borders come last: pixels below each other then find their rows in the cache, which a long run has read in
  // order.
  std::stable_sort(column_runs_.begin(), column_runs_.end(),
                   [](const AxisRun& a, const AxisRun& b) { return a.count > b.count; });
  column_kinds_ = static_cast<int64_t>(column_taps.size());
  const int64_t row_parts = static_cast<int64_t>(width_parts.size());
  for (const Taps& rows : row_taps) {
    for (const Taps& columns : column_taps) {
      std::vector<Segment> segments;
      for (const Tap& row : rows) {
        for (const Tap& column : columns) {
          const int64_t at = (row.cell * in_columns_ + column.cell) * channels_;
          const int64_t k = (row.part * row_parts + column.part) * group_channels_;
          if (!segments.empty() && segments.back().x + segments.back().length == at &&
              segments.back().weight + segments.back().length == k)
            segments.back().length += group_channels_;
          else
            segments.push_back({at, k, group_channels_});
        }
      }
      segments_.push_back(std::move(segments));
    }
  }
}

}  // namespace day33
