#include "core/isa.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "core/cpu_features.h"

namespace day33 {
namespace {

// An instruction set of this build, and whether the CPU supports it. candidates() lists them slowest first.
struct Candidate {
  const Kernels* kernels;
  bool supported;
};

std::vector<Candidate> candidates() {
  std::vector<Candidate> list;
#if defined(DAY33_HAVE_baseline)
  list.push_back({&baseline::kernels, true});
#endif
#if defined(DAY33_HAVE_neon)
  list.push_back({&neon::kernels, true});  // every aarch64 CPU has NEON
#endif
#if defined(__x86_64__)
  [[maybe_unused]] const CpuFeatures cpu = cpu_features();
#if defined(DAY33_HAVE_avx2)
  list.push_back({&avx2::kernels, cpu.avx2_and_fma});
#endif
#if defined(DAY33_HAVE_avx512)
  list.push_back({&avx512::kernels, cpu.avx512});
#endif
#endif
  return list;
}

std::vector<const Kernels*> detect() {
  const std::vector<Candidate> all = candidates();
  const char* cap = std::getenv("DAY33_MAX_ISA");
  size_t limit = all.size();
  if (cap != nullptr && *cap != '\0') {
    std::string known;
    limit = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      known += std::string(i ? ", " : "") + all[i].kernels->isa;
      if (std::string(cap) == all[i].kernels->isa) limit = i + 1;
    }
    if (limit == 0) throw std::runtime_error("DAY33_MAX_ISA is '" + std::string(cap) + "'; expected one of " + known);
  }
  std::vector<const Kernels*> usable;
  for (size_t i = 0; i < limit; ++i)
    if (all[i].supported) usable.push_back(all[i].kernels);
  return usable;
}

std::atomic<const Kernels*> chosen{nullptr};

}  // namespace

const std::vector<const Kernels*>& available_kernels() {
  // Never destroyed, since threads may outlive main.
  static const auto& usable = *new std::vector<const Kernels*>(detect());
  return usable;
}

const Kernels& active_kernels() {
  const Kernels* kernels = chosen.load(std::memory_order_acquire);
  return kernels != nullptr ? *kernels : *available_kernels().back();
}

void select_kernels(const std::string& isa) {
  std::string names;
  for (const Kernels* kernels : available_kernels()) {
    if (isa == kernels->isa) {
      chosen.store(kernels, std::memory_order_release);
      return;
    }
    names += std::string(names.empty() ? "" : ", ") + kernels->isa;
  }
  throw std::invalid_argument("isa is '" + isa + "'; expected one of " + names);
}

bool has_byte_dot_product(const Kernels& kernels) {
#if defined(__x86_64__)
  static const bool has_vnni = cpu_features().avx512_vnni;  // asking is slow on virtual machines
  return has_vnni && std::string("avx512") == kernels.isa;
#else
  static_cast<void>(kernels);
  return false;
#endif
}

}  // namespace day33
