"""What every optimizer shares: the learning rate, the order of a step, and the state of the rule."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .. import _native
from .._core.arrays import as_float32, needs_no_conversion
from .._core.naming import snake_case
from .._core.signatures import accepted_arguments
from .._core.slices import SlicedGradient, Wanted, may_want_slices, with_slices
from .._core.variables import about_to_change
from . import _clipping, schedules
from ._options import Option, flag, fraction, only_none, optional_number, optional_steps
from ._slots import Groups, Updates
from ._state import Stateful

if TYPE_CHECKING:
    from .._core.variables import Variable
    from .._native import Float32

F = TypeVar("F", bound=Callable[..., None])
LearningRate = float | schedules.LearningRateSchedule | Callable[..., float]


class Optimizer(Stateful):
    """Base of the optimizers. A step is `apply`: clip the gradients, decay the weights, update in native code.

    An optimizer of your own subclasses one of day33's, or this class, and overrides `apply_gradients`, `apply` or
    `update_step`, which a model's steps go through in this order; as in Keras it may make variables in `build`, by
    `add_variable_from_reference`, and change them by `assign`, `assign_add` and `assign_sub`.

    Options are attributes that may be changed at any time; they then hold from the next step on.

    Args:
        learning_rate: a float, or a callable of the number of steps done (a `LearningRateSchedule`).
        weight_decay: if set, every step first takes ``weight_decay * learning_rate`` times the weights off them. See
            `exclude_from_weight_decay`.
        clipnorm: upper bound for the L2 norm of each gradient; 0 for none, as in Keras.
        clipvalue: bound for the magnitude of each gradient's entries; 0 for none.
        global_clipnorm: upper bound for the L2 norm of all gradients together; 0 for none.
        use_ema: keep a running mean of each weight, ``a ← ema_momentum·a + (1 − ema_momentum)·w`` after each step (the
            first one sets it to the weight). `finalize_variable_values`, which ends a `fit`, puts the means in the
            place of the weights.
        ema_momentum: from 0 to 1, default 0.99.
        ema_overwrite_frequency: also put the means in the place of the weights after every so many steps.
        loss_scale_factor: only None is supported: scaled losses are for arithmetic in half precision.
        gradient_accumulation_steps: an integer n of at least 2: each step adds its gradients up, and every n-th one
            updates the weights with the mean of the last n. `iterations` and the means count updates, schedules steps.
        name: for messages and files; by default the class in snake case.
        per_slice: which square an optimizer takes of the gradient g of a table, such as that of `Embedding`. g is a sum
            of slices, one for each position that was looked up. False, the default, takes the square of the sum, g², as
            for any other weight. True takes the sum of the squares of the slices, Σ gᵢ², as Keras does on TensorFlow:
            where a rule says g², for a table that is looked up and not used otherwise, and in the norms of `clipnorm`
            and `global_clipnorm`. See below.

    With ``per_slice=True`` only a gradient made of slices alone is meant, as on TensorFlow: a table that has a
    regularizer, or is multiplied somewhere, as by ``ReversibleEmbedding(...)(x, reverse=True)``, is a weight like any
    other. After clipping by `global_clipnorm` a gradient is one slice. `fit`, `train_on_batch` and
    `GradientTape.gradient` give gradients with their slices, the tape if the optimizer was made before; arrays made of
    them by arithmetic do not know the slices, and are refused. Refused are also `clipvalue`, which bounds each slice on
    TensorFlow; `gradient_accumulation_steps`, where TensorFlow has no slices either; `centered` of `RMSprop`; and rules
    without a square (`SGD`, `Lion`) unless they clip by a norm. `Adamax` adds up magnitudes in the place of squares.

    Attributes:
        iterations: the number of updates done.

    Raises:
        ValueError: more than one kind of clipping, a number out of its bounds, or `per_slice` with what it does not go
            with.
        TypeError: an option that is no number.
    """

    # What the rule takes of each slice of a gradient with `per_slice`, a field of `SliceSums`; None for nothing.
    slice_rule: ClassVar[str | None] = None

    weight_decay = Option(optional_number)
    clipnorm = Option(optional_number)
    clipvalue = Option(optional_number)
    global_clipnorm = Option(optional_number)
    use_ema = Option(flag)
    ema_momentum = Option(fraction)
    ema_overwrite_frequency = Option(optional_steps(1))
    loss_scale_factor = Option(only_none("day33 computes in float32, where losses need no scaling"))
    gradient_accumulation_steps = Option(optional_steps(2))
    per_slice = Option(flag)

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        *,
        per_slice: bool = False,
    ) -> None:
        super().__init__()
        clipping = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [key for key, value in clipping.items() if value is not None]
        if len(given) > 1:
            raise ValueError(
                f"{' and '.join(given)} are given; expected at most one of clipnorm, clipvalue and global_clipnorm"
            )
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.name = name or snake_case(type(self).__name__)
        self._rate = _checked_rate(learning_rate)
        self._undecayed: list[Variable] = []
        self._undecayed_names: re.Pattern[str] | None = None
        self.per_slice = per_slice
        may_want_slices(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        may_want_slices(self)

    def __repr__(self) -> str:
        state = f"learning rate {self.learning_rate:.4g}, {self.iterations} steps done"
        return f"<{type(self).__name__} {self.name!r}: {state}>"

    # ---- how far it is, and how fast ----

    @property
    def iterations(self) -> int:
        """The number of updates done; may be set."""
        return self._steps // (self.gradient_accumulation_steps or 1)

    @iterations.setter
    def iterations(self, value: int) -> None:
        self._steps = int(value) * (self.gradient_accumulation_steps or 1)

    @property
    def steps(self) -> int:
        """The number of steps done, of which with `gradient_accumulation_steps` only every n-th one is an update."""
        return self._steps

    @property
    def learning_rate(self) -> float:
        """The rate of the next step. Set a float to change it; refused (TypeError) where a schedule decides."""
        return self._rate(self._steps) if callable(self._rate) else self._rate

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        if callable(self._rate) and not callable(value):
            raise TypeError("the learning rate of this optimizer comes from a schedule and cannot be set to a number")
        self._rate = _checked_rate(value)

    @property
    def lr(self) -> float:
        """The same as `learning_rate`, under its name in Keras 2."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: LearningRate) -> None:
        self.learning_rate = value

    @property
    def schedule(self) -> Callable[[int], float] | None:
        """What the learning rate of a step comes from, called with the number of steps done; None for a fixed rate."""
        return self._rate if callable(self._rate) else None

    # ---- a step ----

    def apply_gradients(self, grads_and_vars: Iterable[tuple[ArrayLike | None, Variable]]) -> int:
        """`apply` for pairs of gradient and variable. Returns the number of steps done."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._steps

    def apply(self, grads: Sequence[ArrayLike | None], trainable_variables: Sequence[Variable] | None = None) -> None:
        """One step in place. An empty list does nothing.

        After the update, weights that have a `constraint` are replaced by what it makes of them.

        Args:
            grads: for each variable an array of its shape, or None for none: the variable stays as it is, with a
                warning.
            trainable_variables: the first call builds the slots for them; those of `build` by default.

        Raises:
            ValueError: the optimizer belongs to other variables, or to none yet and none are given; another number of
                gradients than of variables, or another shape; every gradient is None; with `per_slice`, a gradient
                that does not know its slices.
            TypeError: a gradient that holds no real numbers.
        """
        if len(grads) == 0:
            return
        variables = self._variables if trainable_variables is None else list(trainable_variables)
        if not variables and trainable_variables is None:
            raise ValueError(f"{self.name} belongs to no variables yet; expected trainable_variables, or build first")
        if len(grads) != len(variables):
            raise ValueError(f"grads has {len(grads)} entries; expected one for each of {len(variables)} variables")
        gradients, given = _given(grads, variables, self.slice_sums)
        if not self._index or self._groups != self.slot_groups or not self.knows(variables):
            self.build(variables)
        variables = given
        about_to_change(variables)
        if self._averages_in_place:
            self.swap_averages()
        rate = self.learning_rate
        if self.gradient_accumulation_steps is None:
            self._update_all(gradients, variables, rate)
        elif (self._steps + 1) % self.gradient_accumulation_steps:
            for gradient, variable in zip(gradients, variables, strict=True):
                self.slots_of(variable)["gradient_accumulator"] += gradient
        else:
            self._update_all(self._mean_gradients(gradients, variables), variables, rate)
            for slots in self._slots:
                slots["gradient_accumulator"].fill(0)
        if self.use_ema:
            self._average()
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.numpy()))
        self._steps += 1

    def _update_all(self, gradients: list[Float32], variables: Sequence[Variable], rate: float) -> None:
        if self.clipnorm:
            gradients = _clipping.by_norm(gradients, self.clipnorm)
        elif self.global_clipnorm:
            gradients = _clipping.by_global_norm(gradients, self.global_clipnorm)
        elif self.clipvalue:
            gradients = _clipping.by_value(gradients, self.clipvalue)
        if self.weight_decay:
            for variable in variables:
                if self._decays(variable):
                    _native.scale_parameter(variable.parameter, 1.0 - self.weight_decay * rate)
        if getattr(self.update_step, "__func__", None) is Optimizer.update_step:
            self._update(self._updates(gradients, variables), rate, self.iterations + 1)
        else:
            for gradient, variable in zip(gradients, variables, strict=True):
                self.update_step(gradient, variable, rate)

    def update_step(self, gradient: Float32, variable: Variable, learning_rate: float) -> None:
        """Updates one variable and its slots. A subclass may override it; else a step updates all variables at once.

        Args:
            gradient: of the variable's shape.
            variable: one that the optimizer was built for.
            learning_rate: that of this step.
        """
        if not self.per_slice and not needs_no_conversion(gradient):
            gradient = _as_gradient(gradient, variable)
        self._update(self._updates([gradient], [variable]), learning_rate, self.iterations + 1)

    def _updates(self, gradients: list[Float32], variables: Sequence[Variable]) -> Updates:
        sums: list[Float32 | None] | None = None
        if self.per_slice:
            wanted, rule = self.slice_sums, self.slice_rule
            sliced = [_sliced_gradient(g, variable, wanted) for g, variable in zip(gradients, variables, strict=True)]
            if rule is not None:
                sums = [None if gradient.sums is None else getattr(gradient.sums, rule) for gradient in sliced]
            gradients = [gradient.view(np.ndarray) for gradient in sliced]
        slots = [self.slots_of(variable) for variable in variables]
        names = [name for group in self.rule_slots for name in group]
        return Updates(
            [variable.parameter for variable in variables], gradients, sums,
            {name: [of_one[name] for of_one in slots] for name in names},
        )  # fmt: skip

    def _update(self, of: Updates, rate: float, step: int) -> None:
        """Updates native parameters and their slots. `step` counts updates from 1."""
        raise TypeError(f"{type(self).__name__} defines no rule; override update_step in the subclass")

    # ---- slices of gradients ----

    @property
    def slice_sums(self) -> Wanted:
        """The sums over slices that a step wants to have with gradients; none without `per_slice`."""
        if not self.per_slice:
            return ()
        return ("squares",) if self.slice_rule in (None, "squares") else ("squares", self.slice_rule)

    def check_together(self, options: Mapping[str, Any]) -> None:
        """Raises ValueError where `per_slice` does not go with other options, by name; some may be missing yet."""
        if not options.get("per_slice"):
            return
        reason = ""
        if options.get("clipvalue"):
            reason = "clipvalue bounds each slice on TensorFlow, and day33 knows their sums alone; expected clipnorm"
        elif options.get("gradient_accumulation_steps"):
            reason = "gradient_accumulation_steps adds up gradients, which leaves no slices, on TensorFlow neither"
        elif self.slice_rule is None and not (options.get("clipnorm") or options.get("global_clipnorm")):
            reason = f"{type(self).__name__} takes no square of a gradient, unless for clipnorm or global_clipnorm"
        if reason:
            raise ValueError(f"per_slice is True; expected False: {reason}")

    def scale_loss(self, loss: Any) -> Any:
        """`loss` as it is: there is no `loss_scale_factor`."""
        return loss

    # ---- weight decay ----

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Leaves variables out of `weight_decay`. A second call replaces what the first one said.

        Args:
            var_list: variables.
            var_names: regular expressions; a variable in whose path one of them is found is left out, such as all
                biases by ``["bias"]``.
        """
        self._undecayed = list(var_list or ())
        self._undecayed_names = re.compile("|".join(var_names)) if var_names else None

    def _decays(self, variable: Variable) -> bool:
        if any(variable is other for other in self._undecayed):
            return False
        return self._undecayed_names is None or self._undecayed_names.search(variable.path) is None

    # ---- means of gradients and weights ----

    def _mean_gradients(self, gradients: Sequence[Float32], variables: Sequence[Variable]) -> list[Float32]:
        means = []
        for gradient, variable in zip(gradients, variables, strict=True):
            mean = self.slots_of(variable)["gradient_accumulator"]
            mean += gradient
            mean /= np.float32(self.gradient_accumulation_steps)
            means.append(mean)
        return means

    def _average(self) -> None:
        keep = self.ema_momentum if self.iterations else 0.0
        every = self.ema_overwrite_frequency
        for variable, slots in zip(self._variables, self._slots, strict=True):
            _native.running_mean(variable.parameter, slots["average"], keep)
            if every is not None and (self.iterations + 1) % every == 0:
                variable.assign(slots["average"])

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """With `use_ema`, gives the variables the running means of their values. A `fit` ends with it.

        Args:
            var_list: variables; those that the optimizer never updated stay as they are.
        """
        if not self.use_ema:
            return
        for variable in var_list:
            if id(variable) in self._index:
                average = self.slots_of(variable)["average"]
                if self._averages_in_place:
                    average[...] = variable.value
                else:
                    variable.assign(average)
        self._averages_in_place = False

    @property
    def averages_in_place(self) -> bool:
        """Whether the variables have the running means, and the slots the values that they had."""
        return self._averages_in_place

    def swap_averages(self) -> None:
        """With `use_ema`, exchanges the variables with the running means of their values, and back again.

        A step exchanges them back first. Before the first step there is nothing to exchange.
        """
        if self.use_ema and self.built:
            for variable, slots in zip(self._variables, self._slots, strict=True):
                value = variable.numpy()
                variable.assign(slots["average"])
                slots["average"][...] = value
            self._averages_in_place = not self._averages_in_place

    # ---- slots ----

    @property
    def rule_slots(self) -> Groups:
        """The slots that the rule itself needs, as its options now are; for subclasses."""
        return ()

    @property
    def slot_groups(self) -> Groups:
        groups = self.rule_slots
        if self.gradient_accumulation_steps is not None:
            groups = (("gradient_accumulator",), *groups)
        return (("average",), *groups) if self.use_ema else groups

    def new_slot(self, name: str, variable: Variable) -> Float32:
        return variable.numpy() if name == "average" else super().new_slot(name, variable)

    # ---- configuration ----

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, by name; `per_slice`, which Keras does not know, only where it is True.

        Raises:
            TypeError: a learning rate from a function of yours.
        """
        names = accepted_arguments(type(self)) - {"learning_rate"}
        if not self.per_slice:
            names -= {"per_slice"}
        config = {name: getattr(self, name) for name in sorted(names) if hasattr(self, name)}
        rate = self._rate
        return {"learning_rate": schedules.serialize(rate) if callable(rate) else rate, **config}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """An optimizer from what `get_config` returned, without its state.

        Args:
            config: the arguments of the constructor.
            custom_objects: classes of schedules of yours, by name.
        """
        rate = config.get("learning_rate")
        if isinstance(rate, Mapping):
            config = {**config, "learning_rate": schedules.deserialize(rate, custom_objects)}
        return cls(**config)


def with_shared_options(init: F) -> F:
    """Gives a constructor that hands ``*shared, **options`` on to `Optimizer` a signature with all names."""
    own = [p for p in inspect.signature(init).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    names = {p.name for p in own}
    shared = [p for p in inspect.signature(Optimizer.__init__).parameters.values() if p.name not in names]
    init.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    return init


def _given(
    grads: Sequence[ArrayLike | None], variables: list[Variable], slice_sums: Wanted
) -> tuple[list[Float32], list[Variable]]:
    """The gradients that are not None as arrays, and their variables. `slice_sums`: those that they must have."""
    if any(gradient is None for gradient in grads):
        missing = [variable.path for gradient, variable in zip(grads, variables, strict=True) if gradient is None]
        if len(missing) == len(variables):
            raise ValueError("every gradient is None; expected a gradient for at least one variable")
        warnings.warn(
            f"Gradients do not exist for variables {missing} when minimizing the loss: they stay as they are",
            stacklevel=4,
        )
        variables = [variable for gradient, variable in zip(grads, variables, strict=True) if gradient is not None]
    given = (gradient for gradient in grads if gradient is not None)
    pairs = zip(given, variables, strict=True)
    if slice_sums:
        return [_sliced_gradient(gradient, variable, slice_sums) for gradient, variable in pairs], variables
    return [_as_gradient(gradient, variable) for gradient, variable in pairs], variables


def _sliced_gradient(gradient: Any, variable: Variable, slice_sums: Wanted) -> SlicedGradient:
    """A gradient that knows these sums over its slices, or that it is one. ValueError for any other array."""
    value = gradient if isinstance(gradient, np.ndarray) else getattr(gradient, "value", None)  # recorded by a tape
    if not (isinstance(value, SlicedGradient) and value.has(slice_sums)):
        raise ValueError(
            f"gradient of variable {variable.path!r} is an array that does not say of which slices it is the sum; "
            "per_slice=True takes gradients as fit gives them, or GradientTape.gradient while the optimizer exists, "
            "unchanged"
        )
    return with_slices(_as_gradient(value, variable), value.sums)


def _as_gradient(gradient: ArrayLike, variable: Variable) -> Float32:
    if not needs_no_conversion(gradient):  # the name for a message is made only where one may be due
        gradient = as_float32(f"gradient of variable {variable.path!r}", gradient)
    if gradient.shape != variable.shape:
        raise ValueError(
            f"gradient of variable {variable.path!r} has shape {gradient.shape}; expected {variable.shape}"
        )
    return gradient


def _checked_rate(value: Any) -> float | Callable[[int], float]:
    if callable(value):
        try:
            takes_step = len(inspect.signature(value).parameters) > 0
        except (TypeError, ValueError):  # builtins without a signature
            takes_step = True
        return value if takes_step else lambda _step: value()
    try:
        rate = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"learning_rate is {value!r}; expected a float or a callable of the step") from None
    if not rate >= 0:
        raise ValueError(f"learning_rate is {rate}; expected a number of at least 0")
    return rate
