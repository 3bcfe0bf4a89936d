// PlanBuilder's methods for up-sampling, resizing and transforming images.
#include "bindings/builder.h"
#include "core/names.h"

namespace day33 {
namespace {

constexpr const char* kPixelNames[] = {"nearest", "bilinear"};  // of affine_transform

}  // namespace

void add_resampling_methods(BuilderClass& builder) {
  builder
      .def(
          "up_sampling2d",
          [](GraphBuilder& b, int x, IntPair size, const std::string& interpolation) {
            return b.up_sampling2d(x, to_pair(size), parse_interpolation(interpolation));
          },
          py::arg("x"), py::kw_only(), py::arg("size"), py::arg("interpolation"))
      .def(
          "resize",
          [](GraphBuilder& b, int x, IntPair size, const std::string& interpolation, bool antialias) {
            return b.resize(x, to_pair(size), parse_resizing(interpolation), antialias);
          },
          py::arg("x"), py::arg("size"), py::arg("interpolation") = "bilinear", py::arg("antialias") = false)
      .def(
          "affine_transform",
          [](GraphBuilder& b, int x, int transform, const std::string& interpolation, const std::string& fill_mode,
             float fill_value) {
            return b.affine_transform(x, transform, parse_name<bool>("interpolation", interpolation, kPixelNames),
                                      parse_fill_mode(fill_mode), fill_value);
          },
          py::arg("x"), py::arg("transform"), py::arg("interpolation") = "bilinear", py::arg("fill_mode") = "constant",
          py::arg("fill_value") = 0.0f);
}

}  // namespace day33
