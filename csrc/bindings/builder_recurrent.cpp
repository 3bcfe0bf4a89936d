// PlanBuilder's methods for recurrent layers.
#include "bindings/builder.h"

namespace day33 {
namespace {

using NamedActivation = std::pair<std::string, float>;  // kind and alpha
using SeededRate = std::pair<float, uint64_t>;

RecurrentOptions to_options(const NamedActivation& activation, const NamedActivation& recurrent_activation,
                            const SeededRate& dropout, const SeededRate& recurrent_dropout) {
  return {.activation = to_activation(activation.first, activation.second),
          .recurrent_activation = to_activation(recurrent_activation.first, recurrent_activation.second),
          .inputs = {dropout.first, dropout.second},
          .states = {recurrent_dropout.first, recurrent_dropout.second}};
}

const NamedActivation kTanh{"tanh", 0.0f}, kSigmoid{"sigmoid", 0.0f};

}  // namespace

void add_recurrent_methods(BuilderClass& builder) {
  builder
      .def(
          "lstm",
          [](GraphBuilder& b, int x, int kernel, int recurrent_kernel, int bias, int mask,
             const std::vector<int>& initial, const NamedActivation& activation,
             const NamedActivation& recurrent_activation, const SeededRate& dropout,
             const SeededRate& recurrent_dropout, bool with_state) {
            return b.lstm(x, {kernel, recurrent_kernel, bias}, mask, initial,
                          to_options(activation, recurrent_activation, dropout, recurrent_dropout), with_state);
          },
          py::arg("x"), py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias") = -1, py::kw_only(),
          py::arg("mask") = -1, py::arg("initial") = std::vector<int>{}, py::arg("activation") = kTanh,
          py::arg("recurrent_activation") = kSigmoid, py::arg("dropout") = SeededRate(),
          py::arg("recurrent_dropout") = SeededRate(), py::arg("with_state") = false)
      .def(
          "gru",
          [](GraphBuilder& b, int x, int kernel, int recurrent_kernel, int bias, int mask,
             const std::vector<int>& initial, const NamedActivation& activation,
             const NamedActivation& recurrent_activation, const SeededRate& dropout,
             const SeededRate& recurrent_dropout, bool reset_after) {
            return b.gru(x, {kernel, recurrent_kernel, bias}, mask, initial,
                         to_options(activation, recurrent_activation, dropout, recurrent_dropout), reset_after);
          },
          py::arg("x"), py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias") = -1, py::kw_only(),
          py::arg("mask") = -1, py::arg("initial") = std::vector<int>{}, py::arg("activation") = kTanh,
          py::arg("recurrent_activation") = kSigmoid, py::arg("dropout") = SeededRate(),
          py::arg("recurrent_dropout") = SeededRate(), py::arg("reset_after") = true)
      .def(
          "simple_rnn",
          [](GraphBuilder& b, int x, int kernel, int recurrent_kernel, int bias, int mask,
             const std::vector<int>& initial, const NamedActivation& activation, const SeededRate& dropout,
             const SeededRate& recurrent_dropout) {
            return b.simple_rnn(x, {kernel, recurrent_kernel, bias}, mask, initial,
                                to_options(activation, kSigmoid, dropout, recurrent_dropout));
          },
          py::arg("x"), py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias") = -1, py::kw_only(),
          py::arg("mask") = -1, py::arg("initial") = std::vector<int>{}, py::arg("activation") = kTanh,
          py::arg("dropout") = SeededRate(), py::arg("recurrent_dropout") = SeededRate());
}

}  // namespace day33
