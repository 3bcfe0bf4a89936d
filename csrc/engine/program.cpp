#include "engine/program.h"

#include <algorithm>
#include <limits>

#include "core/block_pool.h"
#include "engine/request.h"

namespace day33 {
namespace {

constexpr int64_t kTileBytes = 512 * 1024;  // channels layout: a tile has as many samples as fit here ...
constexpr int64_t kTileSamples = 16;        // ... but at most this many
constexpr int64_t kMaxGroups = 16;
constexpr int64_t kAccumulatorBytes = 256 << 20;  // of all groups together, at most

// Places blocks that are alive over [from, to] of a timeline so that blocks alive at the same time do not overlap:
// first fit, in the order in which they begin. Blocks are aligned to cache lines.
class Placer {
 public:
  int64_t place(int64_t floats, int64_t from, int64_t to) {
    floats = round_to_line(std::max<int64_t>(floats, 1));
    std::vector<const Block*> alive;
    for (const Block& b : blocks_)
      if (b.from <= to && from <= b.to) alive.push_back(&b);
    std::sort(alive.begin(), alive.end(), [](const Block* a, const Block* b) { return a->offset < b->offset; });
    int64_t offset = 0;
    for (const Block* b : alive) {
      if (offset + floats <= b->offset) break;
      offset = std::max(offset, b->offset + b->floats);
    }
    blocks_.push_back({offset, floats, from, to});
    total_ = std::max(total_, offset + floats);
    return offset;
  }
  int64_t total() const { return total_; }

 private:
  struct Block {
    int64_t offset, floats, from, to;
  };
  std::vector<Block> blocks_;
  int64_t total_ = 0;
};

}  // namespace

Program::~Program() { forget_packed(this); }

Program::Program(const Graph& g, const Purpose& p)
    : graph(g), purpose(p), lanes(p.lanes ? p.kernels->lanes : 1), tile_samples(1) {
  buffer_size_.assign(g.buffers, 0);
  for (const Tensor& t : g.tensors) buffer_size_[t.buffer] = t.size;
  bound.assign(g.buffers, 0);
  if (lanes == 1) {
    for (int id : g.inputs) bound[g.tensors[id].buffer] = 1;
    if (p.outputs)
      for (int id : g.outputs) bound[g.tensors[id].buffer] = 1;
  }
  std::vector<char> runs;
  join_losses();
  choose_forward_ops(runs);
  if (p.backward) plan_backward(runs);
  plan_passes(runs);
  interleaved = std::any_of(passes.begin(), passes.end(), [](const Pass& pass) { return pass.is_whole(); });
  plan_memory(runs);
  if (lanes == 1) {
    int64_t floats = memory.floats;  // here and in the caller's arrays
    for (int b = 0; b < g.buffers; ++b) floats += bound[b] ? buffer_size_[b] : 0;
    tile_samples = std::clamp<int64_t>(kTileBytes / (floats * static_cast<int64_t>(sizeof(float))), 1, kTileSamples);
    if (tile_samples > 1) plan_memory(runs);
  } else {
    tile_samples = 1;  // for the sizes in memory: a tile has one sample per lane
  }
  plan_weights(runs);
  if (lanes > 1) tile_samples = lanes;
}

// A loss may be joined with the op that makes its prediction, if nothing else reads the prediction.
void Program::join_losses() {
  joined.assign(graph.losses.size(), -1);
  if (!purpose.losses || purpose.reaches_outputs() || !graph.join_losses) return;
  std::vector<int> readers(graph.buffers, 0);
  for (const auto& op : graph.ops)
    for (int id : op->inputs) ++readers[graph.tensors[id].buffer];
  for (const LossTerm& term : graph.losses) ++readers[graph.tensors[term.tensor].buffer];
  for (size_t l = 0; l < graph.losses.size(); ++l) {
    const LossTerm& term = graph.losses[l];
    if (!term.sparse() || !term.from_logits) continue;
    const int buffer = graph.tensors[term.tensor].buffer;
    for (size_t i = 0; i < graph.ops.size() && readers[buffer] == 1; ++i)
      if (graph.ops[i]->loss_joiner(lanes) != nullptr && graph.tensors[graph.ops[i]->outputs[0]].buffer == buffer)
        joined[l] = static_cast<int>(i);
  }
}

bool Program::is_joined(size_t op) const {
  return std::find(joined.begin(), joined.end(), static_cast<int>(op)) != joined.end();
}

int Program::root_tensor(size_t loss) const {
  return joined[loss] < 0 ? graph.losses[loss].tensor : graph.ops[joined[loss]]->inputs[0];
}

void Program::choose_forward_ops(std::vector<char>& runs) const {
  runs.assign(graph.ops.size(), 0);
  std::vector<char> needed(graph.buffers, 0);
  if (purpose.reaches_outputs())
    for (int id : graph.outputs) needed[graph.tensors[id].buffer] = 1;
  if (purpose.losses)
    for (const LossTerm& term : graph.losses) needed[graph.tensors[term.tensor].buffer] = 1;
  for (size_t i = graph.ops.size(); i-- > 0;) {
    const Op& op = *graph.ops[i];
    runs[i] =
        std::any_of(op.outputs.begin(), op.outputs.end(), [&](int id) { return needed[graph.tensors[id].buffer]; }) ||
        (op.has_effect() && (purpose.outputs || purpose.losses));
    for (size_t in = 0; runs[i] && in < op.inputs.size(); ++in)
      if (op.reads(in, purpose.training)) needed[graph.tensors[op.inputs[in]].buffer] = 1;
  }
}

void Program::plan_backward(const std::vector<char>& runs) {
  const auto buffer = [&](int id) { return graph.tensors[id].buffer; };
  wanted.assign(graph.buffers, 0);
  runs_backward.assign(graph.ops.size(), 0);
  writes.resize(graph.ops.size());
  if (purpose.input_gradients)
    for (int id : graph.inputs)
      if (graph.tensors[id].dtype == DType::float32) wanted[buffer(id)] = 1;
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    if (!runs[i] || graph.tensors[graph.ops[i]->outputs[0]].dtype != DType::float32) continue;  // masks have none
    const Op& op = *graph.ops[i];
    const bool own = std::any_of(op.parameters.begin(), op.parameters.end(),
                                 [&](int slot) { return slot >= 0 && graph.parameters[slot].trainable; });
    if (op.passes_gradient() &&
        (own || std::any_of(op.inputs.begin(), op.inputs.end(), [&](int id) { return wanted[buffer(id)]; })))
      wanted[buffer(op.outputs[0])] = 1;
  }

  std::vector<char> written(graph.buffers, 0);
  const auto write_to = [&](int id) {
    if (!wanted[buffer(id)]) return Write::none;
    const Write how = written[buffer(id)] ? Write::add : Write::set;
    written[buffer(id)] = 1;
    return how;
  };
  if (purpose.losses) {
    root_writes.resize(graph.losses.size());
    for (bool with_op : {false, true})  // in the order in which they run; each joined loss ends a pass
      for (size_t l = 0; l < graph.losses.size(); ++l) {
        if ((joined[l] >= 0) != with_op) continue;
        root_writes[l] = write_to(root_tensor(l));
        if (!with_op) continue;
        runs_backward[joined[l]] = 1;
        writes[joined[l]].push_back(root_writes[l]);
      }
  } else {
    for (int id : graph.outputs) root_writes.push_back(write_to(id));
  }
  for (size_t i = graph.ops.size(); i-- > 0;) {
    const Op& op = *graph.ops[i];
    if (!runs[i] || !written[buffer(op.outputs[0])]) continue;
    runs_backward[i] = 1;
    for (int id : op.inputs) writes[i].push_back(write_to(id));
  }
  for (int b = 0; b < graph.buffers; ++b)
    if (!written[b]) wanted[b] = 0;
  note_gradient_kinds();
}

void Program::note_gradient_kinds() {
  gradient_kind.assign(graph.parameters.size(), GradientKind::none);
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    const Op& op = *graph.ops[i];
    for (size_t k = 0; runs_backward[i] && k < op.parameters.size(); ++k) {
      const int slot = op.parameters[k];
      if (slot < 0 || !graph.parameters[slot].trainable) continue;
      const GradientKind kind = is_whole(i) && op.gives_slices(k) ? GradientKind::slices : GradientKind::whole;
      gradient_kind[slot] = std::max(gradient_kind[slot], kind);
    }
  }
}

void Program::plan_passes(const std::vector<char>& runs) {
  passes.emplace_back();
  const auto emit = [&](Action::Kind kind, int op = -1) { passes.back().actions.push_back({kind, op}); };
  const auto close = [&](Pass::End end, size_t op, int loss = -1) {
    passes.back().end = end;
    passes.back().op = static_cast<int>(op);
    passes.back().loss = loss;
    passes.emplace_back();
  };
  // A gradient that does not read what forward wrote does not need forward.
  const bool skip_forward = purpose.backward && !purpose.losses && !purpose.outputs && graph.ops.size() == 1 &&
                            !graph.ops[0]->backward_reads_forward();
  for (size_t i = 0; i < graph.ops.size() && !skip_forward; ++i) {
    if (!runs[i] || is_joined(i)) continue;
    if (is_whole(i)) {
      close(Pass::whole_forward, i);
      continue;
    }
    if (graph.ops[i]->batch_statistics(purpose.training) != nullptr) {
      emit(Action::forward_partial, static_cast<int>(i));
      close(Pass::reduce_forward, i);
    }
    emit(Action::forward, static_cast<int>(i));
  }
  if (purpose.losses) emit(Action::losses);
  for (size_t l = 0; l < joined.size(); ++l)
    if (joined[l] >= 0) close(Pass::whole_joined, static_cast<size_t>(joined[l]), static_cast<int>(l));
  if (!purpose.backward) return;
  if (!purpose.losses) emit(Action::output_gradients);
  for (size_t i = graph.ops.size(); i-- > 0;) {
    if (!runs_backward[i] || is_joined(i)) continue;
    if (is_whole(i)) {
      close(Pass::whole_backward, i);
      continue;
    }
    if (graph.ops[i]->batch_statistics(purpose.training) != nullptr) {
      emit(Action::backward_partial, static_cast<int>(i));
      close(Pass::reduce_backward, i);
    }
    emit(Action::backward, static_cast<int>(i));
  }
}

// With the tiles side by side in each block, a tile's part of one block may overlap another tile's part of a block that
// shares its memory, and different tiles run different ops at the same time. All tiles are in the same pass, however:
// so blocks may share memory only if no pass needs both.
std::vector<Program::PassSpan> Program::pass_spans(int64_t end) const {
  const int64_t count = static_cast<int64_t>(graph.ops.size());
  const int64_t last = static_cast<int64_t>(passes.size()) - 1;
  std::vector<PassSpan> spans(static_cast<size_t>(end) + 1, PassSpan{last, -1});
  const auto cover = [&](int64_t time, int64_t pass) {
    spans[time].first = std::min(spans[time].first, pass);
    spans[time].last = std::max(spans[time].last, pass);
  };
  cover(0, 0);
  cover(end, last);
  for (int64_t p = 0; p <= last; ++p) {
    for (const Action& action : passes[p].actions) {
      const bool at_losses = action.kind == Action::losses || action.kind == Action::output_gradients;
      const bool back = action.kind == Action::backward || action.kind == Action::backward_partial;
      cover(at_losses ? count : back ? 2 * count - action.op : action.op, p);
    }
    if (passes[p].end == Pass::results) continue;
    const bool back = passes[p].end == Pass::reduce_backward || passes[p].end == Pass::whole_backward;
    const int64_t time = passes[p].end == Pass::whole_joined ? count : back ? 2 * count - passes[p].op : passes[p].op;
    cover(time, p);  // what runs between two passes belongs to both
    cover(time, std::min(p + 1, last));
  }
  // Times at which nothing runs get the passes between their neighbours.
  for (int64_t time = 1; time <= end; ++time)
    if (spans[time].last < 0) spans[time].first = spans[time - 1].first;
  for (int64_t time = end - 1; time >= 0; --time)
    if (spans[time].last < 0) spans[time].last = spans[time + 1].last;
  return spans;
}

void Program::plan_memory(const std::vector<char>& runs) {
  const auto buffer = [&](int id) { return graph.tensors[id].buffer; };
  const int64_t count = static_cast<int64_t>(graph.ops.size());
  const int64_t end = 2 * count + 2;  // forward runs at times 0 .. count - 1, backward at count + 1 ...
  const auto backward_time = [&](int64_t op) { return 2 * count - op; };

  // When each value is first written and last read.
  std::vector<int64_t> first(graph.buffers, -1), last(graph.buffers, -1);
  const auto touch = [&](int id, int64_t time) {
    if (first[buffer(id)] < 0) first[buffer(id)] = time;
    last[buffer(id)] = std::max(last[buffer(id)], time);
  };
  for (int id : graph.inputs) touch(id, 0);
  std::vector<char> read(graph.tensors.size(), 0);  // tensors that some op reads or that are outputs
  for (int64_t i = 0; i < count; ++i)
    if (runs[i])
      for (int id : graph.ops[i]->inputs) read[id] = 1;
  for (int id : graph.outputs) read[id] = 1;
  for (int64_t i = 0; i < count; ++i) {
    if (!runs[i]) continue;
    const Op& op = *graph.ops[i];
    const bool joins = is_joined(static_cast<size_t>(i));
    for (int id : op.inputs) touch(id, joins ? count : i);
    for (size_t o = 0; o < op.outputs.size(); ++o) {
      // Outputs after the first are by-products. Aliases share a buffer, so any reader of the buffer counts.
      bool used = o == 0 ? !joins : op.keeps_output(o, purpose.backward && runs_backward[i]);
      for (size_t id = 0; id < read.size() && !used; ++id)
        used = read[id] && graph.tensors[id].buffer == buffer(op.outputs[o]);
      if (used) touch(op.outputs[o], i);
    }
  }
  if (purpose.reaches_outputs())
    for (int id : graph.outputs) touch(id, end);
  if (purpose.losses)
    for (size_t l = 0; l < graph.losses.size(); ++l) touch(root_tensor(l), count);

  // Backward may read every value. Forward passes, which batch statistics separate, may still reuse memory.
  const bool keep_all = purpose.backward;
  Placer placer;
  const std::vector<PassSpan> spans = interleaved ? pass_spans(end) : std::vector<PassSpan>{};
  const auto place = [&](int64_t floats, int64_t from, int64_t to) {
    return interleaved ? placer.place(floats, spans[from].first, spans[to].last) : placer.place(floats, from, to);
  };
  memory = Memory{};
  memory.value.assign(graph.buffers, -1);
  memory.gradient.assign(graph.buffers, -1);
  for (int b = 0; b < graph.buffers; ++b)
    if (first[b] >= 0 && !bound[b]) memory.value[b] = place(floats_of(b), first[b], keep_all ? end : last[b]);

  if (purpose.losses)
    for (const LossTerm& term : graph.losses) {
      const int64_t rows = term.rows * tile_samples * lanes;
      memory.target.push_back(lanes > 1 ? place(term.target_size() * lanes, 0, end) : -1);
      memory.loss_weight.push_back(place(rows, 0, end));
    }

  int64_t scratch = 0, addend = 0;
  for (int64_t i = 0; i < count; ++i)
    if (runs[i] && !is_whole(static_cast<size_t>(i)))
      scratch = std::max(scratch, graph.ops[i]->scratch_size(*purpose.kernels, lanes, tile_samples));
  if (purpose.backward) {
    // A gradient is alive from its first writer (time `count` for a loss or output) to the op that made the value.
    std::vector<int64_t> born(graph.buffers, -1), dies(graph.buffers, -1);
    int64_t adding = 0;  // of one op, all of whose addends exist at the same time
    const auto write = [&](int id, Write how, int64_t time) {
      if (how == Write::none) return;
      if (how == Write::set) born[buffer(id)] = time;
      if (how == Write::add) adding += floats_of(buffer(id));
      dies[buffer(id)] = end;
    };
    const size_t roots = root_writes.size();
    for (size_t r = 0; r < roots; ++r) {
      adding = 0;
      write(purpose.losses ? root_tensor(r) : graph.outputs[r], root_writes[r], count);
      addend = std::max(addend, adding);
    }
    for (int64_t i = count - 1; i >= 0; --i) {
      if (!runs_backward[i]) continue;
      const Op& op = *graph.ops[i];
      adding = 0;
      const bool joins = is_joined(static_cast<size_t>(i));
      for (size_t in = 0; in < op.inputs.size() && !joins; ++in) write(op.inputs[in], writes[i][in], backward_time(i));
      addend = std::max(addend, adding);
      dies[buffer(op.outputs[0])] = backward_time(i);
    }
    std::vector<int> order;
    for (int b = 0; b < graph.buffers; ++b)
      if (born[b] >= 0) order.push_back(b);
    std::sort(order.begin(), order.end(), [&](int a, int b) { return born[a] < born[b]; });
    for (int b : order) memory.gradient[b] = place(floats_of(b), born[b], dies[b]);
  }
  memory.scratch = place(scratch, 0, end);
  memory.scratch_floats = round_to_line(scratch);
  memory.addend = place(addend, 0, end);
  memory.addend_floats = round_to_line(addend);
  memory.floats = placer.total();
}

void Program::plan_weights(const std::vector<char>& runs) {
  const size_t count = graph.ops.size();
  packed.assign(count, -1);
  packed_backward.assign(count, -1);
  accumulator.resize(count);
  statistics.assign(count, -1);
  partial.assign(count, -1);
  for (size_t i = 0; i < count; ++i) {
    if (!runs[i]) continue;
    const Op& op = *graph.ops[i];
    const int64_t passes_over = purpose.backward && runs_backward[i] ? 3 : 1;
    work += passes_over * work_of(op);
    const auto reserve = [&](bool backward) {
      const int64_t floats = op.packed_size(*purpose.kernels, lanes, backward);
      if (floats == 0) return int64_t{-1};
      const int64_t at = packed_floats;
      packed_floats += round_to_line(floats);
      return at;
    };
    packed[i] = reserve(false);
    if (const BatchStatistics* batch = op.batch_statistics(purpose.training)) {
      statistics[i] = statistics_floats;
      statistics_floats += round_to_line(batch->statistics_size());
      partial[i] = partial_doubles;
      partial_doubles += batch->partial_size();
    }
    if (!purpose.backward || !runs_backward[i]) continue;
    const bool to_inputs = std::any_of(writes[i].begin(), writes[i].end(), [](Write w) { return w != Write::none; });
    if (to_inputs || op.parameter_gradients_need_packed()) packed_backward[i] = reserve(true);
    for (size_t p = 0; p < op.parameters.size(); ++p) {
      const int slot = op.parameters[p];
      accumulator[i].push_back(-1);
      if (slot < 0 || !graph.parameters[slot].trainable || is_whole(i)) continue;
      accumulator[i][p] = accumulator_floats;
      accumulator_floats +=
          round_to_line(op.accumulator_size(p, graph.parameters[slot].size) * op.accumulator_lanes(p, lanes));
    }
  }
}

int64_t Program::work_of(const Op& op) const {
  return op.multiply_adds() + op.cost_per_word() * graph.tensors[op.outputs[0]].size;
}

int64_t Program::groups(int64_t samples) const {
  const int64_t by_memory =
      kAccumulatorBytes / std::max<int64_t>(accumulator_floats * static_cast<int64_t>(sizeof(float)), 1);
  return std::max<int64_t>(1, std::min({tiles(samples), kMaxGroups, by_memory}));
}

bool Program::keeps_packed(const Request& request) const {
  // A training step changes the weights, so what it packs is of no use to the next step.
  return request.owner != 0 && !(purpose.training && purpose.backward);
}

bool Program::packs(int op, const Request& request) const {
  return keeps_packed(request) || !graph.ops[op]->reads_unpacked(lanes, request.samples);
}

PackedWeights Program::packed_weights(const Request& request) const {
  const float* const* parameters = request.parameters.data();
  const bool keeps = keeps_packed(request);
  if (keeps)
    if (PackedWeights kept = find_packed(this, request.owner, request.version)) return kept;
  std::shared_ptr<AlignedBuffer> weights = lease_shared_block(packed_floats);
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    const Op& op = *graph.ops[i];
    if (!packs(static_cast<int>(i), request)) continue;
    if (packed[i] >= 0) op.pack(*purpose.kernels, lanes, false, parameters, weights->data() + packed[i]);
    if (packed_backward[i] >= 0)
      op.pack(*purpose.kernels, lanes, true, parameters, weights->data() + packed_backward[i]);
  }
  if (keeps) keep_packed(this, request.owner, request.version, weights);
  return weights;
}

}  // namespace day33
