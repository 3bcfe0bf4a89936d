// PlanBuilder's method for losses.
#include "bindings/builder.h"
#include "core/names.h"
#include "ops/losses.h"

namespace day33 {
namespace {

enum class Reduction { mean, sum };
constexpr const char* kReductionNames[] = {"mean", "sum"};

}  // namespace

void add_losses_methods(BuilderClass& builder) {
  builder.def("logits_of", &GraphBuilder::logits_of, py::arg("prediction"));
  builder.def(
      "loss",
      [](GraphBuilder& b, int prediction, const std::string& kind, bool from_logits, const std::string& reduction,
         float weight) {
        return b.loss(prediction, parse_loss(kind), from_logits,
                      parse_name<Reduction>("reduction", reduction, kReductionNames) == Reduction::mean, weight);
      },
      py::arg("prediction"), py::arg("kind"), py::kw_only(), py::arg("from_logits") = false,
      py::arg("reduction") = "mean", py::arg("weight") = 1.0f);
}

}  // namespace day33
