#include <stdexcept>
#include <string>

#include "check.h"
#include "inputs.h"

namespace day33::testing {

TEST(every_kernel_of_every_table_is_there) {
  CHECK(!available_kernels().empty());
  for_each_isa([](const Kernels& k) {
    CHECK(k.lanes == 4 || k.lanes == 8 || k.lanes == 16);
#define KERNEL(name, result, parameters) CHECK(k.name != nullptr);
#include "kernels/kernel_list.def"
#undef KERNEL
  });
}

TEST(instruction_sets_are_selected_by_name) {
  const std::string before = active_kernels().isa;
  for (const Kernels* k : available_kernels()) {
    select_kernels(k->isa);
    CHECK(&active_kernels() == k);
  }
  CHECK_THROWS(select_kernels("sse9"), std::invalid_argument);
  CHECK_THROWS(select_kernels(""), std::invalid_argument);
  CHECK(&active_kernels() == available_kernels().back());
  select_kernels(before);
}

}  // namespace day33::testing
