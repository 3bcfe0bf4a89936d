// Which instruction sets this build and this machine have, and which one is in use.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace day33 {

// Usable here, slowest first: compiled in, supported by CPU and operating system, and not above
// DAY33_MAX_ISA. Throws std::runtime_error when DAY33_MAX_ISA names no instruction set of this build.
const std::vector<const Kernels*>& available_kernels();

// The table in use: the last of available_kernels() unless select_kernels() chose another.
const Kernels& active_kernels();

// For tests: use the named instruction set from now on. Throws std::invalid_argument when it is not available.
void select_kernels(const std::string& isa);

// Whether this machine has the dot product of bytes that these kernels can use (AVX-512 VNNI).
bool has_byte_dot_product(const Kernels& kernels);

}  // namespace day33
