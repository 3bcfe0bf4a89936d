// Plan.
#include <algorithm>

#include "bindings/bindings.h"
#include "core/isa.h"
#include "engine/parameter.h"
#include "engine/plan.h"

namespace day33 {
namespace {

using MaybeSliceSums = std::optional<std::pair<std::optional<py::array>, std::optional<py::array>>>;

std::vector<py::ssize_t> with_samples(int64_t samples, const Shape& shape) {
  std::vector<py::ssize_t> full{static_cast<py::ssize_t>(samples)};
  full.insert(full.end(), shape.begin(), shape.end());
  return full;
}

void require_count(size_t got, size_t expected, const char* name) {
  if (got != expected)
    throw py::value_error(std::string(name) + " holds " + std::to_string(got) + " arrays; expected " +
                          std::to_string(expected));
}

std::string numbered(const char* name, size_t i, size_t count) {
  return count == 1 ? name : std::string(name) + "[" + std::to_string(i) + "]";
}

// Collects the arguments of a call: the request, and the Python objects that must outlive it.
class Call {
 public:
  Call(const Plan& plan, const std::vector<py::array>& inputs, const py::object& parameters, bool training,
       uint64_t seed)
      : plan_(plan), graph_(plan.graph()) {
    require_count(inputs.size(), graph_.inputs.size(), "inputs");
    // A plan without inputs, of parameters or random numbers, has one sample.
    request_.samples = inputs.empty() ? 1 : inputs[0].ndim() == 0 ? 0 : inputs[0].shape(0);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Tensor& t = graph_.tensors[graph_.inputs[i]];
      const std::string name = numbered("x", i, inputs.size());
      request_.inputs.push_back(data_of(inputs[i], t.dtype, name));
      require_shape(inputs[i], t.shape, name, request_.samples);
    }
    set_parameters(parameters);
    request_.training = training;
    request_.seed = seed;
  }

  py::list make_outputs() {
    request_.want_outputs = true;
    py::list outputs;
    for (int id : graph_.outputs) {
      const Tensor& t = graph_.tensors[id];
      const auto shape = with_samples(request_.samples, t.shape);
      py::array array = t.dtype == DType::float32 ? py::array(new_array<float>(shape))
                        : t.dtype == DType::int32 ? py::array(new_array<int32_t>(shape))
                                                  : py::array(new_array<int64_t>(shape));
      request_.outputs.push_back(array.mutable_data());
      outputs.append(std::move(array));
    }
    return outputs;
  }

  void set_targets(const std::vector<std::optional<py::array>>& targets,
                   const std::vector<std::optional<py::array>>& weights) {
    require_count(targets.size(), graph_.losses.size(), "targets");
    require_count(weights.size(), graph_.losses.size(), "sample_weights");
    request_.want_losses = true;
    for (size_t l = 0; l < targets.size(); ++l) {
      const LossTerm& term = graph_.losses[l];
      Shape positions = graph_.tensors[term.tensor].shape;
      const Shape full = positions;
      const std::string y = numbered("y", l, targets.size());
      if (targets[l].has_value() != term.has_target())
        throw py::value_error(y + (term.has_target() ? " is None; expected an array"
                                                     : " is an array; expected None for a loss without a target"));
      if (term.has_target()) {
        positions.pop_back();
        request_.targets.push_back(data_of(*targets[l], term.sparse() ? DType::int32 : DType::float32, y));
        require_shape(*targets[l], term.sparse() ? positions : full, y, request_.samples);
      } else {
        request_.targets.push_back(nullptr);
      }

      const std::string w = numbered("sample_weight", l, targets.size());
      request_.sample_weights.push_back(weights[l] ? contiguous_data<float>(*weights[l], w) : nullptr);
      const bool per_position = weights[l] && weights[l]->ndim() != 1;
      request_.weights_per_position.push_back(per_position);
      if (weights[l]) require_shape(*weights[l], per_position ? positions : Shape{}, w, request_.samples);
    }
  }

  void set_gradients(const std::vector<std::optional<py::array>>& gradients) {
    require_count(gradients.size(), graph_.parameters.size(), "gradients");
    request_.want_backward = true;
    for (size_t slot = 0; slot < gradients.size(); ++slot) {
      const std::string name = numbered("gradients", slot, 0);
      request_.parameter_gradients.push_back(gradients[slot] ? contiguous_data<float>(*gradients[slot], name, true)
                                                             : nullptr);
      if (gradients[slot]) require_shape(*gradients[slot], graph_.parameters[slot].shape, name);
    }
  }

  // `sums` has for each parameter the arrays for squares and magnitudes over the slices of its gradient, or None.
  void set_slice_sums(const std::optional<std::vector<MaybeSliceSums>>& sums) {
    if (!sums) return;
    require_count(sums->size(), graph_.parameters.size(), "slice_sums");
    for (size_t slot = 0; slot < sums->size(); ++slot) {
      const auto data = [&](const std::optional<py::array>& array) {
        if (!array) return static_cast<float*>(nullptr);
        const std::string name = numbered("slice_sums", slot, 0);
        require_shape(*array, graph_.parameters[slot].shape, name);
        return contiguous_data<float>(*array, name, true);
      };
      const MaybeSliceSums& given = (*sums)[slot];
      request_.slice_sums.push_back(given ? SliceSums{data(given->first), data(given->second)} : SliceSums{});
    }
  }

  void set_output_gradients(const std::vector<py::array>& gradients) {
    require_count(gradients.size(), graph_.outputs.size(), "output_gradients");
    request_.want_backward = true;
    for (size_t o = 0; o < gradients.size(); ++o) {
      const std::string name = numbered("dy", o, gradients.size());
      request_.output_gradients.push_back(contiguous_data<float>(gradients[o], name));
      require_shape(gradients[o], graph_.tensors[graph_.outputs[o]].shape, name, request_.samples);
    }
  }

  py::list make_input_gradients() {
    py::list result;
    for (int id : graph_.inputs) {
      const Tensor& t = graph_.tensors[id];
      if (t.dtype != DType::float32) {
        request_.input_gradients.push_back(nullptr);
        result.append(py::none());
        continue;
      }
      py::array_t<float> array = new_array<float>(with_samples(request_.samples, t.shape));
      request_.input_gradients.push_back(array.mutable_data());
      result.append(std::move(array));
    }
    return result;
  }

  py::list make_parameter_gradients() {
    py::list result;
    for (const ParameterInfo& info : graph_.parameters) {
      py::array_t<float> array = new_array<float>({info.shape.begin(), info.shape.end()});
      request_.parameter_gradients.push_back(array.mutable_data());
      result.append(std::move(array));
    }
    return result;
  }

  const Request& run() {
    {
      const WithoutGil released;
      plan_.run(request_);
    }
    // Training writes the moving statistics of batch normalisation, which are not trainable.
    if (request_.training && list_ != nullptr)
      for (size_t slot = 0; slot < graph_.parameters.size(); ++slot)
        if (!graph_.parameters[slot].trainable) list_->parameters()[slot]->touch();
    return request_;
  }

 private:
  static const void* data_of(const py::array& array, DType dtype, const std::string& name) {
    if (dtype == DType::int32) return contiguous_data<int32_t>(array, name);
    return contiguous_data<float>(array, name);
  }

  void set_parameters(const py::object& parameters) {
    const auto check = [&](size_t slot, const Shape& got) {
      if (got != graph_.parameters[slot].shape)
        throw py::value_error("parameters[" + std::to_string(slot) + "] has shape " + to_string(got) + "; expected " +
                              to_string(graph_.parameters[slot].shape));
    };
    if (py::isinstance<ParameterList>(parameters)) {
      list_ = parameters.cast<std::shared_ptr<ParameterList>>();
      require_count(list_->data().size(), graph_.parameters.size(), "parameters");
      for (size_t slot = 0; slot < list_->data().size(); ++slot) check(slot, list_->parameters()[slot]->shape());
      request_.parameters = list_->data();
      request_.owner = list_->id();
      request_.version = list_->version();
      return;
    }
    arrays_ = parameters.cast<std::vector<py::array>>();
    require_count(arrays_.size(), graph_.parameters.size(), "parameters");
    for (size_t slot = 0; slot < arrays_.size(); ++slot) {
      request_.parameters.push_back(contiguous_data<float>(arrays_[slot], "parameters[" + std::to_string(slot) + "]"));
      check(slot, Shape(arrays_[slot].shape(), arrays_[slot].shape() + arrays_[slot].ndim()));
    }
  }

  const Plan& plan_;
  const Graph& graph_;
  Request request_;
  std::shared_ptr<ParameterList> list_;
  std::vector<py::array> arrays_;
};

py::list describe(const Plan& plan, int64_t samples, bool training) {
  const Plan::Description description = plan.describe(samples, training);
  const Graph& graph = plan.graph_for(training && !plan.graph().losses.empty());
  const int lanes = description.lanes ? active_kernels().lanes : 1;
  py::list rows;
  for (const Plan::Step& step : description.steps) {
    const Op& op = *graph.ops[step.op];
    const Tensor& y = graph.tensors[op.outputs[0]];
    int64_t weights = 0;
    for (int slot : op.parameters) weights += slot < 0 ? 0 : graph.parameters[slot].size;
    const std::string joined = step.joined ? (op.detail().empty() ? "" : " + ") + std::string("cross-entropy") : "";
    py::dict row;
    row["stage"] = step.stage;
    row["kind"] = op.kind;
    row["detail"] = op.detail() + joined;
    row["layout"] = step.whole ? "whole batch" : description.lanes ? "lanes" : "channels";
    row["tile"] = step.whole ? samples : description.tile_samples;
    row["kernel"] = op.kernel(lanes);
    row["output_shape"] = py::tuple(py::cast(y.shape));
    row["multiply_adds"] = op.multiply_adds();
    row["flops"] = 2 * op.multiply_adds();
    row["bytes"] = y.size * static_cast<int64_t>(sizeof(float));
    row["weight_bytes"] = weights * static_cast<int64_t>(sizeof(float));
    rows.append(std::move(row));
  }
  return rows;
}

py::dict to_dict(const Cost& cost) {
  py::dict row;
  row["calls"] = cost.calls.load();
  row["seconds"] = 1e-9 * static_cast<double>(cost.nanoseconds.load());
  return row;
}

py::dict stop_profile(Plan& plan) {
  const std::shared_ptr<const Profile> profile = plan.stop_profile();
  if (profile == nullptr) throw py::value_error("no profile was started");
  const Graph& graph = plan.graph_for(profile->training);
  py::list ops;
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    const Op& op = *graph.ops[i];
    int64_t words = 0, weights = 0;
    for (int id : op.inputs) words += graph.tensors[id].size;
    for (int id : op.outputs) words += graph.tensors[id].size;
    for (int slot : op.parameters) weights += slot < 0 ? 0 : graph.parameters[slot].size;
    py::dict row;
    row["kind"] = op.kind;
    row["detail"] = op.detail();
    row["output_shape"] = py::tuple(py::cast(graph.tensors[op.outputs[0]].shape));
    row["flops"] = 2 * op.multiply_adds();
    row["bytes"] = words * static_cast<int64_t>(sizeof(float));
    row["weight_bytes"] = weights * static_cast<int64_t>(sizeof(float));
    row["forward"] = to_dict(profile->forward[i]);
    row["backward"] = to_dict(profile->backward[i]);
    ops.append(std::move(row));
  }
  py::dict result;
  result["ops"] = ops;
  result["packing"] = to_dict(profile->packing);
  result["ends"] = to_dict(profile->ends);
  result["losses"] = to_dict(profile->losses);
  result["gradients"] = to_dict(profile->gradients);
  result["whole"] = to_dict(profile->whole);
  return result;
}

}  // namespace

void register_plan(py::module_& m) {
  py::class_<Plan>(m, "Plan")
      .def_property_readonly("output_shapes",
                             [](const Plan& plan) {
                               py::list shapes;
                               for (int id : plan.graph().outputs)
                                 shapes.append(py::tuple(py::cast(plan.graph().tensors[id].shape)));
                               return shapes;
                             })
      .def_property_readonly("is_random", &Plan::is_random)
      .def_property_readonly("samples",
                             [](const Plan& plan) {
                               const int64_t samples = plan.graph().samples;
                               return samples < 0 ? std::nullopt : std::optional<int64_t>(samples);
                             })
      .def(
          "forward",
          [](const Plan& plan, const std::vector<py::array>& inputs, const py::object& parameters, bool training,
             uint64_t seed) {
            Call call(plan, inputs, parameters, training, seed);
            py::list outputs = call.make_outputs();
            call.run();
            return outputs;
          },
          py::arg("inputs"), py::arg("parameters"), py::kw_only(), py::arg("training") = false, py::arg("seed") = 0)
      .def(
          "train_step",
          [](const Plan& plan, const std::vector<py::array>& inputs,
             const std::vector<std::optional<py::array>>& targets,
             const std::vector<std::optional<py::array>>& sample_weights, const py::object& parameters,
             const std::vector<std::optional<py::array>>& gradients, uint64_t seed, bool want_outputs,
             bool want_input_gradients, const std::optional<std::vector<MaybeSliceSums>>& slice_sums) -> py::tuple {
            Call call(plan, inputs, parameters, true, seed);
            call.set_targets(targets, sample_weights);
            call.set_gradients(gradients);
            call.set_slice_sums(slice_sums);
            py::list outputs = want_outputs ? call.make_outputs() : py::list();
            if (!want_input_gradients) return py::make_tuple(call.run().loss_sums, outputs);
            py::list dx = call.make_input_gradients();
            return py::make_tuple(call.run().loss_sums, outputs, dx);
          },
          py::arg("inputs"), py::arg("targets"), py::arg("sample_weights"), py::arg("parameters"), py::arg("gradients"),
          py::kw_only(), py::arg("seed") = 0, py::arg("want_outputs") = false, py::arg("want_input_gradients") = false,
          py::arg("slice_sums") = py::none())
      .def(
          "evaluate",
          [](const Plan& plan, const std::vector<py::array>& inputs,
             const std::vector<std::optional<py::array>>& targets,
             const std::vector<std::optional<py::array>>& sample_weights, const py::object& parameters,
             bool want_outputs, bool training, uint64_t seed) {
            Call call(plan, inputs, parameters, training, seed);
            call.set_targets(targets, sample_weights);
            py::list outputs = want_outputs ? call.make_outputs() : py::list();
            return py::make_tuple(call.run().loss_sums, outputs);
          },
          py::arg("inputs"), py::arg("targets"), py::arg("sample_weights"), py::arg("parameters"), py::kw_only(),
          py::arg("want_outputs") = false, py::arg("training") = false, py::arg("seed") = 0)
      .def(
          "backward",
          [](const Plan& plan, const std::vector<py::array>& inputs, const std::vector<py::array>& output_gradients,
             const py::object& parameters, bool training, uint64_t seed,
             const std::optional<std::vector<MaybeSliceSums>>& slice_sums) {
            Call call(plan, inputs, parameters, training, seed);
            call.set_output_gradients(output_gradients);
            call.set_slice_sums(slice_sums);
            py::list dx = call.make_input_gradients();
            py::list dparameters = call.make_parameter_gradients();
            call.run();
            return py::make_tuple(dx, dparameters);
          },
          py::arg("inputs"), py::arg("output_gradients"), py::arg("parameters"), py::kw_only(),
          py::arg("training") = false, py::arg("seed") = 0, py::arg("slice_sums") = py::none())
      .def(
          "gradient_kinds",
          [](const Plan& plan, bool losses) {
            py::list kinds;  // None for no gradient, True for slices
            for (GradientKind kind : plan.gradient_kinds(losses))
              kinds.append(kind == GradientKind::none ? py::object(py::none())
                                                      : py::object(py::bool_(kind == GradientKind::slices)));
            return kinds;
          },
          py::arg("losses"))
      .def("describe", &describe, py::arg("samples") = 256, py::kw_only(), py::arg("training") = false)
      .def("start_profile", &Plan::start_profile, py::arg("training"))
      .def("stop_profile", &stop_profile);
}

}  // namespace day33
