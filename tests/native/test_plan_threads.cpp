// The same bits for every number of threads, on real numbers, and plans that many threads run at once.
#include <atomic>
#include <thread>

#include "plan_cases.h"

namespace day33::testing {
namespace {

void check_same_bits_for_all_threads(const Layer& layer, const Data& data) {
  for (const Plan* plan : {layer.lanes.get(), layer.channels.get()}) {
    const Context context(plan == layer.lanes.get() ? "lanes" : "channels");
    std::string isa;
    Results first;
    for_each_isa_and_thread_count([&] {
      const Results r = run(*plan, data);
      if (isa != active_kernels().isa) {
        isa = active_kernels().isa;
        first = r;
      }
      CHECK(same_bits(r, first));
      CHECK(testing::same_bits(forward_only(*plan, data), first.y));
    });
  }
}

}  // namespace

TEST(conv2d_has_the_same_bits_for_all_thread_counts) {
  Random random(74);
  Cycle cycle;
  for (const Geometry& g :
       {Geometry{9, 7, 3, 3, {1, 1}, {1, 1}, Padding::same}, Geometry{9, 8, 3, 2, {2, 2}, {1, 1}, Padding::valid}})
    for (cycle.step = 0; cycle.step < std::size(kChannels); ++cycle.step) {
      const Context context(describe(g, cycle));
      ConvCase c;
      CHECK(make_conv2d(g, cycle, random, false, c));
      check_same_bits_for_all_threads(c.layer, c.data);
    }
  // One large sample, which a forward pass alone cuts into rows.
  const Geometry large{64, 50, 3, 3, {1, 1}, {1, 1}, Padding::same};
  for (const Channels& ch : {Channels{3, 16, 1}, Channels{16, 20, 1}}) {
    const Context context("one large sample, ", ch.in, " to ", ch.out);
    const Layer layer =
        make_layer({64, 50, ch.in}, {3, 3, ch.in, ch.out}, {ch.out}, [&](GraphBuilder& builder, int x, int k, int b) {
          return builder.conv2d(x, k, b, large.strides, large.padding, large.dilation, 1, {});
        });
    const Data d = {1, random.reals(64 * 50 * ch.in), random.reals(9 * ch.in * ch.out), random.reals(ch.out),
                    random.reals(64 * 50 * ch.out)};
    check_same_bits_for_all_threads(layer, d);
  }
}

TEST(dense_has_the_same_bits_for_all_thread_counts) {
  Random random(75);
  for (int64_t n : {1, 37, 300}) {
    const Context context("samples ", n);
    const Layer layer = make_layer(
        {90}, {90, 70}, {70}, [](GraphBuilder& builder, int x, int k, int b) { return builder.dense(x, k, b, {}); });
    const Data d = {n, random.reals(n * 90), random.reals(90 * 70), random.reals(70), random.reals(n * 70)};
    check_same_bits_for_all_threads(layer, d);
  }
}

TEST(a_plan_runs_from_many_threads_at_once) {
  Random random(76);
  Cycle cycle;
  cycle.step = 4;
  ConvCase c;
  CHECK(make_conv2d({7, 6, 3, 3, {1, 1}, {1, 1}, Padding::same}, cycle, random, false, c));
  const int threads_before = num_threads();
  set_num_threads(3);
  for (const Plan* plan : {c.layer.lanes.get(), c.layer.channels.get()}) {
    const Results expected = run(*plan, c.data);
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 8; ++caller)
      callers.emplace_back([&] {
        for (int repeat = 0; repeat < 10; ++repeat) wrong += !same_bits(run(*plan, c.data), expected);
      });
    for (std::thread& caller : callers) caller.join();
    CHECK_EQUAL(wrong.load(), 0);
  }
  set_num_threads(threads_before);
}

}  // namespace day33::testing
