#include "kernels/kernels.h"

#define DAY33_STRING_(x) #x
#define DAY33_STRING(x) DAY33_STRING_(x)

namespace day33::DAY33_ISA {

extern const Kernels kernels;
const Kernels kernels = {
    DAY33_STRING(DAY33_ISA),
    DAY33_LANES,
#define KERNEL(name, result, parameters) &DAY33_ISA::name,
#include "kernels/kernel_list.def"
#undef KERNEL
};

}  // namespace day33::DAY33_ISA
