// Plans of one convolution or dense layer, how to run them, and the grid of shapes they are tested on.
#pragma once

#include <memory>
#include <string>

#include "check.h"
#include "core/thread_pool.h"
#include "engine/builder.h"
#include "engine/plan.h"
#include "inputs.h"
#include "reference/convolution.h"

namespace day33::testing {

using reference::Array4;
using reference::Values;

constexpr int kThreadCounts[] = {1, 2, 3, 7};

// What one run takes and gives: y, and the gradients of sum(y * dy).
struct Data {
  int64_t samples;
  Floats x, kernel, bias, dy;
};
struct Results {
  Floats y, dx, dkernel, dbias;
};

inline bool same_bits(const Results& a, const Results& b) {
  return testing::same_bits(a.y, b.y) && testing::same_bits(a.dx, b.dx) && testing::same_bits(a.dkernel, b.dkernel) &&
         testing::same_bits(a.dbias, b.dbias);
}

inline Results run(const Plan& plan, const Data& data, bool with_forward = true) {
  const bool biased = !data.bias.empty();
  Floats kernel = data.kernel, bias = data.bias;
  Results r{Floats(data.dy.size(), kNan), Floats(data.x.size(), kNan), Floats(data.kernel.size(), kNan),
            Floats(data.bias.size(), kNan)};
  Request request;
  request.samples = data.samples;
  request.inputs = {data.x.data()};
  request.parameters = {kernel.data()};
  request.parameter_gradients = {r.dkernel.data()};
  if (biased) {
    request.parameters.push_back(bias.data());
    request.parameter_gradients.push_back(r.dbias.data());
  }
  request.want_outputs = with_forward;
  if (with_forward) request.outputs = {r.y.data()};
  request.want_backward = true;
  request.output_gradients = {data.dy.data()};
  request.input_gradients = {r.dx.data()};
  plan.run(request);
  return r;
}

inline Floats forward_only(const Plan& plan, const Data& data) {
  Floats kernel = data.kernel, bias = data.bias, y(data.dy.size(), kNan);
  Request request;
  request.samples = data.samples;
  request.inputs = {data.x.data()};
  request.parameters = {kernel.data()};
  if (!data.bias.empty()) request.parameters.push_back(bias.data());
  request.want_outputs = true;
  request.outputs = {y.data()};
  plan.run(request);
  return y;
}

// Runs body(context) for every instruction set and number of threads, and restores both.
template <typename Body>
void for_each_isa_and_thread_count(Body body) {
  const std::string isa = active_kernels().isa;
  const int threads_before = num_threads();
  for_each_isa([&](const Kernels& k) {
    select_kernels(k.isa);
    for (int threads : kThreadCounts) {
      const Context context("threads ", threads);
      set_num_threads(threads);
      body();
    }
  });
  select_kernels(isa);
  set_num_threads(threads_before);
}

// A layer in both layouts.
struct Layer {
  std::unique_ptr<Plan> lanes, channels;
};

template <typename Add>
Layer make_layer(const Shape& input, const Shape& kernel, const Shape& bias, Add add) {
  Layer layer;
  for (Layout layout : {Layout::lanes, Layout::channels}) {
    GraphBuilder builder;
    const int x = builder.input(input, DType::float32);
    const int k = builder.parameter(kernel, true);
    const int b = bias.empty() ? -1 : builder.parameter(bias, true);
    const int y = add(builder, x, k, b);
    (layout == Layout::lanes ? layer.lanes : layer.channels) = std::make_unique<Plan>(builder.build({y}, layout));
  }
  return layer;
}

// ---- the grid ----

struct Channels {
  int64_t in, out, groups;
};
constexpr Channels kChannels[] = {{1, 1, 1},   {1, 8, 1},  {3, 2, 1},    {8, 1, 1},    {5, 7, 1},
                                  {16, 16, 1}, {4, 6, 2},  {17, 3, 1},   {3, 3, 3},    {2, 33, 1},
                                  {33, 4, 1},  {6, 12, 3}, {9, 31, 1},   {32, 16, 2},  {15, 17, 1},
                                  {64, 64, 1}, {1, 15, 1}, {17, 17, 17}, {40, 40, 40}, {6, 18, 6}};
constexpr int64_t kSamples[] = {1, 4, 19, 2, 37};

struct Geometry {
  int64_t H, W, KH, KW;
  Pair strides, dilation;
  Padding padding;
};

// ThreadSanitizer slows the references down by more than ten times, and looks for races, not for numbers.
constexpr size_t kGridStep = DAY33_THREAD_SANITIZER ? 9 : 1;

template <typename Body>
void each_geometry(Body body) {
  constexpr int64_t kSizes[][2] = {{5, 6}, {7, 4}, {1, 9}};
  constexpr int64_t kKernels[][2] = {{3, 3}, {1, 1}, {2, 3}, {5, 4}};
  constexpr Pair kSteps[][2] = {{{1, 1}, {1, 1}}, {{2, 2}, {1, 1}}, {{2, 1}, {1, 1}}, {{3, 3}, {1, 1}},
                                {{1, 1}, {2, 2}}, {{1, 1}, {1, 3}}, {{2, 3}, {2, 1}}};
  size_t number = 0;
  for (const auto& size : kSizes)
    for (const auto& kernel : kKernels)
      for (const auto& step : kSteps)
        for (Padding padding : {Padding::valid, Padding::same, Padding::causal})
          if (number++ % kGridStep == 0)
            body(Geometry{size[0], size[1], kernel[0], kernel[1], step[0], step[1], padding});
}

// One axis of a convolution, worked out here again: the tests share no arithmetic with what they test.
struct Axis {
  int64_t out, before;
};
inline Axis conv_axis_by_definition(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, Padding padding) {
  const int64_t reach = (kernel - 1) * dilation + 1;
  if (padding == Padding::valid) return {in < reach ? 0 : (in - reach) / stride + 1, 0};
  const int64_t out = (in + stride - 1) / stride;
  if (padding == Padding::causal) return {out, reach - 1};
  const int64_t total = (out - 1) * stride + reach - in;
  return {out, total > 0 ? total / 2 : 0};
}

inline Array4 to_array(const Floats& values, int64_t a, int64_t b, int64_t c, int64_t d) {
  Array4 array(a, b, c, d);
  array.values = to_double(values);
  return array;
}
inline Floats to_floats(const Values& values) { return Floats(values.begin(), values.end()); }

// Each geometry once with the next channels and samples of their lists, so that all pairs meet over the grid.
struct Cycle {
  size_t step = 0;
  Channels channels() const { return kChannels[step % std::size(kChannels)]; }
  int64_t samples() const {
    const Channels c = channels();
    // Large products only with few samples: the reference is slow.
    return c.in * c.out > 300 ? 2 : kSamples[step % std::size(kSamples)];
  }
  bool biased() const { return step % 3 != 0; }
};

struct ConvCase {
  Layer layer;
  Data data;
  reference::Conv2d geometry;
};

// False where there is no such layer (a valid window larger than the input).
inline bool make_conv2d(const Geometry& g, const Cycle& cycle, Random& random, bool whole_numbers, ConvCase& c) {
  const Axis h = conv_axis_by_definition(g.H, g.KH, g.strides.height, g.dilation.height, g.padding);
  const Axis w = conv_axis_by_definition(g.W, g.KW, g.strides.width, g.dilation.width, g.padding);
  if (h.out < 1 || w.out < 1) return false;
  const Channels ch = cycle.channels();
  const Shape bias = cycle.biased() ? Shape{ch.out} : Shape{};
  c.layer = make_layer({g.H, g.W, ch.in}, {g.KH, g.KW, ch.in / ch.groups, ch.out}, bias,
                       [&](GraphBuilder& builder, int x, int k, int b) {
                         const int y = builder.conv2d(x, k, b, g.strides, g.padding, g.dilation, ch.groups, {});
                         CHECK(builder.shape(y) == (Shape{h.out, w.out, ch.out}));
                         return y;
                       });
  const int64_t n = cycle.samples();
  const auto values = [&](int64_t size) { return whole_numbers ? random.integers(size) : random.reals(size); };
  c.data = {n, values(n * g.H * g.W * ch.in), values(g.KH * g.KW * ch.in / ch.groups * ch.out),
            values(cycle.biased() ? ch.out : 0), values(n * h.out * w.out * ch.out)};
  c.geometry = {h.out,    w.out,    g.strides.height,  g.strides.width,
                h.before, w.before, g.dilation.height, g.dilation.width,
                ch.groups};
  return true;
}

inline Results expected_conv2d(const Geometry& g, const Channels& ch, const ConvCase& c) {
  const Data& d = c.data;
  const Array4 x = to_array(d.x, d.samples, g.H, g.W, ch.in);
  const Array4 kernel = to_array(d.kernel, g.KH, g.KW, ch.in / ch.groups, ch.out);
  const Array4 dy = to_array(d.dy, d.samples, c.geometry.OH, c.geometry.OW, ch.out);
  Results r;
  r.y = to_floats(reference::conv2d(c.geometry, x, kernel, to_double(d.bias)).values);
  r.dx = to_floats(reference::conv2d_dx(c.geometry, dy, kernel, g.H, g.W).values);
  r.dkernel = to_floats(reference::conv2d_dkernel(c.geometry, x, dy, g.KH, g.KW).values);
  if (!d.bias.empty()) r.dbias = to_floats(reference::conv2d_dbias(dy));
  return r;
}

inline std::string describe(const Geometry& g, const Cycle& cycle) {
  std::ostringstream text;
  const Channels ch = cycle.channels();
  text << "x " << cycle.samples() << "x" << g.H << "x" << g.W << "x" << ch.in << " kernel " << g.KH << "x" << g.KW
       << " to " << ch.out << " groups " << ch.groups << " strides " << g.strides.height << "," << g.strides.width
       << " dilation " << g.dilation.height << "," << g.dilation.width
       << (g.padding == Padding::same     ? " same"
           : g.padding == Padding::causal ? " causal"
                                          : " valid");
  return text.str();
}

}  // namespace day33::testing
