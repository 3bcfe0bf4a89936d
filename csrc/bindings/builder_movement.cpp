// PlanBuilder's methods for ops that only move values.
#include <variant>

#include "bindings/builder.h"

namespace day33 {
void add_movement_methods(BuilderClass& builder) {
  builder.def("reshape", &GraphBuilder::reshape, py::arg("x"), py::arg("shape"))
      .def(
          "pad",
          [](GraphBuilder& b, int x, const std::vector<IntPair>& borders, const std::string& mode, double value) {
            std::vector<Border> each;
            for (const IntPair& border : borders) each.push_back({border.first, border.second});
            return b.pad(x, each, parse_pad_mode(mode), value);
          },
          py::arg("x"), py::arg("borders"), py::arg("mode") = "constant", py::arg("value") = 0.0)
      .def("strided_slice", &GraphBuilder::strided_slice, py::arg("x"), py::arg("begin"), py::arg("size"),
           py::arg("stride"))
      .def(
          "repeat",
          [](GraphBuilder& b, int x, const std::variant<int64_t, std::vector<int64_t>>& repeats, int64_t axis) {
            const int64_t* one = std::get_if<int64_t>(&repeats);
            return b.repeat(x, one ? std::vector<int64_t>{*one} : std::get<std::vector<int64_t>>(repeats), axis);
          },
          py::arg("x"), py::arg("repeats"), py::arg("axis"))
      .def("tile", &GraphBuilder::tile, py::arg("x"), py::arg("repeats"))
      .def(
          "take",
          [](GraphBuilder& b, int x, const py::array& indices, int64_t axis) {
            const int64_t* data = contiguous_data<int64_t>(indices, "indices");
            return b.take(x, {data, data + indices.size()}, Shape(indices.shape(), indices.shape() + indices.ndim()),
                          axis);
          },
          py::arg("x"), py::arg("indices"), py::arg("axis"))
      .def("permute", &GraphBuilder::permute, py::arg("x"), py::arg("axes"))
      .def("broadcast_to", &GraphBuilder::broadcast_to, py::arg("x"), py::arg("shape"))
      .def("concatenate", &GraphBuilder::concatenate, py::arg("xs"), py::arg("axis"))
      .def("slice", &GraphBuilder::slice, py::arg("x"), py::arg("begin"), py::arg("end"))
      .def("reverse", &GraphBuilder::reverse, py::arg("x"));
}

}  // namespace day33
