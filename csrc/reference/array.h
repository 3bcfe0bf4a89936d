// Arrays of the reference implementations: dense, row-major, double precision, indexed with one subscript per axis.
#pragma once

#include <cstdint>
#include <vector>

namespace day33::reference {

using Values = std::vector<double>;

// Four axes: (N, H, W, C) for images, (kh, kw, in, out) or (kh, kw, out, in) for kernels.
struct Array4 {
  int64_t size[4] = {0, 0, 0, 0};
  Values values;

  Array4() = default;
  Array4(int64_t a, int64_t b, int64_t c, int64_t d, double fill = 0.0)
      : size{a, b, c, d}, values(static_cast<size_t>(a * b * c * d), fill) {}

  double& operator()(int64_t a, int64_t b, int64_t c, int64_t d) {
    return values[static_cast<size_t>(((a * size[1] + b) * size[2] + c) * size[3] + d)];
  }
  double operator()(int64_t a, int64_t b, int64_t c, int64_t d) const {
    return values[static_cast<size_t>(((a * size[1] + b) * size[2] + c) * size[3] + d)];
  }
};

}  // namespace day33::reference
