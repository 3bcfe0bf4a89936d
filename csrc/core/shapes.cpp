#include "core/shapes.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <stdexcept>

#include "core/names.h"

namespace day33 {
namespace {

constexpr const char* kPaddingNames[] = {DAY33_PADDINGS(DAY33_ENUMERATOR_NAME)};
constexpr int64_t kMaxElements = int64_t{1} << 40;
constexpr int64_t kMaxSide = std::numeric_limits<int32_t>::max();

void require_in_range(int64_t value, int64_t low, const char* name, const std::string& what) {
  if (value < low || value > kMaxSide)
    throw std::invalid_argument(std::string(name) + " (" + what + ") is " + std::to_string(value) +
                                "; expected an integer from " + std::to_string(low) + " to " +
                                std::to_string(kMaxSide));
}

int64_t dilated(int64_t kernel, int64_t dilation) { return (kernel - 1) * dilation + 1; }

// Fills in `before` for an axis whose other fields are known.
void set_padding(ConvAxis& axis, Padding padding) {
  axis.before = 0;
  if (padding == Padding::causal) axis.before = dilated(axis.kernel, axis.dilation) - 1;
  if (padding == Padding::same && axis.out > 0) {
    const int64_t needed = (axis.out - 1) * axis.stride + dilated(axis.kernel, axis.dilation);
    axis.before = std::max<int64_t>(needed - axis.in, 0) / 2;
  }
}

}  // namespace

int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (int64_t side : shape) {
    if (side < 0 || side > kMaxElements)
      throw std::invalid_argument("shape is " + to_string(shape) + "; expected dimensions from 0 to 2^40");
    if (side != 0 && count > kMaxElements / side)
      throw std::invalid_argument("shape is " + to_string(shape) + "; expected at most 2^40 elements");
    count *= side;
  }
  return count;
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

Padding parse_padding(const std::string& name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const int64_t place = find_name(kPaddingNames, lower);
  if (place < 0) throw_unknown_name("padding", name, kPaddingNames);
  return static_cast<Padding>(place);
}

ConvAxis conv_axis(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, Padding padding,
                   const std::string& what) {
  require_in_range(in, 0, "input size", what);
  require_in_range(kernel, 1, "kernel size", what);
  require_in_range(stride, 1, "strides", what);
  require_in_range(dilation, 1, "dilation_rate", what);
  ConvAxis axis{in, kernel, stride, dilation, 0, 0};
  const int64_t span = dilated(kernel, dilation);
  if (padding != Padding::valid) {
    axis.out = (in + stride - 1) / stride;
  } else {
    if (span > in)
      throw std::invalid_argument("the input's " + what + " is " + std::to_string(in) + "; expected at least " +
                                  std::to_string(span) + ", the span of the window, with padding 'valid'");
    axis.out = (in - span) / stride + 1;
  }
  set_padding(axis, padding);
  return axis;
}

ConvAxis conv_transpose_axis(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, Padding padding,
                             std::optional<int64_t> output_padding, const std::string& what) {
  require_in_range(in, 0, "input size", what);
  require_in_range(kernel, 1, "kernel size", what);
  require_in_range(stride, 1, "strides", what);
  require_in_range(dilation, 1, "dilation_rate", what);
  if (padding == Padding::causal)
    throw std::invalid_argument("padding is 'causal'; expected 'valid' or 'same' for a transposed convolution");
  if (stride > 1 && dilation > 1)
    throw std::invalid_argument("strides and dilation_rate (" + what + ") are " + std::to_string(stride) + " and " +
                                std::to_string(dilation) +
                                "; expected at most one of them above 1 in a transposed convolution");
  if (output_padding) {
    require_in_range(*output_padding, 0, "output_padding", what);
    if (*output_padding >= stride)
      throw std::invalid_argument("output_padding (" + what + ") is " + std::to_string(*output_padding) +
                                  "; expected less than the stride, " + std::to_string(stride));
  }
  const int64_t span = dilated(kernel, dilation);
  int64_t size = 0;
  if (in > 0) {
    if (padding == Padding::valid)
      size = (in - 1) * stride + span + output_padding.value_or(std::max(span, stride) - span);
    else
      size = output_padding ? (in - 1) * stride + span % 2 + *output_padding : in * stride;
  }
  require_in_range(size, 0, "output size", what);
  if (padding == Padding::same && (size + stride - 1) / stride != in)
    throw std::invalid_argument("output_padding (" + what + ") is " + std::to_string(output_padding.value_or(0)) +
                                "; expected a value for which a convolution with padding 'same', kernel size " +
                                std::to_string(kernel) + " and stride " + std::to_string(stride) +
                                " maps the output of " + std::to_string(size) + " cells back to the input's " +
                                std::to_string(in));
  ConvAxis axis{size, kernel, stride, dilation, in, 0};
  set_padding(axis, padding);
  return axis;
}

}  // namespace day33
