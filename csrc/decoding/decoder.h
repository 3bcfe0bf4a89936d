// A language model packed for decoding: embedding, a stack of LSTM layers, and a dense layer that gives the logits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/enumerators.h"
#include "core/isa.h"

namespace day33 {

#define DAY33_WEIGHT_FORMATS(X) X(float32) X(bfloat16) X(int8)
enum class WeightFormat { DAY33_WEIGHT_FORMATS(DAY33_ENUMERATOR) };

// Throws std::invalid_argument for any other name.
WeightFormat parse_weight_format(const std::string& name);

// Weights as Keras has them: kernel (in, 4U), recurrent kernel (U, 4U), bias (4U) or null; gates i, f, c, o.
struct LstmWeights {
  const float *kernel, *recurrent, *bias;
  int64_t U;
};
struct LanguageModelWeights {
  const float* embedding;  // (V, E)
  int64_t V, E;
  std::vector<LstmWeights> layers;
  const float *kernel, *bias;  // (U, O) of the last layer, and (O) or null
  int64_t O;
  bool mask_zero;  // token 0 is padding and does not change the state (Embedding(mask_zero=True) in Keras)
};

// A block of zeroed bytes, aligned to cache lines and rounded up to whole ones.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(int64_t size);
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(data_.get());
  }
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_.get());
  }
  int64_t size() const { return size_; }

 private:
  struct Release {
    void operator()(char* p) const;
  };
  std::unique_ptr<char, Release> data_;
  int64_t size_ = 0;
};

// One or two matrices with common outputs, packed into panels (decode_args.h), and a bias.
class PackedMatrix {
 public:
  struct Source {
    const float* w;  // (K, outputs), row-major
    int64_t K;
  };
  // Output o of panel p is column columns[p * 4 * lanes + o] of the sources, or none where that is -1.
  PackedMatrix(const std::vector<Source>& sources, const float* bias, int64_t outputs, std::vector<int64_t> columns,
               WeightFormat format, const Kernels& kernels, int group);

  int64_t panels() const { return panels_; }
  int64_t size() const { return weights_.size() + steps_.size() + sums_.size() + bias_.size(); }
  // Fills in the arguments that depend on the panel; the caller adds rows, x and z.
  void fill(int64_t panel, PanelArgs& args) const;

 private:
  void pack_panel(int64_t panel, const std::vector<Source>& sources, const float* bias, int64_t outputs,
                  const std::vector<int64_t>& columns);

  const WeightFormat format_;
  const int group_;  // of int8
  int64_t width_, panels_;
  std::vector<int64_t> K_;
  std::vector<int64_t> begin_;  // where a segment begins in its panel, in bytes; the last entry is the size of a panel
  Bytes weights_, bias_, steps_, sums_;
};

// Immutable after construction, so any number of threads may decode with it.
class Decoder {
 public:
  // Throws std::invalid_argument for sizes that are 0 or too large and for weights that int8 cannot represent.
  Decoder(const LanguageModelWeights& weights, WeightFormat format);

  int64_t vocabulary() const { return V_; }
  int64_t logits() const { return O_; }
  int64_t logits_stride() const { return logits_stride_; }
  int64_t layers() const { return static_cast<int64_t>(units_.size()); }
  int64_t units(int64_t layer) const { return units_[layer]; }
  int64_t bytes() const;
  const Kernels& kernels() const { return kernels_; }

 private:
  friend class DecoderState;
  friend class DecoderStep;

  const Kernels& kernels_;
  const WeightFormat format_;
  const int group_;  // of int8: terms that one instruction multiplies and adds
  const bool mask_zero_;
  int64_t V_, E_, O_, logits_stride_, embedding_stride_;
  std::vector<int64_t> units_, strides_;  // by layer; strides in floats
  std::vector<PackedMatrix> matrices_;    // the layers and, last, the logits
  Bytes embedding_, embedding_steps_;
};

// h and c of every layer, for a number of rows. A step reads one half and writes the other, so that a row can continue
// from the state of any other row, as beams do, without a copy.
class DecoderState {
 public:
  DecoderState(const Decoder& decoder, int64_t rows);  // zeros

  int64_t rows() const { return rows_; }
  void clear();
  // Copies between user arrays [rows][U] and the current half.
  void get(int64_t layer, float* h, float* c) const;
  void set(int64_t layer, const float* h, const float* c);
  // Row i becomes a copy of what row parents[i] was.
  void reorder(const int64_t* parents);

 private:
  friend class DecoderStep;
  struct Layer {
    int64_t U, stride;
    Bytes h[2], c[2];
    Bytes levels[2], steps[2];  // int8: h as quantize_row returns it
  };
  void quantize(int64_t layer, int half, int64_t row);
  void carry(int64_t from, int64_t to);  // copies a row of the current half to the other half

  const Decoder& decoder_;
  const int64_t rows_;
  int half_ = 0;
  std::vector<Layer> layers_;
};

// One token for several rows, as the stages of a StagedJob: one for each LSTM layer and one for the logits.
class DecoderStep {
 public:
  struct Row {
    int64_t from, to;  // rows of the state
    int32_t token;
    float* logits;  // [logits_stride], or null where they are not wanted
  };

  DecoderStep(const Decoder& decoder, DecoderState& state, int64_t max_rows, int threads);

  // No two rows may have the same `to`.
  void begin(const std::vector<Row>& rows);
  int64_t items() const;
  void run(int64_t item, int thread);
  bool advance();  // false when the step is complete and the state updated

 private:
  struct Inputs {
    std::vector<const void*> x, h;
    std::vector<const float*> c_in;
    std::vector<float*> c_out, h_out;
    std::vector<float> x_steps, h_steps;
  };

  const Decoder& decoder_;
  DecoderState& state_;
  size_t stage_ = 0;
  int64_t rows_ = 0, logit_rows_ = 0;
  std::vector<Inputs> inputs_;  // by layer; the last entry belongs to the logits
  std::vector<int64_t> computed_,
      logit_sources_;  // rows of the state that layers write, and from which logits are made
  std::vector<float*> logits_;
  int64_t scratch_stride_;
  Bytes scratch_;
  std::vector<std::vector<float*>> scratch_rows_;  // by thread
};

// The number of threads that is worth while for one token in each of `rows` rows.
int decoding_threads(const Decoder& decoder, int64_t rows);

// Feeds one token to every row of the state; logits [rows][O], or null where they are not wanted.
void decode_step(const Decoder& decoder, DecoderState& state, const int32_t* tokens, float* logits);

}  // namespace day33
