// Which instruction sets this build and this machine have, and which one is in use.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace day33 {

// The usable instruction sets, slowest first: compiled in, supported by the CPU and the operating system, and not above
// DAY33_MAX_ISA. Throws std::runtime_error when DAY33_MAX_ISA names no instruction set of this build.
const std::vector<const Kernels*>& available_kernels();

// The kernel table in use: the last of available_kernels(), unless select_kernels() has chosen another.
const Kernels& active_kernels();

// For tests: uses the named instruction set from now on. Throws std::invalid_argument if it is not available.
void select_kernels(const std::string& isa);

// Whether this machine has a byte dot product instruction that these kernels can use (AVX-512 VNNI).
bool has_byte_dot_product(const Kernels& kernels);

}  // namespace day33
