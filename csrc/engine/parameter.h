// The weights of a network. Their memory belongs to the native side, so that plans read it without Python.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/aligned_buffer.h"
#include "core/shapes.h"

namespace day33 {

// A weight tensor. Every write raises its version.
class Parameter {
 public:
  explicit Parameter(Shape shape) : shape_(std::move(shape)), buffer_(AlignedBuffer::zeros(element_count(shape_))) {}

  const Shape& shape() const { return shape_; }
  int64_t size() const { return buffer_.size(); }
  float* data() { return buffer_.data(); }
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  void touch() { version_.fetch_add(1, std::memory_order_acq_rel); }

 private:
  const Shape shape_;
  AlignedBuffer buffer_;
  std::atomic<uint64_t> version_{0};
};

// The parameters of a plan in slot order. Packed weights are kept as long as its version does not change.
class ParameterList {
 public:
  explicit ParameterList(std::vector<std::shared_ptr<Parameter>> parameters)
      : parameters_(std::move(parameters)), id_(next_id()) {
    for (const auto& p : parameters_) data_.push_back(p->data());
  }

  const std::vector<std::shared_ptr<Parameter>>& parameters() const { return parameters_; }
  const std::vector<float*>& data() const { return data_; }
  uint64_t id() const { return id_; }
  // Grows whenever any of the parameters is written.
  uint64_t version() const {
    uint64_t sum = 0;
    for (const auto& p : parameters_) sum += p->version();
    return sum;
  }

 private:
  static uint64_t next_id() {
    static std::atomic<uint64_t> last{0};
    return ++last;
  }
  const std::vector<std::shared_ptr<Parameter>> parameters_;
  std::vector<float*> data_;
  const uint64_t id_;
};

}  // namespace day33
