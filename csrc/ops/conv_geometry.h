// From the axes of a convolution to the runs and segments that the gather and correlate kernels walk.
//
// An AxisWalk lists, for each output cell, the input cells it gathers and the part of the kernel that each is
// multiplied by. A plain convolution gives one; turning it round (`inverse`) gives its gradient, which is the
// transposed convolution; and `fold` moves a nearest up-sampling in front of it into the kernel: kernel cells that meet
// the same small-image cell become one part, whose weight is their sum, so that the walk is over the small image.
#pragma once

#include <cstdint>
#include <vector>

#include "core/shapes.h"
#include "kernels/args.h"

namespace day33 {

struct Tap {
  int64_t part;  // of the kernel
  int64_t cell;  // of the gathered side
  bool operator==(const Tap&) const = default;
  auto operator<=>(const Tap&) const = default;
};
using Taps = std::vector<Tap>;  // ascending cells

// Kernel cells [first, last) along one axis that act as one.
struct KernelPart {
  int64_t first, last;
  bool operator==(const KernelPart&) const = default;
};

struct AxisWalk {
  int64_t cells;                  // on the gathered side
  std::vector<Taps> outputs;      // by output cell
  std::vector<KernelPart> parts;  // numbered so that neighbouring taps have neighbouring parts, where possible
  int64_t step, advance;          // outputs `step` apart gather cells `advance` apart
};

AxisWalk direct_walk(const ConvAxis& axis);
AxisWalk inverse(const AxisWalk& walk);
AxisWalk fold(const AxisWalk& walk, int64_t scale);

// Columns first, first + step, ... of an output row that use the same taps.
struct ColumnRun {
  int64_t first, step, count;
  int64_t base;     // input column of the first tap of the first pixel
  int64_t advance;  // input columns between the first taps of neighbouring pixels
};

class ConvGeometry {
 public:
  // `channels` of the gathered side, per pixel in memory; `group_channels`: of those, how many one group reads.
  ConvGeometry(AxisWalk height, AxisWalk width, int64_t channels, int64_t group_channels);

  int64_t rows() const { return static_cast<int64_t>(rows_.size()); }
  int64_t columns() const { return columns_; }
  int64_t input_size() const { return in_rows_ * in_columns_ * channels_; }
  // Length of k = (part of the height, part of the width, channel).
  int64_t reduction() const { return static_cast<int64_t>(height_parts.size() * width_parts.size()) * group_channels_; }
  // Multiply-adds for one output channel.
  int64_t multiply_adds() const { return multiply_adds_; }

  // Calls visit(first input element, output row, run, segments, segment count) for all runs of rows [begin, end).
  template <typename Visit>
  void walk(int64_t begin, int64_t end, Visit&& visit) const {
    for (int64_t y = begin; y < end; ++y) {
      const RowClass& row = rows_[y];
      for (size_t r = 0; r < runs_.size(); ++r) {
        const std::vector<Segment>& segments = segments_[row.kind * runs_.size() + r];
        const int64_t base = (row.base * in_columns_ + runs_[r].base) * channels_;
        visit(base, y, runs_[r], segments.data(), static_cast<int64_t>(segments.size()));
      }
    }
  }

  // Calls visit(k / group channels, kernel row, kernel column) for every kernel cell of every pair of parts.
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
  // Rows that use the same vertical taps are of one kind.
  struct RowClass {
    int64_t kind;
    int64_t base;  // input row of the first tap
  };

  std::vector<KernelPart> height_parts, width_parts;
  int64_t in_rows_, in_columns_, columns_, channels_, group_channels_, multiply_adds_;
  std::vector<RowClass> rows_;
  std::vector<ColumnRun> runs_;
  std::vector<std::vector<Segment>> segments_;  // [row kind][run]
};

}  // namespace day33
