// PlanBuilder's methods for batch and layer normalisation.
#include "bindings/builder.h"

namespace day33 {

void add_normalization_methods(BuilderClass& builder) {
  builder
      .def(
          "batch_normalization",
          [](GraphBuilder& b, int x, int gamma, int beta, int moving_mean, int moving_variance, float momentum,
             float epsilon, bool frozen, int mask) {
            return b.batch_normalization(x, {gamma, beta, moving_mean, moving_variance}, momentum, epsilon, frozen,
                                         mask);
          },
          py::arg("x"), py::arg("gamma"), py::arg("beta"), py::arg("moving_mean"), py::arg("moving_variance"),
          py::kw_only(), py::arg("momentum"), py::arg("epsilon"), py::arg("frozen") = false, py::arg("mask") = -1)
      .def("layer_normalization", &GraphBuilder::layer_normalization, py::arg("x"), py::arg("gamma"), py::arg("beta"),
           py::kw_only(), py::arg("axes"), py::arg("epsilon"));
}

}  // namespace day33
