// The declarations and the dispatch table of the kernels, both generated from kernel_list.def.
#pragma once

#include "kernels/args.h"
#include "kernels/decode_args.h"

namespace day33 {

// One instance per instruction set that was compiled in; core/isa.h says which one to use.
struct Kernels {
  const char* isa;
  int lanes;  // floats per vector
#define KERNEL(name, result, parameters) result(*name) parameters;
#include "kernels/kernel_list.def"
#undef KERNEL
};

#define DAY33_DECLARE_ISA(ns)   \
  namespace ns {                \
  extern const Kernels kernels; \
  }
DAY33_DECLARE_ISA(baseline)
DAY33_DECLARE_ISA(avx2)
DAY33_DECLARE_ISA(avx512)
DAY33_DECLARE_ISA(neon)
#undef DAY33_DECLARE_ISA

}  // namespace day33

// In files that are compiled per instruction set, the kernels are declared in the namespace of the instruction set.
#if defined(DAY33_ISA)
namespace day33::DAY33_ISA {
#define KERNEL(name, result, parameters) result name parameters;
#include "kernels/kernel_list.def"
#undef KERNEL
}  // namespace day33::DAY33_ISA
#endif
