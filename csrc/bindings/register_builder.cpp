// PlanBuilder.
#include "bindings/builder.h"
#include "engine/plan.h"

namespace day33 {
namespace {

Layout parse_layout(const std::string& name) {
  if (name == "auto") return Layout::automatic;
  if (name == "lanes") return Layout::lanes;
  if (name == "channels") return Layout::channels;
  throw py::value_error("layout: got '" + name + "', expected 'auto', 'lanes' or 'channels'");
}

DType parse_dtype(const std::string& name) {
  if (name == "float32") return DType::float32;
  if (name == "int32") return DType::int32;
  throw py::value_error("dtype: got '" + name + "', expected 'float32' or 'int32'");
}

Fusions parse_fusions(const std::vector<std::string>& without) {
  Fusions fusions;
  for (const std::string& name : without) {
    if (name == "activation")
      fusions.activation = false;
    else if (name == "up_sampling")
      fusions.up_sampling = false;
    else if (name == "pooling")
      fusions.pooling = false;
    else if (name == "loss")
      fusions.loss = false;
    else if (name == "batch_norm")
      fusions.batch_norm = false;
    else
      throw py::value_error("without: got '" + name +
                            "', expected 'activation', 'batch_norm', 'loss', 'pooling' or 'up_sampling'");
  }
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
            return b.input(shape, parse_dtype(dtype));
          },
          py::arg("shape"), py::arg("dtype") = "float32")
      .def("parameter", &GraphBuilder::parameter, py::arg("shape"), py::arg("trainable") = true)
      .def(
          "build",
          [](GraphBuilder& b, const std::vector<int>& outputs, const std::string& layout,
             const std::vector<std::string>& without) {
            return std::make_unique<Plan>(b.build(outputs, parse_layout(layout), parse_fusions(without)));
          },
          py::arg("outputs"), py::kw_only(), py::arg("layout") = "auto",
          py::arg("without") = std::vector<std::string>());
  add_convolution_methods(builder);
  add_dense_methods(builder);
  add_pooling_methods(builder);
  add_resampling_methods(builder);
  add_normalization_methods(builder);
  add_elementwise_methods(builder);
  add_movement_methods(builder);
  add_masks_methods(builder);
  add_embedding_methods(builder);
  add_recurrent_methods(builder);
  add_losses_methods(builder);
}

}  // namespace day33
