// PlanBuilder's method for dense layers.
#include "bindings/builder.h"

namespace day33 {

void add_dense_methods(BuilderClass& builder) {
  builder.def(
      "dense",
      [](GraphBuilder& b, int x, int kernel, int bias, bool transposed, const std::string& activation, float alpha) {
        return b.dense(x, kernel, bias, to_activation(activation, alpha), transposed);
      },
      py::arg("x"), py::arg("kernel"), py::arg("bias") = -1, py::kw_only(), py::arg("transposed") = false,
      py::arg("activation") = "linear", py::arg("alpha") = 0.0f);
}

}  // namespace day33
