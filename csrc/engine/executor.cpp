// Runs a request: tiles through passes, depth first, in fixed groups; then the reductions in a fixed order.
#include <algorithm>
#include <cstring>

#include "core/isa.h"
#include "core/thread_pool.h"
#include "engine/plan.h"

namespace day33 {
namespace {

// Lanes pay while channels are too few to fill a vector, and while a tile of one sample a lane stays near the cache.
constexpr int64_t kLanesMaxChannels = 32;
constexpr int64_t kLanesMaxSampleFloats = 1 << 17;
// Below this much work (Program::work), waking threads costs more than they save: about 20 microseconds.
constexpr int64_t kWorthThreads = 1'000'000;

// One call in progress. Everything that tiles share is here; what a tile owns is in its arena.
class Run {
 public:
  Run(const Program& program, Request& request)
      : p_(program),
        graph_(program.graph),
        request_(request),
        tiles_(program.tiles(request.samples)),
        groups_(program.groups(request.samples)) {}

  void execute() {
    weights_ = p_.packed_weights(request_.parameters.data(), request_.owner, request_.version);
    statistics_ = AlignedBuffer(p_.statistics_floats);
    partials_.resize(static_cast<size_t>(p_.partial_doubles * tiles_));
    losses_.resize(graph_.losses.size() * static_cast<size_t>(p_.purpose.losses ? tiles_ : 0));
    accumulators_ = AlignedBuffer(p_.accumulator_floats * groups_);
    if (p_.passes.size() > 1) shared_arena_ = p_.lease(p_.memory.floats * tiles_);

    if (p_.passes.size() == 1 && !p_.purpose.backward && tiles_ < num_threads() && worth_threads(p_.work))
      breadth_first();
    else
      for (size_t pass = 0; pass < p_.passes.size(); ++pass) depth_first(pass);

    if (shared_arena_) p_.give_back(std::move(shared_arena_));
    if (p_.purpose.backward) collect_gradients();
    if (p_.purpose.losses) collect_losses();
  }

 private:
  // A tile's view of its memory, made anew for every pass.
  struct Workspace {
    std::vector<float*> value, gradient;
    std::vector<float*> accumulate;
    std::vector<float*> dx;
    std::vector<const float*> source;
    std::vector<float*> sink;
    Tile tile;
    float* arena;
    int64_t group;
    int64_t index;
    int64_t samples;  // real ones
  };

  // ---- ways through the tiles ----

  void depth_first(size_t pass) {
    const auto run_group = [&](int64_t group) {
      if (pass == 0) clear_accumulators(group);
      std::unique_ptr<AlignedBuffer> own;
      if (!shared_arena_) own = p_.lease(p_.memory.floats);
      Workspace w;
      for (int64_t tile = group * tiles_ / groups_; tile < (group + 1) * tiles_ / groups_; ++tile) {
        open(w, tile, group, own ? own->data() : shared_arena_->data() + tile * p_.memory.floats);
        if (pass == 0) load_inputs(w);
        for (const Action& action : p_.passes[pass].actions) act(w, action);
        if (pass + 1 == p_.passes.size()) store_results(w);
      }
      if (own) p_.give_back(std::move(own));
    };
    if (worth_threads(p_.work))
      parallel_for(groups_, run_group);
    else
      for (int64_t group = 0; group < groups_; ++group) run_group(group);
    reduce(p_.passes[pass]);
  }

  // Few tiles: op by op, each cut into rows for all threads. Rows do not see each other, so the bits are the same.
  void breadth_first() {
    std::unique_ptr<AlignedBuffer> arena = p_.lease(p_.memory.floats * tiles_);
    std::vector<Workspace> all(static_cast<size_t>(tiles_));
    for (int64_t t = 0; t < tiles_; ++t) {
      open(all[t], t, 0, arena->data() + t * p_.memory.floats);
      load_inputs(all[t]);
    }
    for (const Action& action : p_.passes[0].actions) {
      if (action.kind != Action::forward) {
        for (Workspace& w : all) act(w, action);
        continue;
      }
      const Op& op = *graph_.ops[action.op];
      for (Workspace& w : all) prepare(w, action.op);
      const int64_t units = op.units(all[0].tile.n);
      const int64_t parts =
          worth_threads(op.multiply_adds()) ? std::min<int64_t>(units, 4 * static_cast<int64_t>(num_threads())) : 1;
      const int64_t scratch_floats = parts > 1 ? p_.memory.scratch_floats : 0;
      std::unique_ptr<AlignedBuffer> scratch;  // of their own for parts that work on one tile at the same time
      if (scratch_floats > 0) scratch = p_.lease(scratch_floats * tiles_ * parts);
      const auto part = [&](int64_t index) {
        const Workspace& w = all[index / parts];
        const int64_t mine = op.units(w.tile.n), i = index % parts;
        Tile tile = w.tile;
        if (scratch) tile.scratch = scratch->data() + index * scratch_floats;
        op.forward(tile, i * mine / parts, (i + 1) * mine / parts);
      };
      if (parts == 1)
        for (int64_t t = 0; t < tiles_; ++t) part(t);
      else
        parallel_for(tiles_ * parts, part);
      if (scratch) p_.give_back(std::move(scratch));
    }
    for (Workspace& w : all) store_results(w);
    p_.give_back(std::move(arena));
  }

  bool worth_threads(int64_t work) const { return work * request_.samples >= kWorthThreads; }

  // ---- one tile ----

  void open(Workspace& w, int64_t index, int64_t group, float* arena) {
    const int64_t first = index * p_.tile_samples;
    const int64_t samples = std::min(p_.tile_samples, request_.samples - first);
    w.index = index;
    w.group = group;
    w.arena = arena;
    w.samples = samples;
    w.value.resize(graph_.tensors.size());
    w.gradient.resize(graph_.tensors.size());
    for (size_t id = 0; id < graph_.tensors.size(); ++id) {
      const int buffer = graph_.tensors[id].buffer;
      w.value[id] = at(arena, p_.memory.value[buffer]);
      w.gradient[id] = at(arena, p_.memory.gradient[buffer]);
    }
    if (p_.lanes == 1) {
      for (size_t i = 0; i < graph_.inputs.size(); ++i)
        bind(w, graph_.inputs[i], const_cast<void*>(request_.inputs[i]), first);
      if (p_.purpose.outputs)
        for (size_t o = 0; o < graph_.outputs.size(); ++o) bind(w, graph_.outputs[o], request_.outputs[o], first);
    }
    w.tile = Tile{};
    w.tile.kernels = p_.purpose.kernels;
    w.tile.lanes = p_.lanes;
    w.tile.n = p_.lanes > 1 ? 1 : samples;
    w.tile.valid_lanes = p_.lanes > 1 ? static_cast<int>(samples) : 1;
    w.tile.first_sample = first;
    w.tile.training = p_.purpose.training;
    w.tile.seed = request_.seed;
    w.tile.value = w.value.data();
    w.tile.gradient = w.gradient.data();
    w.tile.parameter = request_.parameters.data();
    w.tile.scratch = arena + p_.memory.scratch;
  }

  static float* at(float* arena, int64_t offset) { return offset < 0 ? nullptr : arena + offset; }

  // All tensors that share the buffer of `id` see the caller's array.
  void bind(Workspace& w, int id, void* array, int64_t first_sample) {
    const Tensor& t = graph_.tensors[id];
    for (size_t other = 0; other < graph_.tensors.size(); ++other)
      if (graph_.tensors[other].buffer == t.buffer) w.value[other] = static_cast<float*>(array) + first_sample * t.size;
  }

  void prepare(Workspace& w, int op) const {
    const int64_t statistics = p_.statistics[op];
    w.tile.packed = p_.packed[op] < 0 ? nullptr : weights_->data() + p_.packed[op];
    w.tile.packed_backward = p_.packed_backward[op] < 0 ? nullptr : weights_->data() + p_.packed_backward[op];
    w.tile.statistics = statistics < 0 ? nullptr : statistics_.data() + statistics;
  }

  void act(Workspace& w, const Action& action) {
    switch (action.kind) {
      case Action::losses:
        return losses(w);
      case Action::output_gradients:
        return output_gradients(w);
      default:
        break;
    }
    const Op& op = *graph_.ops[action.op];
    prepare(w, action.op);
    switch (action.kind) {
      case Action::forward:
        return op.forward(w.tile, 0, op.units(w.tile.n));
      case Action::forward_partial:
        return op.forward_partial(w.tile, partial(action.op, w.index));
      case Action::backward_partial:
        return op.backward_partial(w.tile, partial(action.op, w.index));
      default:
        return backward(w, action.op);
    }
  }

  void backward(Workspace& w, int index) {
    const Op& op = *graph_.ops[index];
    w.accumulate.clear();
    for (int64_t offset : p_.accumulator[index])
      w.accumulate.push_back(offset < 0 ? nullptr : group_accumulators(w.group) + offset);
    w.tile.accumulate = w.accumulate.data();
    // A gradient that joins another one is made in the addend first.
    w.dx.clear();
    float* addend = w.arena + p_.memory.addend;
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      const Write how = p_.writes[index][i];
      w.dx.push_back(how == Write::none ? nullptr : how == Write::set ? w.gradient[op.inputs[i]] : addend);
      if (how == Write::add) addend += gradient_floats(w, op.inputs[i]);
    }
    op.backward(w.tile, w.dx.data());
    for (size_t i = 0; i < op.inputs.size(); ++i)
      if (p_.writes[index][i] == Write::add) add_into(w, op.inputs[i], w.dx[i]);
  }

  int64_t gradient_floats(const Workspace& w, int tensor) const {
    return graph_.tensors[tensor].size * w.tile.n * p_.lanes;
  }

  void add_into(Workspace& w, int tensor, const float* addend) {
    w.tile.kernels->add_to(addend, w.gradient[tensor], gradient_floats(w, tensor));
  }

  // ---- in and out ----

  void load(Workspace& w, const void* array, int64_t size, float* to) {
    const float* from = static_cast<const float*>(array) + w.tile.first_sample * size;
    if (p_.lanes == 1) {
      std::memcpy(to, from, static_cast<size_t>(w.samples * size) * sizeof(float));
      return;
    }
    // Lanes without a sample repeat the last one: whatever it does, it does not add anything new.
    w.source.resize(static_cast<size_t>(p_.lanes));
    for (int64_t lane = 0; lane < p_.lanes; ++lane) w.source[lane] = from + std::min(lane, w.samples - 1) * size;
    w.tile.kernels->pack_lanes(w.source.data(), to, size);
  }

  void save(Workspace& w, const float* from, int64_t size, void* array) {
    float* to = static_cast<float*>(array) + w.tile.first_sample * size;
    if (p_.lanes == 1) {
      std::memcpy(to, from, static_cast<size_t>(w.samples * size) * sizeof(float));
      return;
    }
    w.sink.resize(static_cast<size_t>(p_.lanes));
    for (int64_t lane = 0; lane < w.samples; ++lane) w.sink[lane] = to + lane * size;
    w.tile.kernels->unpack_lanes(from, w.sink.data(), size, static_cast<int>(w.samples));
  }

  void load_inputs(Workspace& w) {
    if (p_.lanes == 1) return;
    for (size_t i = 0; i < graph_.inputs.size(); ++i) {
      const int id = graph_.inputs[i];
      if (w.value[id] != nullptr) load(w, request_.inputs[i], graph_.tensors[id].size, w.value[id]);
    }
  }

  void store_results(Workspace& w) {
    if (p_.lanes > 1 && p_.purpose.outputs)
      for (size_t o = 0; o < graph_.outputs.size(); ++o) {
        const int id = graph_.outputs[o];
        save(w, w.value[id], graph_.tensors[id].size, request_.outputs[o]);
      }
    for (size_t i = 0; i < request_.input_gradients.size(); ++i) {
      const int id = graph_.inputs[i];
      if (request_.input_gradients[i] != nullptr && p_.wanted[graph_.tensors[id].buffer])
        save(w, w.gradient[id], graph_.tensors[id].size, request_.input_gradients[i]);
    }
  }

  void losses(Workspace& w) {
    for (size_t l = 0; l < graph_.losses.size(); ++l) {
      const LossTerm& term = graph_.losses[l];
      LossArgs args{};
      args.rows = term.rows * w.tile.n;
      args.C = term.C;
      args.lanes = p_.lanes;
      args.valid_lanes = w.tile.valid_lanes;
      args.prediction = w.value[term.tensor];
      const float* target = static_cast<const float*>(request_.targets[l]) + w.tile.first_sample * term.target_size();
      if (p_.lanes > 1) {
        float* packed = w.arena + p_.memory.target[l];
        load(w, request_.targets[l], term.target_size(), packed);
        target = packed;
      }
      if (term.sparse())
        args.labels = reinterpret_cast<const int32_t*>(target);
      else
        args.target = target;
      args.weights = loss_weights(w, l);
      const Write how = p_.purpose.backward ? p_.root_writes[l] : Write::none;
      if (how == Write::set) args.gradient = w.gradient[term.tensor];
      if (how == Write::add) args.gradient = w.arena + p_.memory.addend;
      args.scale = term.weight;
      if (term.mean) args.scale /= static_cast<float>(request_.samples * term.rows);
      losses_[l * static_cast<size_t>(tiles_) + static_cast<size_t>(w.index)] = run_loss(*w.tile.kernels, term, args);
      if (how == Write::add) add_into(w, term.tensor, args.gradient);
    }
  }

  // [rows][lanes] weights of loss l, spread over positions where they are given by sample.
  const float* loss_weights(Workspace& w, size_t l) {
    const float* given = request_.sample_weights.empty() ? nullptr : request_.sample_weights[l];
    if (given == nullptr) return nullptr;
    const int64_t rows = graph_.losses[l].rows;
    float* to = w.arena + p_.memory.loss_weight[l];
    if (request_.weights_per_position[l]) {
      load(w, given, rows, to);
      return to;
    }
    const int64_t first = w.tile.first_sample;
    if (p_.lanes > 1) {
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t lane = 0; lane < p_.lanes; ++lane)
          to[row * p_.lanes + lane] = given[first + std::min(lane, w.samples - 1)];
    } else {
      for (int64_t sample = 0; sample < w.samples; ++sample)
        std::fill_n(to + sample * rows, rows, given[first + sample]);
    }
    return to;
  }

  void output_gradients(Workspace& w) {
    for (size_t o = 0; o < graph_.outputs.size(); ++o) {
      const int id = graph_.outputs[o];
      if (p_.root_writes[o] == Write::none || graph_.tensors[id].dtype != DType::float32) continue;
      const bool add = p_.root_writes[o] == Write::add;
      float* to = add ? w.arena + p_.memory.addend : w.gradient[id];
      const int64_t size = graph_.tensors[id].size;
      load(w, request_.output_gradients[o], size, to);
      clear_idle_lanes(w, to, size);
      if (add) add_into(w, id, to);
    }
  }

  // Lanes without a sample must not add to the gradients of parameters.
  void clear_idle_lanes(Workspace& w, float* values, int64_t size) const {
    for (int64_t lane = w.samples; p_.lanes > 1 && lane < p_.lanes; ++lane)
      for (int64_t i = 0; i < size; ++i) values[i * p_.lanes + lane] = 0.0f;
  }

  // ---- what tiles have in common ----

  double* partial(int op, int64_t tile) {
    return partials_.data() + p_.partial[op] * tiles_ + tile * graph_.ops[op]->partial_size();
  }
  float* group_accumulators(int64_t group) { return accumulators_.data() + group * p_.accumulator_floats; }

  void clear_accumulators(int64_t group) { std::fill_n(group_accumulators(group), p_.accumulator_floats, 0.0f); }

  void reduce(const Pass& pass) {
    if (pass.reduce_op < 0) return;
    const Op& op = *graph_.ops[pass.reduce_op];
    float* statistics = statistics_.data() + p_.statistics[pass.reduce_op];
    const double* partials = partial(pass.reduce_op, 0);
    if (!pass.reduce_backward) {
      op.forward_reduce(partials, tiles_, request_.parameters.data(), statistics);
      return;
    }
    // The first group's accumulators take it; no group is at work now.
    std::vector<float*> gradient;
    for (int64_t offset : p_.accumulator[pass.reduce_op])
      gradient.push_back(offset < 0 ? nullptr : group_accumulators(0) + offset);
    op.backward_reduce(partials, tiles_, statistics, gradient.data());
  }

  // Groups are added in order, element by element; then the lanes; then the ops that share a parameter.
  void collect_gradients() {
    for (size_t slot = 0; slot < graph_.parameters.size(); ++slot)
      if (float* to = request_.parameter_gradients[slot])
        std::memset(to, 0, static_cast<size_t>(graph_.parameters[slot].size) * sizeof(float));
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
        // Each part left its sums at its own beginning.
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
    for (int64_t group = 1; group < groups_; ++group)
      kernels.add_to(group_accumulators(group) + offset, first, size * lanes);
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
  std::shared_ptr<const AlignedBuffer> weights_;
  AlignedBuffer statistics_, accumulators_;
  std::vector<double> partials_, losses_;
  std::unique_ptr<AlignedBuffer> shared_arena_;
};

// No samples: nothing runs; sums and gradients are zero.
void answer_empty(const Graph& graph, Request& request) {
  if (request.want_losses) request.loss_sums.assign(graph.losses.size(), 0.0);
  if (!request.want_backward) return;
  for (size_t slot = 0; slot < graph.parameters.size(); ++slot)
    if (float* to = request.parameter_gradients[slot])
      std::memset(to, 0, static_cast<size_t>(graph.parameters[slot].size) * sizeof(float));
}

}  // namespace

bool Plan::uses_lanes(int64_t samples) const {
  if (graph_.layout != Layout::automatic) return graph_.layout == Layout::lanes;
  const int lanes = active_kernels().lanes;
  if (samples < lanes / 2) return false;
  bool convolutions = false;
  for (const auto& op : graph_.ops) {
    if (op->kind != "conv2d" && op->kind != "conv2d_transpose") continue;
    convolutions = true;
    if (op->channels() > kLanesMaxChannels) return false;
  }
  int64_t floats = 0;
  for (const Tensor& t : graph_.tensors) floats += t.size;
  for (const ParameterInfo& parameter : graph_.parameters) floats += parameter.size;
  return convolutions && floats <= kLanesMaxSampleFloats;
}

std::shared_ptr<const Program> Plan::program(const Purpose& purpose) const {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& existing : programs_)
    if (existing->purpose == purpose) return existing;
  programs_.push_back(std::make_shared<const Program>(graph_, purpose));
  return programs_.back();
}

void Plan::run(Request& request) const {
  if (request.samples == 0) return answer_empty(graph_, request);
  Purpose purpose;
  purpose.lanes = uses_lanes(request.samples);
  purpose.outputs = request.want_outputs;
  purpose.losses = request.want_losses;
  purpose.backward = request.want_backward;
  purpose.input_gradients = !request.input_gradients.empty();
  purpose.training = request.training;
  purpose.kernels = &active_kernels();
  const std::shared_ptr<const Program> ready = program(purpose);
  Run(*ready, request).execute();
}

}  // namespace day33
