#include "engine/executor.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "core/block_pool.h"
#include "core/thread_pool.h"
#include "engine/profile.h"
#include "engine/workspace.h"

namespace day33 {
namespace {

// Below this much work (Program::work), which is about 20 microseconds, waking threads costs more time than they save.
constexpr int64_t kWorthThreads = 1'000'000;

void clear(float* x, int64_t n) {
  if (x != nullptr) std::memset(x, 0, static_cast<size_t>(n) * sizeof(float));
}

void clear_gradients(const Graph& graph, const Request& request) {
  for (size_t slot = 0; slot < graph.parameters.size(); ++slot)
    clear(request.parameter_gradients[slot], graph.parameters[slot].size);
  for (size_t slot = 0; slot < request.slice_sums.size(); ++slot) {
    clear(request.slice_sums[slot].squares, graph.parameters[slot].size);
    clear(request.slice_sums[slot].magnitudes, graph.parameters[slot].size);
  }
}

// One call in progress: everything that the tiles share. What belongs to one tile is in its arena.
class Run {
 public:
  Run(const Program& program, Request& request)
      : p_(program),
        graph_(program.graph),
        request_(request),
        tiles_(program.tiles(request.samples)),
        groups_(program.groups(request.samples)) {}

  void execute() {
    const Stopwatch whole(cost(&Profile::whole));
    {
      const Stopwatch packing(cost(&Profile::packing));
      weights_ = p_.packed_weights(request_);
    }
    statistics_ = AlignedBuffer(p_.statistics_floats);
    partials_.resize(static_cast<size_t>(p_.partial_doubles * tiles_));
    losses_.resize(graph_.losses.size() * static_cast<size_t>(p_.purpose.losses ? tiles_ : 0));
    accumulators_ = AlignedBuffer(p_.accumulator_floats * groups_);
    if (p_.purpose.backward) clear_gradients(graph_, request_);
    const bool few = !p_.purpose.backward && tiles_ < num_threads() && worth_threads(p_.work);
    if (p_.passes.size() > 1 || few) shared_arena_ = lease_block(p_.memory.floats * tiles_);

    for (size_t pass = 0; pass < p_.passes.size(); ++pass) {
      few ? breadth_first(pass) : depth_first(pass);
      finish(p_.passes[pass]);
    }
    if (shared_arena_) return_block(std::move(shared_arena_));
    if (p_.purpose.backward) collect_gradients();
    if (p_.purpose.losses) collect_losses();
  }

 private:
  // ---- the order of the tiles ----

  void depth_first(size_t pass) {
    const auto run_group = [&](int64_t group) {
      if (pass == 0) clear_accumulators(group);
      std::unique_ptr<AlignedBuffer> own;
      if (!shared_arena_) own = lease_block(p_.memory.floats);
      const Arena arena = own ? Arena{own->data(), 1} : shared();
      Workspace w(p_, request_);
      for (int64_t tile = group * tiles_ / groups_; tile < (group + 1) * tiles_ / groups_; ++tile) {
        w.open(tile, arena);
        if (pass == 0) load_inputs(w);
        for (const Action& action : p_.passes[pass].actions) act(w, group, action);
        if (pass + 1 == p_.passes.size()) store_results(w);
      }
      if (own) return_block(std::move(own));
    };
    const bool idle = pass > 0 && pass + 1 < p_.passes.size() && p_.passes[pass].actions.empty();
    if (idle) return;
    if (worth_threads(p_.work))
      parallel_for(groups_, run_group);
    else
      for (int64_t group = 0; group < groups_; ++group) run_group(group);
  }

  // For few tiles: op by op, each op cut into rows for all threads. Rows are independent, so the bits are the same.
  void breadth_first(size_t pass) {
    std::vector<Workspace> all(static_cast<size_t>(tiles_), Workspace(p_, request_));
    for (int64_t t = 0; t < tiles_; ++t) {
      all[t].open(t, shared());
      if (pass == 0) load_inputs(all[t]);
    }
    for (const Action& action : p_.passes[pass].actions) {
      if (action.kind != Action::forward) {
        for (Workspace& w : all) act(w, 0, action);
        continue;
      }
      const Op& op = *graph_.ops[action.op];
      for (Workspace& w : all) prepare(w, action.op);
      const int64_t units = op.units(all[0].tile.n);
      const int64_t parts =
          worth_threads(p_.work_of(op)) ? std::min<int64_t>(units, 4 * static_cast<int64_t>(num_threads())) : 1;
      const int64_t scratch_floats = parts > 1 ? p_.memory.scratch_floats : 0;
      std::unique_ptr<AlignedBuffer> scratch;  // one block per part, since parts work on one tile at the same time
      if (scratch_floats > 0) scratch = lease_block(scratch_floats * tiles_ * parts);
      const auto part = [&](int64_t index) {
        const Workspace& w = all[index / parts];
        const int64_t mine = op.units(w.tile.n), i = index % parts;
        Tile tile = w.tile;
        if (scratch) tile.scratch = scratch->data() + index * scratch_floats;
        const Stopwatch forward(forward_cost(action.op));
        op.forward(tile, i * mine / parts, (i + 1) * mine / parts);
      };
      if (parts == 1)
        for (int64_t t = 0; t < tiles_; ++t) part(t);
      else
        parallel_for(tiles_ * parts, part);
      if (scratch) return_block(std::move(scratch));
    }
    if (pass + 1 == p_.passes.size())
      for (Workspace& w : all) store_results(w);
  }

  bool worth_threads(int64_t work) const { return work * request_.samples >= kWorthThreads; }
  Arena shared() const { return {shared_arena_->data(), tiles_}; }

  // ---- what it costs: null without a profile ----

  Cost* cost(Cost Profile::* kind) const { return request_.profile == nullptr ? nullptr : &(request_.profile->*kind); }
  Cost* forward_cost(int op) const { return request_.profile == nullptr ? nullptr : &request_.profile->forward[op]; }
  Cost* backward_cost(int op) const { return request_.profile == nullptr ? nullptr : &request_.profile->backward[op]; }

  // ---- one tile ----

  void load_inputs(Workspace& w) const {
    const Stopwatch ends(cost(&Profile::ends));
    w.load_inputs();
  }
  void store_results(Workspace& w) const {
    const Stopwatch ends(cost(&Profile::ends));
    w.store_results();
  }

  void prepare(Workspace& w, int op) const {
    const int64_t statistics = p_.statistics[op];
    const auto block = [&](int64_t at) { return at < 0 || !p_.packs(op, request_) ? nullptr : weights_->data() + at; };
    w.tile.packed = block(p_.packed[op]);
    w.tile.packed_backward = block(p_.packed_backward[op]);
    w.tile.statistics = statistics < 0 ? nullptr : statistics_.data() + statistics;
  }

  void act(Workspace& w, int64_t group, const Action& action) {
    if (action.kind == Action::losses) return losses(w);
    if (action.kind == Action::output_gradients) {
      const Stopwatch ends(cost(&Profile::ends));
      return w.load_output_gradients();
    }
    prepare(w, action.op);
    if (action.kind == Action::forward) return forward(w, action.op);
    if (action.kind == Action::forward_partial) {
      const Stopwatch forward(forward_cost(action.op));
      return statistics_of(action.op).forward_partial(w.tile, partial(action.op, w.index));
    }
    if (action.kind == Action::backward_partial) {
      const Stopwatch backward(backward_cost(action.op));
      return statistics_of(action.op).backward_partial(w.tile, partial(action.op, w.index));
    }
    w.accumulate.clear();
    for (int64_t offset : p_.accumulator[action.op])
      w.accumulate.push_back(offset < 0 ? nullptr : group_accumulators(group) + offset);
    backward(w, action.op);
  }

  void forward(const Workspace& w, int index) const {
    const Op& op = *graph_.ops[index];
    const Stopwatch forward(forward_cost(index));
    op.forward(w.tile, 0, op.units(w.tile.n));
  }

  void backward(Workspace& w, int index) {
    const Op& op = *graph_.ops[index];
    const Stopwatch backward(backward_cost(index));
    w.tile.accumulate = w.accumulate.data();
    w.tile.slices = w.slices.data();
    op.backward(w.tile, w.begin_gradients(op.inputs, p_.writes[index]));
    w.end_gradients(op.inputs, p_.writes[index]);
  }

  void losses(Workspace& w) {
    const Stopwatch losses(cost(&Profile::losses));
    for (size_t l = 0; l < graph_.losses.size(); ++l) {
      if (p_.joined[l] >= 0) continue;
      const LossArgs args = w.loss_args(l);
      loss_of(l, w.index) = run_loss(*w.tile.kernels, graph_.losses[l], args);
      w.add_loss(l, args);
    }
  }

  // ---- the whole batch ----

  void finish(const Pass& pass) {
    if (pass.end == Pass::results) return;
    if (pass.end == Pass::reduce_forward || pass.end == Pass::reduce_backward) return reduce(pass);
    const Op& op = *graph_.ops[pass.op];
    std::unique_ptr<AlignedBuffer> memory =
        lease_block(std::max<int64_t>(op.scratch_size(*p_.purpose.kernels, p_.lanes, request_.samples), 1));
    Workspace w(p_, request_);
    w.open_whole(shared(), memory->data());
    prepare(w, pass.op);
    // The op adds to the caller's gradients: there is one tile, so its sums have one order.
    for (int slot : op.parameters) {
      const bool wanted = p_.purpose.backward && slot >= 0 && graph_.parameters[slot].trainable;
      w.accumulate.push_back(wanted ? request_.parameter_gradients[slot] : nullptr);
      const bool slices = wanted && !request_.slice_sums.empty() && p_.gradient_kind[slot] == GradientKind::slices;
      w.slices.push_back(slices ? request_.slice_sums[slot] : SliceSums{});
    }
    if (pass.end == Pass::whole_forward)
      forward(w, pass.op);
    else if (pass.end == Pass::whole_backward)
      backward(w, pass.op);
    else
      joined(w, pass);
    return_block(std::move(memory));
  }

  void joined(Workspace& w, const Pass& pass) {
    const Op& op = *graph_.ops[pass.op];
    const size_t l = static_cast<size_t>(pass.loss);
    const bool backward = p_.purpose.backward;
    const Stopwatch both(forward_cost(pass.op));
    const LossJoiner::Loss loss{.labels = static_cast<const int32_t*>(request_.targets[l]),
                                .weights = w.loss_weights(l),
                                .scale = w.loss_scale(l),
                                .backward = backward};
    w.tile.accumulate = w.accumulate.data();
    float* dx = backward ? w.begin_gradients(op.inputs, p_.writes[pass.op])[0] : nullptr;
    loss_of(l, 0) = op.loss_joiner(p_.lanes)->run_joined(w.tile, loss, dx);
    if (backward) w.end_gradients(op.inputs, p_.writes[pass.op]);
  }

  // ---- what the tiles share ----

  double& loss_of(size_t l, int64_t tile) {
    return losses_[l * static_cast<size_t>(tiles_) + static_cast<size_t>(tile)];
  }
  const BatchStatistics& statistics_of(int op) const { return *graph_.ops[op]->batch_statistics(p_.purpose.training); }
  double* partial(int op, int64_t tile) {
    return partials_.data() + p_.partial[op] * tiles_ + tile * statistics_of(op).partial_size();
  }
  float* group_accumulators(int64_t group) { return accumulators_.data() + group * p_.accumulator_floats; }

  void clear_accumulators(int64_t group) { std::fill_n(group_accumulators(group), p_.accumulator_floats, 0.0f); }

  void reduce(const Pass& pass) {
    const BatchStatistics& batch = statistics_of(pass.op);
    float* statistics = statistics_.data() + p_.statistics[pass.op];
    const double* partials = partial(pass.op, 0);
    if (pass.end == Pass::reduce_forward) {
      batch.forward_reduce(partials, tiles_, request_.parameters.data(), statistics);
      return;
    }
    // It goes to the accumulators of the first group, since no group is at work now.
    std::vector<float*> gradient;
    for (int64_t offset : p_.accumulator[pass.op])
      gradient.push_back(offset < 0 ? nullptr : group_accumulators(0) + offset);
    batch.backward_reduce(partials, tiles_, statistics, gradient.data());
  }

  // Adds up the groups in order, element by element; then the lanes; then the ops that share a parameter.
  void collect_gradients() {
    const Stopwatch gradients(cost(&Profile::gradients));
    for (size_t i = 0; i < graph_.ops.size(); ++i) {
      const Op& op = *graph_.ops[i];
      for (size_t k = 0; k < p_.accumulator[i].size(); ++k) {
        float* to = p_.accumulator[i][k] < 0 ? nullptr : request_.parameter_gradients[op.parameters[k]];
        if (to == nullptr) continue;
        const int64_t size = op.accumulator_size(k, graph_.parameters[op.parameters[k]].size);
        const int lanes = op.accumulator_lanes(k, p_.lanes);
        constexpr int64_t kPart = 1 << 14;
        parallel_for((size + kPart - 1) / kPart, [&](int64_t part) {
          const int64_t begin = part * kPart, end = std::min(size, begin + kPart);
          sum_groups(p_.accumulator[i][k] + begin * lanes, end - begin, lanes);
        });
        // Each part left its sums at its beginning: move them together.
        float* sums = group_accumulators(0) + p_.accumulator[i][k];
        for (int64_t begin = kPart; lanes > 1 && begin < size; begin += kPart)
          std::memmove(sums + begin, sums + begin * lanes,
                       static_cast<size_t>(std::min(size - begin, kPart)) * sizeof(float));
        op.add_gradient(k, sums, size, to);
      }
    }
    for (size_t i = 0; i < request_.input_gradients.size(); ++i) {
      const Tensor& t = graph_.tensors[graph_.inputs[i]];
      if (request_.input_gradients[i] != nullptr && !p_.wanted[t.buffer])
        std::memset(request_.input_gradients[i], 0, static_cast<size_t>(t.size * request_.samples) * sizeof(float));
    }
  }

  void sum_groups(int64_t offset, int64_t size, int lanes) {
    const Kernels& kernels = *p_.purpose.kernels;
    float* first = group_accumulators(0) + offset;
    kernels.sum_blocks(first, p_.accumulator_floats, groups_, size * lanes);
    // In place: element i is written where at least i elements were read.
    if (lanes > 1) kernels.collapse_lanes(first, first, size);
  }

  void collect_losses() {
    request_.loss_sums.assign(graph_.losses.size(), 0.0);
    for (size_t l = 0; l < graph_.losses.size(); ++l)
      for (int64_t t = 0; t < tiles_; ++t)
        request_.loss_sums[l] += losses_[l * static_cast<size_t>(tiles_) + static_cast<size_t>(t)];
  }

  const Program& p_;
  const Graph& graph_;
  Request& request_;
  const int64_t tiles_, groups_;
  PackedWeights weights_;
  AlignedBuffer statistics_, accumulators_;
  std::vector<double> partials_, losses_;
  std::unique_ptr<AlignedBuffer> shared_arena_;  // of all tiles, if tiles wait for each other
};

}  // namespace

void execute(const Program& program, Request& request) { Run(program, request).execute(); }

void execute_empty(const Graph& graph, Request& request) {
  if (request.want_losses) request.loss_sums.assign(graph.losses.size(), 0.0);
  if (request.want_backward) clear_gradients(graph, request);
}

}  // namespace day33
