// PlanBuilder's methods for states.
#include "bindings/builder.h"

namespace day33 {

void add_states_methods(BuilderClass& builder) {
  builder.def("state", &GraphBuilder::state, py::arg("slot"))
      .def("keep_state", &GraphBuilder::keep_state, py::arg("x"), py::arg("slot"));
}

}  // namespace day33
