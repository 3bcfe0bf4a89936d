// From the two axes of a convolution to the runs and segments that the gather and correlate kernels walk.
#pragma once

#include <cstdint>
#include <vector>

#include "core/shapes.h"
#include "kernels/args.h"

namespace day33 {

// Columns x = first, first + step, ... of an output row that use the same taps.
struct ColumnRun {
  int64_t first, step, count;
  int64_t base;     // input column of the first tap of the first pixel
  int64_t advance;  // input columns between the first taps of neighbouring pixels
};

// Rows that use the same vertical taps share a class.
struct RowClass {
  int64_t kind;
  int64_t base;  // input row of the first tap
};

// Direction of the walk. `direct` is the convolution; `transposed` its gradient with respect to the input.
enum class Walk { direct, transposed };

class ConvGeometry {
 public:
  // `channels`: of the gathered side, per pixel in memory; `group_channels`: of those, how many one group reads.
  // The gathered side is axis.in cells wide for a direct walk and axis.out for a transposed one. In a transposed walk
  // the taps are numbered from the far corner of the kernel (k -> K - 1 - k), so that neighbours stay neighbours.
  ConvGeometry(const ConvAxis& height, const ConvAxis& width, Walk walk, int64_t channels, int64_t group_channels);

  int64_t rows() const { return static_cast<int64_t>(rows_.size()); }
  int64_t columns() const { return columns_; }
  int64_t input_size() const { return in_rows_ * in_columns_ * channels_; }
  int64_t reduction() const { return reduction_; }  // length of k

  // Calls visit(row's first input element, output row, run, segments, segment count) for all runs of rows
  // [begin, end).
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

 private:
  int64_t in_rows_, in_columns_, columns_, channels_, reduction_;
  std::vector<RowClass> rows_;
  std::vector<ColumnRun> runs_;
  std::vector<std::vector<Segment>> segments_;  // [row class][run]
};

}  // namespace day33
