"""`Model`: layers put together, trained and run as one native plan."""

from __future__ import annotations

import inspect
import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from .._core import tree, variables
from .._core.arrays import as_float32, fit_rank
from .._core.dispatch import is_tracing
from .._core.types import Shape
from .._formats import model_config, model_files, weight_files
from .._formats.onnx import export
from .._graph import penalties, registry
from .._graph.compiling import CompiledPlan, LossTerm
from .._graph.graph import Graph, output_shape
from .._graph.lowering import Lowering
from .._graph.tensors import Node, SymbolicTensor
from .._io.notebooks import display, prints_to_a_cell
from .._training.plans import Shapes
from .._training.standardize import InputSpec, InputStandardizer
from .._training.structures import dict_keys, is_array
from .._training.trainer import Trainer
from ..layers import Input, Layer
from ..layers.serialization import one_warning
from ..metrics import Metric
from . import graph_config
from ._front import Front
from .summary import PlanDescription, summary_table


class Model(Trainer, Layer):
    """Layers with training and inference.

    Three ways to make one:

    - ``Model(inputs, outputs)``: everything between symbolic tensors. Tensors come from `Input` and from calling
      layers; they may be nested in lists, tuples and dicts. A tensor from the middle of another model is an input, too.
    - `Sequential`: one layer after the other.
    - a subclass with `call(self, x)` in terms of layers kept as attributes. `call` is traced with symbolic tensors
      for each new shape of input; it must not compute with NumPy.

    A model is a layer: it can be called, nested and shared.

    Raises:
        ValueError: the outputs do not depend on the inputs alone, or two layers share a name.
        TypeError: inputs or outputs that are no symbolic tensors.
    """

    def __init__(
        self, inputs: Any = None, outputs: Any = None, name: str | None = None, trainable: bool = True, **kwargs: Any
    ) -> None:
        if (inputs is None) != (outputs is None):
            raise ValueError("Model needs both inputs and outputs, or neither in a subclass with `call`")
        self._graph: Graph | None = None
        self._traced: Graph | None = None
        self._added_losses: list[SymbolicTensor] = []
        self._front: Front[Model] | None = None  # what computes on arrays, before the plan
        self._defined_by_tensors = inputs is not None
        self._measuring: tuple[int, list[Layer]] | None = None
        Layer.__init__(self, name=name, trainable=trainable, **kwargs)
        Trainer.__init__(self)
        if inputs is not None:
            # As in Keras, a list of one output means the output.
            single = isinstance(outputs, list | tuple) and len(outputs) == 1
            self._set_graph(inputs, outputs[0] if single else outputs)
            if not trainable:
                self.trainable = False
        elif type(self) is Model:
            raise ValueError("Model() without inputs and outputs computes nothing; give both, or subclass it")

    def name_stem(self) -> str:
        return "functional" if type(self) is Model else super().name_stem()

    takes_mask = True  # of its inputs; a subclass with `call` where `call` does

    def _configures(self, name: str) -> bool:
        return self._is_defined_by_call() and name not in _OF_TRAINING and super()._configures(name)

    def __repr__(self) -> str:
        kind = "Functional" if type(self) is Model else type(self).__name__
        layers = self.layers
        size = f"{self.count_params():,} parameters" if self.built else "not built"
        return f"<{kind} {self.name!r}: {len(layers)} layer{'' if len(layers) == 1 else 's'}, {size}>"

    def _set_graph(self, inputs: Any, outputs: Any, losses: Sequence[SymbolicTensor] = ()) -> None:
        owner = f"model {self.name!r}"
        graph = Graph(*_with_own_inputs(inputs, outputs), owner, losses)
        self._added_losses = list(losses)
        self._front = Front.of(graph, owner, lambda rest: Model._of_graph(rest, self.name))
        self._take_graph(graph)

    @classmethod
    def _of_graph(cls, graph: Graph, name: str) -> Model:
        """A model of a graph as it is: its inputs may be what other layers give."""
        model = cls.__new__(cls)
        model._graph, model._traced, model._front = None, None, None
        model._defined_by_tensors = True
        Layer.__init__(model, name=name)
        Trainer.__init__(model)
        model._take_graph(graph)
        return model

    def _take_graph(self, graph: Graph) -> None:
        self._graph = graph
        self.input_dtypes = tuple(tensor.dtype for tensor in graph.inputs)
        self.output_dtypes = tuple(tensor.dtype for tensor in graph.outputs)
        self._forget()
        self.built = True

    def add_loss(self, loss: Any) -> None:
        """Adds to the loss that training minimises.

        Inside of `call` as any layer; of a model made of inputs and outputs also afterwards.

        Args:
            loss: a number for the batch, made of the tensors between the inputs and the outputs, and of variables, by
                functions of `day33.ops`; or a list of them. What is no number is summed. Of a model made of inputs and
                outputs, what depends on variables alone comes from a function without arguments:
                ``model.add_loss(lambda: 0.01 * ops.sum(ops.square(layer.kernel)))``.

        Raises:
            RuntimeError: outside of `call`, of another model. TypeError: no such value. ValueError: it depends on
                something else than the inputs.
        """
        if self._graph is None or is_tracing():
            super().add_loss(loss)
            return
        owner, tensors = f"model {self.name!r}", []
        for item in tree.flatten(loss):
            if callable(item):
                tensors += penalties.of_function(item, f"what add_loss added to {owner}")
            elif isinstance(item, SymbolicTensor):
                tensors.append(item)
            else:
                raise TypeError(
                    f"{owner} was given {item!r} in add_loss, which never changes; expected what functions of "
                    "day33.ops make of its tensors, or a function without arguments for what depends on variables alone"
                )
        graph = self._graph
        self._set_graph(graph.input_structure, graph.output_structure, [*self._added_losses, *tensors])

    def adds_own_losses(self) -> bool:
        return super().adds_own_losses() or (self._graph is not None and bool(self._graph.losses))

    def is_composite(self) -> bool:
        return self._graph is None and super().is_composite()

    # ---- structure ----

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside, without those inside of them."""
        return self.sublayers()

    def sublayers(self) -> list[Layer]:
        found = dict.fromkeys(cast("list[Layer]", self._graph.layers) if self._graph else [])
        found.update(dict.fromkeys(super().sublayers()))
        return list(found)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name or place. ValueError if there is none, or not exactly one of both was given."""
        if (name is None) == (index is None):
            raise ValueError(f"get_layer was given name={name!r} and index={index!r}; expected exactly one of them")
        own = self.layers
        if index is not None:
            if not -len(own) <= index < len(own):
                raise ValueError(f"model {self.name!r} has {len(own)} layers; index is {index}")
            return own[index]
        for layer in own:
            if layer.name == name:
                return layer
        raise ValueError(f"model {self.name!r} has no layer {name!r}; it has {[layer.name for layer in own]}")

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_ready": None}

    def find_graph(self) -> Graph | None:
        """The graph of the model, for a subclass that of its first call; None before it."""
        return self._graph or self._traced

    def known_graph(self) -> Graph:
        """`find_graph`, but AttributeError where there is none."""
        graph = self.find_graph()
        if graph is None:
            raise AttributeError(f"model {self.name!r} has not seen an input yet; call it or build(input_shape) first")
        return graph

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """Symbolic inputs, in order. Of a subclass: of the first call, the sizes that may vary as None."""
        graph = self.known_graph()
        if self._graph is not None:
            return list(graph.inputs)
        # The last axis is that of the features, but numbers to be looked up have none.
        open_shapes = [
            tuple(None for _ in t.shape) if t.dtype == "int32" else (*(None for _ in t.shape[:-1]), *t.shape[1:][-1:])
            for t in graph.inputs
        ]
        return [SymbolicTensor(s, t.dtype, t.name) for s, t in zip(open_shapes, graph.inputs, strict=True)]

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """Symbolic outputs, in order."""
        return list(self.known_graph().outputs)

    @property
    def input(self) -> Any:
        """The symbolic input; a list where there are several."""
        return _single(self.inputs)

    @property
    def output(self) -> Any:
        """The symbolic output; a list where there are several."""
        return _single(self.outputs)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [tensor.name for tensor in self.known_graph().inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that give the outputs."""
        return [t.node.layer.name if t.node else t.name for t in self.known_graph().outputs]

    @property
    def input_shape(self) -> Any:
        """With the batch; a list for several inputs."""
        return _single([tensor.shape for tensor in self.known_graph().inputs])

    @property
    def output_shape(self) -> Any:
        """With the batch; a list for several outputs."""
        return _single([tensor.shape for tensor in self.outputs])

    # ---- as a layer ----

    def __call__(self, *arguments: Any, training: bool | None = None, **kwargs: Any) -> Any:
        if self._front is None or any(isinstance(leaf, SymbolicTensor) for leaf in tree.flatten(arguments)):
            return super().__call__(*arguments, training=training, **kwargs)
        if not arguments and self.input_argument in kwargs:
            arguments = (kwargs.pop(self.input_argument),)
        arguments, kwargs = self._split(arguments, kwargs)
        arrays = InputStandardizer(self)(arguments[0] if len(arguments) == 1 else list(arguments))
        return self._front.body(arrays, training=training, **kwargs)

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights of a subclass for inputs of `input_shape`, batch first; a list of shapes for several."""
        if not self.is_composite():
            return
        if input_shape is None:
            raise ValueError(f"build of model {self.name!r} needs an input_shape, batch first")
        Layer.build(self, input_shape)

    def _has_own_build(self) -> bool:
        return type(self).build not in (Layer.build, Model.build)

    def _trace(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Graph:
        graph = super()._trace(arguments, kwargs)
        if self._traced is None:
            self._traced = graph
        return graph

    def _infer(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._graph is None:
            return super()._infer(arguments, kwargs)
        if kwargs:
            raise TypeError(f"model {self.name!r} was called with {sorted(kwargs)}; it takes its inputs and training=")
        tensors: list[SymbolicTensor] = tree.flatten(arguments)
        shapes = self._output_shapes([tensor.shape for tensor in tensors])
        for tensor, dtype in zip(tensors, self.input_dtypes, strict=True):
            tensor.require(dtype, f"model {self.name!r}")
        outputs = [SymbolicTensor(shape, dtype) for shape, dtype in zip(shapes, self.output_dtypes, strict=True)]
        return tree.pack(self._graph.output_structure, outputs)

    def _split(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if self._graph is not None and len(arguments) == 1 and isinstance(arguments[0], Mapping):
            given, structure = arguments[0], self._graph.input_structure
            names = list(structure) if isinstance(structure, dict) else self.input_names
            missing = [name for name in names if name not in given]
            if missing:
                raise ValueError(
                    f"model {self.name!r} was given a dict with the keys {list(given)}; expected {names}, of which "
                    f"{missing} are missing"
                )
            chosen = {name: given[name] for name in names}
            return (chosen if isinstance(structure, dict) else list(chosen.values()),), kwargs
        return super()._split(arguments, kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._graph is None:
            return super().compute_output_shape(input_shape)
        shapes: list[Shape] = []
        tree.map_shapes(shapes.append, input_shape)
        return tree.pack(self._graph.output_structure, self._output_shapes(shapes))

    def _output_shapes(self, shapes: Sequence[Shape]) -> list[Shape]:
        assert self._graph is not None
        self._check_shapes(shapes)
        declared = [tensor.shape for tensor in self._graph.inputs]
        if [shape[1:] for shape in shapes] == [shape[1:] for shape in declared]:
            return [(shapes[0][0], *tensor.shape[1:]) for tensor in self._graph.outputs]
        return self._graph.walk(shapes, _shapes_of_node)

    def _check_shapes(self, shapes: Sequence[Shape]) -> None:
        declared = self._taken_shapes()
        if len(shapes) != len(declared):
            raise ValueError(f"model {self.name!r} was given {len(shapes)} inputs; expected {len(declared)}, of shapes "
                             f"{declared}")  # fmt: skip
        for number, (shape, expected) in enumerate(zip(shapes, declared, strict=True)):
            if len(shape) != len(expected) or any(
                None not in (size, wanted) and size != wanted
                for size, wanted in zip(shape[1:], expected[1:], strict=True)
            ):
                raise ValueError(
                    f"model {self.name!r} was given input {number} of shape {tuple(shape)}; expected {expected}"
                )

    def _taken_shapes(self) -> list[Shape]:
        """The shapes that the model takes; None for sizes that may vary."""
        return [tensor.shape for tensor in self.known_graph().inputs]

    def _fit_rank(self, number: int, array: NDArray[Any]) -> NDArray[Any]:
        if self._graph is None or number >= len(self._graph.inputs):
            return array
        return fit_rank(array, self._graph.inputs[number].shape)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        if self._graph is None:
            return super().lower(lowering, inputs)
        if self._front is not None:
            raise ValueError(
                f"model {self.name!r} has layers that compute on arrays, such as StringLookup; expected it to be the "
                "outermost model, or these layers before it"
            )
        self._output_shapes([(None, *lowering.shape(tensor)) for tensor in inputs])  # the layers word the error
        return self._graph.lower(lowering, inputs, with_losses=lowering.wants_penalties)

    def has_graph(self) -> bool:
        return True

    def call_graph(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Graph | None:
        return super().call_graph(arguments, kwargs) if self._graph is None else self._graph

    def _graph_for(self, input_shape: Any) -> Graph:
        return self._graph or super()._graph_for(input_shape)

    # ---- for the trainer ----

    def metrics_inside(self) -> list[Metric]:
        """The metrics kept as attributes of the model and of layers inside; those of models inside are their own."""
        now = variables.modes_version()
        if self._measuring is None or self._measuring[0] != now:
            layers = [layer for layer in self.walk() if layer is self or not isinstance(layer, Model)]
            self._measuring = now, [layer for layer in layers if layer.has_metrics]
        return list(dict.fromkeys(metric for layer in self._measuring[1] for metric in layer.attribute_metrics()))

    def build_for(self, x: Any) -> None:
        """Makes sure that the weights, and the graph for samples like `x`, are there.

        Args:
            x: samples (N, ...) of real numbers; a list or dict of arrays for several inputs. Their values do not count.
        """
        if isinstance(x, Mapping):
            arrays = [np.asarray(value) for value in x.values()]
        elif isinstance(x, list | tuple) and any(is_array(item) for item in x):
            arrays = [np.asarray(item) for item in x]
        else:
            arrays = [np.asarray(x)]
            if arrays[0].dtype.kind not in "biuf" and self._placeholder(0, arrays[0]).dtype != "string":
                arrays = [as_float32("x", x)]  # words the error
        tensors = [self._placeholder(number, array) for number, array in enumerate(arrays)]
        for tensor in tensors:  # these may be samples of many batches
            tensor.shape = (None, *tensor.shape[1:])
        self._infer((tree.pack(arrays[0] if len(arrays) == 1 else arrays, tensors),), {})

    def input_specs(self, x: Any) -> list[InputSpec]:
        """What the model takes, input by input; it is built for the samples `x` if it is not yet."""
        if not self.built:
            self.build_for(x)
        tensors = self.inputs
        names = dict_keys(self.known_graph().input_structure) or [tensor.name for tensor in tensors]
        shapes = [tensor.shape for tensor in tensors] if self._graph is None else self._taken_shapes()
        return [
            InputSpec(name, shape[1:], tensor.dtype) for name, shape, tensor in zip(names, shapes, tensors, strict=True)
        ]

    def for_plan(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """What the plans of the model take, for its inputs."""
        return inputs if self._front is None else self._front(inputs)

    def output_keys(self) -> list[str]:
        """What `loss`, `metrics` and `y` call the outputs: the keys of a dict of outputs, else `output_names`."""
        return dict_keys(self.known_graph().output_structure) or self.output_names

    def compile_plan(
        self, input_shapes: Shapes, losses: tuple[LossTerm, ...] | None = None, training: bool = False
    ) -> CompiledPlan:
        """The plan for inputs of these shapes (without the batch), with these losses, for runs in this mode. Cached."""
        if self._front is not None:
            return self._front.body.compile_plan(input_shapes, losses, training)
        graph = self.known_graph()
        if len(input_shapes) != len(graph.inputs):
            self._check_shapes([(None, *shape) for shape in input_shapes])
        tensors = [
            SymbolicTensor((None, *shape), tensor.dtype, "input")
            for shape, tensor in zip(input_shapes, graph.inputs, strict=True)
        ]
        structure = graph.input_structure if self._graph is None else (graph.input_structure,)
        return self._compile(tree.pack(structure, tensors), {}, losses, training=training)

    # ---- looking at it ----

    def summary(
        self, line_length: int | None = None, positions: None = None, print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
    ) -> None:  # fmt: skip
        """Prints a table: each layer with its output, weights, receptive field and multiply-adds.

        A notebook shows a table of its own in place of the text, as it does for a model in the last line of a cell.

        Args:
            line_length: of the table, in characters; as long as needed by default. With it, notebooks show text.
            print_fn: called with each line instead of `print`.
            expand_nested: show the layers of models inside, too.
        """
        table = summary_table(self, expand_nested)
        if print_fn is None and line_length is None and prints_to_a_cell():
            display(table)
            return
        for line in table.lines(line_length):
            (print_fn or print)(line)

    def _repr_html_(self) -> str:
        return summary_table(self)._repr_html_()

    def plan(self, input_shapes: Sequence[Sequence[int]] | None = None, batch_size: int = 256) -> PlanDescription:
        """The ops that the model runs in inference, one dict per op. ``print(model.plan())`` shows a table, and so
        does a notebook.

        Ops of one stage run depth first, tile by tile; an op that takes the whole batch is a stage of its own. What was
        fused into an op is part of its details. Sizes are for one sample, bytes those of the output.

        Args:
            input_shapes: one for each input, without the batch; needed where the model leaves sizes open.
            batch_size: the layout depends on it.
        """
        tensors = (self if self._front is None else self._front.body).known_graph().inputs
        shapes = [tensor.shape[1:] for tensor in tensors] if input_shapes is None else input_shapes
        for shape in shapes:
            if None in shape:
                raise ValueError(f"model {self.name!r} has an input of shape {tuple(shape)}; give input_shapes")
        known: Any = tuple(tuple(shape) for shape in shapes)
        return PlanDescription(self.compile_plan(known).plan.describe(batch_size))

    # ---- files ----

    def save(
        self, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True, *,
        sample: Any = None,
    ) -> None:  # fmt: skip
        """Writes the whole model to a .keras or .h5 file, which Keras reads, too. See `day33.saving.save_model`."""
        model_files.save(filepath, self, overwrite, include_optimizer, sample)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes all weights to an .npz file, or a .weights.h5 file as Keras has it, whole or not at all.

        Keys in .npz are the layers' names, nested by "/", where the user gave one; otherwise the class and its place,
        so that a model made by the same code finds them again.

        Raises:
            ValueError: the model is not built, or another suffix. FileExistsError: it exists and overwrite is False.
        """
        weight_files.save(filepath, self, overwrite)

    def load_weights(
        self, filepath: str | os.PathLike[str], skip_mismatch: bool = False, *, by_name: bool = False
    ) -> None:
        """Reads what `save_weights` or Keras wrote (.npz, .weights.h5, .h5, .keras), into a model of the same layers.

        Names and shapes are compared before any value is read.

        Args:
            filepath: of the file; its suffix says the format.
            skip_mismatch: layers (in .npz: weights) for which the file has another number or other shapes of weights
                keep theirs, with a warning.
            by_name: .h5 in Keras's older layout, and .npz: take what has the same name, leave the rest as it is.

        Raises:
            ValueError: no usable file, or other names or shapes than the model's; nothing is changed then.
            FileNotFoundError: there is no such file.
        """
        weight_files.load(filepath, self, by_name, skip_mismatch)

    def export(
        self, filepath: str | os.PathLike[str], format: str = "onnx", verbose: bool | None = None,
        input_signature: Any = None, *, opset_version: int | None = None,
    ) -> None:  # fmt: skip
        """Writes what `predict` computes to an ONNX file, whole or not at all. It needs the package onnx.

        Inputs and outputs keep their names, shapes and dtypes; images are (N, H, W, C) there, too. The size of the
        batch is open, and so are those that the model leaves open.

        Args:
            filepath: of the file.
            format: "onnx".
            verbose: whether to print a line.
            input_signature: shapes (batch first) and dtypes of the inputs, nested or in a row as the inputs are:
                symbolic tensors, arrays, or anything else with `shape` and `dtype`. It may fix sizes that the model
                leaves open, the batch included. None takes what the model declares; of a subclass, the sizes of
                its first call.
            opset_version: of ONNX's operators, from 18 to 23; 18 by default.

        Raises:
            ValueError: another format; the model is not built; or it does what ONNX cannot say (the message names
                the layers): states from one call to the next, images under affine transforms, strings, results that mix
                samples, or that depend on open sizes in other ways than by reshapes and places counted from the end.
            ImportError: the package onnx is not installed. OSError: the file cannot be written.
        """
        export.export(filepath, self, format, verbose, input_signature, opset_version)

    def write_into(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        """Writes the model into a plan: from its tensors of the inputs to those of the outputs."""
        graph = self.known_graph()
        structure = graph.input_structure if self._graph is None else (graph.input_structure,)
        return self.lower_call(lowering, tree.pack(structure, inputs), {})

    # ---- what Keras's files ask ----

    def keras_class(self) -> tuple[str, str, str | None]:
        if type(self) is Model:
            return "keras.src.models.functional", "Functional", "Functional"
        return super().keras_class()

    def saved_children(self) -> list[tuple[str, Any]]:
        found = super().saved_children()
        return found if self._is_defined_by_call() else [("layers", self.sublayers()), *found]

    def _attributes_with_layers(self) -> dict[str, Any]:
        found = super()._attributes_with_layers()
        return found | {"layers": self.sublayers()} if self._is_defined_by_call() else found

    def is_defined_by_tensors(self) -> bool:
        """Whether the model was made of inputs and outputs."""
        return self._defined_by_tensors

    def _is_defined_by_call(self) -> bool:
        return not self._defined_by_tensors and self.is_composite()

    # ---- configuration ----

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes an equal model of.

        For a model made of inputs and outputs, these with the layers between them. For a subclass whose constructor
        takes no inputs and outputs, name and trainable alone: it overrides this method and adds its own arguments.

        Raises:
            TypeError: a subclass has arguments of its own and does not override this method.
        """
        if self._graph is not None and self._defined_by_tensors and _takes_tensors(type(self)):
            if self._added_losses:
                warnings.warn(
                    f"what add_loss added to model {self.name!r} is left out of its configuration; call it again on a "
                    "model made of that",
                    stacklevel=2,
                )
            return graph_config.graph_config(self._graph, self.name, self.trainable)
        if type(self).get_config is Model.get_config and not _takes_name_alone(type(self)):
            raise TypeError(f"{type(self).__name__} is defined by its code; override get_config to make it savable")
        return {"name": self.name, "trainable": self.trainable}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, type[Layer]] | None = None) -> Self:
        """A new model of the same structure with fresh weights.

        Args:
            config: what `get_config` gave. A subclass gets the entries that it added as arguments.
            custom_objects: classes by name that are not day33's.
        """
        if not (config.keys() >= graph_config.KEYS - {"trainable"} and _takes_tensors(cls)):
            return cls(**config)
        with one_warning():
            inputs, outputs = graph_config.graph_from_config(config, custom_objects or {})
        own = {} if registry.has(cls) else {key: config[key] for key in config.keys() - graph_config.KEYS}
        return cls(inputs, outputs, name=config.get("name"), trainable=config.get("trainable", True), **own)

    def to_json(self, **kwargs: Any) -> str:
        """Class, configuration and what `compile` was given as JSON, which `model_from_json` and Keras read.

        Args:
            kwargs: for ``json.dumps``, such as ``indent=2``.

        Raises:
            TypeError: a subclass without `get_config`.
        """
        return json.dumps(model_config.config_of(self, True), **kwargs)


def _parameters(cls: type[Any]) -> dict[str, inspect.Parameter]:
    return {name: p for name, p in inspect.signature(cls.__init__).parameters.items() if name != "self"}


def _takes_tensors(cls: type[Any]) -> bool:
    """Whether the constructor can be called with inputs and outputs."""
    parameters = _parameters(cls)
    variadic = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters.values())
    return variadic or {"inputs", "outputs"} <= parameters.keys()


def _takes_name_alone(cls: type[Any]) -> bool:
    """Whether the constructor needs nothing and knows of nothing but what every layer has."""
    parameters = _parameters(cls)
    variadic = [name for name, p in parameters.items() if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    return bool(variadic) and not parameters.keys() - {*variadic, "name", "trainable", "dtype"}


# What training sets on a model while it runs: no part of what the model computes.
_OF_TRAINING = frozenset(
    {"history", "optimizer", "progress", "stop_evaluating", "stop_predicting", "stop_training", "training_state"}
)


def _single(items: list[Any]) -> Any:
    return items[0] if len(items) == 1 else items


def _shapes_of_node(node: Node, arguments: tuple[Any, ...]) -> list[Shape]:
    shapes: list[Shape] = []
    tree.map_shapes(shapes.append, output_shape(node, arguments))
    return shapes


def _with_own_inputs(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Where an input is the output of a layer, the calls after it are made again on a fresh `Input`."""
    given = tree.flatten(inputs)
    if not all(isinstance(tensor, SymbolicTensor) for tensor in given):
        return inputs, outputs
    calculated = [tensor.node is not None and bool(tensor.node.inputs) for tensor in given]
    if not any(calculated):
        return inputs, outputs
    graph = Graph(inputs, outputs, "the model")
    fresh = [
        Input(batch_shape=tensor.shape, dtype=tensor.dtype) if again else tensor
        for tensor, again in zip(given, calculated, strict=True)
    ]
    return tree.pack(inputs, fresh), tree.pack(outputs, graph.repeated_on(fresh))
