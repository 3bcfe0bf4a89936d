// Parameter and ParameterList.
#include <cstring>

#include "bindings/bindings.h"
#include "engine/parameter.h"

namespace day33 {

void register_parameters(py::module_& m) {
  py::class_<Parameter, std::shared_ptr<Parameter>>(m, "Parameter")
      .def(py::init([](const Shape& shape) { return std::make_shared<Parameter>(shape); }), py::arg("shape"))
      .def_property_readonly("shape", [](const Parameter& p) { return py::tuple(py::cast(p.shape())); })
      .def_property_readonly("size", &Parameter::size)
      .def_property_readonly("version", &Parameter::version)
      .def(
          "assign",
          [](Parameter& p, const py::array& value) {
            const float* from = contiguous_data<float>(value, "value");
            require_shape(value, p.shape(), "value");
            if (p.size() > 0) std::memcpy(p.data(), from, static_cast<size_t>(p.size()) * sizeof(float));
            p.touch();
          },
          py::arg("value"))
      .def("view", [](py::object self) {
        auto& p = self.cast<Parameter&>();
        // The array keeps the parameter alive. It is read-only, since writing to it would not raise the version.
        py::array_t<float> view(std::vector<py::ssize_t>(p.shape().begin(), p.shape().end()), p.data(), self);
        view.attr("flags").attr("writeable") = false;
        return view;
      });

  py::class_<ParameterList, std::shared_ptr<ParameterList>>(m, "ParameterList")
      .def(py::init([](std::vector<std::shared_ptr<Parameter>> parameters) {
             for (const auto& p : parameters)
               if (p == nullptr) throw py::type_error("parameters is None; expected Parameter objects");
             return std::make_shared<ParameterList>(std::move(parameters));
           }),
           py::arg("parameters"));
}

}  // namespace day33
