#include "bindings/bindings.h"

namespace py = pybind11;

PYBIND11_MODULE(_native, m, py::mod_gil_not_used()) {
  m.doc() = "The native core of day33. Private: use day33.ops, day33.layers and day33.models.";
  m.attr("__version__") = DAY33_VERSION;
  day33::register_runtime(m);
  day33::register_parameters(m);
  day33::register_builder(m);
  day33::register_plan(m);
  day33::register_training(m);
  day33::register_decoder(m);
  day33::register_limits(m);
}
