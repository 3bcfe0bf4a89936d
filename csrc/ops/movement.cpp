#include "ops/movement.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <utility>

#include "core/names.h"
#include "ops/broadcast.h"

namespace day33 {
namespace {

// Where the cells of the result come from. Axes that lie in the source as in the result are one axis here, so that
// what is left is as few and as long runs as there can be.
class Source {
 public:
  explicit Source(const std::vector<SourceAxis>& axes) {
    for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) add_before(*axis);
    if (axes_.empty()) axes_.push_back({{1, 0, 1}});
    below_.assign(axes_.size() + 1, 1);
    for (size_t i = axes_.size(); i-- > 0;) below_[i] = below_[i + 1] * size_of(axes_[i]);
  }

  int64_t size() const { return below_[0]; }
  // The cells of the result that the source has.
  int64_t found() const {
    int64_t found = 1;
    for (const SourceAxis& axis : axes_)
      found *= std::accumulate(axis.begin(), axis.end(), int64_t{0}, [](int64_t sum, const SourceRun& run) {
        return sum + (run.from == kFill ? 0 : run.count);
      });
    return found;
  }
  // Whether no cell of the source comes twice. Each axis runs over an axis of the source, or stays where it is.
  bool is_injective() const { return std::all_of(axes_.begin(), axes_.end(), has_distinct_cells); }

  // Calls visit(run, at) for the runs of the last axis, with their place in the source; `at` is the place of the first
  // cell in the result. Runs of kFill may span several axes.
  template <typename Visit>
  void each_run(Visit&& visit) const {
    walk(0, 0, 0, visit);
  }

 private:
  static int64_t size_of(const SourceAxis& axis) {
    return std::accumulate(axis.begin(), axis.end(), int64_t{0},
                           [](int64_t sum, const SourceRun& run) { return sum + run.count; });
  }

  static bool has_distinct_cells(const SourceAxis& axis) {
    std::vector<std::pair<int64_t, int64_t>> spans;  // of runs whose cells are distinct by themselves
    for (const SourceRun& run : axis) {
      if (run.from == kFill) continue;
      if (run.count > 1 && run.stride == 0) return false;
      const int64_t last = run.from + (run.count - 1) * run.stride;
      spans.emplace_back(std::min(run.from, last), std::max(run.from, last));
    }
    std::sort(spans.begin(), spans.end());
    for (size_t i = 1; i < spans.size(); ++i)
      if (spans[i].first <= spans[i - 1].second) return false;  // or interleaved; to add is right in any case
    return true;
  }

  // Puts an axis before those that are there, or joins it with the first of them.
  void add_before(SourceAxis axis) {
    std::erase_if(axis, [](const SourceRun& run) { return run.count == 0; });
    for (SourceRun& run : axis)
      if (run.count == 1) run.stride = 1;
    const bool joins =
        !axes_.empty() && axes_.front().size() == 1 && axes_.front()[0].from != kFill &&
        std::all_of(axis.begin(), axis.end(), [&](const SourceRun& run) {
          const SourceRun& inner = axes_.front()[0];
          return run.from == kFill || run.count == 1 || inner.count == 1 || run.stride == inner.count * inner.stride;
        });
    if (!joins) {
      axes_.insert(axes_.begin(), std::move(axis));
      return;
    }
    const SourceRun inner = axes_.front()[0];
    for (SourceRun& run : axis)
      run = {run.count * inner.count, run.from == kFill ? kFill : run.from + inner.from,
             inner.count == 1 ? run.stride : inner.stride};
    axes_.front() = std::move(axis);
  }

  template <typename Visit>
  void walk(size_t depth, int64_t source, int64_t at, Visit& visit) const {
    const int64_t below = below_[depth + 1];
    for (const SourceRun& run : axes_[depth]) {
      if (run.from == kFill)
        visit(SourceRun{run.count * below, kFill, 0}, at);
      else if (depth + 1 == axes_.size())
        visit(SourceRun{run.count, source + run.from, run.stride}, at);
      else
        for (int64_t i = 0; i < run.count; ++i)
          walk(depth + 1, source + run.from + i * run.stride, at + i * below, visit);
      at += run.count * below;
    }
  }

  std::vector<SourceAxis> axes_;
  std::vector<int64_t> below_;  // cells of the result per index of the axes up to this one
};

// The sums over what was repeated, where the axes do nothing but repeat a source that is otherwise as it was.
std::optional<ReduceChain> sums_of_repeated(const std::vector<SourceAxis>& axes, int64_t source_size) {
  std::vector<int64_t> sizes{1};  // of the samples
  std::vector<char> repeated{0};
  int64_t inner = source_size;
  for (const SourceAxis& axis : axes) {
    if (axis.size() != 1 || axis[0].from != 0 || axis[0].count == 0) return {};
    const auto [count, from, stride] = axis[0];
    if (count == 1) continue;
    if (stride != 0 && inner != count * stride) return {};
    if (stride != 0) inner = stride;
    sizes.push_back(count);
    repeated.push_back(stride == 0);
  }
  if (inner != 1 || std::find(repeated.begin(), repeated.end(), 1) == repeated.end()) return {};
  return ReduceChain(sizes, repeated);
}

class RearrangeOp final : public Op {
 public:
  RearrangeOp(std::string kind, int x, int y, int64_t source_size, const std::vector<SourceAxis>& axes, float fill)
      : Op(std::move(kind), {x}, {y}, {}),
        in_(source_size),
        fill_(fill),
        source_(axes),
        out_(source_.size()),
        injective_(source_.is_injective()),
        onto_(injective_ && source_.found() == source_size),
        sums_(sums_of_repeated(axes, source_size)) {}

  int64_t units(int64_t n) const override { return n; }
  int64_t scratch_size(const Kernels&, int lanes, int64_t n) const override {
    return sums_ ? sums_->scratch_size(n, lanes) : 0;
  }

  void forward(const Tile& tile, int64_t begin, int64_t end) const override {
    const int64_t lanes = tile.lanes;
    for (int64_t sample = begin; sample < end; ++sample) {
      const float* x = tile.value[inputs[0]] + sample * in_ * lanes;
      float* y = tile.value[outputs[0]] + sample * out_ * lanes;
      source_.each_run([&](const SourceRun& run, int64_t at) {
        float* to = y + at * lanes;
        if (run.from == kFill) {
          std::fill_n(to, run.count * lanes, fill_);
        } else if (run.stride == 1) {
          copy(x + run.from * lanes, to, run.count * lanes);
        } else if (lanes == 1) {
          const float* from = x + run.from;
          for (int64_t i = 0; i < run.count; ++i) to[i] = from[i * run.stride];
        } else {
          for (int64_t i = 0; i < run.count; ++i) copy(x + (run.from + i * run.stride) * lanes, to + i * lanes, lanes);
        }
      });
    }
  }

  void backward(const Tile& tile, float* const* dx) const override {
    if (dx[0] == nullptr) return;
    if (sums_)
      return sums_->run(*tile.kernels, Reduce::sum, false, tile.n, tile.lanes, tile.gradient[outputs[0]], dx[0],
                        tile.scratch);
    const int64_t lanes = tile.lanes;
    if (!onto_) std::fill_n(dx[0], tile.n * in_ * lanes, 0.0f);
    for (int64_t sample = 0; sample < tile.n; ++sample) {
      float* into = dx[0] + sample * in_ * lanes;
      const float* dy = tile.gradient[outputs[0]] + sample * out_ * lanes;
      source_.each_run([&](const SourceRun& run, int64_t at) {
        if (run.from != kFill) take_back(*tile.kernels, run, dy + at * lanes, into + run.from * lanes, lanes);
      });
    }
  }
  bool backward_reads_forward() const override { return false; }

 private:
  static void copy(const float* from, float* to, int64_t floats) {
    std::memcpy(to, from, static_cast<size_t>(floats) * sizeof(float));
  }

  // The gradient of one run: copied where no other cell has the same source.
  void take_back(const Kernels& kernels, const SourceRun& run, const float* dy, float* dx, int64_t lanes) const {
    const int64_t step = run.stride * lanes;
    if (run.stride == 1 && injective_) {
      copy(dy, dx, run.count * lanes);
    } else if (run.stride == 1) {
      kernels.add_to(dy, dx, run.count * lanes);
    } else if (injective_) {
      for (int64_t i = 0; i < run.count; ++i)
        for (int64_t lane = 0; lane < lanes; ++lane) dx[i * step + lane] = dy[i * lanes + lane];
    } else {
      for (int64_t i = 0; i < run.count; ++i)
        for (int64_t lane = 0; lane < lanes; ++lane) dx[i * step + lane] += dy[i * lanes + lane];
    }
  }

  const int64_t in_;
  const float fill_;
  const Source source_;
  const int64_t out_;
  const bool injective_, onto_;
  const std::optional<ReduceChain> sums_;
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

PadMode parse_pad_mode(const std::string& name) {
  constexpr const char* kNames[] = {DAY33_PAD_MODES(DAY33_ENUMERATOR_NAME)};
  return parse_name<PadMode>("mode", name, kNames);
}

SourceAxis indexed_axis(const std::vector<int64_t>& indices, int64_t step) {
  SourceAxis axis;
  for (int64_t index : indices) {
    const int64_t from = index == kFill ? kFill : index * step;
    if (!axis.empty()) {
      SourceRun& last = axis.back();
      const bool fill = from == kFill;
      if (!fill && last.count == 1 && last.from != kFill) last.stride = from - last.from;
      if (fill == (last.from == kFill) && (fill || last.from + last.count * last.stride == from)) {
        ++last.count;
        continue;
      }
    }
    axis.push_back({1, from, 0});
  }
  return axis;
}

std::unique_ptr<Op> make_rearrange(std::string kind, int x, int y, int64_t source_size,
                                   const std::vector<SourceAxis>& axes, float fill) {
  return std::make_unique<RearrangeOp>(std::move(kind), x, y, source_size, axes, fill);
}
std::unique_ptr<Op> make_concatenate(std::vector<int> xs, int y, int64_t outer, std::vector<int64_t> inner) {
  return std::make_unique<ConcatenateOp>(std::move(xs), y, outer, std::move(inner));
}
std::unique_ptr<Op> make_copy(int x, int y, int64_t features) { return std::make_unique<CopyOp>(x, y, features); }

}  // namespace day33
