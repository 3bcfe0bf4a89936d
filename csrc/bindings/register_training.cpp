// Optimizer steps, each for any number of parameters.
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "core/isa.h"
#include "core/thread_pool.h"
#include "engine/parameter.h"

namespace day33 {
namespace {

using Array = const py::array&;
using MaybeArray = const std::optional<py::array>&;
// One for each parameter of a step.
using Parameters = const std::vector<Parameter*>&;
using Arrays = const std::vector<py::array>&;
using MaybeArrays = const std::optional<std::vector<py::array>>&;                // all or none
using SomeArrays = const std::optional<std::vector<std::optional<py::array>>>&;  // none for some of them

constexpr int64_t kPortion = 1 << 14;       // elements that a thread takes at a time
constexpr int64_t kWorthThreads = 1 << 16;  // elements; below this, one thread is as fast

// The data of a gradient or slot, which must be float32 and of the parameter's shape.
float* data_of(Array array, const Parameter& parameter, const char* name, bool writeable = false) {
  float* data = contiguous_data<float>(array, name, writeable);
  require_shape(array, parameter.shape(), name);
  return data;
}
float* slot(Array array, const Parameter& parameter, const char* name) { return data_of(array, parameter, name, true); }
float* slot(MaybeArray array, const Parameter& parameter, const char* name) {
  return array ? slot(*array, parameter, name) : nullptr;
}

// A kernel that writes the parameter, without the GIL.
template <typename Kernel>
void run(Parameter& parameter, Kernel kernel) {
  const WithoutGil released;
  kernel(active_kernels());
  parameter.touch();
}

// What a rule reads and writes of one parameter, or of a part of it.
struct Update {
  float* weight;
  const float* gradient;
  const float* sums;  // over the slices of the gradient, or null
  std::array<float*, 3> slots{};
  int64_t size;

  Update part(int64_t first) const {
    const auto from = [=](auto* p) { return p == nullptr ? p : p + first; };
    return {from(weight),
            from(gradient),
            from(sums),
            {from(slots[0]), from(slots[1]), from(slots[2])},
            std::min(kPortion, size - first)};
  }
};

class Updates {
 public:
  Updates(Parameters parameters, Arrays gradients, SomeArrays sums = std::nullopt) : parameters_(parameters) {
    check_count("gradients", gradients.size());
    if (sums) check_count("slice_sums", sums->size());
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (parameters[i] == nullptr) throw py::value_error("parameters has a None; expected parameters");
      const Parameter& p = *parameters[i];
      const float* sum = sums && (*sums)[i] ? data_of(*(*sums)[i], p, "slice_sums") : nullptr;
      updates_.push_back({parameters[i]->data(), data_of(gradients[i], p, "gradient"), sum, {}, p.size()});
    }
  }

  // The next slot of each parameter.
  Updates& with(Arrays arrays, const char* name) {
    check_count(name, arrays.size());
    for (size_t i = 0; i < updates_.size(); ++i) updates_[i].slots[slots_] = slot(arrays[i], *parameters_[i], name);
    ++slots_;
    return *this;
  }
  Updates& with(MaybeArrays arrays, const char* name) {
    if (arrays) return with(*arrays, name);
    ++slots_;
    return *this;
  }

  // Calls step(kernels, update) for all elements, in portions and without the GIL. The kernels give an element the same
  // bits in any portion.
  template <typename Step>
  void run(Step step) {
    const WithoutGil released;
    const Kernels& kernels = active_kernels();
    std::vector<std::pair<size_t, int64_t>> portions;
    int64_t elements = 0;
    for (size_t i = 0; i < updates_.size(); ++i) {
      elements += updates_[i].size;
      for (int64_t first = 0; first < updates_[i].size; first += kPortion) portions.emplace_back(i, first);
    }
    const auto portion = [&](int64_t at) {
      const auto& [update, first] = portions[static_cast<size_t>(at)];
      step(kernels, updates_[update].part(first));
    };
    const int64_t count = static_cast<int64_t>(portions.size());
    if (elements >= kWorthThreads)
      parallel_for(count, portion);
    else
      for (int64_t at = 0; at < count; ++at) portion(at);
    for (Parameter* parameter : parameters_) parameter->touch();
  }

 private:
  void check_count(const char* name, size_t count) const {
    if (count != parameters_.size())
      throw py::value_error(std::string(name) + " has " + std::to_string(count) + " arrays; expected one for each of " +
                            std::to_string(parameters_.size()) + " parameters");
  }

  Parameters parameters_;
  std::vector<Update> updates_;
  size_t slots_ = 0;
};

// 1 - beta^step, which corrects a running mean that began with 0.
double correction(double beta, int64_t step) {
  if (step < 1) throw py::value_error("step is " + std::to_string(step) + "; expected at least 1");
  return 1.0 - std::pow(beta, static_cast<double>(step));
}

float narrow(double value) { return static_cast<float>(value); }

void sgd_step(Parameters parameters, Arrays gradients, MaybeArrays velocity, float learning_rate, float momentum,
              bool nesterov) {
  if (!velocity && momentum != 0.0f) throw py::value_error("velocity is None; expected arrays with momentum");
  const SgdArgs args{.learning_rate = learning_rate, .momentum = momentum, .nesterov = nesterov};
  Updates(parameters, gradients).with(velocity, "velocity").run([&](const Kernels& k, const Update& u) {
    k.sgd_step(args, u.weight, u.gradient, u.slots[0], u.size);
  });
}

void adadelta_step(Parameters parameters, Arrays gradients, SomeArrays slice_sums, Arrays squares, Arrays deltas,
                   float learning_rate, double rho, float epsilon) {
  const AdadeltaArgs args{.learning_rate = learning_rate, .rho = rho, .epsilon = epsilon};
  Updates(parameters, gradients, slice_sums)
      .with(squares, "squares")
      .with(deltas, "deltas")
      .run([&](const Kernels& k, const Update& u) {
        k.adadelta_step(args, u.weight, u.gradient, u.sums, u.slots[0], u.slots[1], u.size);
      });
}

void adam_step(Parameters parameters, Arrays gradients, SomeArrays slice_sums, Arrays m, Arrays v, MaybeArrays v_max,
               double learning_rate, double beta_1, double beta_2, float epsilon, int64_t step) {
  const double alpha = learning_rate * std::sqrt(correction(beta_2, step)) / correction(beta_1, step);
  const AdamArgs args{.learning_rate = narrow(alpha), .beta_1 = beta_1, .beta_2 = beta_2, .epsilon = epsilon};
  Updates(parameters, gradients, slice_sums)
      .with(m, "m")
      .with(v, "v")
      .with(v_max, "v_max")
      .run([&](const Kernels& k, const Update& u) {
        k.adam_step(args, u.weight, u.gradient, u.sums, u.slots[0], u.slots[1], u.slots[2], u.size);
      });
}

void nadam_step(Parameters parameters, Arrays gradients, SomeArrays slice_sums, Arrays m, Arrays v,
                double momentum_rate, double gradient_rate, double beta_1, double beta_2, float epsilon, int64_t step) {
  const NadamArgs args{.beta_1 = beta_1,
                       .beta_2 = beta_2,
                       .momentum_rate = narrow(momentum_rate),
                       .gradient_rate = narrow(gradient_rate),
                       .velocity_scale = narrow(1.0 / correction(beta_2, step)),
                       .epsilon = epsilon};
  Updates(parameters, gradients, slice_sums).with(m, "m").with(v, "v").run([&](const Kernels& k, const Update& u) {
    k.nadam_step(args, u.weight, u.gradient, u.sums, u.slots[0], u.slots[1], u.size);
  });
}

void adamax_step(Parameters parameters, Arrays gradients, SomeArrays slice_sums, Arrays m, Arrays u_,
                 double learning_rate, double beta_1, float beta_2, float epsilon, int64_t step) {
  const float rate = narrow(learning_rate / correction(beta_1, step));
  const AdamaxArgs args{.learning_rate = rate, .beta_1 = beta_1, .beta_2 = beta_2, .epsilon = epsilon};
  Updates(parameters, gradients, slice_sums).with(m, "m").with(u_, "u").run([&](const Kernels& k, const Update& u) {
    k.adamax_step(args, u.weight, u.gradient, u.sums, u.slots[0], u.slots[1], u.size);
  });
}

void rmsprop_step(Parameters parameters, Arrays gradients, SomeArrays slice_sums, Arrays velocity,
                  MaybeArrays momentum_slot, MaybeArrays mean, float learning_rate, double rho, float momentum,
                  float epsilon) {
  if (!momentum_slot && momentum != 0.0f) throw py::value_error("momentum_slot is None; expected arrays with momentum");
  const RmsPropArgs args{.learning_rate = learning_rate, .rho = rho, .momentum = momentum, .epsilon = epsilon};
  Updates(parameters, gradients, slice_sums)
      .with(velocity, "velocity")
      .with(momentum_slot, "momentum_slot")
      .with(mean, "mean")
      .run([&](const Kernels& k, const Update& u) {
        k.rmsprop_step(args, u.weight, u.gradient, u.sums, u.slots[0], u.slots[1], u.slots[2], u.size);
      });
}

void adagrad_step(Parameters parameters, Arrays gradients, SomeArrays slice_sums, Arrays squares, float learning_rate,
                  float epsilon) {
  const AdagradArgs args{.learning_rate = learning_rate, .epsilon = epsilon};
  Updates(parameters, gradients, slice_sums).with(squares, "squares").run([&](const Kernels& k, const Update& u) {
    k.adagrad_step(args, u.weight, u.gradient, u.sums, u.slots[0], u.size);
  });
}

void lion_step(Parameters parameters, Arrays gradients, Arrays m, float learning_rate, double beta_1, double beta_2) {
  const LionArgs args{.learning_rate = learning_rate, .beta_1 = beta_1, .beta_2 = beta_2};
  Updates(parameters, gradients).with(m, "m").run([&](const Kernels& k, const Update& u) {
    k.lion_step(args, u.weight, u.gradient, u.slots[0], u.size);
  });
}

void ftrl_step(Parameters parameters, Arrays gradients, SomeArrays slice_sums, Arrays squares, Arrays linear,
               float learning_rate, float exponent, float l1, float l2, float l2_shrinkage) {
  const FtrlArgs args{
      .learning_rate = learning_rate, .exponent = exponent, .l1 = l1, .l2 = l2, .l2_shrinkage = l2_shrinkage};
  Updates(parameters, gradients, slice_sums)
      .with(squares, "squares")
      .with(linear, "linear")
      .run([&](const Kernels& k, const Update& u) {
        k.ftrl_step(args, u.weight, u.gradient, u.sums, u.slots[0], u.slots[1], u.size);
      });
}

void scale_parameter(Parameter& p, double factor) {
  run(p, [&](const Kernels& k) { k.scale_by(p.data(), narrow(factor), p.size()); });
}

void running_mean(Parameter& p, Array mean, double keep) {
  float* of_mean = slot(mean, p, "mean");
  const WithoutGil released;
  active_kernels().running_mean(p.data(), of_mean, keep, p.size());
}

double sum_of_squares(Array x) {
  const float* data = contiguous_data<float>(x, "x");
  const int64_t n = x.size();
  const WithoutGil released;
  return active_kernels().sum_of_squares(data, n);
}

double add_penalty(Parameter& p, MaybeArray gradient, float l1, float l2) {
  float* g = slot(gradient, p, "gradient");
  const WithoutGil released;
  return active_kernels().add_penalty(l1, l2, p.data(), g, p.size());
}

}  // namespace

void register_training(py::module_& m) {
  using py::arg;
  m.def("sgd_step", &sgd_step, arg("parameters"), arg("gradients"), arg("velocity"), py::kw_only(),
        arg("learning_rate"), arg("momentum"), arg("nesterov"));
  m.def("adadelta_step", &adadelta_step, arg("parameters"), arg("gradients"), arg("slice_sums"), arg("squares"),
        arg("deltas"), py::kw_only(), arg("learning_rate"), arg("rho"), arg("epsilon"));
  m.def("adam_step", &adam_step, arg("parameters"), arg("gradients"), arg("slice_sums"), arg("m"), arg("v"),
        arg("v_max"), py::kw_only(), arg("learning_rate"), arg("beta_1"), arg("beta_2"), arg("epsilon"), arg("step"));
  m.def("nadam_step", &nadam_step, arg("parameters"), arg("gradients"), arg("slice_sums"), arg("m"), arg("v"),
        py::kw_only(), arg("momentum_rate"), arg("gradient_rate"), arg("beta_1"), arg("beta_2"), arg("epsilon"),
        arg("step"));
  m.def("adamax_step", &adamax_step, arg("parameters"), arg("gradients"), arg("slice_sums"), arg("m"), arg("u"),
        py::kw_only(), arg("learning_rate"), arg("beta_1"), arg("beta_2"), arg("epsilon"), arg("step"));
  m.def("rmsprop_step", &rmsprop_step, arg("parameters"), arg("gradients"), arg("slice_sums"), arg("velocity"),
        arg("momentum_slot"), arg("mean"), py::kw_only(), arg("learning_rate"), arg("rho"), arg("momentum"),
        arg("epsilon"));
  m.def("adagrad_step", &adagrad_step, arg("parameters"), arg("gradients"), arg("slice_sums"), arg("squares"),
        py::kw_only(), arg("learning_rate"), arg("epsilon"));
  m.def("lion_step", &lion_step, arg("parameters"), arg("gradients"), arg("m"), py::kw_only(), arg("learning_rate"),
        arg("beta_1"), arg("beta_2"));
  m.def("ftrl_step", &ftrl_step, arg("parameters"), arg("gradients"), arg("slice_sums"), arg("squares"), arg("linear"),
        py::kw_only(), arg("learning_rate"), arg("exponent"), arg("l1"), arg("l2"), arg("l2_shrinkage"));
  m.def("scale_parameter", &scale_parameter, arg("parameter"), arg("factor"));
  m.def("running_mean", &running_mean, arg("parameter"), arg("mean"), arg("keep"));
  m.def("sum_of_squares", &sum_of_squares, arg("x"));
  m.def("add_penalty", &add_penalty, arg("parameter"), arg("gradient"), py::kw_only(), arg("l1"), arg("l2"));
}

}  // namespace day33
