// Functions of one and two elements with their derivatives, by the names that users write.
#pragma once

#include <cmath>
#include <limits>
#include <string>

namespace day33::reference {

inline constexpr double kPi = 3.14159265358979323846;

// `slope` is null where no gradient passes. [low, high]: where the derivative exists and tests draw numbers.
struct Unary {
  const char* name;
  double (*function)(double x);
  double (*slope)(double x);
  double low, high;
};

inline double sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x - x; }
inline double rint_even(double x) {
  const double below = std::floor(x), rest = x - below;
  const bool down = rest == 0.5 ? std::fmod(below, 2.0) == 0.0 : rest < 0.5;
  return std::copysign(down ? below : below + 1.0, x);
}

inline const Unary kUnaries[] = {
    {"negative", [](double x) { return -x; }, [](double) { return -1.0; }, -9, 9},
    {"abs", [](double x) { return std::fabs(x); }, sign, 0.1, 9},
    {"sign", sign, nullptr, -9, 9},
    {"square", [](double x) { return x * x; }, [](double x) { return 2.0 * x; }, -9, 9},
    {"sqrt", [](double x) { return std::sqrt(x); }, [](double x) { return 0.5 / std::sqrt(x); }, 0.1, 99},
    {"rsqrt", [](double x) { return 1.0 / std::sqrt(x); }, [](double x) { return -0.5 * std::pow(x, -1.5); }, 0.1, 99},
    {"reciprocal", [](double x) { return 1.0 / x; }, [](double x) { return -1.0 / (x * x); }, 0.1, 99},
    {"exp", [](double x) { return std::exp(x); }, [](double x) { return std::exp(x); }, -9, 9},
    {"exp2", [](double x) { return std::exp2(x); }, [](double x) { return std::log(2.0) * std::exp2(x); }, -9, 9},
    {"expm1", [](double x) { return std::expm1(x); }, [](double x) { return std::exp(x); }, -9, 9},
    {"log", [](double x) { return std::log(x); }, [](double x) { return 1.0 / x; }, 0.1, 99},
    {"log2", [](double x) { return std::log2(x); }, [](double x) { return 1.0 / (x * std::log(2.0)); }, 0.1, 99},
    {"log10", [](double x) { return std::log10(x); }, [](double x) { return 1.0 / (x * std::log(10.0)); }, 0.1, 99},
    {"log1p", [](double x) { return std::log1p(x); }, [](double x) { return 1.0 / (1.0 + x); }, -0.9, 99},
    {"sin", [](double x) { return std::sin(x); }, [](double x) { return std::cos(x); }, -9, 9},
    {"cos", [](double x) { return std::cos(x); }, [](double x) { return -std::sin(x); }, -9, 9},
    {"tan", [](double x) { return std::tan(x); }, [](double x) { return std::pow(std::cos(x), -2.0); }, -1.5, 1.5},
    {"asin", [](double x) { return std::asin(x); }, [](double x) { return 1.0 / std::sqrt(1.0 - x * x); }, -0.9, 0.9},
    {"acos", [](double x) { return std::acos(x); }, [](double x) { return -1.0 / std::sqrt(1.0 - x * x); }, -0.9, 0.9},
    {"atan", [](double x) { return std::atan(x); }, [](double x) { return 1.0 / (1.0 + x * x); }, -9, 9},
    {"sinh", [](double x) { return std::sinh(x); }, [](double x) { return std::cosh(x); }, -9, 9},
    {"cosh", [](double x) { return std::cosh(x); }, [](double x) { return std::sinh(x); }, -9, 9},
    {"asinh", [](double x) { return std::asinh(x); }, [](double x) { return 1.0 / std::sqrt(1.0 + x * x); }, -9, 9},
    {"acosh", [](double x) { return std::acosh(x); }, [](double x) { return 1.0 / std::sqrt(x * x - 1.0); }, 1.1, 9},
    {"atanh", [](double x) { return std::atanh(x); }, [](double x) { return 1.0 / (1.0 - x * x); }, -0.9, 0.9},
    {"erf", [](double x) { return std::erf(x); }, [](double x) { return 2.0 / std::sqrt(kPi) * std::exp(-x * x); }, -4,
     4},
    {"floor", [](double x) { return std::floor(x); }, nullptr, -9, 9},
    {"ceil", [](double x) { return std::ceil(x); }, nullptr, -9, 9},
    {"round", rint_even, nullptr, -9, 9},
    {"trunc", [](double x) { return std::trunc(x); }, nullptr, -9, 9},
    {"isnan", [](double x) { return x != x ? 1.0 : 0.0; }, nullptr, -9, 9},
    {"isinf", [](double x) { return std::isinf(x) ? 1.0 : 0.0; }, nullptr, -9, 9},
    {"isfinite", [](double x) { return std::isfinite(x) ? 1.0 : 0.0; }, nullptr, -9, 9},
    {"logical_not", [](double x) { return x == 0.0 ? 1.0 : 0.0; }, nullptr, -9, 9},
};

struct Binary {
  const char* name;
  double (*function)(double a, double b);
  double (*slope_a)(double a, double b);
  double (*slope_b)(double a, double b);
  double low, high;  // of both operands
};

inline double floor_mod(double a, double b) { return a - b * std::floor(a / b); }
inline double nan_or(double a, double b, double value) { return a != a || b != b ? a + b : value; }

inline const Binary kBinaries[] = {
    {"add", [](double a, double b) { return a + b; }, [](double, double) { return 1.0; },
     [](double, double) { return 1.0; }, -9, 9},
    {"subtract", [](double a, double b) { return a - b; }, [](double, double) { return 1.0; },
     [](double, double) { return -1.0; }, -9, 9},
    {"multiply", [](double a, double b) { return a * b; }, [](double, double b) { return b; },
     [](double a, double) { return a; }, -9, 9},
    {"divide", [](double a, double b) { return a / b; }, [](double, double b) { return 1.0 / b; },
     [](double a, double b) { return -a / (b * b); }, 0.5, 9},
    {"power", [](double a, double b) { return std::pow(a, b); },
     [](double a, double b) { return b * std::pow(a, b - 1.0); },
     [](double a, double b) { return std::pow(a, b) * std::log(a); }, 0.2, 5},
    {"maximum", [](double a, double b) { return nan_or(a, b, a > b ? a : b); },
     [](double a, double b) { return a >= b ? 1.0 : 0.0; }, [](double a, double b) { return a >= b ? 0.0 : 1.0; }, -9,
     9},
    {"minimum", [](double a, double b) { return nan_or(a, b, a < b ? a : b); },
     [](double a, double b) { return a <= b ? 1.0 : 0.0; }, [](double a, double b) { return a <= b ? 0.0 : 1.0; }, -9,
     9},
    {"floor_divide", [](double a, double b) { return std::floor(a / b); }, nullptr, nullptr, 0.5, 9},
    {"mod", floor_mod, [](double, double) { return 1.0; }, [](double a, double b) { return -std::floor(a / b); }, 0.5,
     9},
    {"arctan2", [](double a, double b) { return std::atan2(a, b); },
     [](double a, double b) { return b / (a * a + b * b); }, [](double a, double b) { return -a / (a * a + b * b); },
     0.5, 9},
    {"sigmoid_crossentropy",
     [](double a, double b) { return (a > 0.0 ? a : 0.0) - a * b + std::log1p(std::exp(-std::fabs(a))); },
     [](double a, double b) { return 1.0 / (1.0 + std::exp(-a)) - b; }, [](double a, double) { return -a; }, -9, -1},
    {"greater", [](double a, double b) { return a > b ? 1.0 : 0.0; }, nullptr, nullptr, -9, 9},
    {"greater_equal", [](double a, double b) { return a >= b ? 1.0 : 0.0; }, nullptr, nullptr, -9, 9},
    {"less", [](double a, double b) { return a < b ? 1.0 : 0.0; }, nullptr, nullptr, -9, 9},
    {"less_equal", [](double a, double b) { return a <= b ? 1.0 : 0.0; }, nullptr, nullptr, -9, 9},
    {"equal", [](double a, double b) { return a == b ? 1.0 : 0.0; }, nullptr, nullptr, -9, 9},
    {"not_equal", [](double a, double b) { return a != b ? 1.0 : 0.0; }, nullptr, nullptr, -9, 9},
    {"logical_and", [](double a, double b) { return a != 0.0 && b != 0.0 ? 1.0 : 0.0; }, nullptr, nullptr, -9, 9},
    {"logical_or", [](double a, double b) { return a != 0.0 || b != 0.0 ? 1.0 : 0.0; }, nullptr, nullptr, -9, 9},
    {"logical_xor", [](double a, double b) { return (a != 0.0) != (b != 0.0) ? 1.0 : 0.0; }, nullptr, nullptr, -9, 9},
};

}  // namespace day33::reference
