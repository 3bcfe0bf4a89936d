// A tile's view of memory: where its values, gradients and scratch lie, and how data is copied from the caller's arrays
// and back.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/program.h"
#include "engine/request.h"

namespace day33 {

// The memory of a run: one arena per tile, or one for all tiles. The latter is laid out tile by tile or, if the program
// is interleaved, block by block, with the tiles side by side in each block, so that every value of a batch is one
// array (in the channels layout).
struct Arena {
  float* base = nullptr;
  int64_t tiles = 1;  // the number of tiles that share it
};

class Workspace {
 public:
  Workspace(const Program& program, Request& request) : p_(program), graph_(program.graph), request_(request) {}

  // Selects a tile. Its values are left as they are.
  void open(int64_t index, const Arena& arena);
  // Selects the whole batch as one tile, with its own scratch memory.
  void open_whole(const Arena& arena, float* scratch);

  void load_inputs();
  void store_results();
  void load_output_gradients();

  // The arguments of the kernel of loss l. Where its gradient is to be added to another one, the kernel writes it to
  // the addend, and add_loss() then adds it.
  LossArgs loss_args(size_t l);
  // The weights of loss l, [rows][lanes]. Weights given per sample are repeated for every position; null for all ones.
  const float* loss_weights(size_t l);
  float loss_scale(size_t l) const;
  void add_loss(size_t l, const LossArgs& args);

  // Where an op writes the gradients of its inputs. end_gradients() then adds those that are to be added to others.
  float* const* begin_gradients(const std::vector<int>& inputs, const std::vector<Write>& writes);
  void end_gradients(const std::vector<int>& inputs, const std::vector<Write>& writes);

  Tile tile{};
  int64_t index = 0;
  std::vector<float*> accumulate;
  std::vector<SliceSums> slices;

 private:
  // Null for offset -1; `floats` is the size of one tile's part.
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
  int64_t place_ = 0;    // the position of the tile in the arena
  int64_t samples_ = 0;  // of the tile, without lanes that repeat one
  std::vector<float*> value_, gradient_, dx_, sink_;
  std::vector<const float*> source_;
};

}  // namespace day33
