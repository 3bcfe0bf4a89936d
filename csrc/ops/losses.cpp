#include "ops/losses.h"

#include <stdexcept>
#include <utility>

namespace day33 {
namespace {

constexpr std::pair<const char*, LossKind> kLosses[] = {
    {"binary_crossentropy", LossKind::binary_crossentropy},
    {"categorical_crossentropy", LossKind::categorical_crossentropy},
    {"sparse_categorical_crossentropy", LossKind::sparse_categorical_crossentropy},
    {"mean_squared_error", LossKind::mean_squared_error},
    {"mean_absolute_error", LossKind::mean_absolute_error},
};

}  // namespace

LossKind parse_loss(const std::string& name) {
  std::string known;
  for (const auto& [known_name, kind] : kLosses) {
    if (name == known_name) return kind;
    known += std::string(known.empty() ? "" : ", ") + known_name;
  }
  throw std::invalid_argument("loss: got '" + name + "', expected one of " + known);
}

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
  }
  return 0.0;
}

}  // namespace day33
