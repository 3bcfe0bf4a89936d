// Shapes and padding: the only place that turns sizes, strides and paddings into output sizes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/enumerators.h"

namespace day33 {

using Shape = std::vector<int64_t>;

#define DAY33_PADDINGS(X) X(valid) X(same) X(causal)
enum class Padding { DAY33_PADDINGS(DAY33_ENUMERATOR) };

// The product of the dimensions. Throws std::invalid_argument if a dimension is negative or the product exceeds the
// library's limit of 2^40 elements.
int64_t element_count(const Shape& shape);

std::string to_string(const Shape& shape);

// Parses "valid", "same" or "causal", ignoring case. Throws std::invalid_argument for anything else.
Padding parse_padding(const std::string& name);

// One spatial axis of a convolution or pooling window, as TensorFlow's kernel_shape_util defines it:
//   k' = (k - 1) d + 1
//   SAME:  out = ceil(in / s), total = max((out - 1) s + k' - in, 0), before = floor(total / 2)
//   VALID: out = floor((in - k') / s) + 1, before = 0
// and, for convolutions in which no output sees a later input, as Keras pads for Conv1D:
//   CAUSAL: out = ceil(in / s), before = k' - 1
struct ConvAxis {
  int64_t in, kernel, stride, dilation;
  int64_t out, before;
};

// `what` names the axis in error messages ("height", "width").
ConvAxis conv_axis(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, Padding padding,
                   const std::string& what);

// One spatial axis of a transposed convolution of `in` cells, described by the convolution whose gradient it is: that
// convolution maps `result.in` cells (the transposed convolution's output) to `result.out` == in. Output sizes are as
// Keras computes them (backend/common/backend_utils), with k' as above and the output padding op:
//   VALID: (in - 1) s + k' + op, where op defaults to max(k', s) - k'
//   SAME:  in s without op, otherwise (in - 1) s + k' % 2 + op
// There is no causal one.
ConvAxis conv_transpose_axis(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, Padding padding,
                             std::optional<int64_t> output_padding, const std::string& what);

}  // namespace day33
