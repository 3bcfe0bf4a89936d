// PlanBuilder's method for embeddings.
#include "bindings/builder.h"

namespace day33 {

void add_embedding_methods(BuilderClass& builder) {
  builder.def("embedding", &GraphBuilder::embedding, py::arg("x"), py::arg("table"));
}

}  // namespace day33
