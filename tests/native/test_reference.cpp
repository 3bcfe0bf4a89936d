// The references are checked too: every backward pass against central differences of its forward pass.
#include <functional>

#include "check.h"
#include "inputs.h"
#include "reference/activations.h"
#include "reference/convolution.h"
#include "reference/dense.h"
#include "reference/losses.h"
#include "reference/normalization.h"
#include "reference/pooling.h"
#include "reference/resampling.h"

namespace day33::testing {
namespace {

using reference::Array4;
using reference::Values;

constexpr double kStep = 1e-4;

Values random_values(Random& random, int64_t n, double low = -1.0, double high = 1.0) {
  return to_double(random.reals(n, static_cast<float>(low), static_cast<float>(high)));
}

Array4 random_array(Random& random, int64_t a, int64_t b, int64_t c, int64_t d) {
  Array4 array(a, b, c, d);
  array.values = random_values(random, a * b * c * d);
  return array;
}

double dot(const Values& a, const Values& b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// `gradient` is that of f at `at`. A central difference with step h is wrong by h^2 / 6 times the third derivative; the
// bound allows a third derivative of a few hundred. Kinks: where the one-sided differences disagree the function has no
// derivative within the step, and the element is left out; most elements must be smooth all the same.
void check_gradient(const std::function<double(const Values&)>& f, Values at, const Values& gradient) {
  CHECK_EQUAL(at.size(), gradient.size());
  const double centre = f(at);
  size_t kinks = 0;
  for (size_t i = 0; i < at.size(); ++i) {
    const double x = at[i];
    at[i] = x + kStep;
    const double above = f(at);
    at[i] = x - kStep;
    const double below = f(at);
    at[i] = x;
    const double right = (above - centre) / kStep, left = (centre - below) / kStep;
    if (std::fabs(right - left) > 0.1 * (std::fabs(right) + std::fabs(left)) + 100.0 * kStep) {
      ++kinks;
      continue;
    }
    const Context context("element ", i, " at ", x);
    CHECK_NEAR(gradient[i], (above - below) / (2.0 * kStep), 1e-5 * (1.0 + std::fabs(gradient[i])));
  }
  CHECK(kinks * 4 <= at.size());
}

}  // namespace

TEST(reference_convolutions_against_central_differences) {
  Random random(80);
  struct {
    reference::Conv2d g;
    int64_t H, W, C, O, KH, KW;
  } const cases[] = {
      {{3, 3, 1, 1, 0, 0, 1, 1, 1}, 5, 4, 2, 3, 3, 2},
      {{3, 2, 2, 3, 1, 1, 1, 1, 1}, 5, 6, 2, 2, 3, 3},
      {{4, 3, 1, 1, 1, 0, 2, 2, 1}, 6, 5, 1, 2, 3, 2},
      {{3, 3, 2, 1, 1, 1, 1, 2, 2}, 5, 5, 4, 6, 3, 3},
  };
  for (const auto& c : cases) {
    const Context context("H ", c.H, " W ", c.W, " C ", c.C, " O ", c.O, " groups ", c.g.groups);
    const Array4 x = random_array(random, 2, c.H, c.W, c.C);
    const Array4 kernel = random_array(random, c.KH, c.KW, c.C / c.g.groups, c.O);
    const Values bias = random_values(random, c.O);
    const Array4 dy = random_array(random, 2, c.g.OH, c.g.OW, c.O);
    const auto loss = [&](const Values& vx, const Values& vk, const Values& vb) {
      Array4 ax = x, ak = kernel;
      ax.values = vx;
      ak.values = vk;
      return dot(reference::conv2d(c.g, ax, ak, vb).values, dy.values);
    };
    check_gradient([&](const Values& v) { return loss(v, kernel.values, bias); }, x.values,
                   reference::conv2d_dx(c.g, dy, kernel, c.H, c.W).values);
    check_gradient([&](const Values& v) { return loss(x.values, v, bias); }, kernel.values,
                   reference::conv2d_dkernel(c.g, x, dy, c.KH, c.KW).values);
    check_gradient([&](const Values& v) { return loss(x.values, kernel.values, v); }, bias,
                   reference::conv2d_dbias(dy));
  }
}

TEST(reference_transposed_convolution_against_central_differences) {
  Random random(81);
  for (const reference::Conv2d& g : {reference::Conv2d{8, 7, 2, 2, 0, 0}, reference::Conv2d{6, 6, 2, 2, 1, 0},
                                     reference::Conv2d{6, 4, 1, 1, 1, 1, 2, 1}}) {
    const Array4 x = random_array(random, 2, 3, 3, 2), kernel = random_array(random, 3, 2, 4, 2);
    const Array4 dy = random_array(random, 2, g.OH, g.OW, 4);
    const auto loss = [&](const Values& vx, const Values& vk) {
      Array4 ax = x, ak = kernel;
      ax.values = vx;
      ak.values = vk;
      return dot(reference::conv2d_transpose(g, ax, ak, {}).values, dy.values);
    };
    check_gradient([&](const Values& v) { return loss(v, kernel.values); }, x.values,
                   reference::conv2d_transpose_dx(g, dy, kernel, 3, 3).values);
    check_gradient([&](const Values& v) { return loss(x.values, v); }, kernel.values,
                   reference::conv2d_transpose_dkernel(g, x, dy, 3, 2).values);
    // The transposed convolution is the adjoint of the convolution with the same kernel (its last axes read in turn).
    CHECK_NEAR(dot(reference::conv2d_transpose(g, x, kernel, {}).values, dy.values),
               dot(x.values,
                   [&] {
                     reference::Conv2d back = g;
                     back.OH = back.OW = 3;
                     return reference::conv2d(back, dy, kernel, {}).values;
                   }()),
               1e-12);
  }
}

TEST(reference_pooling_and_up_sampling_against_central_differences) {
  Random random(82);
  const Array4 x = random_array(random, 2, 5, 4, 3);
  for (const reference::Pool2d& g : {reference::Pool2d{2, 2, 2, 2, 2, 2}, reference::Pool2d{3, 4, 3, 2, 2, 1, 1, 0}}) {
    const Array4 dy = random_array(random, 2, g.OH, g.OW, 3);
    const auto loss = [&](const Values& v) {
      Array4 a = x;
      a.values = v;
      return dot(reference::max_pool2d(g, a).y.values, dy.values);
    };
    check_gradient(loss, x.values, reference::max_pool2d_backward(reference::max_pool2d(g, x).winner, dy, 5, 4).values);
  }
  for (reference::UpSampling kind :
       {reference::UpSampling::nearest, reference::UpSampling::bilinear, reference::UpSampling::bed_of_nails}) {
    const Array4 dy = random_array(random, 2, 15, 8, 3);
    const auto loss = [&](const Values& v) {
      Array4 a = x;
      a.values = v;
      return dot(reference::up_sampling2d(kind, a, 3, 2).values, dy.values);
    };
    check_gradient(loss, x.values, reference::up_sampling2d_backward(kind, dy, 3, 2).values);
  }
  const std::vector<int64_t> index = {3, 1, 3, 0, 7};
  const Values v = random_values(random, 5), dy = random_values(random, 8);
  check_gradient([&](const Values& at) { return dot(reference::max_unpool2d(at, index, 8), dy); }, v,
                 reference::max_unpool2d_backward(index, dy));
}

TEST(reference_dense_norm_and_activations_against_central_differences) {
  Random random(83);
  const reference::Dense d{3, 4, 5};
  const Values x = random_values(random, 12), kernel = random_values(random, 20), bias = random_values(random, 5);
  const Values dy = random_values(random, 15);
  check_gradient([&](const Values& v) { return dot(reference::dense(d, v, kernel, bias), dy); }, x,
                 reference::dense_dx(d, dy, kernel));
  check_gradient([&](const Values& v) { return dot(reference::dense(d, x, v, bias), dy); }, kernel,
                 reference::dense_dkernel(d, x, dy));
  check_gradient([&](const Values& v) { return dot(reference::dense(d, x, kernel, v), dy); }, bias,
                 reference::dense_dbias(d, dy));

  const Values rows = random_values(random, 21), gamma = random_values(random, 3, 0.5, 2.0);
  const Values beta = random_values(random, 3), drows = random_values(random, 21);
  const reference::BatchNormGradients g = reference::batch_norm_backward(rows, 3, gamma, 1e-3, drows);
  const auto normalised = [&](const Values& vx, const Values& vg, const Values& vb) {
    return dot(reference::batch_norm(vx, 3, vg, vb, 1e-3), drows);
  };
  check_gradient([&](const Values& v) { return normalised(v, gamma, beta); }, rows, g.dx);
  check_gradient([&](const Values& v) { return normalised(rows, v, beta); }, gamma, g.dgamma);
  check_gradient([&](const Values& v) { return normalised(rows, gamma, v); }, beta, g.dbeta);
  const Values daverage = random_values(random, 3);
  check_gradient([&](const Values& v) { return dot(reference::global_average(v, 3), daverage); }, rows,
                 reference::global_average_backward(daverage, 7));

  using reference::Function;
  for (Function f :
       {Function::linear, Function::relu, Function::leaky_relu, Function::elu, Function::sigmoid, Function::tanh}) {
    const Context context("activation ", static_cast<int>(f));
    const Values at = random_values(random, 24, -3.0, 3.0);
    Values derivative;
    for (double v : at) derivative.push_back(reference::activation_derivative(f, 0.7, v));
    check_gradient(
        [&](const Values& v) {
          double sum = 0.0;
          for (double value : v) sum += reference::activation(f, 0.7, value);
          return sum;
        },
        at, derivative);
  }
  const Values logits = random_values(random, 6), dsoftmax = random_values(random, 6);
  check_gradient([&](const Values& v) { return dot(reference::softmax(v), dsoftmax); }, logits,
                 reference::softmax_backward(logits, dsoftmax));
}

TEST(reference_losses_against_central_differences) {
  Random random(84);
  const Values p = random_values(random, 6, 0.1, 0.9), z = random_values(random, 6, -3.0, 3.0);
  Values t = random_values(random, 6, 0.1, 0.9);
  double total = 0.0;
  for (double v : t) total += v;
  for (double& v : t) v /= total;  // a distribution, as the gradient from logits supposes
  using Function = reference::Loss (*)(const Values&, const Values&);
  for (Function loss : {Function(reference::binary_crossentropy), Function(reference::mean_squared_error),
                        Function(reference::mean_absolute_error), Function(reference::categorical_crossentropy)})
    check_gradient([&](const Values& v) { return loss(v, t).value; }, p, loss(p, t).gradient);
  for (Function loss :
       {Function(reference::binary_crossentropy_logits), Function(reference::categorical_crossentropy_logits)})
    check_gradient([&](const Values& v) { return loss(v, t).value; }, z, loss(z, t).gradient);
  for (int64_t label : {0, 5}) {
    check_gradient([&](const Values& v) { return reference::sparse_categorical_crossentropy(v, label).value; }, p,
                   reference::sparse_categorical_crossentropy(p, label).gradient);
    check_gradient([&](const Values& v) { return reference::sparse_categorical_crossentropy_logits(v, label).value; },
                   z, reference::sparse_categorical_crossentropy_logits(z, label).gradient);
  }
}

}  // namespace day33::testing
