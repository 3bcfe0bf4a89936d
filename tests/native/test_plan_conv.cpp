// Convolution, transposed convolution and dense layers against the references: exact on whole numbers.
#include <algorithm>

#include "kernels/prefetch.h"
#include "ops/conv_geometry.h"
#include "plan_cases.h"
#include "reference/dense.h"

namespace day33::testing {
namespace {

void check_exact(const Layer& layer, const Data& data, const Results& expected) {
  for_each_isa_and_thread_count([&] {
    for (const Plan* plan : {layer.lanes.get(), layer.channels.get()}) {
      const Context context(plan == layer.lanes.get() ? "lanes" : "channels");
      const Results r = run(*plan, data);
      check_all_equal(r.y, expected.y);
      check_all_equal(r.dx, expected.dx);
      check_all_equal(r.dkernel, expected.dkernel);
      check_all_equal(r.dbias, expected.dbias);
      CHECK(testing::same_bits(forward_only(*plan, data), r.y));
      const Results back_only = run(*plan, data, false);
      CHECK(testing::same_bits(back_only.dx, r.dx) && testing::same_bits(back_only.dkernel, r.dkernel));
    }
  });
}

// Output size of a transposed convolution (Keras), op < 0 for none.
int64_t transposed_size(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, Padding padding, int64_t op) {
  const int64_t reach = (kernel - 1) * dilation + 1;
  if (padding == Padding::valid)
    return (in - 1) * stride + reach + (op >= 0 ? op : reach > stride ? 0 : stride - reach);
  return op < 0 ? in * stride : (in - 1) * stride + reach % 2 + op;
}

}  // namespace

TEST(conv2d_is_exact_on_whole_numbers) {
  Random random(70);
  Cycle cycle;
  each_geometry([&](const Geometry& g) {
    const Context context(describe(g, cycle));
    ConvCase c;
    if (make_conv2d(g, cycle, random, true, c)) {
      check_exact(c.layer, c.data, expected_conv2d(g, cycle.channels(), c));
      ++cycle.step;
    }
  });
  CHECK(cycle.step * kGridStep > 100);
}

TEST(conv2d_transpose_is_exact_on_whole_numbers) {
  Random random(71);
  Cycle cycle;
  each_geometry([&](const Geometry& g) {
    const bool strided = g.strides.height > 1 || g.strides.width > 1;
    const bool dilated = g.dilation.height > 1 || g.dilation.width > 1;
    for (int64_t op : {-1, 0, 1}) {
      // TensorFlow has no output for a stride together with a dilation, and output_padding stays below the stride.
      const bool possible =
          !(strided && dilated) && op < std::min(g.strides.height, g.strides.width) && g.padding != Padding::causal;
      const int64_t OH = transposed_size(g.H, g.KH, g.strides.height, g.dilation.height, g.padding, op);
      const int64_t OW = transposed_size(g.W, g.KW, g.strides.width, g.dilation.width, g.padding, op);
      // The convolution whose gradient this is must lead back to the input's size.
      const Axis h = conv_axis_by_definition(OH, g.KH, g.strides.height, g.dilation.height, g.padding);
      const Axis w = conv_axis_by_definition(OW, g.KW, g.strides.width, g.dilation.width, g.padding);
      if (!possible || h.out != g.H || w.out != g.W) continue;
      const Context context(describe(g, cycle), " output padding ", op);
      Channels ch = cycle.channels();
      ch.groups = 1;
      const Shape bias = cycle.biased() ? Shape{ch.out} : Shape{};
      const std::optional<int64_t> padding = op < 0 ? std::nullopt : std::optional<int64_t>(op);
      const Layer layer = make_layer(
          {g.H, g.W, ch.in}, {g.KH, g.KW, ch.out, ch.in}, bias, [&](GraphBuilder& builder, int x, int k, int b) {
            const int y = builder.conv2d_transpose(x, k, b, g.strides, g.padding, padding, padding, g.dilation, {});
            CHECK(builder.shape(y) == (Shape{OH, OW, ch.out}));
            return y;
          });
      const int64_t n = cycle.samples();
      const Data d = {n, random.integers(n * g.H * g.W * ch.in), random.integers(g.KH * g.KW * ch.in * ch.out),
                      random.integers(cycle.biased() ? ch.out : 0), random.integers(n * OH * OW * ch.out)};
      const reference::Conv2d geometry = {OH,       OW,       g.strides.height,  g.strides.width,
                                          h.before, w.before, g.dilation.height, g.dilation.width};
      const Array4 x = to_array(d.x, n, g.H, g.W, ch.in), kernel = to_array(d.kernel, g.KH, g.KW, ch.out, ch.in);
      const Array4 dy = to_array(d.dy, n, OH, OW, ch.out);
      Results expected;
      expected.y = to_floats(reference::conv2d_transpose(geometry, x, kernel, to_double(d.bias)).values);
      expected.dx = to_floats(reference::conv2d_transpose_dx(geometry, dy, kernel, g.H, g.W).values);
      expected.dkernel = to_floats(reference::conv2d_transpose_dkernel(geometry, x, dy, g.KH, g.KW).values);
      if (!d.bias.empty()) expected.dbias = to_floats(reference::conv2d_dbias(dy));
      check_exact(layer, d, expected);
      ++cycle.step;
    }
  });
  CHECK(cycle.step * kGridStep > 100);
}

Values transpose(const Values& x, int64_t rows, int64_t columns) {
  Values y(x.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) y[c * rows + r] = x[r * columns + c];
  return y;
}

TEST(dense_is_exact_on_whole_numbers) {
  Random random(72);
  size_t step = 0;
  for (int64_t I : {1, 3, 16, 33, 100})
    for (int64_t O : {1, 7, 8, 16, 31, 65})
      for (int64_t rows : {1, 3})
        for (bool transposed : {false, true}) {
          const int64_t n = kSamples[step / 2 % std::size(kSamples)];
          const bool biased = step++ % 3 != 0;
          const Context context("samples ", n, " rows ", rows, " I ", I, " O ", O, transposed ? " transposed" : "");
          const Shape input = rows == 1 ? Shape{I} : Shape{rows, I};
          const Layer layer = make_layer(
              input, transposed ? Shape{O, I} : Shape{I, O}, biased ? Shape{O} : Shape{},
              [&](GraphBuilder& builder, int x, int k, int b) { return builder.dense(x, k, b, {}, transposed); });
          const Data d = {n, random.integers(n * rows * I), random.integers(I * O), random.integers(biased ? O : 0),
                          random.integers(n * rows * O)};
          const reference::Dense shape = {n * rows, I, O};
          const Values x = to_double(d.x), dy = to_double(d.dy);
          const Values kernel = transposed ? transpose(to_double(d.kernel), O, I) : to_double(d.kernel);
          const Values dkernel = reference::dense_dkernel(shape, x, dy);
          Results expected{to_floats(reference::dense(shape, x, kernel, to_double(d.bias))),
                           to_floats(reference::dense_dx(shape, dy, kernel)),
                           to_floats(transposed ? transpose(dkernel, I, O) : dkernel),
                           {}};
          if (biased) expected.dbias = to_floats(reference::dense_dbias(shape, dy));
          check_exact(layer, d, expected);
        }
}

// Real numbers: sums of as many products as an element has, each of magnitude at most 1.
TEST(conv2d_matches_the_reference_on_real_numbers) {
  Random random(73);
  Cycle cycle;
  for (const Geometry& g :
       {Geometry{7, 6, 3, 3, {1, 1}, {1, 1}, Padding::same}, Geometry{9, 8, 5, 2, {2, 3}, {1, 1}, Padding::same},
        Geometry{6, 6, 3, 3, {1, 1}, {2, 2}, Padding::valid}})
    for (size_t i = 0; i < std::size(kChannels); ++i) {
      const Context context(describe(g, cycle));
      ConvCase c;
      CHECK(make_conv2d(g, cycle, random, false, c));
      const Channels ch = cycle.channels();
      const Results expected = expected_conv2d(g, ch, c);
      const int64_t taps = g.KH * g.KW;
      const int64_t pixels = c.data.samples * c.geometry.OH * c.geometry.OW;
      const auto bound = [](int64_t products) { return sum_bound(products, static_cast<double>(products)); };
      for_each_isa_and_thread_count([&] {
        for (const Plan* plan : {c.layer.lanes.get(), c.layer.channels.get()}) {
          const Context layout(plan == c.layer.lanes.get() ? "lanes" : "channels");
          const Results r = run(*plan, c.data);
          for (size_t e = 0; e < r.y.size(); ++e)
            CHECK_NEAR(r.y[e], expected.y[e], bound(taps * ch.in / ch.groups + 1));
          for (size_t e = 0; e < r.dx.size(); ++e)
            CHECK_NEAR(r.dx[e], expected.dx[e], bound(taps * ch.out / ch.groups));
          for (size_t e = 0; e < r.dkernel.size(); ++e) CHECK_NEAR(r.dkernel[e], expected.dkernel[e], bound(pixels));
          for (size_t e = 0; e < r.dbias.size(); ++e) CHECK_NEAR(r.dbias[e], expected.dbias[e], bound(pixels));
        }
      });
      ++cycle.step;
    }
}

// Work is counted, not timed: what is fetched ahead, and how far a kernel steps, depend on what it reads.
TEST(strides_beyond_the_input_cost_nothing) {
  constexpr int64_t kStride = 300'000'000;
  for (int64_t pixels : {1, 2, 6, 14})
    for (int64_t left : {-20, -1, 0, 1, 5, 14, 100})
      for (int64_t used : {1, 16, 64, 100, 192})
        for (int64_t x_step : {int64_t{1}, int64_t{16}, int64_t{64}, int64_t{128}, 64 * kStride}) {
          const Context context("pixels ", pixels, " left ", left, " used ", used, " x_step ", x_step);
          const Ahead ahead = inputs_ahead(pixels, left, x_step, used);
          CHECK(ahead.lines() <= pixels * (used / kCacheLineFloats + 1));
          if (x_step > used) CHECK(ahead.pieces <= std::max<int64_t>(left, 0));  // nothing beyond the arrays
          // All that the next tile reads and this one does not.
          if (x_step <= used) CHECK(ahead.pieces * ahead.floats >= pixels * x_step);
          if (x_step > used) CHECK_EQUAL(ahead.pieces * ahead.floats, std::clamp<int64_t>(left, 0, pixels) * used);
        }

  for (Padding padding : {Padding::same, Padding::valid}) {
    const ConvAxis height = conv_axis(17, 3, kStride, 1, padding, "height");
    const ConvAxis width = conv_axis(7, 1, kStride, 1, padding, "width");
    const AxisWalk rows = direct_walk(height), columns = direct_walk(width);
    for (const ConvGeometry& geometry :
         {ConvGeometry(rows, columns, 64, 64), ConvGeometry(inverse(rows), inverse(columns), 4, 4)})
      geometry.walk(0, geometry.rows(), [&](const PixelBlock& block) {
        CHECK(block.row_advance <= geometry.input_size());
        CHECK(block.columns.advance <= geometry.input_size());
      });
  }

  Random random(75);
  Cycle cycle;
  for (; cycle.step < std::size(kChannels); cycle.step += DAY33_THREAD_SANITIZER ? 7 : 1)
    for (const Geometry& g : {Geometry{17, 7, 33, 1, {kStride, kStride}, {1, 1}, Padding::same},
                              Geometry{5, 4, 3, 2, {kStride, 1}, {1, 1}, Padding::valid}}) {
      const Context context(describe(g, cycle));
      ConvCase c;
      CHECK(make_conv2d(g, cycle, random, true, c));
      check_exact(c.layer, c.data, expected_conv2d(g, cycle.channels(), c));
    }
}

}  // namespace day33::testing
