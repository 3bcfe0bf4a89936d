// Average and global max pooling, layer normalisation, rescaling, and merging of several tensors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/shapes.h"
#include "ops/op.h"

namespace day33 {

std::unique_ptr<Op> make_average_pool2d(int x, int y, const ConvAxis& height, const ConvAxis& width, int64_t channels);
std::unique_ptr<Op> make_global_max(int x, int y, int64_t pixels, int64_t C);

// `rows` rows of C values a sample, each normalised on its own. parameters {gamma or -1, beta or -1}, of C values.
std::unique_ptr<Op> make_layer_norm(int x, int y, int gamma, int beta, int64_t rows, int64_t C, float epsilon);

// x * scale + offset: one value for all, or one for each of the `features` values of a sample.
std::unique_ptr<Op> make_rescaling(int x, int y, int64_t features, std::vector<float> scale, std::vector<float> offset);

// The gradient of a maximum or minimum goes to the first input that attains it.
std::unique_ptr<Op> make_merge(Merge kind, std::vector<int> xs, int y, int64_t features);

Merge parse_merge(const std::string& name);

}  // namespace day33
