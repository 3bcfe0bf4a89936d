#include "decoding/decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <stdexcept>

#include "core/aligned_buffer.h"
#include "core/names.h"
#include "core/staged_job.h"
#include "core/thread_pool.h"

namespace day33 {
namespace {

constexpr const char* kWeightFormatNames[] = {DAY33_WEIGHT_FORMATS(DAY33_ENUMERATOR_NAME)};
constexpr std::align_val_t kLine{64};

// The distance of two rows in floats: whole vectors, but not a multiple of a page, with which all rows would fall into
// the same cache set.
int64_t row_stride(int64_t floats, int64_t lanes) { return round_up(floats, std::max<int64_t>(lanes, 16)) + 16; }

// The nearest bfloat16, ties to even. NaN stays NaN.
uint32_t to_bfloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return (bits >> 16) | 0x40u;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

float magnitude(float value, const char* what) {
  if (!std::isfinite(value))
    throw std::invalid_argument(std::string(what) + ": int8 cannot represent NaN or infinity; use float32 or bfloat16");
  return std::fabs(value);
}

std::vector<int64_t> identity_columns(int64_t outputs, int64_t width) {
  std::vector<int64_t> columns(static_cast<size_t>(round_up(outputs, width)), -1);
  for (int64_t o = 0; o < outputs; ++o) columns[o] = o;
  return columns;
}

// Panel p holds the gates i, f, c, o of `lanes` units from p * lanes on.
std::vector<int64_t> gate_columns(int64_t U, int64_t lanes) {
  std::vector<int64_t> columns;
  for (int64_t first = 0; first < U; first += lanes)
    for (int64_t gate = 0; gate < 4; ++gate)
      for (int64_t unit = first; unit < first + lanes; ++unit) columns.push_back(unit < U ? gate * U + unit : -1);
  return columns;
}

}  // namespace

WeightFormat parse_weight_format(const std::string& name) {
  return parse_name<WeightFormat>("weights", name, kWeightFormatNames);
}

Bytes::Bytes(int64_t size) : size_(round_up(size, 64)) {
  if (size_ == 0) return;
  data_.reset(static_cast<char*>(::operator new(static_cast<size_t>(size_), kLine)));
  std::memset(data_.get(), 0, static_cast<size_t>(size_));
}
void Bytes::Release::operator()(char* p) const { ::operator delete(p, kLine); }

// ---- PackedMatrix ----

PackedMatrix::PackedMatrix(const std::vector<Source>& sources, const float* bias, int64_t outputs,
                           std::vector<int64_t> columns, WeightFormat format, const Kernels& kernels, int group)
    : format_(format),
      group_(group),
      width_(kPanelVectors * kernels.lanes),
      panels_(static_cast<int64_t>(columns.size()) / width_) {
  int64_t bytes = 0;
  for (const Source& source : sources) {
    K_.push_back(source.K);
    begin_.push_back(bytes);
    if (format == WeightFormat::float32) bytes += source.K * width_ * 4;
    if (format == WeightFormat::bfloat16) bytes += source.K * width_ * 2;
    if (format == WeightFormat::int8) bytes += round_up(source.K, group) * width_;
  }
  begin_.push_back(bytes);
  if (panels_ >= int64_t{1} << 20) throw std::invalid_argument("the model is too large to decode with");
  weights_ = Bytes(panels_ * bytes);
  bias_ = Bytes(panels_ * width_ * 4);
  if (format == WeightFormat::int8) {
    steps_ = Bytes(static_cast<int64_t>(sources.size()) * panels_ * width_ * 4);
    sums_ = Bytes(static_cast<int64_t>(sources.size()) * panels_ * width_ * 4);
  }
  parallel_for(panels_, [&](int64_t panel) { pack_panel(panel, sources, bias, outputs, columns); });
}

void PackedMatrix::pack_panel(int64_t panel, const std::vector<Source>& sources, const float* bias, int64_t outputs,
                              const std::vector<int64_t>& columns) {
  const int64_t* column = columns.data() + panel * width_;
  const int64_t lanes = width_ / kPanelVectors;
  for (int64_t o = 0; o < width_; ++o)
    if (bias != nullptr && column[o] >= 0) bias_.as<float>()[panel * width_ + o] = bias[column[o]];

  for (size_t s = 0; s < sources.size(); ++s) {
    const Source& source = sources[s];
    char* to = weights_.as<char>() + panel * begin_.back() + begin_[s];
    const auto weight = [&](int64_t k, int64_t o) { return column[o] < 0 ? 0.0f : source.w[k * outputs + column[o]]; };
    if (format_ == WeightFormat::float32) {
      float* w = reinterpret_cast<float*>(to);
      for (int64_t k = 0; k < source.K; ++k)
        for (int64_t o = 0; o < width_; ++o) *w++ = weight(k, o);
    } else if (format_ == WeightFormat::bfloat16) {
      uint32_t* w = reinterpret_cast<uint32_t*>(to);
      for (int64_t k = 0; k < source.K; ++k)
        for (int64_t first = 0; first < width_; first += 2 * lanes)
          for (int64_t o = first; o < first + lanes; ++o)
            *w++ = to_bfloat16(weight(k, o)) | to_bfloat16(weight(k, o + lanes)) << 16;
    } else {
      const int64_t at = (static_cast<int64_t>(s) * panels_ + panel) * width_;
      float* step = steps_.as<float>() + at;
      int32_t* sum = sums_.as<int32_t>() + at;
      int8_t* w = reinterpret_cast<int8_t*>(to);
      for (int64_t o = 0; o < width_; ++o) {
        float largest = 0.0f;
        for (int64_t k = 0; k < source.K; ++k) largest = std::max(largest, magnitude(weight(k, o), "weights"));
        step[o] = largest / static_cast<float>(kInt8Levels);
        // If the reciprocal of the step is infinite, the column becomes zero.
        const float factor = step[o] > 1e-38f ? 1.0f / step[o] : 0.0f;
        for (int64_t k = 0; k < source.K; ++k) {
          const auto level = static_cast<int8_t>(std::nearbyint(weight(k, o) * factor));
          w[(k / group_ * width_ + o) * group_ + k % group_] = level;
          sum[o] += level;
        }
      }
    }
  }
}

void PackedMatrix::fill(int64_t panel, PanelArgs& args) const {
  args.segments = static_cast<int>(K_.size());
  for (int s = 0; s < args.segments; ++s) {
    args.segment[s].K = K_[s];
    args.segment[s].w = weights_.as<char>() + panel * begin_.back() + begin_[s];
    if (format_ != WeightFormat::int8) continue;
    args.segment[s].w_step = steps_.as<float>() + (s * panels_ + panel) * width_;
    args.segment[s].w_sum = sums_.as<int32_t>() + (s * panels_ + panel) * width_;
  }
  args.bias = bias_.as<float>() + panel * width_;
}

// ---- Decoder ----

Decoder::Decoder(const LanguageModelWeights& weights, WeightFormat format)
    : kernels_(active_kernels()),
      format_(format),
      group_(has_byte_dot_product(kernels_) ? 4 : 2),
      mask_zero_(weights.mask_zero),
      V_(weights.V),
      E_(weights.E),
      O_(weights.O) {
  if (V_ < 1 || E_ < 1 || O_ < 1) throw std::invalid_argument("the model has a size of 0");
  if (V_ > INT32_MAX || O_ > INT32_MAX) throw std::invalid_argument("the vocabulary is too large");
  const int64_t lanes = kernels_.lanes;
  if (weights.layers.empty()) throw std::invalid_argument("the model has no LSTM layer");
  int64_t in = E_;
  for (const LstmWeights& layer : weights.layers) {
    if (format == WeightFormat::int8 && std::max(in, layer.U) > kInt8Terms)
      throw std::invalid_argument("the model is too wide for int8; use float32 or bfloat16");
    if (layer.U < 1) throw std::invalid_argument("the model has a size of 0");
    units_.push_back(layer.U);
    strides_.push_back(row_stride(layer.U, lanes));
    matrices_.emplace_back(std::vector<PackedMatrix::Source>{{layer.kernel, in}, {layer.recurrent, layer.U}},
                           layer.bias, 4 * layer.U, gate_columns(layer.U, lanes), format, kernels_, group_);
    in = layer.U;
  }
  matrices_.emplace_back(std::vector<PackedMatrix::Source>{{weights.kernel, in}}, weights.bias, O_,
                         identity_columns(O_, kPanelVectors * lanes), format, kernels_, group_);
  logits_stride_ = row_stride(round_up(O_, kPanelVectors * lanes), lanes);

  if (format == WeightFormat::int8) {
    embedding_stride_ = round_up(E_, 16);
    embedding_ = Bytes(V_ * embedding_stride_ * 4 / group_);
    embedding_steps_ = Bytes(V_ * 4);
    parallel_for(V_, [&](int64_t v) {
      const float* from = weights.embedding + v * E_;
      for (int64_t e = 0; e < E_; ++e) magnitude(from[e], "embedding");
      embedding_steps_.as<float>()[v] =
          kernels_.quantize_row(from, E_, group_, embedding_.as<char>() + v * embedding_stride_ * 4 / group_);
    });
  } else {
    embedding_stride_ = E_;
    embedding_ = Bytes(V_ * E_ * 4);
    std::memcpy(embedding_.as<float>(), weights.embedding, static_cast<size_t>(V_ * E_) * 4);
  }
}

int64_t Decoder::bytes() const {
  int64_t total = embedding_.size() + embedding_steps_.size();
  for (const PackedMatrix& matrix : matrices_) total += matrix.size();
  return total;
}

// ---- DecoderState ----

DecoderState::DecoderState(const Decoder& decoder, int64_t rows) : decoder_(decoder), rows_(rows) {
  for (int64_t l = 0; l < decoder.layers(); ++l) {
    Layer layer{decoder.units_[l], decoder.strides_[l], {}, {}, {}, {}};
    for (int half = 0; half < 2; ++half) {
      layer.h[half] = Bytes(rows * layer.stride * 4);
      layer.c[half] = Bytes(rows * layer.stride * 4);
      if (decoder.format_ != WeightFormat::int8) continue;
      layer.levels[half] = Bytes(rows * layer.stride * 4 / decoder.group_);
      layer.steps[half] = Bytes(rows * 4);
    }
    layers_.push_back(std::move(layer));
  }
  clear();
}

void DecoderState::quantize(int64_t layer, int half, int64_t row) {
  Layer& l = layers_[layer];
  l.steps[half].as<float>()[row] =
      decoder_.kernels_.quantize_row(l.h[half].as<float>() + row * l.stride, l.U, decoder_.group_,
                                     l.levels[half].as<char>() + row * l.stride * 4 / decoder_.group_);
}

void DecoderState::clear() {
  for (size_t l = 0; l < layers_.size(); ++l) {
    for (Bytes* bytes : {&layers_[l].h[half_], &layers_[l].c[half_]})
      if (bytes->size() > 0) std::memset(bytes->as<char>(), 0, static_cast<size_t>(bytes->size()));
    for (int64_t r = 0; decoder_.format_ == WeightFormat::int8 && r < rows_; ++r)
      quantize(static_cast<int64_t>(l), half_, r);
  }
}

void DecoderState::get(int64_t layer, float* h, float* c) const {
  const Layer& from = layers_[layer];
  for (int64_t r = 0; r < rows_; ++r) {
    std::copy_n(from.h[half_].as<float>() + r * from.stride, from.U, h + r * from.U);
    std::copy_n(from.c[half_].as<float>() + r * from.stride, from.U, c + r * from.U);
  }
}

void DecoderState::set(int64_t layer, const float* h, const float* c) {
  Layer& to = layers_[layer];
  for (int64_t r = 0; r < rows_; ++r) {
    std::copy_n(h + r * to.U, to.U, to.h[half_].as<float>() + r * to.stride);
    std::copy_n(c + r * to.U, to.U, to.c[half_].as<float>() + r * to.stride);
    if (decoder_.format_ == WeightFormat::int8) quantize(layer, half_, r);
  }
}

void DecoderState::carry(int64_t from, int64_t to) {
  const auto copy = [&](Bytes(&halves)[2], int64_t row_bytes) {
    std::memcpy(halves[1 - half_].as<char>() + to * row_bytes, halves[half_].as<char>() + from * row_bytes,
                static_cast<size_t>(row_bytes));
  };
  for (Layer& layer : layers_) {
    copy(layer.h, layer.stride * 4);
    copy(layer.c, layer.stride * 4);
    if (decoder_.format_ != WeightFormat::int8) continue;
    copy(layer.levels, layer.stride * 4 / decoder_.group_);
    copy(layer.steps, 4);
  }
}

void DecoderState::reorder(const int64_t* parents) {
  for (int64_t r = 0; r < rows_; ++r) carry(parents[r], r);
  half_ = 1 - half_;
}

// ---- DecoderStep ----

DecoderStep::DecoderStep(const Decoder& decoder, DecoderState& state, int64_t max_rows, int threads)
    : decoder_(decoder),
      state_(state),
      inputs_(static_cast<size_t>(decoder.layers() + 1)),
      scratch_stride_(kPanelVectors * decoder.kernels_.lanes + 16),
      scratch_(threads * max_rows * scratch_stride_ * 4) {
  for (int t = 0; t < threads; ++t) {
    scratch_rows_.emplace_back();
    for (int64_t r = 0; r < max_rows; ++r)
      scratch_rows_.back().push_back(scratch_.as<float>() + (t * max_rows + r) * scratch_stride_);
  }
}

void DecoderStep::begin(const std::vector<Row>& rows) {
  const bool int8 = decoder_.format_ == WeightFormat::int8;
  const int from = state_.half_, to = 1 - from;
  const int64_t layers = decoder_.layers();
  for (Inputs& in : inputs_) in = {};
  logits_.clear();
  computed_.clear();
  logit_sources_.clear();
  // h of a row, as the panels read it.
  const auto hidden = [&](int64_t layer, int64_t row, int half) -> const void* {
    const DecoderState::Layer& l = state_.layers_[layer];
    if (int8) return l.levels[half].as<char>() + row * l.stride * 4 / decoder_.group_;
    return l.h[half].as<float>() + row * l.stride;
  };
  const int64_t embedding_bytes = decoder_.embedding_stride_ * 4 / (int8 ? decoder_.group_ : 1);
  for (const Row& row : rows) {
    if (row.logits != nullptr) {
      inputs_[layers].x.push_back(hidden(layers - 1, row.to, to));
      logits_.push_back(row.logits);
      logit_sources_.push_back(row.to);
    }
    if (decoder_.mask_zero_ && row.token == 0) {
      state_.carry(row.from, row.to);
      continue;
    }
    computed_.push_back(row.to);
    if (int8) inputs_[0].x_steps.push_back(decoder_.embedding_steps_.as<float>()[row.token]);
    for (int64_t l = 0; l < layers; ++l) {
      DecoderState::Layer& layer = state_.layers_[l];
      Inputs& in = inputs_[l];
      in.x.push_back(l == 0 ? decoder_.embedding_.as<char>() + row.token * embedding_bytes : hidden(l - 1, row.to, to));
      in.h.push_back(hidden(l, row.from, from));
      in.c_in.push_back(layer.c[from].as<float>() + row.from * layer.stride);
      in.c_out.push_back(layer.c[to].as<float>() + row.to * layer.stride);
      in.h_out.push_back(layer.h[to].as<float>() + row.to * layer.stride);
      if (int8) in.h_steps.push_back(layer.steps[from].as<float>()[row.from]);
    }
  }
  rows_ = static_cast<int64_t>(computed_.size());
  logit_rows_ = static_cast<int64_t>(logits_.size());
  stage_ = 0;
}

int64_t DecoderStep::items() const {
  const bool last = stage_ + 1 == inputs_.size();
  return (last ? logit_rows_ : rows_) > 0 ? decoder_.matrices_[stage_].panels() : 0;
}

void DecoderStep::run(int64_t item, int thread) {
  const Inputs& in = inputs_[stage_];
  const Kernels& kernels = decoder_.kernels_;
  const bool last = stage_ + 1 == inputs_.size();
  PanelArgs args{};
  decoder_.matrices_[stage_].fill(item, args);
  args.rows = last ? logit_rows_ : rows_;
  args.segment[0].x = in.x.data();
  args.segment[0].x_step = in.x_steps.data();
  args.segment[1].x = in.h.data();
  args.segment[1].x_step = in.h_steps.data();
  args.z = last ? logits_.data() : scratch_rows_[thread].data();
  args.offset = last ? item * kPanelVectors * kernels.lanes : 0;
  if (decoder_.format_ == WeightFormat::float32) kernels.panel_float32(args);
  if (decoder_.format_ == WeightFormat::bfloat16) kernels.panel_bfloat16(args);
  if (decoder_.format_ == WeightFormat::int8)
    (decoder_.group_ == 4 ? kernels.panel_int8_quads : kernels.panel_int8_pairs)(args);
  if (last) return;
  kernels.lstm_cell_panel({.rows = rows_,
                           .offset = item * kernels.lanes,
                           .z = scratch_rows_[thread].data(),
                           .c_in = in.c_in.data(),
                           .c_out = in.c_out.data(),
                           .h = in.h_out.data()});
}

bool DecoderStep::advance() {
  if (decoder_.format_ == WeightFormat::int8 && stage_ + 1 < inputs_.size()) {
    // Quantize the rows that the next stage reads. This needs the largest value of a row, which is known only now.
    const int to = 1 - state_.half_;
    for (int64_t row : computed_) state_.quantize(static_cast<int64_t>(stage_), to, row);
    const float* steps = state_.layers_[stage_].steps[to].as<float>();
    for (int64_t row : stage_ + 2 < inputs_.size() ? computed_ : logit_sources_)
      inputs_[stage_ + 1].x_steps.push_back(steps[row]);
  }
  if (++stage_ < inputs_.size()) return true;
  state_.half_ = 1 - state_.half_;
  return false;
}

// ---- one step by itself ----

int decoding_threads(const Decoder& decoder, int64_t rows) {
  // Bytes of weights times rows per thread; with less, a thread costs more time than it saves.
  constexpr int64_t kShare = 1 << 17;
  return static_cast<int>(std::clamp<int64_t>(decoder.bytes() * rows / kShare, 1, num_threads()));
}

void decode_step(const Decoder& decoder, DecoderState& state, const int32_t* tokens, float* logits) {
  const int64_t rows = state.rows();
  const int threads = decoding_threads(decoder, rows);
  const int64_t stride = decoder.logits_stride();
  Bytes buffer(logits != nullptr ? rows * stride * 4 : 0);
  std::vector<DecoderStep::Row> step_rows;
  for (int64_t r = 0; r < rows; ++r)
    step_rows.push_back({r, r, tokens[r], logits != nullptr ? buffer.as<float>() + r * stride : nullptr});
  DecoderStep step(decoder, state, rows, threads);
  step.begin(step_rows);
  StagedJob(step, threads).run();
  for (int64_t r = 0; logits != nullptr && r < rows; ++r)
    std::copy_n(buffer.as<float>() + r * stride, decoder.logits(), logits + r * decoder.logits());
}

}  // namespace day33
