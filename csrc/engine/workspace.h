// A tile's view of memory: where its values, gradients and scratch lie, and what goes in from the caller's arrays and
// out to them.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/program.h"
#include "engine/request.h"

namespace day33 {

// The memory of a run: an arena for each tile on its own, or one for all of them. The latter is laid out tile by tile;
// or, if the program is interleaved, block by block, each block with its tiles side by side, so that every value of a
// batch is one array (in the channels layout).
struct Arena {
  float* base = nullptr;
  int64_t tiles = 1;  // that share it
};

class Workspace {
 public:
  Workspace(const Program& program, Request& request) : p_(program), graph_(program.graph), request_(request) {}

  // Turns to a tile. Its values are left as they are.
  void open(int64_t index, const Arena& arena);
  // Turns to the whole batch as one tile, with scratch memory of its own.
  void open_whole(const Arena& arena, float* scratch);

  void load_inputs();
  void store_results();
  void load_output_gradients();

  // What the kernel of loss l works on. Where its gradient joins another one it goes to the addend first: add_loss()
  // then adds it.
  LossArgs loss_args(size_t l);
  // [rows][lanes] weights of loss l, spread over positions where they are given by sample; null for all ones.
  const float* loss_weights(size_t l);
  float loss_scale(size_t l) const;
  void add_loss(size_t l, const LossArgs& args);

  // Where an op writes the gradients of its inputs; and the end of it, for those that join another one.
  float* const* begin_gradients(const std::vector<int>& inputs, const std::vector<Write>& writes);
  void end_gradients(const std::vector<int>& inputs, const std::vector<Write>& writes);

  Tile tile{};
  int64_t index = 0;
  std::vector<float*> accumulate;

 private:
  // Offset -1 is nowhere; `floats` is the size of a tile's part.
  float* at(int64_t offset, int64_t floats) const {
    if (offset < 0) return nullptr;
    if (!p_.interleaved) return arena_.base + place_ * p_.memory.floats + offset;
    return arena_.base + offset * arena_.tiles + place_ * floats;
  }
  void place_values(int64_t first_sample);
  void bind(int id, void* array, int64_t first_sample);
  float* addend() const { return at(p_.memory.addend, p_.memory.addend_floats); }
  int64_t floats_of(int tensor) const { return graph_.tensors[tensor].size * tile.n * p_.lanes; }
  void add_into(int tensor, const float* values);
  void load(const void* array, int64_t size, float* to);
  void save(const float* from, int64_t size, void* array);

  const Program& p_;
  const Graph& graph_;
  Request& request_;
  Arena arena_;
  int64_t place_ = 0;    // of the tile in the arena
  int64_t samples_ = 0;  // real ones
  std::vector<float*> value_, gradient_, dx_, sink_;
  std::vector<const float*> source_;
};

}  // namespace day33
