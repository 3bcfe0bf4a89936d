// day33_native_tests [part of a test's name]: runs the tests, prints failures, and ends with one line of counts.
// DAY33_TEST_SEED replays a random run.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <random>

#include "check.h"
#include "inputs.h"

namespace day33::testing {
namespace {

constexpr int kPrinted = 5;  // failures of one test that are printed in full

thread_local std::vector<std::string> contexts;
std::mutex failure_mutex;
int failures_of_test = 0;

uint64_t choose_seed() {
  const char* given = std::getenv("DAY33_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

}  // namespace

std::vector<Test>& registry() {
  static std::vector<Test> tests;
  return tests;
}

uint64_t seed() {
  static const uint64_t chosen = choose_seed();
  return chosen;
}

void fail(const char* file, int line, const std::string& message) {
  const std::lock_guard<std::mutex> lock(failure_mutex);
  if (++failures_of_test > kPrinted) return;
  std::string where;
  for (const std::string& context : contexts) where += (where.empty() ? "" : ", ") + context;
  std::printf("  %s:%d: %s%s%s\n", file, line, message.c_str(), where.empty() ? "" : "\n    with ", where.c_str());
}

void Context::push(const std::string& text) { contexts.push_back(text); }
Context::~Context() { contexts.pop_back(); }

void check_near(const char* file, int line, const char* text, double a, double b, double bound) {
  const bool same = a == b || (std::isnan(a) && std::isnan(b));
  if (same || std::fabs(a - b) <= bound) return;
  std::ostringstream message;
  message.precision(9);
  message << text << ": " << a << " and " << b << " differ by " << std::fabs(a - b) << ", more than " << bound;
  fail(file, line, message.str());
}

}  // namespace day33::testing

int main(int argc, char** argv) {
  using namespace day33::testing;
  const std::string wanted = argc > 1 ? argv[1] : "";
  int passed = 0, failed = 0;
  for (const Test& test : registry()) {
    if (std::string(test.name).find(wanted) == std::string::npos) continue;
    failures_of_test = 0;
    try {
      test.run();
    } catch (const std::exception& error) {
      fail(test.name, 0, std::string("unexpected exception: ") + error.what());
    }
    ++(failures_of_test == 0 ? passed : failed);
    if (failures_of_test == 0) continue;
    std::printf("FAILED %s: %d checks; replay with DAY33_TEST_SEED=%llu\n", test.name, failures_of_test,
                static_cast<unsigned long long>(seed()));
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
