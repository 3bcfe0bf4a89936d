// What a plan fuses gives what its ops give one after the other. Naming the tensors in between as outputs (with no
// gradient of their own) keeps ops apart.
#include "plan_cases.h"

namespace day33::testing {
namespace {

// A small network: input shape, shapes of its parameters, and the tensors it makes, the result last.
struct Network {
  Shape input;
  std::vector<Shape> parameters;
  std::vector<int> (*build)(GraphBuilder& builder, int x);
};

struct Outcome {
  Floats y, dx;
  std::vector<Floats> gradients;
};

Outcome run_network(const Network& network, Layout layout, bool apart, int64_t samples, const Floats& x,
                    const std::vector<Floats>& parameters, const Floats& dy) {
  GraphBuilder builder;
  const int input = builder.input(network.input, DType::float32);
  for (const Shape& shape : network.parameters) builder.parameter(shape, true);
  const std::vector<int> made = network.build(builder, input);
  std::vector<int> outputs = {made.back()};
  if (apart) outputs.insert(outputs.end(), made.begin(), made.end() - 1);
  std::vector<int64_t> sizes;
  for (int id : outputs) sizes.push_back(element_count(builder.shape(id)));
  const Plan plan(builder.build(outputs, layout));

  std::vector<Floats> values = parameters, results, zeros;
  Outcome outcome{{}, Floats(x.size(), kNan), {}};
  for (int64_t size : sizes) {
    results.emplace_back(static_cast<size_t>(size * samples), kNan);
    zeros.emplace_back(static_cast<size_t>(size * samples), 0.0f);
  }
  for (const Floats& parameter : parameters) outcome.gradients.emplace_back(parameter.size(), kNan);
  Request request;
  request.samples = samples;
  request.inputs = {x.data()};
  for (size_t i = 0; i < values.size(); ++i) {
    request.parameters.push_back(values[i].data());
    request.parameter_gradients.push_back(outcome.gradients[i].data());
  }
  request.want_outputs = request.want_backward = true;
  for (size_t i = 0; i < sizes.size(); ++i) {
    request.outputs.push_back(results[i].data());
    request.output_gradients.push_back(i == 0 ? dy.data() : zeros[i].data());
  }
  request.input_gradients = {outcome.dx.data()};
  plan.run(request);
  outcome.y = results[0];
  return outcome;
}

// Whole numbers where only max and products are at work: everything must be exact. Otherwise values may differ by
// `relative` times the largest one.
void check_network(const Network& network, int64_t result_size, bool whole_numbers, double relative, Random& random) {
  const std::string isa = active_kernels().isa;
  for_each_isa([&](const Kernels& k) {
    select_kernels(k.isa);
    for (int64_t samples : {1, 7, 37}) {
      const auto values = [&](int64_t n) { return whole_numbers ? random.integers(n, -2, 2) : random.reals(n); };
      const Floats x = values(samples * element_count(network.input)), dy = values(samples * result_size);
      std::vector<Floats> parameters;
      for (const Shape& shape : network.parameters) parameters.push_back(values(element_count(shape)));
      const auto check = [&](const Floats& got, const Floats& expected) {
        CHECK_EQUAL(got.size(), expected.size());
        double largest = 0.0;
        for (float v : expected) largest = std::fmax(largest, static_cast<double>(std::fabs(v)));
        for (size_t i = 0; i < got.size(); ++i) CHECK_NEAR(got[i], expected[i], relative * largest);
      };
      for (Layout layout : {Layout::lanes, Layout::channels}) {
        const Context context("samples ", samples, layout == Layout::lanes ? " lanes" : " channels");
        const Outcome fused = run_network(network, layout, false, samples, x, parameters, dy);
        const Outcome apart = run_network(network, layout, true, samples, x, parameters, dy);
        check(fused.y, apart.y);
        check(fused.dx, apart.dx);
        for (size_t i = 0; i < parameters.size(); ++i) check(fused.gradients[i], apart.gradients[i]);
      }
    }
  });
  select_kernels(isa);
}

int convolution(GraphBuilder& builder, int x, int kernel) {
  return builder.conv2d(x, kernel, kernel + 1, {1, 1}, Padding::same, {1, 1}, 1, {});
}

}  // namespace

TEST(fused_pooling_and_up_sampling_are_exact) {
  Random random(90);
  {
    const Context context("convolution, relu, pooling");
    for (int64_t channels : {1, 5, 16, 17}) {
      const Network network = {{6, 8, 3}, {{3, 3, 3, channels}, {channels}}, [](GraphBuilder& b, int x) {
                                 const int y = convolution(b, x, 0);
                                 const int z = b.activation(y, {Activation::relu, 0.0f});
                                 return std::vector<int>{y, z, b.max_pool2d(z, {2, 2}, {2, 2}, Padding::same).first};
                               }};
      check_network(network, 3 * 4 * channels, true, 0.0, random);
    }
  }
  {
    const Context context("pooling of odd sizes without an activation");
    const Network network = {{7, 5, 2}, {{3, 3, 2, 6}, {6}}, [](GraphBuilder& b, int x) {
                               const int y = convolution(b, x, 0);
                               return std::vector<int>{y, b.max_pool2d(y, {2, 2}, {2, 2}, Padding::same).first};
                             }};
    check_network(network, 4 * 3 * 6, true, 0.0, random);
  }
  {
    const Context context("pooling with windows that overlap");
    const Network network = {{7, 6, 2}, {{3, 3, 2, 6}, {6}}, [](GraphBuilder& b, int x) {
                               const int y = convolution(b, x, 0);
                               return std::vector<int>{y, b.max_pool2d(y, {3, 3}, {2, 2}, Padding::valid).first};
                             }};
    check_network(network, 3 * 2 * 6, true, 0.0, random);
  }
  {
    const Context context("up-sampling, convolution, relu");
    for (int64_t channels : {1, 8, 19}) {
      const Network network = {{4, 3, channels}, {{3, 3, channels, 4}, {4}}, [](GraphBuilder& b, int x) {
                                 const int u = b.up_sampling2d(x, {2, 2}, Interpolation::nearest);
                                 const int y = convolution(b, u, 0);
                                 return std::vector<int>{u, y, b.activation(y, {Activation::relu, 0.0f})};
                               }};
      check_network(network, 8 * 6 * 4, true, 0.0, random);
    }
  }
  {
    const Context context("up-sampling by 3 and 2, valid convolution of 2 x 4, pooling");
    const Network network = {{3, 5, 2}, {{2, 4, 2, 5}, {5}}, [](GraphBuilder& b, int x) {
                               const int u = b.up_sampling2d(x, {3, 2}, Interpolation::nearest);
                               const int y = b.conv2d(u, 0, 1, {1, 1}, Padding::valid, {1, 1}, 1, {});
                               return std::vector<int>{u, y, b.max_pool2d(y, {2, 3}, {2, 3}, Padding::valid).first};
                             }};
    check_network(network, 4 * 2 * 5, true, 0.0, random);
  }
}

TEST(fused_activations_match_the_activation_alone) {
  Random random(91);
  // The fused kernels may round an activation's argument once less or more.
  constexpr double kRelative = 256.0 * kRoundoff;
  const auto check = [&](auto build) {
    check_network({{5, 4, 3}, {{3, 3, 3, 6}, {6}}, build}, 5 * 4 * 6, false, kRelative, random);
  };
#define DAY33_ACTIVATION(kind, alpha)                                         \
  {                                                                           \
    const Context context(#kind);                                             \
    check([](GraphBuilder& b, int x) {                                        \
      const int y = convolution(b, x, 0);                                     \
      return std::vector<int>{y, b.activation(y, {Activation::kind, alpha})}; \
    });                                                                       \
  }
  DAY33_ACTIVATION(relu, 0.0f)
  DAY33_ACTIVATION(leaky_relu, 0.3f)
  DAY33_ACTIVATION(elu, 1.0f)
  DAY33_ACTIVATION(sigmoid, 0.0f)
  DAY33_ACTIVATION(tanh, 0.0f)
  DAY33_ACTIVATION(softmax, 0.0f)
  DAY33_ACTIVATION(log_softmax, 0.0f)
  DAY33_ACTIVATION(relu6, 0.5f)
  DAY33_ACTIVATION(softplus, 0.0f)
  DAY33_ACTIVATION(gelu, 0.0f)
  DAY33_ACTIVATION(silu, 0.0f)
  DAY33_ACTIVATION(mish, 0.0f)
#undef DAY33_ACTIVATION
}

}  // namespace day33::testing
