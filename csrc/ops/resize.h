// Images of another size, whatever the sizes are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/enumerators.h"
#include "ops/op.h"

namespace day33 {

// As in tf.image.resize: half-pixel centres. With antialias, the kernels of bilinear, bicubic, lanczos3 and lanczos5
// get wider where the image gets smaller.
#define DAY33_RESIZINGS(X) X(nearest) X(bilinear) X(bicubic) X(area) X(lanczos3) X(lanczos5)
enum class Resizing { DAY33_RESIZINGS(DAY33_ENUMERATOR) };

Resizing parse_resizing(const std::string& name);

// The cell of an axis of `in` cells that each of `out` cells shows.
std::vector<int64_t> nearest_cells(int64_t in, int64_t out);

// [H][W][C] -> [OH][OW][C]. `nearest` is no such op but a rearrangement.
std::unique_ptr<Op> make_resize(int x, int y, int64_t H, int64_t W, int64_t C, int64_t OH, int64_t OW, Resizing kind,
                                bool antialias);

}  // namespace day33
