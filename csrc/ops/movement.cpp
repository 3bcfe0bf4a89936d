#include "ops/movement.h"

#include <cstring>
#include <utility>

namespace day33 {
namespace {

// The result in order, as stretches of the source, or of zeros.
struct Stretch {
  int64_t from;  // -1: zeros
  int64_t length;
};

class Stretches {
 public:
  explicit Stretches(const std::vector<SourceAxis>& axes) : axes_(axes), below_(axes.size() + 1, 1) {
    for (size_t i = axes.size(); i-- > 0;) below_[i] = below_[i + 1] * axes[i].size;
    // Axes from `whole_` on lie in the source as they do in the result.
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
  std::vector<int64_t> below_;  // elements of the result under one index of the axes up to this one
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

}  // namespace

std::unique_ptr<Op> make_rearrange(std::string kind, int x, int y, int64_t source_size,
                                   const std::vector<SourceAxis>& axes) {
  return std::make_unique<RearrangeOp>(std::move(kind), x, y, source_size, axes);
}

}  // namespace day33
