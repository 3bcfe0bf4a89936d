// A block of floats aligned to a cache line. Not initialised, unless created by zeros().
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

namespace day33 {

inline constexpr size_t kAlignment = 64;

// The least multiple of `step` that is at least n.
inline int64_t round_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

// Rounds a count of floats up to whole cache lines.
inline int64_t round_to_line(int64_t floats) { return round_up(floats, kAlignment / sizeof(float)); }

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t floats) : size_(floats) {
    if (floats > 0)
      data_.reset(static_cast<float*>(::operator new(static_cast<size_t>(floats) * sizeof(float), kAlign)));
  }
  static AlignedBuffer zeros(int64_t floats) {
    AlignedBuffer buffer(floats);
    buffer.fill_zero();
    return buffer;
  }

  void fill_zero() {
    if (size_ > 0) std::memset(data_.get(), 0, static_cast<size_t>(size_) * sizeof(float));
  }
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  int64_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kAlign{kAlignment};
  struct Release {
    void operator()(float* p) const { ::operator delete(p, kAlign); }
  };
  std::unique_ptr<float, Release> data_;
  int64_t size_ = 0;
};

}  // namespace day33
