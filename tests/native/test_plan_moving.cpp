// Plans of ops that only move values or gather them, in both layouts, against maps of cells by definition. Whole
// numbers make every sum exact.
#include <functional>
#include <optional>

#include "plan_cases.h"
#include "reference/movement.h"

namespace day33::testing {
namespace {

using reference::Index;

struct Move {
  const char* name;
  std::function<int(GraphBuilder&, int)> add;
  std::function<Index(const Index&)> source;  // of a cell of the result
};

constexpr float kConstant = 5.0f;
const Shape kShape{4, 5, 3};

// x, a step and a direction for each axis, so that the last cell is still inside.
Move random_slice(Random& random) {
  Shape begin, size, stride;
  for (int64_t n : kShape) {
    const int64_t first = random.integer(0, n - 1), step = random.integer(1, 2) * (random.integer(0, 1) ? 1 : -1);
    const int64_t room = (step > 0 ? n - 1 - first : first) / std::abs(step) + 1;
    begin.push_back(first);
    size.push_back(random.integer(1, room));
    stride.push_back(size.back() > 1 ? step : 1);
  }
  return {"slice", [=](GraphBuilder& b, int x) { return b.strided_slice(x, begin, size, stride); },
          [=](const Index& at) {
            Index source;
            for (size_t i = 0; i < at.size(); ++i) source.push_back(begin[i] + at[i] * stride[i]);
            return source;
          }};
}

Move random_pad(Random& random, PadMode mode) {
  std::vector<Border> borders;
  for (int64_t n : kShape) borders.push_back({random.integer(-1, 2 * n), random.integer(-1, 2 * n)});
  return {"pad", [=](GraphBuilder& b, int x) { return b.pad(x, borders, mode, static_cast<double>(kConstant)); },
          [=](const Index& at) {
            Index source;
            for (size_t i = 0; i < at.size(); ++i) {
              const int64_t place = at[i] - borders[i].before;
              source.push_back(mode == PadMode::constant
                                   ? place
                                   : reference::thrown_back(place, kShape[i], mode == PadMode::symmetric));
            }
            return source;
          }};
}

Move random_take(Random& random) {
  const size_t axis = static_cast<size_t>(random.integer(0, 2));
  const int64_t n = kShape[axis];
  std::vector<int64_t> indices;
  for (int i = 0; i < 8; ++i) indices.push_back(random.integer(-n, n - 1));
  return {"take", [=](GraphBuilder& b, int x) { return b.take(x, indices, {2, 4}, static_cast<int64_t>(axis)); },
          [=](const Index& at) {
            Index source(at.begin(), at.begin() + static_cast<int64_t>(axis));
            const int64_t index = indices[at[axis] * 4 + at[axis + 1]];
            source.push_back(index < 0 ? index + n : index);
            source.insert(source.end(), at.begin() + static_cast<int64_t>(axis) + 2, at.end());
            return source;
          }};
}

std::vector<Move> moves(Random& random) {
  std::vector<Move> all;
  for (int i = 0; i < 12; ++i) all.push_back(random_slice(random));
  for (int i = 0; i < 4; ++i)
    for (PadMode mode : {PadMode::constant, PadMode::reflect, PadMode::symmetric})
      all.push_back(random_pad(random, mode));
  for (int i = 0; i < 6; ++i) all.push_back(random_take(random));
  all.push_back({"repeat", [](GraphBuilder& b, int x) { return b.repeat(x, {3}, 1); },
                 [](const Index& at) { return Index{at[0], at[1] / 3, at[2]}; }});
  all.push_back({"repeat each", [](GraphBuilder& b, int x) { return b.repeat(x, {2, 0, 1}, -1); },
                 [](const Index& at) { return Index{at[0], at[1], at[2] < 2 ? 0 : 2}; }});
  all.push_back({"tile", [](GraphBuilder& b, int x) { return b.tile(x, {2, 1, 2, 3}); },
                 [](const Index& at) { return Index{at[1], at[2] % 5, at[3] % 3}; }});
  all.push_back({"permute", [](GraphBuilder& b, int x) { return b.permute(x, {2, 0, 1}); },
                 [](const Index& at) { return Index{at[1], at[2], at[0]}; }});
  all.push_back({"broadcast", [](GraphBuilder& b, int x) { return b.broadcast_to(x, {2, 4, 5, 3}); },
                 [](const Index& at) { return Index{at[1], at[2], at[3]}; }});
  all.push_back({"reverse", [](GraphBuilder& b, int x) { return b.reverse(x); },
                 [](const Index& at) { return Index{3 - at[0], at[1], at[2]}; }});
  all.push_back({"nearest", [](GraphBuilder& b, int x) { return b.resize(x, {2, 10}, Resizing::nearest, false); },
                 [](const Index& at) { return Index{2 * at[0] + 1, at[1] / 2, at[2]}; }});
  return all;
}

// Runs a plan of float inputs, and of an int32 one behind them where `indices` holds any.
struct Run {
  Floats y, dx;
};
Run run(const Plan& plan, int64_t samples, const Floats& x, const std::vector<int32_t>& indices, const Floats& dy) {
  Run r{Floats(dy.size(), kNan), Floats(x.size(), kNan)};
  Request request;
  request.samples = samples;
  request.inputs = {x.data()};
  request.input_gradients = {r.dx.data()};
  if (!indices.empty()) {
    request.inputs.push_back(indices.data());
    request.input_gradients.push_back(nullptr);
  }
  request.want_outputs = request.want_backward = true;
  request.outputs = {r.y.data()};
  request.output_gradients = {dy.data()};
  plan.run(request);
  return r;
}

// What a map of cells, one for each sample or one for all, makes of x and of dy.
Run expected(int64_t samples, const std::vector<std::vector<int64_t>>& maps, const Floats& x, const Floats& dy) {
  Run r{Floats(dy.size(), kConstant), Floats(x.size(), 0.0f)};
  const size_t in = x.size() / static_cast<size_t>(samples), out = dy.size() / static_cast<size_t>(samples);
  for (size_t s = 0; s < static_cast<size_t>(samples); ++s) {
    const std::vector<int64_t>& cells = maps[s % maps.size()];
    for (size_t i = 0; i < out; ++i) {
      if (cells[i] == reference::kNowhere) continue;
      const size_t from = s * in + static_cast<size_t>(cells[i]);
      r.y[s * out + i] = x[from];
      r.dx[from] += dy[s * out + i];
    }
  }
  return r;
}

template <typename Add>
std::optional<Plan> plan_of(Layout layout, const Shape& indices, Add add, Shape& shape) {
  GraphBuilder builder;
  const int x = builder.input(kShape, DType::float32);
  const int at = indices.empty() ? -1 : builder.input(indices, DType::int32);
  const int y = add(builder, x, at);
  shape = builder.shape(y);
  return std::optional<Plan>(std::in_place, builder.build({y}, layout));
}

}  // namespace

TEST(values_are_moved_as_maps_of_cells_say) {
  Random random(120);
  for (const Move& move : moves(random))
    for (Layout layout : {Layout::lanes, Layout::channels}) {
      const Context context(move.name, layout == Layout::lanes ? " lanes" : " channels");
      Shape shape;
      const auto plan = plan_of(layout, {}, [&](GraphBuilder& b, int x, int) { return move.add(b, x); }, shape);
      const std::vector<int64_t> cells = reference::cells_of(kShape, shape, move.source);
      for (int64_t samples : {1, 5, 19}) {
        const Floats x = random.integers(samples * element_count(kShape));
        const Floats dy = random.integers(samples * element_count(shape));
        const Run correct = expected(samples, {cells}, x, dy);
        for_each_isa_and_thread_count([&] {
          const Run got = run(*plan, samples, x, {}, dy);
          check_all_equal(got.y, correct.y);
          check_all_equal(got.dx, correct.dx);
        });
      }
    }
}

TEST(values_are_gathered_as_indices_say) {
  Random random(121);
  for (bool along : {false, true})
    for (size_t axis : {0, 1, 2})
      for (Layout layout : {Layout::lanes, Layout::channels}) {
        const Context context(along ? "along axis " : "axis ", axis, layout == Layout::lanes ? " lanes" : " channels");
        Shape places = along ? kShape : Shape{2, 3};
        if (along) places[axis] = 4;
        Shape shape;
        const auto plan = plan_of(
            layout, places,
            [&](GraphBuilder& b, int x, int at) {
              const int64_t number = static_cast<int64_t>(axis) - 3;
              return along ? b.take_along_axis(x, at, number) : b.gather(x, at, number);
            },
            shape);
        for (int64_t samples : {1, 5, 19}) {
          const int64_t count = element_count(places), n = kShape[axis];
          std::vector<int32_t> indices;
          for (int64_t i = 0; i < samples * count; ++i)
            indices.push_back(static_cast<int32_t>(random.integer(-n, n - 1)));
          std::vector<std::vector<int64_t>> maps;
          for (int64_t s = 0; s < samples; ++s) {
            const auto index_at = [&](int64_t place) {
              const int64_t index = indices[s * count + place];
              return index < 0 ? index + n : index;
            };
            maps.push_back(reference::cells_of(kShape, shape, [&](const Index& at) {
              if (along) {
                Index source = at;
                source[axis] = index_at((at[0] * shape[1] + at[1]) * shape[2] + at[2]);
                return source;
              }
              Index source(at.begin(), at.begin() + static_cast<int64_t>(axis));
              source.push_back(index_at(at[axis] * 3 + at[axis + 1]));
              source.insert(source.end(), at.begin() + static_cast<int64_t>(axis) + 2, at.end());
              return source;
            }));
          }
          const Floats x = random.integers(samples * element_count(kShape));
          const Floats dy = random.integers(samples * element_count(shape));
          const Run correct = expected(samples, maps, x, dy);
          for_each_isa_and_thread_count([&] {
            const Run got = run(*plan, samples, x, indices, dy);
            check_all_equal(got.y, correct.y);
            check_all_equal(got.dx, correct.dx);
          });
        }
      }
}

TEST(indices_out_of_range_are_refused) {
  for (bool along : {false, true})
    for (int32_t index : {4, -5, INT32_MAX, INT32_MIN}) {
      Shape shape;
      const Shape places = along ? Shape{1, 5, 3} : Shape{15};
      const auto plan = plan_of(
          Layout::automatic, places,
          [&](GraphBuilder& b, int x, int at) { return along ? b.take_along_axis(x, at, 0) : b.gather(x, at, 0); },
          shape);
      std::vector<int32_t> indices(15, 0);
      indices[7] = index;
      const Floats x(static_cast<size_t>(element_count(kShape))), dy(static_cast<size_t>(element_count(shape)));
      CHECK_THROWS(run(*plan, 1, x, indices, dy), std::invalid_argument);
    }
}

}  // namespace day33::testing
