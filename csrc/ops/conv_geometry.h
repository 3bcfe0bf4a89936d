// From the axes of a convolution to the runs and segments that the gather and correlate kernels walk.
//
// An AxisWalk lists, for each output cell, the input cells it gathers and the part of the kernel that each is
// multiplied by. `direct_walk` gives that of a plain convolution; its `inverse` is the walk of the gradient, which is
// the transposed convolution; and `fold` moves a nearest up-sampling in front of it into the kernel: kernel cells that
// meet the same cell of the small image become one part, whose weight is their sum, so that the walk is over the small
// image.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/shapes.h"
#include "kernels/args.h"

namespace day33 {

struct Tap {
  int64_t part;  // of the kernel
  int64_t cell;  // of the input that is gathered
  bool operator==(const Tap&) const = default;
  auto operator<=>(const Tap&) const = default;
};
using Taps = std::vector<Tap>;  // ascending cells

// Kernel cells [first, last) along one axis that act as one cell.
struct KernelPart {
  int64_t first, last;
  bool operator==(const KernelPart&) const = default;
};

struct AxisWalk {
  int64_t cells;                  // on the gathered side
  std::vector<Taps> outputs;      // by output cell
  std::vector<KernelPart> parts;  // numbered so that neighbouring taps have neighbouring parts where possible
  int64_t step, advance;          // outputs `step` apart gather cells that are `advance` apart
};

AxisWalk direct_walk(const ConvAxis& axis);
AxisWalk inverse(const AxisWalk& walk);
AxisWalk fold(const AxisWalk& walk, int64_t scale);

// Output cells first, first + step, ... along one axis that use the same taps.
struct AxisRun {
  int64_t first, step, count;
  int64_t base;     // input cell of the first tap of the first output cell
  int64_t advance;  // input cells between the first taps of neighbouring output cells
  int64_t kind;     // number of the list of taps
};

// Output pixels that use the same taps: a run of columns in each row of a run of rows.
struct PixelBlock {
  AxisRun rows, columns;
  int64_t base;         // first input element of the first pixel
  int64_t row_advance;  // input elements from one row to the next
  const Segment* segments;
  int64_t segment_count;
};

class ConvGeometry {
 public:
  // `channels`: of a pixel of the gathered input in memory; `group_channels`: how many of these one group reads.
  ConvGeometry(AxisWalk height, AxisWalk width, int64_t channels, int64_t group_channels);

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t input_size() const { return in_rows_ * in_columns_ * channels_; }
  // The number of different k = (part of the height, part of the width, channel).
  int64_t reduction() const { return static_cast<int64_t>(height_parts.size() * width_parts.size()) * group_channels_; }
  // Multiply-adds per output channel.
  int64_t multiply_adds() const { return multiply_adds_; }

  // Calls visit(PixelBlock) for all blocks, restricted to rows [begin, end).
  template <typename Visit>
  void walk(int64_t begin, int64_t end, Visit&& visit) const {
    for (AxisRun rows : row_runs_) {
      const int64_t skipped = begin <= rows.first ? 0 : (begin - rows.first + rows.step - 1) / rows.step;
      const int64_t up_to = end <= rows.first ? 0 : (end - rows.first + rows.step - 1) / rows.step;
      rows.count = std::min(rows.count, up_to) - skipped;
      if (rows.count <= 0) continue;
      rows.first += skipped * rows.step;
      rows.base += skipped * rows.advance;
      for (const AxisRun& columns : column_runs_) {
        const std::vector<Segment>& segments = segments_[rows.kind * column_kinds_ + columns.kind];
        visit(PixelBlock{rows, columns, (rows.base * in_columns_ + columns.base) * channels_,
                         rows.advance * in_columns_ * channels_, segments.data(),
                         static_cast<int64_t>(segments.size())});
      }
    }
  }

  // Calls visit(number of the pair of parts, kernel row, kernel column) for every kernel cell of every pair of parts.
  template <typename Visit>
  void each_kernel_cell(Visit&& visit) const {
    int64_t part = 0;
    for (const KernelPart& rows : height_parts)
      for (const KernelPart& columns : width_parts) {
        for (int64_t y = rows.first; y < rows.last; ++y)
          for (int64_t x = columns.first; x < columns.last; ++x) visit(part, y, x);
        ++part;
      }
  }

 private:
  std::vector<KernelPart> height_parts, width_parts;
  int64_t in_rows_, in_columns_, rows_, columns_, channels_, group_channels_, multiply_adds_;
  std::vector<AxisRun> row_runs_, column_runs_;
  int64_t column_kinds_;
  std::vector<std::vector<Segment>> segments_;  // [row kind][column kind]
};

}  // namespace day33
