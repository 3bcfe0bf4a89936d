#include "engine/workspace.h"

#include <algorithm>
#include <cstring>

namespace day33 {
namespace {

size_t bytes(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }

}  // namespace

void Workspace::open(int64_t tile_index, const Arena& arena) {
  arena_ = arena;
  index = tile_index;
  place_ = arena.tiles > 1 ? tile_index : 0;
  const int64_t first = index * p_.tile_samples;
  samples_ = std::min(p_.tile_samples, request_.samples - first);
  tile = Tile{};
  tile.n = p_.lanes > 1 ? 1 : samples_;
  tile.valid_lanes = p_.lanes > 1 ? static_cast<int>(samples_) : 1;
  place_values(first);
  tile.scratch = at(p_.memory.scratch, p_.memory.scratch_floats);
}

void Workspace::open_whole(const Arena& arena, float* scratch) {
  arena_ = arena;
  index = place_ = 0;
  samples_ = request_.samples;
  tile = Tile{};
  tile.n = samples_;
  tile.valid_lanes = 1;
  place_values(0);
  tile.scratch = scratch;
}

void Workspace::place_values(int64_t first) {
  value_.resize(graph_.tensors.size());
  gradient_.resize(graph_.tensors.size());
  for (size_t id = 0; id < graph_.tensors.size(); ++id) {
    const Tensor& t = graph_.tensors[id];
    const int64_t floats = t.size * (p_.lanes > 1 ? p_.lanes : p_.tile_samples);
    value_[id] = at(p_.memory.value[t.buffer], floats);
    gradient_[id] = at(p_.memory.gradient[t.buffer], floats);
  }
  if (p_.lanes == 1) {
    for (size_t i = 0; i < graph_.inputs.size(); ++i)
      bind(graph_.inputs[i], const_cast<void*>(request_.inputs[i]), first);
    if (p_.purpose.outputs)
      for (size_t o = 0; o < graph_.outputs.size(); ++o) bind(graph_.outputs[o], request_.outputs[o], first);
  }
  tile.kernels = p_.purpose.kernels;
  tile.lanes = p_.lanes;
  tile.first_sample = first;
  tile.training = p_.purpose.training;
  tile.seed = request_.seed;
  tile.value = value_.data();
  tile.gradient = gradient_.data();
  tile.parameter = request_.parameters.data();
}

// Points all tensors that share the buffer of `id` to the caller's array.
void Workspace::bind(int id, void* array, int64_t first_sample) {
  const Tensor& t = graph_.tensors[id];
  for (size_t other = 0; other < graph_.tensors.size(); ++other)
    if (graph_.tensors[other].buffer == t.buffer) value_[other] = static_cast<float*>(array) + first_sample * t.size;
}

void Workspace::add_into(int tensor, const float* values) {
  tile.kernels->add_to(values, gradient_[tensor], floats_of(tensor));
}

float* const* Workspace::begin_gradients(const std::vector<int>& inputs, const std::vector<Write>& writes) {
  dx_.clear();
  float* next = addend();
  for (size_t i = 0; i < inputs.size(); ++i) {
    dx_.push_back(writes[i] == Write::none ? nullptr : writes[i] == Write::set ? gradient_[inputs[i]] : next);
    if (writes[i] == Write::add) next += floats_of(inputs[i]);
  }
  return dx_.data();
}

void Workspace::end_gradients(const std::vector<int>& inputs, const std::vector<Write>& writes) {
  for (size_t i = 0; i < inputs.size(); ++i)
    if (writes[i] == Write::add) add_into(inputs[i], dx_[i]);
}

// ---- copying from and to the caller's arrays ----

void Workspace::load(const void* array, int64_t size, float* to) {
  const float* from = static_cast<const float*>(array) + tile.first_sample * size;
  if (p_.lanes == 1) {
    std::memcpy(to, from, bytes(samples_ * size));
    return;
  }
  // Lanes without a sample repeat the last one, so that they cannot cause errors of their own, such as an overflow.
  source_.resize(static_cast<size_t>(p_.lanes));
  for (int64_t lane = 0; lane < p_.lanes; ++lane) source_[lane] = from + std::min(lane, samples_ - 1) * size;
  tile.kernels->pack_lanes(source_.data(), to, size);
}

void Workspace::save(const float* from, int64_t size, void* array) {
  float* to = static_cast<float*>(array) + tile.first_sample * size;
  if (p_.lanes == 1) {
    std::memcpy(to, from, bytes(samples_ * size));
    return;
  }
  sink_.resize(static_cast<size_t>(p_.lanes));
  for (int64_t lane = 0; lane < samples_; ++lane) sink_[lane] = to + lane * size;
  tile.kernels->unpack_lanes(from, sink_.data(), size, static_cast<int>(samples_));
}

void Workspace::load_inputs() {
  if (p_.lanes == 1) return;
  for (size_t i = 0; i < graph_.inputs.size(); ++i) {
    const int id = graph_.inputs[i];
    if (value_[id] != nullptr) load(request_.inputs[i], graph_.tensors[id].size, value_[id]);
  }
}

void Workspace::store_results() {
  if (p_.lanes > 1 && p_.purpose.outputs)
    for (size_t o = 0; o < graph_.outputs.size(); ++o) {
      const int id = graph_.outputs[o];
      save(value_[id], graph_.tensors[id].size, request_.outputs[o]);
    }
  for (size_t i = 0; i < request_.input_gradients.size(); ++i) {
    const int id = graph_.inputs[i];
    if (request_.input_gradients[i] != nullptr && p_.wanted[graph_.tensors[id].buffer])
      save(gradient_[id], graph_.tensors[id].size, request_.input_gradients[i]);
  }
}

void Workspace::load_output_gradients() {
  for (size_t o = 0; o < graph_.outputs.size(); ++o) {
    const int id = graph_.outputs[o];
    if (p_.root_writes[o] == Write::none || graph_.tensors[id].dtype != DType::float32) continue;
    const bool add = p_.root_writes[o] == Write::add;
    float* to = add ? addend() : gradient_[id];
    const int64_t size = graph_.tensors[id].size;
    load(request_.output_gradients[o], size, to);
    // Lanes without a sample must not contribute to the gradients of parameters.
    for (int64_t lane = samples_; p_.lanes > 1 && lane < p_.lanes; ++lane)
      for (int64_t i = 0; i < size; ++i) to[i * p_.lanes + lane] = 0.0f;
    if (add) add_into(id, to);
  }
}

// ---- losses ----

LossArgs Workspace::loss_args(size_t l) {
  const LossTerm& term = graph_.losses[l];
  LossArgs args{};
  args.rows = term.rows * tile.n;
  args.C = term.C;
  args.lanes = p_.lanes;
  args.valid_lanes = tile.valid_lanes;
  args.prediction = value_[term.tensor];
  const float* target = static_cast<const float*>(request_.targets[l]) + tile.first_sample * term.target_size();
  if (p_.lanes > 1 && term.has_target()) {
    float* packed = at(p_.memory.target[l], term.target_size() * p_.lanes);
    load(request_.targets[l], term.target_size(), packed);
    target = packed;
  }
  if (term.sparse())
    args.labels = reinterpret_cast<const int32_t*>(target);
  else
    args.target = target;
  args.weights = loss_weights(l);
  const Write how = p_.purpose.backward ? p_.root_writes[l] : Write::none;
  if (how == Write::set) args.gradient = gradient_[term.tensor];
  if (how == Write::add) args.gradient = addend();
  args.scale = loss_scale(l);
  return args;
}

float Workspace::loss_scale(size_t l) const {
  const LossTerm& term = graph_.losses[l];
  return term.mean ? term.weight / static_cast<float>(request_.samples * term.rows) : term.weight;
}

void Workspace::add_loss(size_t l, const LossArgs& args) {
  if (p_.purpose.backward && p_.root_writes[l] == Write::add) add_into(graph_.losses[l].tensor, args.gradient);
}

const float* Workspace::loss_weights(size_t l) {
  const float* given = request_.sample_weights.empty() ? nullptr : request_.sample_weights[l];
  if (given == nullptr) return nullptr;
  const int64_t rows = graph_.losses[l].rows;
  const int64_t first = tile.first_sample;
  if (request_.weights_per_position[l] && p_.lanes == 1) return given + first * rows;
  float* to = at(p_.memory.loss_weight[l], rows * (p_.lanes > 1 ? p_.lanes : p_.tile_samples));
  if (request_.weights_per_position[l]) {
    load(given, rows, to);
  } else if (p_.lanes > 1) {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t lane = 0; lane < p_.lanes; ++lane)
        to[row * p_.lanes + lane] = given[first + std::min(lane, samples_ - 1)];
  } else {
    for (int64_t sample = 0; sample < samples_; ++sample) std::fill_n(to + sample * rows, rows, given[first + sample]);
  }
  return to;
}

}  // namespace day33
