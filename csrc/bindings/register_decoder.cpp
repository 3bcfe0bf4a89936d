// Decoder, DecoderState and Generation.
#include <algorithm>
#include <limits>
#include <mutex>
#include <tuple>

#include "bindings/bindings.h"
#include "decoding/generation.h"

namespace day33 {
namespace {

using LstmArrays = std::tuple<py::array, py::array, std::optional<py::array>>;

const float* matrix(const py::array& array, const std::string& name, int64_t rows = -1, int64_t columns = -1) {
  const float* data = contiguous_data<float>(array, name);
  if (array.ndim() != 2) throw py::value_error(name + " has shape " + shape_of(array) + "; expected two axes");
  require_shape(array, {rows < 0 ? array.shape(0) : rows, columns < 0 ? array.shape(1) : columns}, name);
  return data;
}

const float* vector(const std::optional<py::array>& array, const std::string& name, int64_t size) {
  if (!array) return nullptr;
  require_shape(*array, {size}, name);
  return contiguous_data<float>(*array, name);
}

std::shared_ptr<Decoder> make_decoder(const py::array& embedding, const std::vector<LstmArrays>& layers,
                                      const py::array& kernel, const std::optional<py::array>& bias,
                                      const std::string& weights, bool mask_zero) {
  const WeightFormat format = parse_weight_format(weights);
  LanguageModelWeights model{};
  model.mask_zero = mask_zero;
  model.embedding = matrix(embedding, "embedding");
  model.V = embedding.shape(0);
  model.E = embedding.shape(1);
  if (layers.empty()) throw py::value_error("layers is empty; expected at least one LSTM layer");
  int64_t in = model.E;
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto& [k, r, b] = layers[i];
    const std::string name = "layers[" + std::to_string(i) + "]";
    const float* recurrent = matrix(r, name + "[1]");
    const int64_t U = r.shape(0);
    matrix(r, name + "[1]", U, 4 * U);
    model.layers.push_back({matrix(k, name + "[0]", in, 4 * U), recurrent, vector(b, name + "[2]", 4 * U), U});
    in = U;
  }
  model.kernel = matrix(kernel, "kernel", in);
  model.O = kernel.shape(1);
  model.bias = vector(bias, "bias", model.O);
  const WithoutGil released;
  return std::make_shared<Decoder>(model, format);
}

// A state together with its decoder.
class PyState {
 public:
  PyState(std::shared_ptr<const Decoder> decoder, int64_t rows)
      : decoder_(std::move(decoder)), state_(*decoder_, rows) {}

  DecoderState& of(const std::shared_ptr<const Decoder>& decoder) {
    if (decoder != decoder_) throw py::value_error("state: belongs to another decoder");
    return state_;
  }
  DecoderState& state() { return state_; }
  const Decoder& decoder() const { return *decoder_; }
  // Waits without the GIL, since the thread that holds the mutex may need the GIL.
  std::unique_lock<std::mutex> lock() {
    const WithoutGil released;
    return std::unique_lock<std::mutex>(mutex_);
  }

 private:
  const std::shared_ptr<const Decoder> decoder_;
  DecoderState state_;
  std::mutex mutex_;
};

std::unique_ptr<PyState> make_state(std::shared_ptr<Decoder> decoder, int64_t rows) {
  if (rows < 0 || rows > (1 << 20))
    throw py::value_error("rows is " + std::to_string(rows) + "; expected 0 to 1048576");
  return std::make_unique<PyState>(std::move(decoder), rows);
}

py::object step(const std::shared_ptr<Decoder>& decoder, PyState& py_state, const py::array& tokens, bool want_logits) {
  DecoderState& state = py_state.of(decoder);
  const int32_t* data = contiguous_data<int32_t>(tokens, "tokens");
  require_shape(tokens, {state.rows()}, "tokens");
  for (int64_t r = 0; r < state.rows(); ++r)
    if (data[r] < 0 || data[r] >= decoder->vocabulary())
      throw py::value_error("tokens is " + std::to_string(data[r]) + "; expected 0 to " +
                            std::to_string(decoder->vocabulary() - 1));
  py::object result = py::none();
  float* logits = nullptr;
  if (want_logits) {
    py::array_t<float> array({state.rows(), decoder->logits()});
    logits = array.mutable_data();
    result = std::move(array);
  }
  {
    const auto lock = py_state.lock();
    const WithoutGil released;
    decode_step(*decoder, state, data, logits);
  }
  return result;
}

py::list get_state(PyState& self) {
  const auto lock = self.lock();
  py::list layers;
  for (int64_t l = 0; l < self.decoder().layers(); ++l) {
    py::array_t<float> h({self.state().rows(), self.decoder().units(l)}),
        c({self.state().rows(), self.decoder().units(l)});
    self.state().get(l, h.mutable_data(), c.mutable_data());
    layers.append(py::make_tuple(std::move(h), std::move(c)));
  }
  return layers;
}

void set_state(PyState& self, const std::vector<std::pair<py::array, py::array>>& layers) {
  const int64_t count = self.decoder().layers();
  if (static_cast<int64_t>(layers.size()) != count)
    throw py::value_error("layers holds " + std::to_string(layers.size()) + "; expected " + std::to_string(count));
  for (int64_t l = 0; l < count; ++l)
    for (const py::array& array : {layers[l].first, layers[l].second}) {
      contiguous_data<float>(array, "layers");
      require_shape(array, {self.state().rows(), self.decoder().units(l)}, "layers");
    }
  const auto lock = self.lock();
  for (int64_t l = 0; l < count; ++l)
    self.state().set(l, contiguous_data<float>(layers[l].first, "h"), contiguous_data<float>(layers[l].second, "c"));
}

void reorder_state(PyState& self, const py::array& parents) {
  const int64_t* data = contiguous_data<int64_t>(parents, "parents");
  require_shape(parents, {self.state().rows()}, "parents");
  for (int64_t r = 0; r < self.state().rows(); ++r)
    if (data[r] < 0 || data[r] >= self.state().rows()) throw py::value_error("parents: a row that does not exist");
  const auto lock = self.lock();
  self.state().reorder(data);
}

std::unique_ptr<Generation> make_generation(std::shared_ptr<Decoder> decoder, std::vector<std::vector<int32_t>> prompts,
                                            int64_t max_len, std::vector<int32_t> end_tokens,
                                            const std::string& strategy, float temperature, int64_t top_k, double top_p,
                                            std::vector<uint64_t> keys, std::vector<uint64_t> streams, int64_t beams,
                                            double length_penalty, std::vector<int32_t> banned, int64_t max_repeats,
                                            std::vector<int32_t> forced, bool scores) {
  GenerationOptions options;
  options.strategy = parse_strategy(strategy);
  if (!(temperature > 0.0f) || !(1.0f / temperature < std::numeric_limits<float>::infinity()))
    throw py::value_error("temperature: expected a number above 0");
  if (top_k < 0) throw py::value_error("top_k is " + std::to_string(top_k) + "; expected at least 0");
  if (!(top_p > 0.0) || top_p > 1.0) throw py::value_error("top_p: expected a number above 0 and up to 1");
  if (beams < 1 || beams > 1024 || (beams > 1 && options.strategy != Strategy::beam))
    throw py::value_error("beams is " + std::to_string(beams) + "; expected 1 to 1024, and 1 without beam search");
  if (max_repeats < 0) throw py::value_error("max_repeats: expected a number of at least 0");
  if (!(length_penalty >= 0.0)) throw py::value_error("length_penalty: expected a number of at least 0");
  options.max_len = max_len;
  options.end_tokens = std::move(end_tokens);
  options.sampling = {temperature, top_k, top_p};
  options.keys = std::move(keys);
  options.streams = std::move(streams);
  options.beams = beams;
  options.length_penalty = length_penalty;
  options.banned = std::move(banned);
  options.max_repeats = max_repeats;
  options.forced = std::move(forced);
  options.scores = scores;
  return std::make_unique<Generation>(std::move(decoder), std::move(prompts), std::move(options));
}

const std::vector<Continuation>& continuations(const Generation& self, int64_t prompt) {
  if (prompt < 0 || prompt >= self.prompts()) throw py::index_error("prompt: no such prompt");
  return self.continuations(prompt);
}

}  // namespace

void register_decoder(py::module_& m) {
  py::class_<Decoder, std::shared_ptr<Decoder>>(m, "Decoder")
      .def(py::init(&make_decoder), py::arg("embedding"), py::arg("layers"), py::arg("kernel"), py::arg("bias"),
           py::arg("weights") = "float32", py::kw_only(), py::arg("mask_zero") = false)
      .def_property_readonly("vocabulary", &Decoder::vocabulary)
      .def_property_readonly("nbytes", &Decoder::bytes)
      .def_property_readonly("isa", [](const Decoder& self) { return std::string(self.kernels().isa); })
      .def_property_readonly("units",
                             [](const Decoder& self) {
                               py::tuple units(self.layers());
                               for (int64_t l = 0; l < self.layers(); ++l) units[l] = self.units(l);
                               return units;
                             })
      .def("step", &step, py::arg("state"), py::arg("tokens"), py::kw_only(), py::arg("want_logits") = true);

  py::class_<PyState>(m, "DecoderState")
      .def(py::init(&make_state), py::arg("decoder"), py::arg("rows"))
      .def_property_readonly("rows", [](PyState& self) { return self.state().rows(); })
      .def("clear",
           [](PyState& self) {
             const auto lock = self.lock();
             self.state().clear();
           })
      .def("get", &get_state)
      .def("set", &set_state, py::arg("layers"))
      .def("reorder", &reorder_state, py::arg("parents"));

  py::class_<Generation>(m, "Generation")
      .def(py::init(&make_generation), py::arg("decoder"), py::arg("prompts"), py::kw_only(), py::arg("max_len"),
           py::arg("end_tokens"), py::arg("strategy") = "greedy", py::arg("temperature") = 1.0f, py::arg("top_k") = 0,
           py::arg("top_p") = 1.0, py::arg("keys") = std::vector<uint64_t>{},
           py::arg("streams") = std::vector<uint64_t>{}, py::arg("beams") = 1, py::arg("length_penalty") = 1.0,
           py::arg("banned") = std::vector<int32_t>{}, py::arg("max_repeats") = 0,
           py::arg("forced") = std::vector<int32_t>{}, py::arg("scores") = false)
      .def(
          "generate",
          [](Generation& self, int64_t tokens) {
            const WithoutGil released;
            return self.generate(tokens);
          },
          py::arg("tokens"))
      .def(
          "answers",
          [](Generation& self, int64_t prompt) {
            const auto lock = [&] {
              const WithoutGil released;
              return self.lock();
            }();
            py::list result;
            for (const Continuation& c : continuations(self, prompt)) {
              py::array_t<float> scores(static_cast<py::ssize_t>(c.scores.size()));
              std::copy(c.scores.begin(), c.scores.end(), scores.mutable_data());
              result.append(py::make_tuple(c.tokens, std::move(scores)));
            }
            return result;
          },
          py::arg("prompt"));
}

}  // namespace day33
