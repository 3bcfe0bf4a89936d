// Plans with recurrent layers against the formulas in double, and all of them with the same bits for all threads.
#include "plan_cases.h"
#include "reference/recurrent.h"

namespace day33::testing {
namespace {

using reference::Recurrence;

constexpr Recurrence kKinds[] = {Recurrence::lstm, Recurrence::gru_reset_after, Recurrence::gru_reset_before,
                                 Recurrence::simple};

// Of the cells and of their gates; backward reads the outputs of some, and what goes into others.
struct CellActivations {
  Activation activation, recurrent_activation;
  reference::Function activation_by_definition, recurrent_by_definition;
};
constexpr CellActivations kCellActivations[] = {
    {Activation::tanh, Activation::sigmoid, reference::Function::tanh, reference::Function::sigmoid},
    {Activation::silu, Activation::softsign, reference::Function::silu, reference::Function::softsign},
    {Activation::linear, Activation::gelu, reference::Function::linear, reference::Function::gelu},
    {Activation::mish, Activation::gelu_tanh, reference::Function::mish, reference::Function::gelu_tanh}};

struct RecurrentCase {
  Recurrence kind;
  int64_t N, T, E, U;
  bool masked, initial, biased;
  CellActivations activations = kCellActivations[0];

  int64_t gates() const { return reference::gates(kind) * U; }
  int64_t rows() const { return T + (kind == Recurrence::lstm ? 1 : 0); }
  int64_t states() const { return !initial ? 0 : kind == Recurrence::lstm ? 2 : 1; }
  int64_t bias_size() const { return biased ? (kind == Recurrence::gru_reset_after ? 2 : 1) * gates() : 0; }
};

Plan make_plan(const RecurrentCase& c) {
  GraphBuilder builder;
  const int x = builder.input({c.T, c.E}, DType::float32);
  const int mask = c.masked ? builder.input({c.T}, DType::int32) : -1;
  std::vector<int> initial;
  for (int64_t i = 0; i < c.states(); ++i) initial.push_back(builder.input({c.U}, DType::float32));
  RecurrentParameters p{builder.parameter({c.E, c.gates()}, true), builder.parameter({c.U, c.gates()}, true), -1};
  if (c.biased)
    p.bias = builder.parameter(c.kind == Recurrence::gru_reset_after ? Shape{2, c.gates()} : Shape{c.gates()}, true);
  const RecurrentOptions options{.activation = {c.activations.activation},
                                 .recurrent_activation = {c.activations.recurrent_activation}};
  int y = -1;
  if (c.kind == Recurrence::lstm) y = builder.lstm(x, p, mask, initial, options, true);
  if (c.kind == Recurrence::simple) y = builder.simple_rnn(x, p, mask, initial, options);
  if (y < 0) y = builder.gru(x, p, mask, initial, options, c.kind == Recurrence::gru_reset_after);
  return Plan(builder.build({y}, Layout::automatic));
}

struct RecurrentData {
  Floats x, kernel, recurrent, bias, dy;
  std::vector<int32_t> mask;
  std::vector<Floats> initial;
};

RecurrentData make_data(Random& random, const RecurrentCase& c) {
  RecurrentData d{random.reals(c.N * c.T * c.E),
                  random.reals(c.E * c.gates(), -0.5f, 0.5f),
                  random.reals(c.U * c.gates(), -0.5f, 0.5f),
                  random.reals(c.bias_size()),
                  random.reals(c.N * c.rows() * c.U),
                  {},
                  {}};
  for (int64_t i = 0; c.masked && i < c.N * c.T; ++i) d.mask.push_back(static_cast<int32_t>(random.integer(0, 2)));
  for (int64_t i = 0; i < c.states(); ++i) d.initial.push_back(random.reals(c.N * c.U));
  return d;
}

struct RecurrentResults {
  Floats y, dx, dkernel, drecurrent, dbias;
  std::vector<Floats> dinitial;
};

RecurrentResults run(const Plan& plan, const RecurrentCase& c, const RecurrentData& d) {
  Floats kernel = d.kernel, recurrent = d.recurrent, bias = d.bias;
  RecurrentResults r{Floats(d.dy.size(), kNan),        Floats(d.x.size(), kNan),    Floats(d.kernel.size(), kNan),
                     Floats(d.recurrent.size(), kNan), Floats(d.bias.size(), kNan), {}};
  for (const Floats& state : d.initial) r.dinitial.emplace_back(state.size(), kNan);
  Request request;
  request.samples = c.N;
  request.inputs = {d.x.data()};
  request.input_gradients = {r.dx.data()};
  if (c.masked) {
    request.inputs.push_back(d.mask.data());
    request.input_gradients.push_back(nullptr);
  }
  for (size_t i = 0; i < d.initial.size(); ++i) {
    request.inputs.push_back(d.initial[i].data());
    request.input_gradients.push_back(r.dinitial[i].data());
  }
  request.parameters = {kernel.data(), recurrent.data()};
  request.parameter_gradients = {r.dkernel.data(), r.drecurrent.data()};
  if (c.biased) {
    request.parameters.push_back(bias.data());
    request.parameter_gradients.push_back(r.dbias.data());
  }
  request.want_outputs = true;
  request.outputs = {r.y.data()};
  request.want_backward = true;
  request.output_gradients = {d.dy.data()};
  plan.run(request);
  return r;
}

void check_close(const char* what, const Floats& got, const reference::Values& expected, double bound) {
  const Context context(what);
  CHECK_EQUAL(got.size(), expected.size());
  double largest = 1.0;
  for (double value : expected) largest = std::max(largest, std::fabs(value));
  for (size_t i = 0; i < got.size() && i < expected.size(); ++i) CHECK_NEAR(got[i], expected[i], bound * largest);
}

template <typename Body>
void each_recurrent_case(Body body) {
  constexpr int64_t kShapes[][4] = {{1, 1, 1, 1}, {3, 4, 2, 3}, {2, 3, 5, 8}, {2, 2, 3, 17}};
  for (Recurrence kind : kKinds)
    for (const auto& s : kShapes)
      for (int options = 0; options < 8; ++options) {
        RecurrentCase c{kind, s[0], s[1], s[2], s[3], (options & 1) != 0, (options & 2) != 0, (options & 4) == 0};
        for (const CellActivations& activations : kCellActivations) {
          if (&activations != kCellActivations && options % 3 != 0) continue;
          c.activations = activations;
          const Context context("kind ", static_cast<int>(kind), " N ", c.N, " T ", c.T, " E ", c.E, " U ", c.U,
                                c.masked ? " masked" : "", c.initial ? " initial" : "", c.biased ? " biased" : "",
                                " activations ", &activations - kCellActivations);
          body(c);
        }
      }
}

}  // namespace

TEST(recurrent_layers_match_the_formulas) {
  Random random(95);
  each_recurrent_case([&](const RecurrentCase& c) {
    const Plan plan = make_plan(c);
    const RecurrentData d = make_data(random, c);
    reference::Recurrent r{c.kind,
                           c.N,
                           c.T,
                           c.E,
                           c.U,
                           to_double(d.x),
                           to_double(d.kernel),
                           to_double(d.recurrent),
                           to_double(d.bias),
                           d.mask,
                           {},
                           c.activations.activation_by_definition,
                           c.activations.recurrent_by_definition};
    for (const Floats& state : d.initial) r.initial.push_back(to_double(state));
    const reference::Values dy = to_double(d.dy);
    const reference::Values y = recurrent(r), dx = recurrent_gradient(r, &reference::Recurrent::x, dy),
                            dkernel = recurrent_gradient(r, &reference::Recurrent::kernel, dy),
                            drecurrent = recurrent_gradient(r, &reference::Recurrent::recurrent, dy),
                            dbias = recurrent_gradient(r, &reference::Recurrent::bias, dy);
    const std::string isa = active_kernels().isa;
    for_each_isa([&](const Kernels& k) {
      select_kernels(k.isa);
      const RecurrentResults got = run(plan, c, d);
      // Sums of up to 25 products of numbers of order 1, through four steps, each with some eight roundings; gradients
      // of weights add up to 12 of them.
      check_close("y", got.y, y, 64 * kRoundoff);
      check_close("dx", got.dx, dx, 256 * kRoundoff);
      check_close("dkernel", got.dkernel, dkernel, 1024 * kRoundoff);
      check_close("drecurrent", got.drecurrent, drecurrent, 1024 * kRoundoff);
      check_close("dbias", got.dbias, dbias, 1024 * kRoundoff);
    });
    select_kernels(isa);
  });
}

TEST(recurrent_layers_have_the_same_bits_for_all_thread_counts) {
  Random random(96);
  for (Recurrence kind : kKinds)
    for (bool masked : {false, true}) {
      const Context context("kind ", static_cast<int>(kind), masked ? " masked" : "");
      const RecurrentCase c{kind, 70, 9, 45, 70, masked, true, true};
      const Plan plan = make_plan(c);
      const RecurrentData d = make_data(random, c);
      std::string isa;
      RecurrentResults first;
      for_each_isa_and_thread_count([&] {
        const RecurrentResults r = run(plan, c, d);
        if (isa != active_kernels().isa) {
          isa = active_kernels().isa;
          first = r;
        }
        CHECK(same_bits(r.y, first.y) && same_bits(r.dx, first.dx) && same_bits(r.dkernel, first.dkernel));
        CHECK(same_bits(r.drecurrent, first.drecurrent) && same_bits(r.dbias, first.dbias));
        for (size_t i = 0; i < r.dinitial.size(); ++i) CHECK(same_bits(r.dinitial[i], first.dinitial[i]));
      });
    }
}

// A language model: numbers to vectors, LSTM, a large dense layer joined with its loss. When tied, the dense layer
// reads the table of the vectors, whose gradient has two parts then.
void check_joined_loss_for_all_thread_counts(bool tied) {
  Random random(97);
  const Context context(tied ? "tied" : "not tied");
  const int64_t N = 40, T = 15, V = 300, U = 230, E = tied ? U : 20;
  GraphBuilder builder;
  const int ids = builder.input({T}, DType::int32);
  const std::vector<Shape> shapes = {{V, E}, {E, 4 * U}, {U, 4 * U}, {4 * U}, {U, V}, {V}};
  std::vector<Floats> weights, gradients;
  for (const Shape& shape : shapes) {
    builder.parameter(shape, true);
    weights.push_back(random.reals(element_count(shape), -0.2f, 0.2f));
    gradients.emplace_back(weights.back().size(), kNan);
  }
  const int sequence = builder.lstm(builder.embedding(ids, 0), {1, 2, 3}, builder.differs(ids, 0.0f), {}, {}, false);
  const int logits = tied ? builder.dense(sequence, 0, 5, {}, true) : builder.dense(sequence, 4, 5, {});
  builder.loss(logits, LossKind::sparse_categorical_crossentropy, true, true, 1.0f);
  const Plan plan(builder.build({logits}, Layout::automatic));
  std::vector<int32_t> numbers, labels;
  for (int64_t i = 0; i < N * T; ++i) {
    numbers.push_back(static_cast<int32_t>(random.integer(0, V - 1)) * (i % 3 != 0));
    labels.push_back(static_cast<int32_t>(random.integer(0, V - 1)));
  }
  const Floats counts = random.integers(N * T, 0, 1);
  std::string isa;
  std::vector<Floats> first;
  double first_sum = 0.0;
  for_each_isa_and_thread_count([&] {
    Request request;
    request.samples = N;
    request.inputs = {numbers.data()};
    for (Floats& w : weights) request.parameters.push_back(w.data());
    for (Floats& g : gradients) request.parameter_gradients.push_back(g.data());
    request.want_losses = request.want_backward = request.training = true;
    request.targets = {labels.data()};
    request.sample_weights = {counts.data()};
    request.weights_per_position = {1};
    plan.run(request);
    if (isa != active_kernels().isa) {
      isa = active_kernels().isa;
      first = gradients;
      first_sum = request.loss_sums[0];
    }
    CHECK(request.loss_sums[0] > 0.0);
    CHECK_EQUAL(request.loss_sums[0], first_sum);
    for (size_t i = 0; i < gradients.size(); ++i) CHECK(same_bits(gradients[i], first[i]));
  });
}

TEST(joined_loss_has_the_same_bits_for_all_thread_counts) {
  for (bool tied : {false, true}) check_joined_loss_for_all_thread_counts(tied);
}

// A table that is looked up twice: sums over the slices of its gradient, which are integers here, and so exact.
TEST(sums_over_the_slices_of_an_embedding) {
  Random random(98);
  const int64_t N = 60, T = 50, V = 7, E = 200;  // enough work for threads to share the columns
  GraphBuilder builder;
  const int table = builder.parameter({V, E}, true);
  const int first = builder.input({T}, DType::int32), second = builder.input({T}, DType::int32);
  const Plan plan(
      builder.build({builder.embedding(first, table), builder.embedding(second, table)}, Layout::automatic));
  CHECK(plan.gradient_kinds(false) == std::vector<GradientKind>{GradientKind::slices});
  std::vector<int32_t> ids[2];
  Floats weights = random.integers(V * E), dy[2], y[2], expected[3];
  for (Floats& sums : expected) sums.assign(weights.size(), 0.0f);
  for (int use = 0; use < 2; ++use) {
    dy[use] = random.integers(N * T * E, -3, 3);
    y[use].assign(dy[use].size(), kNan);
    for (int64_t r = 0; r < N * T; ++r) {
      ids[use].push_back(static_cast<int32_t>(random.integer(0, V - 2)));  // never the last row
      for (int64_t e = 0; e < E; ++e) {
        const float g = dy[use][r * E + e];
        const int64_t at = ids[use].back() * E + e;
        expected[0][at] += g;
        expected[1][at] += g * g;
        expected[2][at] += std::abs(g);
      }
    }
  }
  for_each_isa_and_thread_count([&] {
    for (int wanted = 0; wanted < 4; ++wanted) {
      const Context context("wanted ", wanted);
      Floats found[3];
      for (Floats& sums : found) sums.assign(weights.size(), kNan);
      Request request;
      request.samples = N;
      request.inputs = {ids[0].data(), ids[1].data()};
      request.parameters = {weights.data()};
      request.parameter_gradients = {found[0].data()};
      if (wanted > 0)
        request.slice_sums = {{wanted & 1 ? found[1].data() : nullptr, wanted & 2 ? found[2].data() : nullptr}};
      request.want_outputs = request.want_backward = request.training = true;
      request.outputs = {y[0].data(), y[1].data()};
      request.output_gradients = {dy[0].data(), dy[1].data()};
      plan.run(request);
      CHECK(same_bits(found[0], expected[0]));
      for (int kind : {1, 2})
        if (wanted & kind) CHECK(same_bits(found[kind], expected[kind]));
    }
  });
}

// Where another op has a part in a gradient, it is no sum of slices; where nothing reads a parameter, there is none.
TEST(kinds_of_gradients) {
  GraphBuilder builder;
  const int ids = builder.input({5}, DType::int32);
  const int tied = builder.parameter({9, 4}, true), own = builder.parameter({9, 4}, true);
  const int bias = builder.parameter({9}, true), frozen = builder.parameter({9, 4}, false);
  const int unused = builder.parameter({9, 4}, true);
  const int x =
      builder.add({builder.embedding(ids, tied), builder.embedding(ids, own), builder.embedding(ids, frozen)});
  builder.embedding(ids, unused);
  const int logits = builder.dense(x, tied, bias, {}, true);
  builder.loss(logits, LossKind::sparse_categorical_crossentropy, true, true, 1.0f);
  const Plan plan(builder.build({logits}, Layout::automatic));
  using enum GradientKind;
  for (bool losses : {false, true})
    CHECK(plan.gradient_kinds(losses) == (std::vector<GradientKind>{whole, slices, whole, none, none}));
}

// The builder's list of tensors moves in memory when it grows, wherever in a method that happens to be.
TEST(the_builder_may_grow_at_any_time) {
  for (int others = 0; others < 40; ++others) {
    const Context context("other tensors ", others);
    GraphBuilder builder;
    const int x = builder.input({3, 2}, DType::float32), mask = builder.input({3}, DType::int32);
    int second = mask;
    for (int i = 0; i < others; ++i) second = builder.reverse(second);
    const int kept = builder.keep_where(x, second);
    const int either = builder.either(mask, second);
    const int average = builder.masked_average(x, second);
    const Plan plan(builder.build({kept, either, average}, Layout::channels));
    const Floats values = {1, 2, 3, 4, 5, 6};
    const std::vector<int32_t> given = {1, 0, 0};
    Floats y(6, kNan), mean(2, kNan);
    std::vector<int32_t> any(3, -1);
    Request request;
    request.samples = 1;
    request.inputs = {values.data(), given.data()};
    request.want_outputs = true;
    request.outputs = {y.data(), any.data(), mean.data()};
    plan.run(request);
    const bool last = others % 2 != 0;  // the mask was turned round
    check_all_equal(y, last ? Floats{0, 0, 0, 0, 5, 6} : Floats{1, 2, 0, 0, 0, 0});
    CHECK(any == (last ? std::vector<int32_t>{1, 0, 1} : std::vector<int32_t>{1, 0, 0}));
    check_all_equal(mean, last ? Floats{5, 6} : Floats{1, 2});
  }
}

// An int64 has two words, which ops of float32 and int32 do not know.
TEST(no_op_reads_int64) {
  GraphBuilder builder;
  const int mask = builder.input({3}, DType::int32);
  const int wide = builder.to_int64(mask);
  CHECK(builder.shape(wide) == Shape{3});
  CHECK_THROWS(builder.rescaling(wide, {1.0f}, {0.0f}), std::invalid_argument);
  CHECK_THROWS(builder.keep_where(wide, mask), std::invalid_argument);
  CHECK_THROWS(builder.reshape(wide, {6}), std::invalid_argument);
  CHECK_THROWS(builder.merge(Merge::add, {wide, wide}), std::invalid_argument);
  const Plan plan(builder.build({wide, wide}, Layout::channels));  // but it may be an output, more than once
  const std::vector<int32_t> given = {1, -2, 3};
  std::vector<int64_t> first(3), second(3);
  Request request;
  request.samples = 1;
  request.inputs = {given.data()};
  request.want_outputs = true;
  request.outputs = {first.data(), second.data()};
  plan.run(request);
  CHECK(first == (std::vector<int64_t>{1, -2, 3}));
  CHECK(second == first);
}

}  // namespace day33::testing
