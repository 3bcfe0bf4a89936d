#include "ops/embedding.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "ops/gemm.h"

namespace day33 {
namespace {

constexpr int64_t kRowPortion = 64;

class EmbeddingOp final : public Op {
 public:
  EmbeddingOp(int ids, int y, int table, int64_t rows, int64_t V, int64_t E)
      : Op("embedding", {ids}, {y}, {table}), rows_(rows), V_(V), E_(E) {}

  // The gradient has the size of the table, so there should be only one for all tiles.
  bool whole(int) const override { return true; }
  bool takes_lanes() const override { return false; }

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const int32_t* ids = checked_ids(tile);
    const float* table = tile.parameter[parameters[0]];
    float* y = tile.value[outputs[0]];
    const int64_t rows = tile.n * rows_;
    gemm::over_rows(rows, kRowPortion, rows * E_, [&](int64_t first, int64_t count) {
      for (int64_t r = first; r < first + count; ++r)
        std::memcpy(y + r * E_, table + ids[r] * E_, static_cast<size_t>(E_) * sizeof(float));
    });
  }

  // Threads divide the columns, so that each row of the gradient adds up its positions in order. A slice of the
  // gradient is the part of dy at one position.
  void backward(const Tile& tile, float* const*) const override {
    float* dtable = tile.accumulate[0];
    if (dtable == nullptr) return;
    const int32_t* ids = checked_ids(tile);
    const float* dy = tile.gradient[outputs[0]];
    const int64_t rows = tile.n * rows_;
    const auto add = [&](decltype(Kernels::add_to) kernel, float* to) {
      if (to == nullptr) return;
      gemm::over_rows(E_, kRowPortion, rows * E_, [&](int64_t first, int64_t count) {
        for (int64_t r = 0; r < rows; ++r) kernel(dy + r * E_ + first, to + ids[r] * E_ + first, count);
      });
    };
    add(tile.kernels->add_to, dtable);
    add(tile.kernels->add_squares_to, tile.slices[0].squares);
    add(tile.kernels->add_magnitudes_to, tile.slices[0].magnitudes);
  }
  bool backward_reads_forward() const override { return false; }
  bool gives_slices(size_t) const override { return true; }

  std::string detail() const override { return std::to_string(V_) + "x" + std::to_string(E_); }

 private:
  // Backward checks them, too: forward does not run before it where nothing else reads its result.
  const int32_t* checked_ids(const Tile& tile) const {
    const int32_t* ids = reinterpret_cast<const int32_t*>(tile.value[inputs[0]]);
    for (int64_t r = 0; r < tile.n * rows_; ++r)
      if (ids[r] < 0 || ids[r] >= V_)
        throw std::invalid_argument("x holds the index " + std::to_string(ids[r]) + "; expected 0 to " +
                                    std::to_string(V_ - 1) + " for an embedding of " + std::to_string(V_) + " rows");
    return ids;
  }
  const int64_t rows_, V_, E_;
};

}  // namespace

std::unique_ptr<Op> make_embedding(int ids, int y, int table, int64_t rows, int64_t V, int64_t E) {
  return std::make_unique<EmbeddingOp>(ids, y, table, rows, V, E);
}

}  // namespace day33
