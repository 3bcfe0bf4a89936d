// PlanBuilder's method for losses.
#include "bindings/builder.h"

namespace day33 {
namespace {

bool parse_reduction(const std::string& name) {
  if (name == "mean") return true;
  if (name == "sum") return false;
  throw py::value_error("reduction: got '" + name + "', expected 'mean' or 'sum'");
}

}  // namespace

void add_losses_methods(BuilderClass& builder) {
  builder.def(
      "loss",
      [](GraphBuilder& b, int prediction, const std::string& kind, bool from_logits, const std::string& reduction,
         float weight) {
        return b.loss(prediction, parse_loss(kind), from_logits, parse_reduction(reduction), weight);
      },
      py::arg("prediction"), py::arg("kind"), py::kw_only(), py::arg("from_logits") = false,
      py::arg("reduction") = "mean", py::arg("weight") = 1.0f);
}

}  // namespace day33
