// From names to enumerators and back, by tables in the order of the enumerators (core/enumerators.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/enumerators.h"

namespace day33 {

struct NameTable {
  template <size_t N>
  constexpr NameTable(const char* const (&table)[N]) : names(table), count(N) {}
  const char* const* names;
  size_t count;
};

// The place of a name in the table, or -1.
int64_t find_name(const NameTable& table, const std::string& name);

// Throws std::invalid_argument with the argument's name, what was given, and what is expected.
[[noreturn]] void throw_unknown_name(const char* argument, const std::string& given, const NameTable& table);

template <typename Enum>
Enum parse_name(const char* argument, const std::string& name, const NameTable& table) {
  const int64_t place = find_name(table, name);
  if (place < 0) throw_unknown_name(argument, name, table);
  return static_cast<Enum>(place);
}

template <typename Enum>
std::string name_of(Enum value, const NameTable& table) {
  return table.names[static_cast<size_t>(value)];
}

}  // namespace day33
