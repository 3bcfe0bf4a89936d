#include <algorithm>
#include <set>
#include <string>

#include "check.h"
#include "core/philox.h"
#include "core/staged_job.h"
#include "decoding/decoder.h"
#include "decoding/token_choice.h"
#include "inputs.h"
#include "reference/decode.h"

namespace day33::testing {
namespace {

using reference::Values;

// Whole numbers up to 127 of which every column, and every row of activations, has a largest of exactly 127: int8
// represents them exactly, in steps of 1.
Floats int8_numbers(Random& random, int64_t rows, int64_t columns, bool by_column) {
  Floats v = random.integers(rows * columns, -127, 127);
  if (by_column)
    for (int64_t c = 0; c < columns; ++c) v[random.integer(0, rows - 1) * columns + c] = 127.0f;
  else
    for (int64_t r = 0; r < rows; ++r) v[r * columns + random.integer(0, columns - 1)] = -127.0f;
  return v;
}

std::vector<int64_t> columns_of(int64_t outputs, int64_t width) {
  std::vector<int64_t> columns;
  for (int64_t o = 0; o < (outputs + width - 1) / width * width; ++o) columns.push_back(o < outputs ? o : -1);
  return columns;
}

// Runs every panel of x0 w0 + x1 w1 + bias for `rows` rows through the kernels of one format.
Floats run_panels(const Kernels& k, WeightFormat format, int group, int64_t rows, int64_t outputs,
                  const std::vector<Floats>& x, const std::vector<Floats>& w, const Floats& bias) {
  std::vector<PackedMatrix::Source> sources;
  for (const Floats& matrix : w) sources.push_back({matrix.data(), static_cast<int64_t>(matrix.size()) / outputs});
  const int64_t width = kPanelVectors * k.lanes;
  const PackedMatrix packed(sources, bias.data(), outputs, columns_of(outputs, width), format, k, group);

  const int64_t stride = packed.panels() * width + 5;
  Floats z(static_cast<size_t>(rows * stride), kNan);
  std::vector<float*> z_rows;
  std::vector<std::vector<const void*>> x_rows(2);
  std::vector<Floats> steps(2);
  std::vector<Bytes> levels;
  for (int64_t r = 0; r < rows; ++r) {
    z_rows.push_back(z.data() + r * stride);
    for (size_t s = 0; s < sources.size(); ++s) {
      const float* row = x[s].data() + r * sources[s].K;
      if (format == WeightFormat::int8) {
        levels.emplace_back((sources[s].K + 16) * 2);
        steps[s].push_back(k.quantize_row(row, sources[s].K, group, levels.back().as<char>()));
        x_rows[s].push_back(levels.back().as<char>());
      } else {
        x_rows[s].push_back(row);
      }
    }
  }
  for (int64_t p = 0; p < packed.panels(); ++p) {
    PanelArgs args{};
    packed.fill(p, args);
    args.rows = rows;
    for (size_t s = 0; s < sources.size(); ++s) {
      args.segment[s].x = x_rows[s].data();
      args.segment[s].x_step = steps[s].data();
    }
    args.z = z_rows.data();
    args.offset = p * width;
    if (format == WeightFormat::float32) k.panel_float32(args);
    if (format == WeightFormat::bfloat16) k.panel_bfloat16(args);
    if (format == WeightFormat::int8) (group == 4 ? k.panel_int8_quads : k.panel_int8_pairs)(args);
  }
  Floats result;
  for (int64_t r = 0; r < rows; ++r) result.insert(result.end(), z_rows[r], z_rows[r] + outputs);
  return result;
}

Floats expected_product(int64_t rows, int64_t outputs, const std::vector<Floats>& x, const std::vector<Floats>& w,
                        const Floats& bias) {
  Floats result;
  for (int64_t r = 0; r < rows; ++r) {
    Values y = to_double(bias);
    for (size_t s = 0; s < w.size(); ++s) {
      const size_t K = w[s].size() / static_cast<size_t>(outputs);
      reference::add_product(Values(x[s].begin() + r * K, x[s].begin() + (r + 1) * K), to_double(w[s]), y);
    }
    for (double v : y) result.push_back(static_cast<float>(v));
  }
  return result;
}

std::vector<int> groups_of(const Kernels& k) {
  return k.lanes < 16 || has_byte_dot_product(k) ? std::vector<int>{2, 4} : std::vector<int>{2};
}

}  // namespace

// Whole numbers small enough that every sum is exact: all formats, all forms, every number of rows.
TEST(panels_are_exact_on_integers) {
  Random random(120);
  for_each_isa([&](const Kernels& k) {
    for (int64_t outputs : {int64_t{1}, int64_t{4 * k.lanes - 1}, int64_t{4 * k.lanes}, int64_t{4 * k.lanes + 3}})
      for (int64_t K : {1, 2, 3, 5, 16, 67})
        for (int64_t rows = 1; rows <= 14; rows += rows < 7 ? 1 : 7) {
          const Context context("outputs ", outputs, " K ", K, " rows ", rows);
          const int64_t K1 = 7;
          const Floats bias = random.integers(outputs);
          const std::vector<Floats> x = {random.integers(rows * K), random.integers(rows * K1)};
          const std::vector<Floats> w = {random.integers(K * outputs), random.integers(K1 * outputs)};
          const Floats expected = expected_product(rows, outputs, x, w, bias);
          for (WeightFormat format : {WeightFormat::float32, WeightFormat::bfloat16})
            check_all_equal(run_panels(k, format, 2, rows, outputs, x, w, bias), expected);

          const std::vector<Floats> x8 = {int8_numbers(random, rows, K, false), int8_numbers(random, rows, K1, false)};
          const std::vector<Floats> w8 = {int8_numbers(random, K, outputs, true),
                                          int8_numbers(random, K1, outputs, true)};
          const Floats expected8 = expected_product(rows, outputs, x8, w8, bias);
          for (int group : groups_of(k))
            check_all_equal(run_panels(k, WeightFormat::int8, group, rows, outputs, x8, w8, bias), expected8);
        }
  });
}

// Long sums of reals: longer than the stretch of a panel that rows share.
TEST(panels_match_the_reference_and_do_not_depend_on_the_rows) {
  Random random(121);
  for_each_isa([&](const Kernels& k) {
    const int64_t rows = 13, outputs = 4 * k.lanes + 1, K = 700, K1 = 301;
    const Floats bias = random.reals(outputs);
    const std::vector<Floats> x = {random.reals(rows * K), random.reals(rows * K1)};
    const std::vector<Floats> w = {random.reals(K * outputs), random.reals(K1 * outputs)};
    const Floats expected = expected_product(rows, outputs, x, w, bias);
    const Floats got = run_panels(k, WeightFormat::float32, 2, rows, outputs, x, w, bias);
    for (size_t i = 0; i < got.size(); ++i)
      CHECK_NEAR(got[i], expected[i], sum_bound(K + K1 + 1, static_cast<double>(K + K1 + 1)));
    for (WeightFormat format : {WeightFormat::float32, WeightFormat::bfloat16, WeightFormat::int8})
      for (int group : groups_of(k)) {
        const Floats all = run_panels(k, format, group, rows, outputs, x, w, bias);
        for (int64_t r = 0; r < rows; ++r) {
          const std::vector<Floats> one = {Floats(x[0].begin() + r * K, x[0].begin() + (r + 1) * K),
                                           Floats(x[1].begin() + r * K1, x[1].begin() + (r + 1) * K1)};
          CHECK(same_bits(run_panels(k, format, group, 1, outputs, one, w, bias),
                          Floats(all.begin() + r * outputs, all.begin() + (r + 1) * outputs)));
        }
      }
  });
}

// The greatest sums there are must not overflow.
TEST(int8_sums_do_not_overflow) {
  for_each_isa([&](const Kernels& k) {
    const int64_t K = kInt8Terms;
    for (float sign : {1.0f, -1.0f}) {
      const std::vector<Floats> x = {Floats(static_cast<size_t>(K), sign)}, w = {Floats(static_cast<size_t>(K), 1.0f)};
      for (int group : groups_of(k))
        CHECK_NEAR(run_panels(k, WeightFormat::int8, group, 1, 1, x, w, {0.0f})[0], sign * static_cast<float>(K), 0.1);
    }
  });
}

TEST(quantize_row_gives_the_nearest_levels) {
  Random random(122);
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      for (const Floats& x : {random.reals(n), random.integers(n, -127, 127), Floats(static_cast<size_t>(n), 0.0f)}) {
        const reference::Levels expected = reference::int8_levels(to_double(x));
        std::vector<int16_t> pairs(static_cast<size_t>(n + 16));
        std::vector<uint8_t> quads(static_cast<size_t>(n + 16));
        CHECK_NEAR(k.quantize_row(x.data(), n, 2, pairs.data()), expected.step, expected.step * kRoundoff);
        k.quantize_row(x.data(), n, 4, quads.data());
        for (int64_t i = 0; i < n; ++i) {
          // Where a value lies halfway, the rounding of the step may decide.
          CHECK(std::abs(pairs[i] - expected.level[i]) <= 1);
          CHECK_NEAR(pairs[i] * expected.step, static_cast<double>(x[i]), expected.step * 0.5001);
          CHECK_EQUAL(static_cast<int>(quads[i]), pairs[i] + kByteOffset);
        }
      }
    }
  });
}

TEST(lstm_cell_panel_matches_the_reference) {
  Random random(123);
  // Each of the seven functions and products errs by a few roundings of values up to 2.
  constexpr double kBound = 64.0 * kRoundoff;
  for_each_isa([&](const Kernels& k) {
    const int64_t U = k.lanes, rows = 3, offset = 2;
    const Floats z = random.reals(rows * 4 * U, -6.0f, 6.0f), c = random.reals(rows * (U + offset), -2.0f, 2.0f);
    Floats h_out(c.size(), kNan), c_out(c.size(), kNan);
    std::vector<const float*> z_rows, c_rows;
    std::vector<float*> h_rows, c_out_rows;
    for (int64_t r = 0; r < rows; ++r) {
      z_rows.push_back(z.data() + r * 4 * U);
      c_rows.push_back(c.data() + r * (U + offset));
      h_rows.push_back(h_out.data() + r * (U + offset));
      c_out_rows.push_back(c_out.data() + r * (U + offset));
    }
    k.lstm_cell_panel({.rows = rows,
                       .offset = offset,
                       .z = z_rows.data(),
                       .c_in = c_rows.data(),
                       .c_out = c_out_rows.data(),
                       .h = h_rows.data()});
    for (int64_t r = 0; r < rows; ++r) {
      const reference::CellState expected = reference::lstm_cell(Values(z_rows[r], z_rows[r] + 4 * U),
                                                                 Values(c_rows[r] + offset, c_rows[r] + offset + U));
      for (int64_t u = 0; u < U; ++u) {
        CHECK_NEAR(c_out_rows[r][offset + u], expected.c[u], kBound);
        CHECK_NEAR(h_rows[r][offset + u], expected.h[u], kBound);
      }
      for (int64_t i = 0; i < offset; ++i) CHECK(std::isnan(h_rows[r][i]) && std::isnan(c_out_rows[r][i]));
    }
  });
}

TEST(arg_max_is_the_first_of_the_largest) {
  Random random(124);
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      for (int repeat = 0; repeat < 20; ++repeat) {
        Floats x = random.integers(n, -2, 2);
        CHECK_EQUAL(k.arg_max(x.data(), n), std::max_element(x.begin(), x.end()) - x.begin());
        x[random.integer(0, n - 1)] = -kInfinity;
        CHECK_EQUAL(k.arg_max(x.data(), n), std::max_element(x.begin(), x.end()) - x.begin());
      }
      CHECK_EQUAL(k.arg_max(Floats(static_cast<size_t>(n), -kInfinity).data(), n), 0);
      CHECK_EQUAL(k.arg_max(Floats(static_cast<size_t>(n), kNan).data(), n), 0);
    }
  });
}

TEST(exp_sum_matches_the_reference) {
  Random random(125);
  for_each_isa([&](const Kernels& k) {
    for (int64_t n : sizes_around(k.lanes)) {
      const Context context("n ", n);
      Floats x = random.reals(n, -5.0f, 5.0f), y(x.size());
      x[0] = -kInfinity;
      double sum = 0.0;
      for (float v : x) sum += std::exp((static_cast<double>(v) - 5.0) * 0.5);
      CHECK_NEAR(k.exp_sum(x.data(), nullptr, n, 5.0f, 0.5f), sum, 16.0 * kRoundoff * sum + 1e-30);
      const double written = k.exp_sum(x.data(), y.data(), n, 5.0f, 0.5f);
      CHECK_EQUAL(k.exp_sum(x.data(), x.data(), n, 5.0f, 0.5f), written);  // in place
      CHECK(same_bits(x, y) && y[0] == 0.0f);
    }
  });
}

TEST(largest_logits_are_sorted_with_ties_by_token) {
  Random random(126);
  for (int64_t n : {1, 9, 200})
    for (int64_t count : {1, 2, 20, 199, 300}) {
      const Context context("n ", n, " count ", count);
      Floats x = random.integers(n, -4, 4);
      if (n > 4) x[2] = kNan, x[3] = -kInfinity;
      std::vector<int32_t> expected;
      for (int32_t i = 0; i < n; ++i)
        if (x[i] > -kInfinity) expected.push_back(i);
      std::stable_sort(expected.begin(), expected.end(), [&](int32_t a, int32_t b) { return x[a] > x[b]; });
      expected.resize(std::min<size_t>(expected.size(), static_cast<size_t>(count)));
      std::vector<int32_t> got;
      for (const TokenLogit& t : largest_logits(x.data(), n, count)) got.push_back(t.token);
      CHECK(got == expected);
    }
}

// The vectors that the authors of Philox publish with their library.
TEST(philox_gives_the_known_answers) {
  using Words = std::array<uint32_t, 4>;
  CHECK(philox4x32({0, 0, 0, 0}, 0) == (Words{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  const uint32_t all = 0xffffffffu;
  CHECK(philox4x32({all, all, all, all}, ~uint64_t{0}) == (Words{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  std::set<double> seen;
  for (uint64_t i = 0; i < 100; ++i)
    for (double u : {uniform(i, 0, 0), uniform(100, i + 1, 0), uniform(100, 0, i + 1)}) {
      CHECK(u >= 0.0 && u < 1.0);
      seen.insert(u);
    }
  CHECK_EQUAL(seen.size(), size_t{300});
}

namespace {

// Stages of 0 to 40 items; every item checks that all of the stage before are done.
struct CountingWork {
  static constexpr int kStages = 300;
  std::atomic<int64_t> done{0};
  int64_t expected = 0;
  int stage = 0;
  int64_t size = 7;
  int throw_at = -1;
  std::atomic<int> wrong{0};

  int64_t items() const { return size; }
  void run(int64_t item, int) {
    if (item < 0 || item >= size || done.load() < expected) ++wrong;
    if (stage == throw_at && item == size / 2) throw std::runtime_error("stage");
    ++done;
  }
  bool advance() {
    expected += size;
    if (done.load() != expected) ++wrong;
    size = (size * 5 + 3) % 41;
    return ++stage < kStages;
  }
};

}  // namespace

TEST(staged_jobs_run_stages_one_after_the_other) {
  const int before = num_threads();
  for (int threads : {1, 2, 3, 8}) {
    const Context context("threads ", threads);
    set_num_threads(threads);
    CountingWork work;
    StagedJob(work, threads).run();
    CHECK_EQUAL(work.stage, CountingWork::kStages);
    CHECK_EQUAL(work.wrong.load(), 0);
    // Inside a job of the pool the caller does everything.
    parallel_for(2, [&](int64_t) {
      CountingWork inner;
      StagedJob(inner, threads).run();
      CHECK_EQUAL(inner.done.load(), inner.expected);
    });
    CountingWork broken;
    broken.throw_at = 100;
    CHECK_THROWS(StagedJob(broken, threads).run(), std::runtime_error);
  }
  set_num_threads(before);
}

}  // namespace day33::testing
