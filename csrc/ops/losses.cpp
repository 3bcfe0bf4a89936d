#include "ops/losses.h"

#include "core/names.h"

namespace day33 {
namespace {

constexpr const char* kLossNames[] = {DAY33_LOSSES(DAY33_ENUMERATOR_NAME)};

}  // namespace

LossKind parse_loss(const std::string& name) { return parse_name<LossKind>("loss", name, kLossNames); }

double run_loss(const Kernels& kernels, const LossTerm& term, const LossArgs& args) {
  switch (term.kind) {
    case LossKind::binary_crossentropy:
      return (term.from_logits ? kernels.binary_crossentropy_logits : kernels.binary_crossentropy)(args);
    case LossKind::categorical_crossentropy:
      return (term.from_logits ? kernels.categorical_crossentropy_logits : kernels.categorical_crossentropy)(args);
    case LossKind::sparse_categorical_crossentropy:
      return (term.from_logits ? kernels.sparse_categorical_crossentropy_logits
                               : kernels.sparse_categorical_crossentropy)(args);
    case LossKind::mean_squared_error:
      return kernels.mean_squared_error(args);
    case LossKind::mean_absolute_error:
      return kernels.mean_absolute_error(args);
    case LossKind::value:
      return kernels.value_loss(args);
  }
  return 0.0;
}

}  // namespace day33
