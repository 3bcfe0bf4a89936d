// PlanBuilder.
#include "bindings/builder.h"
#include "core/names.h"
#include "engine/plan.h"

namespace day33 {
namespace {

#define DAY33_MEMBER(name) &Fusions::name,

constexpr const char* kLayoutNames[] = {"auto", "lanes", "channels"};  // in the order of Layout
constexpr const char* kInputTypeNames[] = {"float32", "int32"};        // the first enumerators of DType

// All fusions but the named ones.
Fusions parse_fusions(const std::vector<std::string>& without) {
  constexpr const char* kNames[] = {DAY33_FUSIONS(DAY33_ENUMERATOR_NAME)};
  constexpr bool Fusions::* kMembers[] = {DAY33_FUSIONS(DAY33_MEMBER)};
  Fusions fusions;
  for (const std::string& name : without) fusions.*kMembers[parse_name<size_t>("without", name, kNames)] = false;
  return fusions;
}

}  // namespace

void register_builder(py::module_& m) {
  BuilderClass builder(m, "PlanBuilder");
  builder.def(py::init<>())
      .def(
          "shape", [](const GraphBuilder& b, int tensor) { return py::tuple(py::cast(b.shape(tensor))); },
          py::arg("tensor"))
      .def(
          "input",
          [](GraphBuilder& b, const Shape& shape, const std::string& dtype) {
            return b.input(shape, parse_name<DType>("dtype", dtype, kInputTypeNames));
          },
          py::arg("shape"), py::arg("dtype") = "float32")
      .def("parameter", &GraphBuilder::parameter, py::arg("shape"), py::arg("trainable") = true)
      .def(
          "build",
          [](GraphBuilder& b, const std::vector<int>& outputs, const std::string& layout,
             const std::vector<std::string>& without, bool effects) {
            return std::make_unique<Plan>(
                b.build(outputs, parse_name<Layout>("layout", layout, kLayoutNames), parse_fusions(without), effects));
          },
          py::arg("outputs"), py::kw_only(), py::arg("layout") = "auto",
          py::arg("without") = std::vector<std::string>(), py::arg("effects") = true);
  add_convolution_methods(builder);
  add_dense_methods(builder);
  add_pooling_methods(builder);
  add_resampling_methods(builder);
  add_normalization_methods(builder);
  add_elementwise_methods(builder);
  add_arithmetic_methods(builder);
  add_reduction_methods(builder);
  add_random_methods(builder);
  add_movement_methods(builder);
  add_masks_methods(builder);
  add_embedding_methods(builder);
  add_recurrent_methods(builder);
  add_states_methods(builder);
  add_losses_methods(builder);
  add_matrix_methods(builder);
  add_indexing_methods(builder);
}

}  // namespace day33
