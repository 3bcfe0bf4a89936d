// Optimizer steps, each for one parameter.
#include <cmath>

#include "bindings/bindings.h"
#include "core/isa.h"
#include "engine/parameter.h"

namespace day33 {
namespace {

using Array = const py::array&;
using MaybeArray = const std::optional<py::array>&;

// The data of a gradient or slot, which must be float32 and of the parameter's shape.
float* data_of(Array array, const Parameter& parameter, const char* name, bool writeable = false) {
  float* data = contiguous_data<float>(array, name, writeable);
  require_shape(array, parameter.shape(), name);
  return data;
}
const float* maybe_data_of(MaybeArray array, const Parameter& parameter, const char* name) {
  return array ? data_of(*array, parameter, name) : nullptr;
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

// 1 - beta^step, which corrects a running mean that began with 0.
double correction(double beta, int64_t step) {
  if (step < 1) throw py::value_error("step is " + std::to_string(step) + "; expected at least 1");
  return 1.0 - std::pow(beta, static_cast<double>(step));
}

float narrow(double value) { return static_cast<float>(value); }

void sgd_step(Parameter& p, Array gradient, MaybeArray velocity, float learning_rate, float momentum, bool nesterov) {
  const float* g = data_of(gradient, p, "gradient");
  float* v = slot(velocity, p, "velocity");
  if (v == nullptr && momentum != 0.0f) throw py::value_error("velocity is None; expected an array with momentum");
  run(p, [&](const Kernels& k) {
    k.sgd_step({.learning_rate = learning_rate, .momentum = momentum, .nesterov = nesterov}, p.data(), g, v, p.size());
  });
}

void adadelta_step(Parameter& p, Array gradient, MaybeArray slice_sums, Array squares, Array deltas,
                   float learning_rate, double rho, float epsilon) {
  const float *g = data_of(gradient, p, "gradient"), *sums = maybe_data_of(slice_sums, p, "slice_sums");
  float *a = slot(squares, p, "squares"), *d = slot(deltas, p, "deltas");
  run(p, [&](const Kernels& k) {
    k.adadelta_step({.learning_rate = learning_rate, .rho = rho, .epsilon = epsilon}, p.data(), g, sums, a, d,
                    p.size());
  });
}

void adam_step(Parameter& p, Array gradient, MaybeArray slice_sums, Array m, Array v, MaybeArray v_max,
               double learning_rate, double beta_1, double beta_2, float epsilon, int64_t step) {
  const float *g = data_of(gradient, p, "gradient"), *sums = maybe_data_of(slice_sums, p, "slice_sums");
  float *of_m = slot(m, p, "m"), *of_v = slot(v, p, "v"), *of_max = slot(v_max, p, "v_max");
  const double alpha = learning_rate * std::sqrt(correction(beta_2, step)) / correction(beta_1, step);
  run(p, [&](const Kernels& k) {
    k.adam_step({.learning_rate = narrow(alpha), .beta_1 = beta_1, .beta_2 = beta_2, .epsilon = epsilon}, p.data(), g,
                sums, of_m, of_v, of_max, p.size());
  });
}

void nadam_step(Parameter& p, Array gradient, MaybeArray slice_sums, Array m, Array v, double momentum_rate,
                double gradient_rate, double beta_1, double beta_2, float epsilon, int64_t step) {
  const float *g = data_of(gradient, p, "gradient"), *sums = maybe_data_of(slice_sums, p, "slice_sums");
  float *of_m = slot(m, p, "m"), *of_v = slot(v, p, "v");
  const NadamArgs args{.beta_1 = beta_1,
                       .beta_2 = beta_2,
                       .momentum_rate = narrow(momentum_rate),
                       .gradient_rate = narrow(gradient_rate),
                       .velocity_scale = narrow(1.0 / correction(beta_2, step)),
                       .epsilon = epsilon};
  run(p, [&](const Kernels& k) { k.nadam_step(args, p.data(), g, sums, of_m, of_v, p.size()); });
}

void adamax_step(Parameter& p, Array gradient, MaybeArray slice_sums, Array m, Array u, double learning_rate,
                 double beta_1, float beta_2, float epsilon, int64_t step) {
  const float *g = data_of(gradient, p, "gradient"), *sums = maybe_data_of(slice_sums, p, "slice_sums");
  float *of_m = slot(m, p, "m"), *of_u = slot(u, p, "u");
  const float rate = narrow(learning_rate / correction(beta_1, step));
  run(p, [&](const Kernels& k) {
    k.adamax_step({.learning_rate = rate, .beta_1 = beta_1, .beta_2 = beta_2, .epsilon = epsilon}, p.data(), g, sums,
                  of_m, of_u, p.size());
  });
}

void rmsprop_step(Parameter& p, Array gradient, MaybeArray slice_sums, Array velocity, MaybeArray momentum_slot,
                  MaybeArray mean, float learning_rate, double rho, float momentum, float epsilon) {
  const float *g = data_of(gradient, p, "gradient"), *sums = maybe_data_of(slice_sums, p, "slice_sums");
  float *v = slot(velocity, p, "velocity"), *m = slot(momentum_slot, p, "momentum_slot"), *a = slot(mean, p, "mean");
  if (m == nullptr && momentum != 0.0f) throw py::value_error("momentum_slot is None; expected an array with momentum");
  run(p, [&](const Kernels& k) {
    k.rmsprop_step({.learning_rate = learning_rate, .rho = rho, .momentum = momentum, .epsilon = epsilon}, p.data(), g,
                   sums, v, m, a, p.size());
  });
}

void adagrad_step(Parameter& p, Array gradient, MaybeArray slice_sums, Array squares, float learning_rate,
                  float epsilon) {
  const float *g = data_of(gradient, p, "gradient"), *sums = maybe_data_of(slice_sums, p, "slice_sums");
  float* s = slot(squares, p, "squares");
  run(p, [&](const Kernels& k) {
    k.adagrad_step({.learning_rate = learning_rate, .epsilon = epsilon}, p.data(), g, sums, s, p.size());
  });
}

void lion_step(Parameter& p, Array gradient, Array m, float learning_rate, double beta_1, double beta_2) {
  const float* g = data_of(gradient, p, "gradient");
  float* of_m = slot(m, p, "m");
  run(p, [&](const Kernels& k) {
    k.lion_step({.learning_rate = learning_rate, .beta_1 = beta_1, .beta_2 = beta_2}, p.data(), g, of_m, p.size());
  });
}

void ftrl_step(Parameter& p, Array gradient, MaybeArray slice_sums, Array squares, Array linear, float learning_rate,
               float exponent, float l1, float l2, float l2_shrinkage) {
  const float *g = data_of(gradient, p, "gradient"), *sums = maybe_data_of(slice_sums, p, "slice_sums");
  float *s = slot(squares, p, "squares"), *z = slot(linear, p, "linear");
  const FtrlArgs args{
      .learning_rate = learning_rate, .exponent = exponent, .l1 = l1, .l2 = l2, .l2_shrinkage = l2_shrinkage};
  run(p, [&](const Kernels& k) { k.ftrl_step(args, p.data(), g, sums, s, z, p.size()); });
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
  m.def("sgd_step", &sgd_step, arg("parameter"), arg("gradient"), arg("velocity"), py::kw_only(), arg("learning_rate"),
        arg("momentum"), arg("nesterov"));
  m.def("adadelta_step", &adadelta_step, arg("parameter"), arg("gradient"), arg("slice_sums"), arg("squares"),
        arg("deltas"), py::kw_only(), arg("learning_rate"), arg("rho"), arg("epsilon"));
  m.def("adam_step", &adam_step, arg("parameter"), arg("gradient"), arg("slice_sums"), arg("m"), arg("v"), arg("v_max"),
        py::kw_only(), arg("learning_rate"), arg("beta_1"), arg("beta_2"), arg("epsilon"), arg("step"));
  m.def("nadam_step", &nadam_step, arg("parameter"), arg("gradient"), arg("slice_sums"), arg("m"), arg("v"),
        py::kw_only(), arg("momentum_rate"), arg("gradient_rate"), arg("beta_1"), arg("beta_2"), arg("epsilon"),
        arg("step"));
  m.def("adamax_step", &adamax_step, arg("parameter"), arg("gradient"), arg("slice_sums"), arg("m"), arg("u"),
        py::kw_only(), arg("learning_rate"), arg("beta_1"), arg("beta_2"), arg("epsilon"), arg("step"));
  m.def("rmsprop_step", &rmsprop_step, arg("parameter"), arg("gradient"), arg("slice_sums"), arg("velocity"),
        arg("momentum_slot"), arg("mean"), py::kw_only(), arg("learning_rate"), arg("rho"), arg("momentum"),
        arg("epsilon"));
  m.def("adagrad_step", &adagrad_step, arg("parameter"), arg("gradient"), arg("slice_sums"), arg("squares"),
        py::kw_only(), arg("learning_rate"), arg("epsilon"));
  m.def("lion_step", &lion_step, arg("parameter"), arg("gradient"), arg("m"), py::kw_only(), arg("learning_rate"),
        arg("beta_1"), arg("beta_2"));
  m.def("ftrl_step", &ftrl_step, arg("parameter"), arg("gradient"), arg("slice_sums"), arg("squares"), arg("linear"),
        py::kw_only(), arg("learning_rate"), arg("exponent"), arg("l1"), arg("l2"), arg("l2_shrinkage"));
  m.def("scale_parameter", &scale_parameter, arg("parameter"), arg("factor"));
  m.def("running_mean", &running_mean, arg("parameter"), arg("mean"), arg("keep"));
  m.def("sum_of_squares", &sum_of_squares, arg("x"));
  m.def("add_penalty", &add_penalty, arg("parameter"), arg("gradient"), py::kw_only(), arg("l1"), arg("l2"));
}

}  // namespace day33
