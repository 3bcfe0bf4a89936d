#include "core/names.h"

#include <stdexcept>

namespace day33 {

int64_t find_name(const NameTable& table, const std::string& name) {
  for (size_t i = 0; i < table.count; ++i)
    if (name == table.names[i]) return static_cast<int64_t>(i);
  return -1;
}

void throw_unknown_name(const char* argument, const std::string& given, const NameTable& table) {
  std::string known;
  for (size_t i = 0; i < table.count; ++i) {
    if (i > 0) known += i + 1 == table.count ? " or " : ", ";
    known.append(1, '\'').append(table.names[i]).append(1, '\'');
  }
  throw std::invalid_argument(std::string(argument) + " is '" + given + "'; expected " + known);
}

}  // namespace day33
