// Helpers that the files of the bindings share.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/shapes.h"

namespace day33 {

namespace py = pybind11;

void register_builder(py::module_& m);
void register_decoder(py::module_& m);
void register_limits(py::module_& m);
void register_runtime(py::module_& m);
void register_parameters(py::module_& m);
void register_plan(py::module_& m);
void register_training(py::module_& m);

// While it lives, the thread does not hold the GIL.
//
// An interpreter that shuts down does not hand out the GIL any more. CPython before 3.14 then ends a daemon thread that
// asks for it by unwinding its stack, whose destructors need the GIL (and py::gil_scoped_release turns the unwinding
// into std::terminate). As in CPython 3.14, such a thread stops here instead, until the process ends.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {  // nothing but the unwinding, which is no object that a reference could be bound to
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* const state_;
};

// The shape of an array, for messages.
inline std::string shape_of(const py::array& array) {
  return to_string(Shape(array.shape(), array.shape() + array.ndim()));
}

// The data of a C-contiguous array of exactly this dtype. Raises TypeError for other arrays and, with `writeable`,
// ValueError for a read-only one.
template <typename T>
T* contiguous_data(const py::array& array, const std::string& name, bool writeable = false) {
  if (!py::dtype::of<T>().is(array.dtype()) && !array.dtype().equal(py::dtype::of<T>()))
    throw py::type_error(name + " has dtype " + std::string(py::str(array.dtype())) + "; expected " +
                         std::string(py::str(py::dtype::of<T>())));
  constexpr int kContiguous = py::array::c_style, kAligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  constexpr int kWanted = kContiguous | kAligned;
  if ((array.flags() & kWanted) != kWanted) throw py::type_error(name + ": expected a C-contiguous, aligned array");
  if (writeable && !array.writeable()) throw py::value_error(name + ": the array is read-only");
  return static_cast<T*>(const_cast<void*>(array.data()));
}

// A new, uninitialised array in C order. The memory of large arrays is reused after they are freed.
template <typename T>
py::array_t<T> new_array(const std::vector<py::ssize_t>& shape);

// Raises ValueError unless the array has the shape (samples, *shape), or `shape` if `samples` is not given.
inline void require_shape(const py::array& array, const Shape& shape, const std::string& name, int64_t samples = -1) {
  Shape expected = shape;
  if (samples >= 0) expected.insert(expected.begin(), samples);
  if (Shape(array.shape(), array.shape() + array.ndim()) != expected)
    throw py::value_error(name + " has shape " + shape_of(array) + "; expected " + to_string(expected));
}

}  // namespace day33
