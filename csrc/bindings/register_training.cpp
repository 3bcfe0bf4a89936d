// Optimizer steps, each for one parameter.
#include <cmath>

#include "bindings/bindings.h"
#include "core/isa.h"
#include "engine/parameter.h"

namespace day33 {
namespace {

// The data of a gradient or slot, which must be float32 and of the parameter's shape.
float* slot(const py::array& array, const Parameter& parameter, const char* name, bool writeable) {
  float* data = contiguous_data<float>(array, name, writeable);
  require_shape(array, parameter.shape(), name);
  return data;
}

}  // namespace

void register_training(py::module_& m) {
  m.def(
      "sgd_step",
      [](Parameter& p, const py::array& gradient, const std::optional<py::array>& velocity, float learning_rate,
         float momentum, bool nesterov) {
        const float* g = slot(gradient, p, "gradient", false);
        float* v = velocity ? slot(*velocity, p, "velocity", true) : nullptr;
        if (v == nullptr && momentum != 0.0f)
          throw py::value_error("velocity is None; expected an array with momentum");
        const WithoutGil released;
        active_kernels().sgd_step({.learning_rate = learning_rate, .momentum = momentum, .nesterov = nesterov},
                                  p.data(), g, v, p.size());
        p.touch();
      },
      py::arg("parameter"), py::arg("gradient"), py::arg("velocity"), py::kw_only(), py::arg("learning_rate"),
      py::arg("momentum"), py::arg("nesterov"));
  m.def(
      "adadelta_step",
      [](Parameter& p, const py::array& gradient, const py::array& squares, const py::array& deltas,
         float learning_rate, double rho, float epsilon) {
        const float* g = slot(gradient, p, "gradient", false);
        float* a = slot(squares, p, "squares", true);
        float* d = slot(deltas, p, "deltas", true);
        const WithoutGil released;
        active_kernels().adadelta_step({.learning_rate = learning_rate, .rho = rho, .epsilon = epsilon}, p.data(), g, a,
                                       d, p.size());
        p.touch();
      },
      py::arg("parameter"), py::arg("gradient"), py::arg("squares"), py::arg("deltas"), py::kw_only(),
      py::arg("learning_rate"), py::arg("rho"), py::arg("epsilon"));
  m.def(
      "adam_step",
      [](Parameter& p, const py::array& gradient, const py::array& m_slot, const py::array& v_slot,
         double learning_rate, double beta_1, double beta_2, double epsilon, int64_t step) {
        if (step < 1) throw py::value_error("step is " + std::to_string(step) + "; expected at least 1");
        const float* g = slot(gradient, p, "gradient", false);
        float* m1 = slot(m_slot, p, "m", true);
        float* v1 = slot(v_slot, p, "v", true);
        const double t = static_cast<double>(step);
        const double alpha = learning_rate * std::sqrt(1.0 - std::pow(beta_2, t)) / (1.0 - std::pow(beta_1, t));
        const WithoutGil released;
        active_kernels().adam_step({.learning_rate = static_cast<float>(alpha),
                                    .beta_1 = beta_1,
                                    .beta_2 = beta_2,
                                    .epsilon = static_cast<float>(epsilon)},
                                   p.data(), g, m1, v1, p.size());
        p.touch();
      },
      py::arg("parameter"), py::arg("gradient"), py::arg("m"), py::arg("v"), py::kw_only(), py::arg("learning_rate"),
      py::arg("beta_1"), py::arg("beta_2"), py::arg("epsilon"), py::arg("step"));
}

}  // namespace day33
