// The arguments of every kernel: plain structs of pointers and sizes, the same for all instruction sets.
//
// Layout. A tile holds `n` samples as [n][H][W][C][lanes]. `lanes` is 1 (channels last, NHWC) or the vector
// width of the instruction set (samples in the lanes; then n is 1 and each lane is a sample of its own).
// Kernels that treat all channels alike see only `inner` = C * lanes contiguous floats per pixel, so that one
// body serves both layouts. Dimension letters as in docs/architecture.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/enumerators.h"

namespace day33 {

// relu6 is min(max(x, 0), alpha).
#define DAY33_ACTIVATIONS(X) \
  X(linear)                  \
  X(relu)                    \
  X(leaky_relu)              \
  X(elu)                     \
  X(sigmoid)                 \
  X(tanh)                    \
  X(softmax)                 \
  X(log_softmax)             \
  X(relu6)                   \
  X(selu)                    \
  X(exponential)             \
  X(softplus)                \
  X(softsign)                \
  X(log_sigmoid)             \
  X(hard_sigmoid)            \
  X(gelu)                    \
  X(gelu_tanh)               \
  X(silu)                    \
  X(hard_silu)               \
  X(mish)
enum class Activation : int { DAY33_ACTIVATIONS(DAY33_ENUMERATOR) };

// How several tensors of one shape become one.
#define DAY33_MERGES(X) X(add) X(subtract) X(multiply) X(maximum) X(minimum) X(average)
enum class Merge : int { DAY33_MERGES(DAY33_ENUMERATOR) };

// ---- arithmetic ----

// What the result of a function on elements is, and how its gradient comes about.
enum class Trait : int {
  of_input,   // float32; the derivative is computed from the inputs
  of_output,  // float32; the derivative needs the output, too
  flat,       // float32; the derivative is 0 wherever there is one, and no gradient passes
  truth       // int32, 0 or 1
};

#define DAY33_UNARIES(X)   \
  X(negative, of_input)    \
  X(abs, of_input)         \
  X(sign, flat)            \
  X(square, of_input)      \
  X(sqrt, of_output)       \
  X(rsqrt, of_output)      \
  X(reciprocal, of_output) \
  X(exp, of_output)        \
  X(exp2, of_output)       \
  X(expm1, of_input)       \
  X(log, of_input)         \
  X(log2, of_input)        \
  X(log10, of_input)       \
  X(log1p, of_input)       \
  X(sin, of_input)         \
  X(cos, of_input)         \
  X(tan, of_output)        \
  X(asin, of_input)        \
  X(acos, of_input)        \
  X(atan, of_input)        \
  X(sinh, of_input)        \
  X(cosh, of_input)        \
  X(asinh, of_input)       \
  X(acosh, of_input)       \
  X(atanh, of_input)       \
  X(erf, of_input)         \
  X(floor, flat)           \
  X(ceil, flat)            \
  X(round, flat)           \
  X(trunc, flat)           \
  X(isnan, truth)          \
  X(isinf, truth)          \
  X(isfinite, truth)       \
  X(logical_not, truth)
enum class Unary : int { DAY33_UNARIES(DAY33_ENUMERATOR) };

// sigmoid_crossentropy: of logits and targets, max(z, 0) - z t + log(1 + exp(-|z|)).
#define DAY33_BINARIES(X)           \
  X(add, of_input)                  \
  X(subtract, of_input)             \
  X(multiply, of_input)             \
  X(divide, of_input)               \
  X(power, of_output)               \
  X(maximum, of_input)              \
  X(minimum, of_input)              \
  X(floor_divide, flat)             \
  X(mod, of_input)                  \
  X(arctan2, of_input)              \
  X(sigmoid_crossentropy, of_input) \
  X(greater, truth)                 \
  X(greater_equal, truth)           \
  X(less, truth)                    \
  X(less_equal, truth)              \
  X(equal, truth)                   \
  X(not_equal, truth)               \
  X(logical_and, truth)             \
  X(logical_or, truth)              \
  X(logical_xor, truth)
enum class Binary : int { DAY33_BINARIES(DAY33_ENUMERATOR) };

// One operand of a function of several operands that are broadcast to one shape: of float32 or int32, which the kernel
// knows. Row r of the result reads the operand from p + r * step on: as many words as the row has or, if `held`, one
// element (`lanes` words) for the whole row.
struct Operand {
  const float* p;
  int64_t step;
  bool held;
};

// The result is `outer` rows of `inner` words, row_step apart.
struct BroadcastRows {
  int64_t outer, inner, row_step;
  int lanes;
  Operand x[3];
};

// ---- pooling, un-pooling, up-sampling: one sample, [H][W][inner] -> [OH][OW][inner] ----

struct Pool2dArgs {
  int64_t H, W, OH, OW, inner;
  int64_t KH, KW, SH, SW;     // window and strides
  int64_t pad_top, pad_left;  // padding never wins
};

struct UpSample2dArgs {
  int64_t H, W, OH, OW, inner;
  int64_t scale_h, scale_w;  // OH = H * scale_h, OW = W * scale_w
};

// y[out][inner] from x[in][inner], `outer` times: cell j sums the cells from first[j] on, with the weights from
// start[j] to start[j + 1].
struct ResampleArgs {
  int64_t outer, in, out, inner;
  const int32_t* first;
  const int64_t* start;
  const float* weights;
};

// ---- batch normalisation: rows of [C][lanes] ----

struct ChannelRows {
  int64_t rows, C;
  int lanes;        // 1 or the vector width
  int valid_lanes;  // lanes that hold a sample; the rest repeat one and must not count
};

// ---- losses: rows of [C][lanes]; the last axis of the prediction is C ----

struct LossArgs {
  int64_t rows, C;
  int lanes;
  int valid_lanes;
  const float* prediction;  // [rows][C][lanes]: probabilities, or logits where the loss takes logits
  const float* target;      // [rows][C][lanes]; not used by the sparse loss
  const int32_t* labels;    // [rows][lanes]; sparse loss only. A label outside [0, C) makes loss and gradient NaN
  const float* weights;     // [rows][lanes], or null for all ones
  float* gradient;          // [rows][C][lanes], or null when only the value is wanted. The sparse loss of logits may
                            // write it over the prediction
  float scale;              // multiplies the gradient (1 / positions for a mean)
};

// ---- reductions: [outer][K][inner] -> [outer][inner], where inner = elements * lanes ----

#define DAY33_REDUCTIONS(X) X(sum) X(mean) X(max) X(min) X(prod) X(any) X(all)
enum class Reduce : int { DAY33_REDUCTIONS(DAY33_ENUMERATOR) };

#define DAY33_ARG_REDUCTIONS(X) X(argmax) X(argmin)
enum class ArgReduce : int { DAY33_ARG_REDUCTIONS(DAY33_ENUMERATOR) };

#define DAY33_CUMULATIONS(X) X(cumsum) X(cumprod)
enum class Cumulate : int { DAY33_CUMULATIONS(DAY33_ENUMERATOR) };

struct ReduceArgs {
  int64_t outer, K, inner;
};

// ---- random numbers ----

#define DAY33_DISTRIBUTIONS(X) X(uniform) X(normal)
enum class Distribution : int { DAY33_DISTRIBUTIONS(DAY33_ENUMERATOR) };

// ---- optimizers: flat arrays of n floats ----

struct SgdArgs {
  float learning_rate, momentum;
  bool nesterov;
};
struct AdadeltaArgs {
  float learning_rate;
  double rho;  // in double, since the rule needs 1 - rho
  float epsilon;
};
struct AdamArgs {
  float learning_rate;    // already with bias correction: lr * sqrt(1 - beta_2^t) / (1 - beta_1^t)
  double beta_1, beta_2;  // in double, since the rule needs 1 - beta
  float epsilon;
};
struct NadamArgs {
  double beta_1, beta_2;
  float momentum_rate, gradient_rate;  // what multiplies m and g in a step, the learning rate included
  float velocity_scale;                // 1 / (1 - beta_2^t)
  float epsilon;
};
struct AdamaxArgs {
  float learning_rate;  // already with bias correction: lr / (1 - beta_1^t)
  double beta_1;
  float beta_2, epsilon;
};
struct RmsPropArgs {
  float learning_rate;
  double rho;
  float momentum, epsilon;
};
struct AdagradArgs {
  float learning_rate, epsilon;
};
struct LionArgs {
  float learning_rate;
  double beta_1, beta_2;
};
struct FtrlArgs {
  float learning_rate;
  float exponent;  // of the accumulated squares: 0.5 for steps that fall like 1 / sqrt(t)
  float l1, l2, l2_shrinkage;
};

// ---- convolution family ----
//
// Convolution, transposed convolution, the input gradients of both, and dense layers are one sum:
//   y[p][o] = bias[o] + sum over k of x[base + p * x_step + offset(k)] * w[k][o],   k = (ky, kx, c)
// A *run* is a row (or column) of output pixels p that use the same taps; the input of each pixel is `x_step` after
// that of the pixel before. A *segment* is a stretch of k whose inputs and weights are both consecutive. Taps outside
// the input are in no segment, so borders and the zeros between strided cells cost nothing. The gradient of the kernel
// is the same walk:
//   dw[k][o] += sum over lines l, pixels p of a[base + l * a_line + p * a_step + offset(k)] * b[l * b_line + p * b_step
//   + o]
// Offsets and steps count elements of one sample ([y][x][c]); in the lanes layout an element is a whole vector.

struct Segment {
  int64_t x;       // offset of the first input from the pixel's base
  int64_t weight;  // first k
  int64_t length;  // number of k
};

struct GatherArgs {
  const float* x;        // input at the base of the run's first pixel
  const float* weights;  // packed [ceil(O / width)][K][width], the last block padded with zeros
  const float* bias;     // [O] or null
  float* y;              // first output pixel of the run
  const Segment* segments;
  int64_t segment_count;
  int64_t pixels;
  int64_t x_step;
  int64_t y_step;
  int64_t K;
  int64_t O;
  bool relu;  // y = max(y, 0), where NaN stays NaN; other activations are a pass of their own
};

// A convolution whose output is pooled in windows of 2 x 2 before it leaves the registers: one row of windows, samples
// in the lanes. The input is padded, so that each pixel has all taps: `tap_rows` rows of `length` consecutive elements.
struct PooledGatherArgs {
  const float* x;        // the first tap of the first pixel
  const float* weights;  // packed as for GatherArgs, in blocks of 4 outputs
  const float* bias;     // [O] or null
  float* y;              // [windows][O]
  int32_t* winner;       // [windows][O], or null: row * columns + column of the pixel within the two rows
  int64_t windows;
  int64_t columns;  // of the convolution
  int64_t tap_rows, length;
  int64_t tap_row_step, row_step, pixel_step;  // in elements of x
  int64_t O;                                   // a multiple of 4
  bool relu;
};

// The gradient of its kernel, for kernels of three rows and three columns: all rows of windows.
struct PooledCorrelateArgs {
  const float* x;         // as in PooledGatherArgs
  const float* dy;        // [rows][windows][O], the gradient of what was pooled, before the activation
  const int32_t* winner;  // [rows][windows][O]
  float* dw;              // accumulators [3][length][O][lanes]
  int64_t rows, windows;
  int64_t columns, length;
  int64_t tap_row_step, row_step, pixel_step;
  int64_t O;  // a multiple of 4
};

struct CorrelateArgs {
  const float* a;  // the gathered array, at the base of the run's first pixel
  const float* b;  // the other array, at the run's first pixel
  float* dw;       // accumulators [K][dw_step][lanes]
  const Segment* segments;
  int64_t segment_count;
  int64_t lines, pixels;  // correlate_depthwise takes only one line
  int64_t a_line, b_line;
  int64_t a_step, b_step, dw_step;
  int64_t O;
};

// ---- matrix products (ops/gemm.h) ----

// `count` lines (rows of A, columns of B) of length K, in panels of `width` lines. A panel is written as [K][width],
// with zeros beyond `count`.
struct GemmPackArgs {
  const float* x;
  int64_t step;         // between rows of x in memory
  const int32_t* rows;  // which rows of x, or null for 0, 1, 2, ...
  int64_t K, count, width;
  int64_t panel_step;  // between panels
};

// A tile of C from a panel of A and a panel of B. Row r of C begins at c + c_rows[r].
struct GemmTileArgs {
  const float* a;
  const float* b;
  int64_t K;
  float* c;
  const int64_t* c_rows;
  int rows, columns;
  const float* bias;  // of these columns, or null; not used with `add`
  bool add;           // to the values of C
};

// ---- products of small matrices (ops/matrix.h) ----

// C (M, N) = A B, or C += A B. Element (m, k) of A is a[m * a_row + k * a_step], so that A may be transposed; the rows
// of B and C lie b_row and c_row floats apart.
struct MatrixArgs {
  int64_t M, N, K;
  const float* a;
  int64_t a_row, a_step;
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
  bool add;
};

// ---- recurrent cells: one row ----

struct LstmCellArgs {
  int64_t U;
  float* gates;  // [4][U], i, f, c, o: forward turns sums into gates, backward gates into the gradients of the sums
  const float* c_before;  // [U], or null for zeros
  float* c;               // [U]
  float* h;               // [U], forward only
};

struct GruCellArgs {
  int64_t U;
  float* gates;           // see kernels/gru.cpp
  const float* h_before;  // [U], or null for zeros
  float* h;               // [U], forward only
};

}  // namespace day33
