#include "engine/plan.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/isa.h"
#include "engine/executor.h"

namespace day33 {
namespace {

// The lanes layout is faster while there are too few channels to fill a vector, and while a tile with one sample per
// lane fits in the cache.
constexpr int64_t kLanesMaxChannels = 32;
constexpr int64_t kLanesMaxSampleFloats = 1 << 17;

}  // namespace

bool Plan::uses_lanes(int64_t samples) const {
  if (graph_.layout != Layout::automatic) return graph_.layout == Layout::lanes;
  for (const auto& op : graph_.ops)
    if (!op->takes_lanes()) return false;
  const int lanes = active_kernels().lanes;
  if (samples < lanes / 2) return false;
  int64_t channels = 0;
  bool gains = false;
  for (const auto& op : graph_.ops) {
    channels = std::max(channels, op->channels_for_layout());
    gains = gains || op->gains_from_lanes(lanes);
  }
  if (!gains || channels > kLanesMaxChannels) return false;
  int64_t floats = 0;
  for (const Tensor& t : graph_.tensors) floats += t.size;
  for (const ParameterInfo& parameter : graph_.parameters) floats += parameter.size;
  return floats <= kLanesMaxSampleFloats;
}

bool Plan::is_random() const {
  return std::any_of(graph_.ops.begin(), graph_.ops.end(), [](const auto& op) { return op->is_random(); });
}

std::shared_ptr<const Program> Plan::program(const Purpose& purpose) const {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& existing : programs_)
    if (existing->purpose == purpose) return existing;
  programs_.push_back(std::make_shared<const Program>(graph_for(purpose.training || purpose.backward), purpose));
  return programs_.back();
}

Plan::Description Plan::describe(int64_t samples, bool training) const {
  Purpose purpose;
  purpose.lanes = uses_lanes(samples);
  purpose.losses = purpose.backward = purpose.training = training && !graph_.losses.empty();
  purpose.outputs = !purpose.losses;
  purpose.kernels = &active_kernels();
  const std::shared_ptr<const Program> ready = program(purpose);
  Description result{
      purpose.lanes, ready->tile_samples, ready->memory.floats * static_cast<int64_t>(sizeof(float)), {}};
  int stage = 0;
  for (const Pass& pass : ready->passes) {
    int here = 0;
    for (const Action& action : pass.actions)
      if (action.kind == Action::forward) {
        if (here == 0) here = ++stage;
        result.steps.push_back({action.op, here, false, false});
      }
    if (pass.end == Pass::whole_forward || pass.end == Pass::whole_joined)
      result.steps.push_back({pass.op, ++stage, true, pass.end == Pass::whole_joined});
  }
  return result;
}

std::vector<GradientKind> Plan::gradient_kinds(bool losses) const {
  Purpose purpose;
  purpose.backward = purpose.training = true;
  purpose.losses = losses && !graph_.losses.empty();
  purpose.kernels = &active_kernels();
  return program(purpose)->gradient_kind;
}

void Plan::run(Request& request) const {
  if (graph_.samples >= 0 && request.samples != graph_.samples)
    throw std::invalid_argument("x has " + std::to_string(request.samples) + " samples; expected " +
                                std::to_string(graph_.samples) + ", as many as a stateful layer keeps states for");
  if (request.samples == 0) return execute_empty(graph_, request);
  Purpose purpose;
  purpose.lanes = uses_lanes(request.samples);
  purpose.outputs = request.want_outputs;
  purpose.losses = request.want_losses;
  purpose.backward = request.want_backward;
  purpose.input_gradients = !request.input_gradients.empty();
  purpose.training = request.training;
  purpose.kernels = &active_kernels();
  const std::shared_ptr<const Program> ready = program(purpose);
  const std::shared_ptr<Profile> counted = profiles_ ? profile(purpose.training || purpose.backward) : nullptr;
  request.profile = counted.get();
  execute(*ready, request);
}

void Plan::start_profile(bool training) {
  std::lock_guard<std::mutex> lock(mutex_);
  profile_ = std::make_shared<Profile>(training, graph_for(training).ops.size());
  profiles_ = true;
}

std::shared_ptr<const Profile> Plan::stop_profile() {
  std::lock_guard<std::mutex> lock(mutex_);
  profiles_ = false;
  return std::move(profile_);
}

std::shared_ptr<Profile> Plan::profile(bool training) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return profile_ != nullptr && profile_->training == training ? profile_ : nullptr;
}

}  // namespace day33
