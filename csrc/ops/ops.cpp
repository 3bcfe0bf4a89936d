#include <stdexcept>
#include <utility>

#include "ops/op.h"

namespace day33 {
namespace {

constexpr std::pair<const char*, Activation> kActivations[] = {
    {"linear", Activation::linear},
    {"relu", Activation::relu},
    {"leaky_relu", Activation::leaky_relu},
    {"elu", Activation::elu},
    {"sigmoid", Activation::sigmoid},
    {"tanh", Activation::tanh},
    {"softmax", Activation::softmax},
    {"log_softmax", Activation::log_softmax},
    {"relu6", Activation::relu6},
    {"selu", Activation::selu},
    {"exponential", Activation::exponential},
    {"softplus", Activation::softplus},
    {"softsign", Activation::softsign},
    {"log_sigmoid", Activation::log_sigmoid},
    {"hard_sigmoid", Activation::hard_sigmoid},
    {"gelu", Activation::gelu},
    {"gelu_tanh", Activation::gelu_tanh},
    {"silu", Activation::silu},
    {"hard_silu", Activation::hard_silu},
    {"mish", Activation::mish},
};

}  // namespace

Activation parse_activation(const std::string& name) {
  std::string known;
  for (const auto& [known_name, activation] : kActivations) {
    if (name == known_name) return activation;
    known += std::string(known.empty() ? "" : ", ") + known_name;
  }
  throw std::invalid_argument("activation: got '" + name + "', expected one of " + known);
}

std::string to_string(Activation activation) {
  for (const auto& [name, value] : kActivations)
    if (value == activation) return name;
  return "unknown";
}

}  // namespace day33
