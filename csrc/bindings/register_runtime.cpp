// Instruction set, threads, and the shape functions.
#include "bindings/bindings.h"
#include "core/isa.h"
#include "core/thread_pool.h"

#if defined(_WIN32)
#define DAY33_EXPORT __declspec(dllexport)
#else
#define DAY33_EXPORT __attribute__((visibility("default")))
#endif

// For threadpoolctl, which controls a library through C symbols.
extern "C" {
DAY33_EXPORT int day33_get_num_threads() { return day33::num_threads(); }
DAY33_EXPORT void day33_set_num_threads(int count) {
  if (count >= 1 && count <= 1024) day33::set_num_threads(count);
}
}

namespace day33 {

void register_runtime(py::module_& m) {
  // Invalid values of DAY33_MAX_ISA and DAY33_NUM_THREADS are reported here, at import.
  available_kernels();
  num_threads();

  m.def("isa", [] { return std::string(active_kernels().isa); });
  m.def("available_isas", [] {
    std::vector<std::string> names;
    for (const Kernels* kernels : available_kernels()) names.push_back(kernels->isa);
    return names;
  });
  m.def("select_isa", &select_kernels, py::arg("name"));
  m.def("lanes", [] { return active_kernels().lanes; });
  m.def("build_info", [] {
    py::dict facts;
#if defined(__clang__)
    facts["compiler"] = "Clang " __clang_version__;
#else
    facts["compiler"] = "GCC " __VERSION__;
#endif
    facts["type"] = DAY33_BUILD_TYPE;
    facts["sanitizers"] = *DAY33_SANITIZERS == '\0' ? "none" : DAY33_SANITIZERS;
    return facts;
  });
  m.def("get_num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads, py::arg("count"));

  m.def(
      "conv_output_length",
      [](int64_t size, int64_t kernel, int64_t stride, int64_t dilation, const std::string& padding) {
        return conv_axis(size, kernel, stride, dilation, parse_padding(padding), "size").out;
      },
      py::arg("size"), py::arg("kernel"), py::arg("stride"), py::arg("dilation"), py::arg("padding"));
  m.def(
      "conv_transpose_output_length",
      [](int64_t size, int64_t kernel, int64_t stride, int64_t dilation, const std::string& padding,
         std::optional<int64_t> output_padding) {
        return conv_transpose_axis(size, kernel, stride, dilation, parse_padding(padding), output_padding, "size").in;
      },
      py::arg("size"), py::arg("kernel"), py::arg("stride"), py::arg("dilation"), py::arg("padding"),
      py::arg("output_padding") = py::none());
}

}  // namespace day33
