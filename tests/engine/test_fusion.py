"""Every fusion changes how a plan computes, not what: outputs and gradients with and without it agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from day33 import _native, layers, models

Builder = Callable[[_native.PlanBuilder, list[np.ndarray], np.random.Generator], int]
FUSIONS = ["activation", "up_sampling", "pooling"]


def conv(b, params, rng, x, filters, *, size=3, transposed=False, groups=1, **options):
    channels = b.shape(x)[-1]
    shape = (size, size, filters, channels) if transposed else (size, size, channels // groups, filters)
    # Small integers: every sum is exact, so the order in which a fusion adds cannot matter.
    kernel = rng.integers(-2, 3, shape).astype(np.float32)
    bias = rng.integers(-2, 3, filters).astype(np.float32)
    params += [kernel, bias]
    slots = b.parameter(kernel.shape), b.parameter(bias.shape)
    if transposed:
        return b.conv2d_transpose(x, *slots, **options)
    return b.conv2d(x, *slots, groups=groups, **options)


def pool(b, x, size, padding="valid"):
    return b.max_pool2d(x, pool_size=size, strides=size, padding=padding)[0]


def up(b, x, size):
    return b.up_sampling2d(x, size=size, interpolation="nearest")


def conv_pool(padding: str, size: tuple[int, int], inner: bool) -> Builder:
    def build(b, params, rng):
        x = b.input((11, 9, 2))
        if inner:  # then the fused layer also has a gradient to hand on
            x = conv(b, params, rng, x, 3, padding="same")
        y = conv(b, params, rng, x, 5, padding="same", activation="relu")
        return pool(b, y, size, padding)

    return build


def whole_windows(
    shape: tuple[int, int, int], filters: int, size: int, strides: tuple[int, int], activation: str
) -> Builder:
    """Windows of 2 x 2 that are whole: those are pooled in registers where samples lie in the lanes."""

    def build(b, params, rng):
        padding = "same" if sum(shape) % 2 else "valid"
        y = conv(b, params, rng, b.input(shape), filters, size=size, strides=strides, padding=padding)
        return pool(b, b.activation(y, activation) if activation else y, (2, 2))

    return build


def up_conv(scale: tuple[int, int], size: int, padding: str, transposed: bool) -> Builder:
    def build(b, params, rng):
        x = conv(b, params, rng, b.input((5, 6, 2)), 3, padding="same", activation="relu")
        return conv(b, params, rng, up(b, x, scale), 4, size=size, padding=padding, transposed=transposed)

    return build


def grouped(b, params, rng):
    x = up(b, b.input((5, 4, 4)), (2, 2))
    return pool(b, conv(b, params, rng, x, 6, groups=2, padding="same", activation="relu"), (2, 2))


def transposed_pool(b, params, rng):
    x = up(b, b.input((5, 4, 3)), (2, 3))
    return pool(b, conv(b, params, rng, x, 4, transposed=True, padding="same", activation="relu"), (2, 2), "same")


def as_sequence(b, x):
    """What layers on sequences do between each other: an image of height 1 loses its first axis, and gets it back."""
    _, *rest = b.shape(x)
    return b.reshape(b.reshape(x, rest), (1, *rest))


def sequence(b, params, rng):
    x = up(b, b.input((1, 5, 3)), (1, 2))
    y = conv(b, params, rng, as_sequence(b, x), 4, padding="causal")
    return pool(b, as_sequence(b, b.activation(as_sequence(b, y), "relu")), (1, 2))


def reshaped(b, params, rng):
    # Neighbours, but the image between them has another shape for each.
    x = up(b, b.input((2, 4, 3)), (2, 2))
    y = conv(b, params, rng, b.reshape(x, (8, 4, 3)), 4, padding="same", activation="relu")
    return pool(b, b.reshape(y, (4, 8, 4)), (2, 2))


def not_fusible(b, params, rng):
    # The up-sampled image has a second reader, the pooling overlaps, the convolution strides.
    x = up(b, b.input((6, 6, 2)), (2, 2))
    y = conv(b, params, rng, x, 2, padding="same", strides=(2, 2))
    z = b.max_pool2d(x, pool_size=(3, 3), strides=(2, 2), padding="same")[0]
    return b.add([y, z])


CASES: dict[str, Builder] = {
    **{
        f"pool-{p}-{s[0]}x{s[1]}-{'inner' if i else 'first'}": conv_pool(p, s, i)
        for p in ("valid", "same")
        for s in ((2, 2), (3, 2), (4, 5))
        for i in (False, True)
    },
    **{
        f"windows-{shape}-{filters}-k{size}-s{strides}-{activation}": whole_windows(
            shape, filters, size, strides, activation
        )
        for shape in ((9, 8, 1), (8, 8, 1), (7, 9, 2), (10, 7, 3))
        for filters in (4, 8)
        for size, strides in ((3, (1, 1)), (3, (2, 1)), (2, (1, 1)), (5, (1, 2)))
        for activation in ("relu", "")
    },
    **{
        f"up-{s[0]}x{s[1]}-k{k}-{p}{'-transposed' if t else ''}": up_conv(s, k, p, t)
        for s in ((2, 2), (3, 1), (2, 4))
        for k in (1, 2, 3, 5)
        for p, t in (("valid", False), ("valid", True), ("same", False), ("same", True), ("causal", False))
    },
    "grouped": grouped,
    "sequence": sequence,
    "reshaped": reshaped,
    "transposed-pool": transposed_pool,
    "not-fusible": not_fusible,
}


@pytest.fixture(params=_native.available_isas())
def isa(request) -> Iterator[str]:
    before = _native.isa()
    _native.select_isa(request.param)
    yield request.param
    _native.select_isa(before)


def run(build: Builder, layout: str, without: list[str]):
    b = _native.PlanBuilder()
    params: list[np.ndarray] = []
    rng = np.random.default_rng(3)
    y = build(b, params, rng)
    plan = b.build([y], layout=layout, without=without)
    samples = 2 * _native.lanes() + 1
    x = rng.integers(-3, 4, (samples, *b_input_shape(plan, build))).astype(np.float32)
    out = plan.forward([x], params)[0]
    dy = rng.integers(-3, 4, out.shape).astype(np.float32)
    dx, dparams = plan.backward([x], [dy], params)
    return [out, *dx, *dparams], [row["detail"] for row in plan.describe()]


def b_input_shape(plan: _native.Plan, build: Builder) -> tuple[int, ...]:
    b = _native.PlanBuilder()
    build(b, [], np.random.default_rng(3))
    return b.shape(0)


def normalised(params: list[np.ndarray], transposed: bool, groups: int, layout: str, without: list[str]):
    """A plan of convolution, batch normalisation, relu and pooling, and the array it is run on."""
    b = _native.PlanBuilder()
    rng = np.random.default_rng(4)
    x = b.input((7, 6, 4))
    y = conv(b, params, rng, x, 6, transposed=transposed, groups=groups, padding="same")
    norm = [rng.normal(size=6), rng.normal(size=6), rng.normal(size=6), rng.uniform(0.5, 2, 6)]
    params += [value.astype(np.float32) for value in norm]
    y = b.batch_normalization(y, *(b.parameter((6,), trainable=i < 2) for i in range(4)), momentum=0.9, epsilon=1e-3)
    plan = b.build([pool(b, b.activation(y, "relu"), (2, 2))], layout=layout, without=without)
    return plan, rng.normal(size=(_native.lanes() + 3, 7, 6, 4)).astype(np.float32)


@pytest.mark.parametrize("layout", ["lanes", "channels"])
@pytest.mark.parametrize(("transposed", "groups"), [(False, 1), (False, 2), (True, 1)])
def test_batch_normalisation_folds_into_weights_for_inference(transposed, groups, layout, isa):
    params: list[np.ndarray] = []
    folded, x = normalised(params, transposed, groups, layout, [])
    plain, _ = normalised([], transposed, groups, layout, ["batch_norm"])
    assert len(folded.describe()) == 1 and "batch_normalization" in folded.describe()[0]["detail"]
    expected = plain.forward([x], params)[0]
    np.testing.assert_allclose(folded.forward([x], params)[0], expected, atol=1e-5 * np.abs(expected).max())
    # In training both normalise by the batch.
    for left, right in zip(
        folded.forward([x], [p.copy() for p in params], training=True),
        plain.forward([x], [p.copy() for p in params], training=True),
        strict=True,
    ):
        np.testing.assert_array_equal(left, right)


def test_folded_weights_follow_the_moving_statistics():
    slots = [_native.Parameter(shape) for shape in ((1, 1, 1, 1), (1,), (1,))]
    for slot, value in zip(slots, (2.0, 0.0, 1.0), strict=True):
        slot.assign(np.full(slot.shape, value, np.float32))
    b = _native.PlanBuilder()
    kernel, mean, variance = b.parameter((1, 1, 1, 1)), b.parameter((1,), False), b.parameter((1,), False)
    y = b.conv2d(b.input((1, 1, 1)), kernel)
    plan = b.build([b.batch_normalization(y, -1, -1, mean, variance, momentum=0.0, epsilon=0.0)])
    parameters = _native.ParameterList(slots)
    x = np.array([1, 3], np.float32).reshape(2, 1, 1, 1)
    np.testing.assert_allclose(plan.forward([x], parameters)[0].ravel(), [2, 6])
    plan.forward([x], parameters, training=True)  # mean 4, variance 4
    np.testing.assert_allclose(plan.forward([x], parameters)[0].ravel(), [-1, 1])


@pytest.mark.parametrize("layout", ["lanes", "channels"])
@pytest.mark.parametrize("case", CASES)
def test_fused_equals_unfused(case, layout, isa):
    plain, rows = run(CASES[case], layout, FUSIONS)
    assert not any("+" in row for row in rows), rows
    fused, _ = run(CASES[case], layout, [])
    for a, b in zip(plain, fused, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("layout", ["lanes", "channels"])
@pytest.mark.parametrize("case", [name for name in CASES if name.startswith(("windows", "pool"))])
def test_gradients_of_a_first_layer_do_not_need_those_of_its_input(case, layout, isa):
    """A step of training that wants no gradient of x takes other ways through pooling than one that does."""
    gradients = []
    for wanted in (False, True):
        b = _native.PlanBuilder()
        params: list[np.ndarray] = []
        rng = np.random.default_rng(3)
        y = CASES[case](b, params, rng)
        b.loss(y, "value", reduction="sum")  # its gradient is the weight of each value
        plan = b.build([y], layout=layout)
        samples = 2 * _native.lanes() + 1
        x = rng.integers(-3, 4, (samples, *b_input_shape(plan, CASES[case]))).astype(np.float32)
        found = [np.full_like(value, np.nan) for value in params]
        weights = rng.integers(-2, 3, (samples, *plan.output_shapes[0])).astype(np.float32)
        slots = [_native.Parameter(value.shape) for value in params]
        for slot, value in zip(slots, params, strict=True):
            slot.assign(value)
        listed = _native.ParameterList(slots)
        plan.train_step([x], [None], [weights], listed, found, want_input_gradients=wanted)
        gradients.append(found)
    for without, with_input in zip(*gradients, strict=True):
        np.testing.assert_array_equal(without, with_input)
        assert np.abs(without).max() > 0


def test_the_plan_says_what_it_fused():
    _, rows = run(CASES["transposed-pool"], "lanes", [])
    assert rows == ["up_sampling2d 2x3 + 3x3 3->4 + relu + max_pool2d 2x2"]
    for fusion in FUSIONS:
        _, rows = run(CASES["transposed-pool"], "lanes", [fusion])
        assert not any(fusion.removesuffix("ing") in row and "+" in row for row in rows if fusion != "activation")


def test_sequences_are_fused_like_images():
    _, rows = run(CASES["sequence"], "lanes", [])
    assert rows == ["up_sampling2d 1x2 + 3x3 3->4 + relu + max_pool2d 1x2"]
    model = models.Sequential([
        layers.Input((12, 3)), layers.Conv1D(4, 3, padding="causal"), layers.BatchNormalization(), layers.ReLU(),
        layers.MaxPooling1D(), layers.UpSampling1D(2), layers.Conv1DTranspose(2, 3, padding="same"),
    ])  # fmt: skip
    assert [row["kind"] for row in model.plan()] == ["conv2d", "conv2d_transpose"]


def test_nothing_is_fused_that_should_not_be():
    _, rows = run(CASES["not-fusible"], "channels", [])
    assert not any("+" in row for row in rows), rows
    _, rows = run(CASES["reshaped"], "channels", [])
    assert rows == ["2x2 nearest", "3x3 3->4 + relu", "2x2"]


def test_unknown_fusion_is_refused():
    b = _native.PlanBuilder()
    x = b.input((2,))
    with pytest.raises(ValueError, match="without is 'pool'"):
        b.build([x], without=["pool"])
