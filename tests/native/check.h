// A small test harness: TEST registers a function, CHECK... record failures and carry on.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

namespace day33::testing {

struct Test {
  const char* name;
  void (*run)();
};
std::vector<Test>& registry();

struct Registration {
  Registration(const char* name, void (*run)()) { registry().push_back({name, run}); }
};

// Records a failure of the test that runs, with the open contexts. After a few it only counts.
void fail(const char* file, int line, const std::string& message);

// While it lives, its text is part of every failure message: which kernels, sizes, seed.
class Context {
 public:
  template <typename... Parts>
  explicit Context(const Parts&... parts) {
    std::ostringstream text;
    (text << ... << parts);
    push(text.str());
  }
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

 private:
  static void push(const std::string& text);
};

template <typename A, typename B>
void check_equal(const char* file, int line, const char* text, const A& a, const B& b) {
  if (a == b) return;
  std::ostringstream message;
  message.precision(9);
  message << text << ": " << a << " is not " << b;
  fail(file, line, message.str());
}

// |a - b| <= bound; NaN and infinity must be met by the same.
void check_near(const char* file, int line, const char* text, double a, double b, double bound);

}  // namespace day33::testing

#define TEST(name)                                                                    \
  static void test_##name();                                                          \
  static const day33::testing::Registration registration_##name(#name, &test_##name); \
  static void test_##name()

#define CHECK(condition)                                                    \
  do {                                                                      \
    if (!(condition)) day33::testing::fail(__FILE__, __LINE__, #condition); \
  } while (false)
#define CHECK_EQUAL(a, b) day33::testing::check_equal(__FILE__, __LINE__, #a " == " #b, a, b)
#define CHECK_NEAR(a, b, bound) day33::testing::check_near(__FILE__, __LINE__, #a " ~ " #b, a, b, bound)
#define CHECK_THROWS(expression, exception)                                                           \
  do {                                                                                                \
    bool thrown = false;                                                                              \
    try {                                                                                             \
      expression;                                                                                     \
    } catch (const exception&) {                                                                      \
      thrown = true;                                                                                  \
    }                                                                                                 \
    if (!thrown) day33::testing::fail(__FILE__, __LINE__, #expression " does not throw " #exception); \
  } while (false)
