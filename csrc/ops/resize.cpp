#include "ops/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/names.h"

namespace day33 {
namespace {

constexpr const char* kNames[] = {DAY33_RESIZINGS(DAY33_ENUMERATOR_NAME)};

// One axis as a sparse matrix: each cell of the result is a sum over neighbouring cells of the source.
class Weights {
 public:
  // `row` holds the weights of the cells from `first` on; zeros at its ends are left out.
  void add_row(int64_t first, const std::vector<float>& row) {
    const auto counts = [](float weight) { return weight != 0.0f; };
    const auto begin = std::find_if(row.begin(), row.end(), counts);
    const auto end = std::find_if(row.rbegin(), std::make_reverse_iterator(begin), counts).base();
    first_.push_back(static_cast<int32_t>(first + (begin - row.begin())));
    weights_.insert(weights_.end(), begin, end);
    identity_ &= end - begin == 1 && first + (begin - row.begin()) == rows() - 1 && *begin == 1.0f;
    start_.push_back(static_cast<int64_t>(weights_.size()));
  }

  int64_t rows() const { return static_cast<int64_t>(first_.size()); }
  bool is_identity() const { return identity_; }
  int64_t multiply_adds() const { return start_.back(); }

  Weights transposed(int64_t columns) const {
    std::vector<std::vector<float>> of(static_cast<size_t>(columns));
    std::vector<int64_t> begin(static_cast<size_t>(columns), 0);
    for (int64_t row = 0; row < rows(); ++row)
      for (int64_t t = start_[row]; t < start_[row + 1]; ++t) {
        const int64_t column = first_[row] + t - start_[row];
        if (of[column].empty()) begin[column] = row;
        of[column].resize(static_cast<size_t>(row - begin[column] + 1), 0.0f);
        of[column].back() = weights_[t];
      }
    Weights result;
    for (int64_t column = 0; column < columns; ++column) result.add_row(begin[column], of[column]);
    return result;
  }

  void apply(const Kernels& kernels, int64_t outer, int64_t in, int64_t inner, const float* x, float* y) const {
    kernels.resample_axis({.outer = outer,
                           .in = in,
                           .out = rows(),
                           .inner = inner,
                           .first = first_.data(),
                           .start = start_.data(),
                           .weights = weights_.data()},
                          x, y);
  }

 private:
  std::vector<int32_t> first_;
  std::vector<int64_t> start_{0};
  std::vector<float> weights_;
  bool identity_ = true;
};

// Positions are taken in float, as TensorFlow does, which shows in large images.
struct Axis {
  int64_t in, out;
  float scale() const { return static_cast<float>(in) / static_cast<float>(out); }
  float corner(int64_t cell) const { return (static_cast<float>(cell) + 0.5f) * scale(); }
  float centre(int64_t cell) const { return corner(cell) - 0.5f; }
};

// Weights are those of the cells [first, first + row.size()), of which only some exist; they are scaled to a sum of 1.
void add_normalized(Weights& weights, const Axis& axis, int64_t first, const std::vector<float>& row) {
  const int64_t count = static_cast<int64_t>(row.size());
  const int64_t begin = std::clamp<int64_t>(-first, 0, count), end = std::clamp<int64_t>(axis.in - first, begin, count);
  std::vector<float> inside(row.begin() + begin, row.begin() + end);
  const float sum = std::accumulate(inside.begin(), inside.end(), 0.0f);
  for (float& weight : inside) weight /= sum;
  weights.add_row(first + begin, inside);
}

void add_bilinear(Weights& weights, const Axis& axis, int64_t cell) {
  const float at = axis.centre(cell), below = std::floor(at), upper = at - below;
  const int64_t lower = static_cast<int64_t>(below);
  if (lower < 0)
    weights.add_row(0, {1.0f});
  else if (lower + 1 >= axis.in)
    weights.add_row(axis.in - 1, {1.0f});
  else
    weights.add_row(lower, {1.0f - upper, upper});
}

// R. Keys, "Cubic convolution interpolation for digital image processing" (1981), with a = -1/2.
double keys_cubic(double x) {
  x = std::abs(x);
  if (x >= 2.0) return 0.0;
  return x < 1.0 ? (1.5 * x - 2.5) * x * x + 1.0 : ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0;
}

// The position is rounded to 1/1024 of a cell, as TensorFlow's table of the cubic does.
void add_bicubic(Weights& weights, const Axis& axis, int64_t cell) {
  const float at = axis.centre(cell), below = std::floor(at);
  const double distance = static_cast<double>(std::rint((at - below) * 1024.0f)) / 1024.0;
  std::vector<float> row;
  for (int tap = -1; tap <= 2; ++tap) row.push_back(static_cast<float>(keys_cubic(tap - distance)));
  add_normalized(weights, axis, static_cast<int64_t>(below) - 1, row);
}

// The overlap of the result's cell with each cell of the source, as a part of its size. What rounding leaves beyond the
// last cell counts as that one.
void add_area(Weights& weights, const Axis& axis, int64_t cell) {
  const float scale = axis.scale(), begin = static_cast<float>(cell) * scale,
              end = static_cast<float>(cell + 1) * scale;
  const int64_t first = std::min(static_cast<int64_t>(std::floor(begin)), axis.in - 1);
  std::vector<float> row;
  for (int64_t i = static_cast<int64_t>(std::floor(begin)); i < static_cast<int64_t>(std::ceil(end)); ++i) {
    const float from = static_cast<float>(i), to = from + 1.0f;
    const float inside = to <= end ? to - std::max(begin, from) : from < begin ? scale : end - from;
    if (i < axis.in || row.empty())
      row.push_back(inside / scale);
    else
      row.back() += inside / scale;
  }
  weights.add_row(first, row);
}

// A kernel around the centre, `stretch` times as wide; tf.raw_ops.ScaleAndTranslate says which cells it reaches, and
// takes the inverse of the rounded inverse of the scale.
template <typename Kernel>
void add_kernel(Weights& weights, const Axis& axis, int64_t cell, float radius, bool antialias, Kernel&& kernel) {
  const float scale = 1.0f / (static_cast<float>(axis.out) / static_cast<float>(axis.in));
  const float stretch = antialias ? std::max(scale, 1.0f) : 1.0f;
  const float at = (static_cast<float>(cell) + 0.5f) * scale;
  const int64_t first = static_cast<int64_t>(std::ceil(at - radius * stretch - 0.5f));
  const int64_t last = static_cast<int64_t>(std::floor(at + radius * stretch - 0.5f));
  std::vector<float> row;
  for (int64_t i = first; i <= last; ++i)
    row.push_back(static_cast<float>(kernel(static_cast<double>(static_cast<float>(i) + 0.5f - at) / stretch)));
  add_normalized(weights, axis, first, row);
}

double lanczos(double x, double radius) {
  x = std::abs(x);
  if (x >= radius) return 0.0;
  if (x <= 1e-3) return 1.0;
  const double angle = std::numbers::pi * x;
  return radius * std::sin(angle) * std::sin(angle / radius) / (angle * angle);
}

Weights weights_of(Resizing kind, bool antialias, const Axis& axis) {
  const float radius = kind == Resizing::bilinear   ? 1.0f
                       : kind == Resizing::bicubic  ? 2.0f
                       : kind == Resizing::lanczos3 ? 3.0f
                                                    : 5.0f;
  Weights weights;
  for (int64_t cell = 0; cell < axis.out; ++cell) switch (kind) {
      case Resizing::nearest:
        break;
      case Resizing::bilinear:
        if (antialias)
          add_kernel(weights, axis, cell, radius, true, [](double x) { return std::max(0.0, 1.0 - std::abs(x)); });
        else
          add_bilinear(weights, axis, cell);
        break;
      case Resizing::bicubic:
        if (antialias)
          add_kernel(weights, axis, cell, radius, true, keys_cubic);
        else
          add_bicubic(weights, axis, cell);
        break;
      case Resizing::area:
        add_area(weights, axis, cell);
        break;
      case Resizing::lanczos3:
      case Resizing::lanczos5:
        add_kernel(weights, axis, cell, radius, antialias,
                   [=](double x) { return lanczos(x, static_cast<double>(radius)); });
        break;
    }
  return weights;
}

// Rows first, then columns. An axis that stays as it is costs nothing.
class ResizeOp final : public Op {
 public:
  ResizeOp(int x, int y, int64_t C, const Axis& height, const Axis& width, Resizing kind, bool antialias)
      : Op("resize", {x}, {y}, {}),
        C_(C),
        height_(height),
        width_(width),
        kind_(kind),
        rows_(weights_of(kind, antialias, height)),
        columns_(weights_of(kind, antialias, width)),
        rows_back_(rows_.transposed(height.in)),
        columns_back_(columns_.transposed(width.in)) {}

  int64_t units(int64_t n) const override { return n; }
  int64_t scratch_size(const Kernels&, int lanes, int64_t) const override {
    return std::max(height_.out * width_.in, height_.in * width_.out) * C_ * lanes;
  }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    for (int64_t sample = begin; sample < end; ++sample)
      apply(tile, rows_, columns_, height_.in, width_.in,
            at(tile, tile.value[inputs[0]], sample, height_.in, width_.in),
            at(tile, tile.value[outputs[0]], sample, height_.out, width_.out));
  }

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    for (int64_t sample = 0; sample < tile.n; ++sample)
      apply(tile, rows_back_, columns_back_, height_.out, width_.out,
            at(tile, tile.gradient[outputs[0]], sample, height_.out, width_.out),
            at(tile, dx[0], sample, height_.in, width_.in));
  }
  bool backward_reads_forward() const override { return false; }

  int64_t multiply_adds() const override {
    return (rows_.multiply_adds() * width_.in + columns_.multiply_adds() * height_.out) * C_;
  }
  std::string detail() const override { return name_of(kind_, kNames); }

 private:
  float* at(const Tile& tile, float* images, int64_t sample, int64_t H, int64_t W) const {
    return images + sample * H * W * C_ * tile.lanes;
  }
  void apply(const Tile& tile, const Weights& rows, const Weights& columns, int64_t H, int64_t W, const float* x,
             float* y) const {
    const int64_t inner = C_ * tile.lanes;
    const bool only_rows = columns.is_identity(), only_columns = !only_rows && rows.is_identity();
    float* between = only_rows ? y : tile.scratch;
    if (!only_columns) rows.apply(*tile.kernels, 1, H, W * inner, x, between);
    if (!only_rows) columns.apply(*tile.kernels, rows.rows(), W, inner, only_columns ? x : between, y);
  }

  const int64_t C_;
  const Axis height_, width_;
  const Resizing kind_;
  const Weights rows_, columns_, rows_back_, columns_back_;
};

}  // namespace

Resizing parse_resizing(const std::string& name) { return parse_name<Resizing>("interpolation", name, kNames); }

std::vector<int64_t> nearest_cells(int64_t in, int64_t out) {
  const Axis axis{in, out};
  std::vector<int64_t> cells;
  for (int64_t i = 0; i < out; ++i) cells.push_back(std::min(static_cast<int64_t>(std::floor(axis.corner(i))), in - 1));
  return cells;
}

std::unique_ptr<Op> make_resize(int x, int y, int64_t H, int64_t W, int64_t C, int64_t OH, int64_t OW, Resizing kind,
                                bool antialias) {
  return std::make_unique<ResizeOp>(x, y, C, Axis{H, OH}, Axis{W, OW}, kind, antialias);
}

}  // namespace day33
