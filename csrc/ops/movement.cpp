#include "ops/movement.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

namespace day33 {
namespace {

// The result, in order, is a list of stretches of the source or of zeros.
struct Stretch {
  int64_t from;  // -1: zeros
  int64_t length;
};

class Stretches {
 public:
  explicit Stretches(const std::vector<SourceAxis>& axes) : axes_(axes), below_(axes.size() + 1, 1) {
    for (size_t i = axes.size(); i-- > 0;) below_[i] = below_[i + 1] * axes[i].size;
    // Axes from `whole_` on have the same layout in the source and in the result.
    whole_ = axes.size();
    while (whole_ > 0 && axes[whole_ - 1].first == 0 && axes[whole_ - 1].count == axes[whole_ - 1].size &&
           axes[whole_ - 1].stride == below_[whole_])
      --whole_;
    add(0, 0);
  }
  std::vector<Stretch> take() { return std::move(list_); }

 private:
  void add(size_t depth, int64_t source) {
    if (depth == whole_) return append(source, below_[depth]);
    const SourceAxis& axis = axes_[depth];
    for (int64_t i = axis.first; i < axis.first + axis.size; ++i) {
      if (i < 0 || i >= axis.count)
        append(-1, below_[depth + 1]);
      else
        add(depth + 1, source + i * axis.stride);
    }
  }
  void append(int64_t from, int64_t length) {
    if (length == 0) return;
    if (!list_.empty()) {
      Stretch& last = list_.back();
      if (from < 0 ? last.from < 0 : last.from >= 0 && last.from + last.length == from) {
        last.length += length;
        return;
      }
    }
    list_.push_back({from, length});
  }

  const std::vector<SourceAxis>& axes_;
  std::vector<int64_t> below_;  // elements of the result per index of the axes up to this one
  size_t whole_;
  std::vector<Stretch> list_;
};

class RearrangeOp final : public Op {
 public:
  RearrangeOp(std::string kind, int x, int y, int64_t source_size, const std::vector<SourceAxis>& axes)
      : Op(std::move(kind), {x}, {y}, {}), in_(source_size), stretches_(Stretches(axes).take()) {
    for (const Stretch& s : stretches_) out_ += s.length;
  }

  int64_t units(int64_t n) const override { return n; }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    for (int64_t sample = begin; sample < end; ++sample) {
      const float* x = tile.value[inputs[0]] + sample * in_ * tile.lanes;
      float* y = tile.value[outputs[0]] + sample * out_ * tile.lanes;
      for (const Stretch& s : stretches_) {
        const size_t floats = static_cast<size_t>(s.length * tile.lanes);
        if (s.from < 0)
          std::memset(y, 0, floats * sizeof(float));
        else
          std::memcpy(y, x + s.from * tile.lanes, floats * sizeof(float));
        y += floats;
      }
    }
  }

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    std::memset(dx[0], 0, static_cast<size_t>(tile.n * in_ * tile.lanes) * sizeof(float));
    for (int64_t sample = 0; sample < tile.n; ++sample) {
      float* to = dx[0] + sample * in_ * tile.lanes;
      const float* dy = tile.gradient[outputs[0]] + sample * out_ * tile.lanes;
      for (const Stretch& s : stretches_) {
        if (s.from >= 0) tile.kernels->add_to(dy, to + s.from * tile.lanes, s.length * tile.lanes);
        dy += s.length * tile.lanes;
      }
    }
  }
  bool backward_reads_forward() const override { return false; }

 private:
  const int64_t in_;
  int64_t out_ = 0;
  const std::vector<Stretch> stretches_;
};

class ConcatenateOp final : public Op {
 public:
  ConcatenateOp(std::vector<int> xs, int y, int64_t outer, std::vector<int64_t> inner)
      : Op("concatenate", std::move(xs), {y}, {}),
        outer_(outer),
        inner_(std::move(inner)),
        total_(std::accumulate(inner_.begin(), inner_.end(), int64_t{0})) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    int64_t offset = 0;
    for (size_t i = 0; i < inputs.size(); offset += inner_[i++])
      blocks(tile, i, [&](int64_t at, int64_t block, size_t bytes) {
        std::memcpy(tile.value[outputs[0]] + (at * total_ + offset) * tile.lanes, tile.value[inputs[i]] + block, bytes);
      });
  }
  void backward(const Tile& tile, float* const* dx) const override {
    int64_t offset = 0;
    for (size_t i = 0; i < inputs.size(); offset += inner_[i++])
      if (dx[i] != nullptr)
        blocks(tile, i, [&](int64_t at, int64_t block, size_t bytes) {
          std::memcpy(dx[i] + block, tile.gradient[outputs[0]] + (at * total_ + offset) * tile.lanes, bytes);
        });
  }
  bool backward_reads_forward() const override { return false; }

 private:
  template <typename Visit>
  void blocks(const Tile& tile, size_t i, Visit&& visit) const {
    const int64_t floats = inner_[i] * tile.lanes;
    for (int64_t at = 0; at < tile.n * outer_; ++at)
      visit(at, at * floats, static_cast<size_t>(floats) * sizeof(float));
  }
  const int64_t outer_;
  const std::vector<int64_t> inner_;
  const int64_t total_;
};

// The base of ops that move rows. int32 is moved like float32, which has the same size.
class MoveRowsOp : public Op {
 public:
  MoveRowsOp(std::string kind, int x, int y, int64_t T, int64_t count, int64_t inner)
      : Op(std::move(kind), {x}, {y}, {}), T_(T), count_(count), inner_(inner) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const int64_t row = inner_ * tile.lanes;
    for (int64_t s = 0; s < tile.n; ++s)
      for (int64_t i = 0; i < count_; ++i)
        copy(tile.value[inputs[0]] + (s * T_ + source(i)) * row, tile.value[outputs[0]] + (s * count_ + i) * row, row);
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    const int64_t row = inner_ * tile.lanes;
    if (count_ < T_) std::fill_n(dx[0], tile.n * T_ * row, 0.0f);
    for (int64_t s = 0; s < tile.n; ++s)
      for (int64_t i = 0; i < count_; ++i)
        copy(tile.gradient[outputs[0]] + (s * count_ + i) * row, dx[0] + (s * T_ + source(i)) * row, row);
  }
  bool backward_reads_forward() const override { return false; }

 protected:
  virtual int64_t source(int64_t i) const = 0;  // the row of x that becomes row i

 private:
  static void copy(const float* from, float* to, int64_t floats) {
    std::memcpy(to, from, static_cast<size_t>(floats) * sizeof(float));
  }
  const int64_t T_, count_, inner_;
};

class SliceOp final : public MoveRowsOp {
 public:
  SliceOp(int x, int y, int64_t T, int64_t inner, int64_t begin, int64_t count)
      : MoveRowsOp("slice", x, y, T, count, inner), begin_(begin) {}

 private:
  int64_t source(int64_t i) const override { return begin_ + i; }
  const int64_t begin_;
};

class ReverseOp final : public MoveRowsOp {
 public:
  ReverseOp(int x, int y, int64_t T, int64_t inner) : MoveRowsOp("reverse", x, y, T, T, inner), last_(T - 1) {}

 private:
  int64_t source(int64_t i) const override { return last_ - i; }
  const int64_t last_;
};

class CopyOp final : public Op {
 public:
  CopyOp(int x, int y, int64_t features) : Op("copy", {x}, {y}, {}), features_(features) {}
  void forward(const Tile& tile, int64_t, int64_t) const override {
    std::memcpy(tile.value[outputs[0]], tile.value[inputs[0]], bytes(tile));
  }
  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] != nullptr) std::memcpy(dx[0], tile.gradient[outputs[0]], bytes(tile));
  }
  bool backward_reads_forward() const override { return false; }

 private:
  size_t bytes(const Tile& tile) const { return static_cast<size_t>(tile.n * features_ * tile.lanes) * sizeof(float); }
  const int64_t features_;
};

}  // namespace

std::unique_ptr<Op> make_rearrange(std::string kind, int x, int y, int64_t source_size,
                                   const std::vector<SourceAxis>& axes) {
  return std::make_unique<RearrangeOp>(std::move(kind), x, y, source_size, axes);
}
std::unique_ptr<Op> make_concatenate(std::vector<int> xs, int y, int64_t outer, std::vector<int64_t> inner) {
  return std::make_unique<ConcatenateOp>(std::move(xs), y, outer, std::move(inner));
}
std::unique_ptr<Op> make_slice(int x, int y, int64_t T, int64_t inner, int64_t begin, int64_t count) {
  return std::make_unique<SliceOp>(x, y, T, inner, begin, count);
}
std::unique_ptr<Op> make_reverse(int x, int y, int64_t T, int64_t inner) {
  return std::make_unique<ReverseOp>(x, y, T, inner);
}
std::unique_ptr<Op> make_copy(int x, int y, int64_t features) { return std::make_unique<CopyOp>(x, y, features); }

}  // namespace day33
