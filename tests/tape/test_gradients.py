"""`GradientTape` beside TensorFlow's: the same gradients of what the same code records."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

import day33
from day33 import GradientTape, Variable, layers, losses, ops, optimizers

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(8, 6)).astype(np.float32)
Y = RNG.normal(size=(8, 2)).astype(np.float32)


def close(ours, theirs):
    """Nested gradients are the same, None where theirs are."""
    if theirs is None or ours is None:
        assert ours is None and theirs is None
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs)
        for mine, correct in zip(ours, theirs, strict=True):
            close(mine, correct)
    elif isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for key, correct in theirs.items():
            close(ours[key], correct)
    else:
        correct = np.asarray(theirs)
        largest = float(np.abs(correct).max()) if correct.size else 0.0
        np.testing.assert_allclose(np.asarray(ours), correct, rtol=1e-5, atol=1e-5 * max(largest, 1.0))


def both(function):
    """What a function of (functions, tape class, variable class, tensor maker) gives in both libraries."""
    ours = function(ops, GradientTape, Variable, lambda value: day33.tf.constant(value))
    theirs = function(keras.ops, tf.GradientTape, tf.Variable, tf.constant)
    close(ours, theirs)
    return ours


def pair(normalized=True):
    """The same small network in both libraries."""
    built = []
    for library in (day33, keras):
        members = [library.layers.Input((6,)), library.layers.Dense(5, activation="tanh")]
        members += [library.layers.BatchNormalization(momentum=0.8)] if normalized else []
        built.append(library.Sequential([*members, library.layers.Dense(2)]))
    ours, theirs = built
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def same_weights(ours, theirs, **bounds):
    for mine, correct in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, **(bounds or {"rtol": 1e-4, "atol": 1e-5}))


# ---- what is differentiated ----


def test_variables_and_operators():
    def run(fn, tape_class, variable, tensor):
        w, b = variable(X[0]), variable(np.float32(0.5))
        with tape_class() as tape:
            loss = fn.sum((w * 2.0 + b) ** 2 / 3.0 - fn.exp(-w)) + b
        return tape.gradient(loss, {"w": w, "b": [b]})

    both(run)


def test_watched_tensors_with_operators_and_functions():
    def run(fn, tape_class, variable, tensor):
        x = tensor(X)
        with tape_class(persistent=True) as tape:
            tape.watch(x)
            loss = fn.mean(x * x + 1.0 / (2.0 + x**2)) + fn.sum(x[:, :3] @ x[2:5]) + fn.sum(-x)
            other = fn.sum(np.float32(2) * x)
        return tape.gradient(loss, x), tape.gradient(other, x)

    both(run)


def test_numpy_functions_of_watched_tensors_are_recorded():
    x = day33.tf.constant(X)
    with GradientTape() as tape:
        tape.watch(x)
        y = np.square(x).sum(axis=1).mean() + np.mean(np.exp(x)) + np.sum(x.reshape((4, 12)), axis=0)[3]
    expected = 2 * X / 8 + np.exp(X) / X.size
    expected.reshape(4, 12)[:, 3] += 1
    np.testing.assert_allclose(tape.gradient(y, x), expected, rtol=1e-5, atol=1e-6)
    # Without a tape it is an array as before.
    assert type(x + 1).__module__.startswith("day33") and np.sum(x).shape == ()
    assert np.add(np.ones(6, np.float32), x, out=np.zeros_like(X)).shape == (8, 6)


def test_recorded_values_become_arrays_of_any_dtype():
    w = Variable(X)
    with GradientTape() as tape:
        number, array = ops.sum(w), w * 2.0
        assert np.asarray(number, np.float64) == np.float64(np.asarray(number))
        assert np.asarray(array, np.float64).dtype == np.float64 and np.asarray(array).dtype == np.float32
        mean = day33.metrics.Mean()
        mean.update_state(number)
        assert mean.result() == pytest.approx(float(number))
    np.testing.assert_array_equal(tape.gradient(array, w), np.full_like(X, 2))


def test_numpy_arrays_are_seen_by_functions_and_layers():
    x = X.copy()
    layer = layers.Dense(3)
    with GradientTape() as tape:
        tape.watch(x)
        loss = ops.sum(ops.square(x)) + ops.sum(layer(x))
    np.testing.assert_allclose(tape.gradient(loss, x), 2 * X + layer.get_weights()[0].sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_models(training):
    ours, theirs = pair()
    results = []
    for model, fn, tape_class in ((ours, ops, GradientTape), (theirs, keras.ops, tf.GradientTape)):
        with tape_class() as tape:
            outputs = model(X, training=training)
            loss = fn.mean(fn.square(outputs - Y))
        results.append((tape.gradient(loss, model.trainable_variables), np.asarray(loss), np.asarray(outputs)))
    close(*results)
    same_weights(ours, theirs)


@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError", "Huber", "CosineSimilarity"])
def test_losses_as_objects_with_weights(name):
    ours, theirs = pair()
    weights = np.linspace(0, 2, 8, dtype=np.float32)
    results = []
    for model, library, tape_class in ((ours, losses, GradientTape), (theirs, keras.losses, tf.GradientTape)):
        loss_object = getattr(library, name)()
        with tape_class() as tape:
            loss = loss_object(Y, model(X, training=True), sample_weight=weights)
        results.append((tape.gradient(loss, model.trainable_variables), np.asarray(loss)))
    close(*results)


def test_inputs_and_what_is_in_between():
    """Sources of which one depends on another: each gradient is the total one."""
    ours, theirs = pair(normalized=False)

    def run(model, fn, tape_class, x):
        with tape_class() as tape:
            tape.watch(x)
            hidden = model.layers[0](x)
            middle = fn.tanh(hidden) + fn.sum(hidden)
            scalar = fn.sum(middle)
            loss = fn.sum(model.layers[1](middle) ** 2) + 3.0 * scalar + scalar * scalar
        return tape.gradient(loss, [x, hidden, middle, scalar, model.layers[0].kernel, model.layers[1].kernel])

    close(run(ours, ops, GradientTape, day33.tf.constant(X)), run(theirs, keras.ops, tf.GradientTape, tf.constant(X)))


def test_one_of_several_outputs_of_a_model():
    """Grad-CAM: an output in the middle, of which the other output is made."""
    results = []
    ours, theirs = pair(normalized=False)
    for library, model, fn, tape_class in (
        (day33, ours, ops, GradientTape),
        (keras, theirs, keras.ops, tf.GradientTape),
    ):
        inside = library.Model(model.inputs[0], [model.layers[0].output, model.outputs[0]])
        with tape_class() as tape:
            hidden, outputs = inside(X)
            loss = fn.sum(outputs[:, 1])
        results.append((tape.gradient(loss, hidden), np.asarray(hidden)))
    close(*results)


def test_unconnected_and_stopped():
    def run(fn, tape_class, variable, tensor):
        a, b, c = variable(2.0), variable(X[0]), variable(3.0)
        with tape_class(persistent=True) as tape:
            loss = a * fn.sum(fn.stop_gradient(b)) + fn.cast(c > 1.0, "float32")
        kind = tf.UnconnectedGradients.ZERO if variable is tf.Variable else "zero"
        return tape.gradient(loss, [a, b, c]), tape.gradient(loss, [a, b, c], unconnected_gradients=kind)

    (none, zero) = both(run)
    assert none[1] is None and zero[1].shape == (6,)


def test_targets():
    def run(fn, tape_class, variable, tensor):
        w = variable(X[:2])
        x = tensor(X[:2])
        factors = tensor(Y[:2, :1])
        with tape_class(persistent=True) as tape:
            tape.watch(x)
            y, z = w * x, fn.sum(w)
        return (
            tape.gradient([y, z], w),
            tape.gradient({"a": y}, w),
            tape.gradient(y, w, output_gradients=x),
            tape.gradient([y, z], w, output_gradients=[x * 0.0 + 2.0, tensor(np.float32(3.0))]),
            tape.gradient(w, w),
            tape.gradient(x, x),
            tape.gradient(factors, w),
            tape.gradient(y, [x, factors]),
        )

    both(run)


def test_which_variables_are_watched():
    def run(fn, tape_class, variable, tensor):
        a, b = variable(2.0), variable(3.0, trainable=False)
        with tape_class(persistent=True) as first:
            y = a * b
        with tape_class(watch_accessed_variables=False, persistent=True) as second:
            second.watch(a)
            z = a * b
        with tape_class() as third:
            third.watch(b)
            u = a * b
        return first.gradient(y, [a, b]), second.gradient(z, [a, b]), third.gradient(u, [a, b])

    both(run)


# ---- values are those of the moment ----


def test_variables_that_change_afterwards():
    def run(fn, tape_class, variable, tensor):
        w = variable(X[0])
        with tape_class(persistent=True) as tape:
            loss = fn.sum(w * w * w)
        w.assign(w * 0.0 + 7.0)
        first = tape.gradient(loss, w)
        w.assign(w + 1.0)
        return np.asarray(loss), first, tape.gradient(loss, w)

    both(run)


def test_variables_that_change_in_the_block():
    def run(fn, tape_class, variable, tensor):
        w = variable(X[0])
        with tape_class(persistent=True) as tape:
            a = fn.sum(w * w)
            w.assign(w * 3.0)
            b = fn.sum(w * w)
            w.assign_add(w * 0.0 + 1.0)
            loss = a + b * b
        return tape.gradient(loss, w), tape.gradient(a, w), tape.gradient(b, w), np.asarray(loss)

    both(run)


def test_gradients_after_a_step_of_the_optimizer():
    ours, theirs = pair()
    results = []
    for model, library, fn, tape_class in (
        (ours, day33, ops, GradientTape), (theirs, keras, keras.ops, tf.GradientTape)
    ):  # fmt: skip
        optimizer = library.optimizers.SGD(0.5)
        with tape_class(persistent=True) as tape:
            outputs = model(X, training=True)
            loss, other = fn.mean(fn.square(outputs - Y)), fn.sum(fn.tanh(outputs))
        variables = model.trainable_variables
        found = []
        for target in (loss, other, loss):
            found.append(tape.gradient(target, variables))
            optimizer.apply_gradients(zip(found[-1], variables, strict=True))
        results.append((found, np.asarray(other)))
    close(*results)
    same_weights(ours, theirs)


def test_arrays_that_change_afterwards():
    x = X.copy()
    w = Variable(X[0])
    with GradientTape() as tape:
        loss = ops.sum(w * x)
    x[...] = 0.0
    np.testing.assert_allclose(tape.gradient(loss, w), X.sum(axis=0), rtol=1e-5, atol=1e-6)
    assert float(loss) == pytest.approx(float((X[0] * X).sum()), rel=1e-5)


def test_a_value_that_was_looked_at():
    ours, theirs = pair()
    results = []
    for model, fn, tape_class in ((ours, ops, GradientTape), (theirs, keras.ops, tf.GradientTape)):
        with tape_class() as tape:
            outputs = model(X, training=True)
            assert float(np.asarray(outputs)[0, 0]) == float(np.asarray(outputs)[0, 0])
            loss = fn.mean(fn.square(outputs - Y))
            seen = float(loss)
        results.append((tape.gradient(loss, model.trainable_variables), seen))
    close(*results)
    same_weights(ours, theirs)  # moving averages, which count the call once


@pytest.mark.parametrize("look", [False, True])
def test_moving_averages_count_each_call_once_and_in_order(look):
    ours, theirs = pair()
    first, second, third = X, 3 * X + 1, X - 2
    results = []
    for model, fn, tape_class in ((ours, ops, GradientTape), (theirs, keras.ops, tf.GradientTape)):
        with tape_class() as tape:
            a = model(first, training=True)
            seen = float(fn.sum(a)) if look else 0.0
            model(second, training=True)  # nobody keeps what it gives
            b = model(third, training=True)
            between = model(first, training=False)  # sees the averages as they are now
            loss = fn.mean(fn.square(a - b)) + fn.sum(between)
            c = model(second, training=True)
        results.append((tape.gradient(loss, model.trainable_variables), seen, np.asarray(c), np.asarray(between)))
    close(*results)
    same_weights(ours, theirs)


def test_inference_before_training_sees_the_averages_of_before():
    ours, theirs = pair()
    results = []
    for model, fn, tape_class in ((ours, ops, GradientTape), (theirs, keras.ops, tf.GradientTape)):
        with tape_class(persistent=True) as tape:
            before = model(X, training=False)
            loss = fn.mean(fn.square(model(3 * X, training=True)))
            both_of_them = loss + fn.sum(before * before)
        variables = model.trainable_variables
        results.append([tape.gradient(target, variables) for target in (loss, both_of_them)])
    close(*results)
    same_weights(ours, theirs)


# ---- randomness ----


def test_dropout_draws_anew_in_each_call_and_the_same_for_value_and_gradient():
    day33.set_random_seed(1)
    dropout = layers.Dropout(0.5)
    ones = np.ones((1, 2000), np.float32)
    w = Variable(np.ones((1, 2000), np.float32))
    with GradientTape(persistent=True) as tape:
        first = dropout(w * ones, training=True)
        looked_at = np.array(first)
        second = dropout(w * ones, training=True)
        a, b, total = ops.sum(first), ops.sum(second), ops.sum(first) + ops.sum(second)
    assert not np.array_equal(looked_at, second)
    np.testing.assert_array_equal(tape.gradient(a, w), looked_at)
    np.testing.assert_array_equal(tape.gradient(b, w), second)
    np.testing.assert_array_equal(tape.gradient(total, w), looked_at + np.array(second))
    with GradientTape():
        later = dropout(w * ones, training=True)
    assert not np.array_equal(later, looked_at)


def test_a_layer_shared_by_a_model_draws_anew_in_each_call():
    dropout = layers.Dropout(0.5)
    inputs = layers.Input((2000,))
    model = day33.Model(inputs, [dropout(inputs), dropout(inputs)])
    first, second = model(np.ones((1, 2000), np.float32), training=True)
    assert 0.3 < np.mean((first == 0) == (second == 0)) < 0.7


def test_seeds_make_a_step_repeatable():
    model = day33.Sequential([layers.Input((6,)), layers.Dropout(0.5), layers.Dense(2)])

    def step():
        with GradientTape() as tape:
            loss = ops.sum(ops.square(model(X, training=True)))
        return tape.gradient(loss, model.trainable_variables)

    day33.set_random_seed(4)
    first = step()
    other = step()
    day33.set_random_seed(4)
    close(step(), [np.array(item) for item in first])
    assert not np.allclose(first[0], other[0])


# ---- several tapes ----


def test_two_tapes_as_a_gan_has_them():
    results = []
    gans = []
    initial = {}
    for library, fn, tape_class in ((day33, ops, GradientTape), (keras, keras.ops, tf.GradientTape)):
        generator = library.Sequential([
            library.layers.Input((3,)), library.layers.Dense(4, use_bias=False),
            library.layers.BatchNormalization(momentum=0.8),
            library.layers.LeakyReLU(), library.layers.Dense(6, activation="tanh"),
        ])  # fmt: skip
        critic = library.Sequential([
            library.layers.Input((6,)), library.layers.Dense(5, use_bias=False),
            library.layers.BatchNormalization(momentum=0.8), library.layers.Dense(1),
        ])  # fmt: skip
        for model in (generator, critic):
            initial.setdefault(len(model.layers), model.get_weights())
            model.set_weights(initial[len(model.layers)])
        gans.append((generator, critic))
        entropy = library.losses.BinaryCrossentropy(from_logits=True)
        optimizers_ = library.optimizers.Adam(1e-2), library.optimizers.Adam(1e-2)
        history = []
        for number in range(10):
            noise = np.random.default_rng(number).normal(size=(8, 3)).astype(np.float32)
            with tape_class() as gen_tape, tape_class() as disc_tape:
                fake = generator(noise, training=True)
                real_output = critic(X, training=True)
                fake_output = critic(fake, training=True)
                gen_loss = entropy(fn.ones_like(fake_output), fake_output)
                disc_loss = entropy(fn.ones_like(real_output), real_output)
                disc_loss = disc_loss + entropy(fn.zeros_like(fake_output), fake_output)
            gradients = (
                gen_tape.gradient(gen_loss, generator.trainable_variables),
                disc_tape.gradient(disc_loss, critic.trainable_variables),
            )
            for optimizer, found, model in zip(optimizers_, gradients, (generator, critic), strict=True):
                optimizer.apply_gradients(zip(found, model.trainable_variables, strict=True))
            history.append((float(gen_loss), float(disc_loss)))
        results.append(history)
    np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-4)
    for mine, correct in zip(*gans, strict=True):
        same_weights(mine, correct, rtol=1e-3, atol=1e-4)


def test_trainable_flags_that_change_between_steps():
    ours, theirs = pair()
    steps = []
    for model, library, fn, tape_class in (
        (ours, day33, ops, GradientTape), (theirs, keras, keras.ops, tf.GradientTape)
    ):  # fmt: skip
        optimizer = library.optimizers.SGD(0.1)
        counts = []
        for number in range(4):
            model.layers[0].trainable = number % 2 == 0
            model.layers[1].trainable = number < 2
            with tape_class() as tape:
                loss = fn.mean(fn.square(model(X, training=True) - Y))
            variables = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            counts.append(len(variables))
        steps.append(counts)
    assert steps[0] == steps[1]
    same_weights(ours, theirs)


# ---- what is refused ----


def test_gradients_of_gradients_are_refused():
    x = day33.tf.constant(X)
    w = Variable(X[0])
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            inner.watch(x)
            y = ops.sum(x * x * x)
        dx = inner.gradient(y, x)
        np.testing.assert_allclose(dx, 3 * X**2, rtol=1e-5)
        penalty = ops.sum(ops.square(dx))
        plain = ops.sum(w * ops.stop_gradient(dx))
    with pytest.raises(ValueError, match="no gradients of gradients"):
        outer.gradient(penalty, [x, w])
    with GradientTape(persistent=True) as outer:
        with GradientTape() as inner:
            loss = ops.sum(w * w)
        found = inner.gradient(loss, w)
        plain = ops.sum(w * ops.stop_gradient(found))
        total = plain + ops.sum(found)
    np.testing.assert_allclose(outer.gradient(plain, w), 2 * X[0], rtol=1e-5)
    with pytest.raises(ValueError, match="depends on a gradient that was taken while a tape records"):
        outer.gradient(total, w)


def test_a_tape_used_twice():
    w = Variable(X[0])
    tape = GradientTape()
    with pytest.raises(RuntimeError, match="before anything was recorded"):
        tape.gradient(w, w)
    with tape:
        y = ops.sum(w * w)
        with pytest.raises(ValueError, match="recording already"):
            tape.__enter__()
    tape.gradient(y, w)
    with pytest.raises(RuntimeError, match=r"a second time; expected GradientTape\(persistent=True\)"):
        tape.gradient(y, w)
    with tape:  # a new recording
        z = ops.sum(w * 3.0)
    np.testing.assert_allclose(tape.gradient(z, w), 3.0)


def test_bad_arguments():
    w = Variable(X[0])
    with GradientTape(persistent=True) as tape:
        y = w * w
        with pytest.raises(TypeError, match="expected an array of floats, or a variable, to watch"):
            tape.watch("text")
        with pytest.raises(TypeError, match="expected an array of floats"):
            tape.watch(np.arange(3))
    with pytest.raises(RuntimeError, match="outside of the tape's `with` block"):
        tape.watch(X)
    with pytest.raises(RuntimeError, match="outside"):
        tape.stop_recording()
    with pytest.raises(TypeError, match="target is 'text'"):
        tape.gradient("text", w)
    with pytest.raises(TypeError, match="sources hold 3"):
        tape.gradient(y, [3])
    with pytest.raises(ValueError, match=r"output_gradients has shape \(2,\); expected \(6,\)"):
        tape.gradient(y, w, output_gradients=np.ones(2))
    with pytest.raises(ValueError, match="output_gradients holds 2 arrays; expected 1"):
        tape.gradient(y, w, output_gradients=[X[0], X[0]])
    with pytest.raises(ValueError, match="unconnected_gradients is 'one'"):
        tape.gradient(y, w, unconnected_gradients="one")
    with pytest.raises(NotImplementedError, match="jacobian is not supported; expected gradient"):
        tape.jacobian(y, w)
    with pytest.raises(AttributeError, match=r"no attribute 'argsort'; expected .*day33.ops"):
        y.argsort()
    with pytest.raises(AttributeError, match=r"expected day33.ops.cumsum\(x\), or x.numpy\(\).cumsum"):
        y.cumsum()


def test_targets_that_were_not_recorded_have_no_gradient():
    """As in TensorFlow."""
    w = Variable(X[0])
    with GradientTape(persistent=True) as tape:
        y = ops.sum(w * w)
        with tape.stop_recording():
            inside = ops.sum(w * 2.0)
    outside = y * 2.0
    for target in (inside, outside, np.ones(3), 1.0):
        assert tape.gradient(target, w) is None
    assert isinstance(inside, np.ndarray) and isinstance(outside, np.ndarray)
    assert tape.gradient(y, w) is not None


def test_a_tape_that_forgets():
    w = Variable(X[0])
    with GradientTape() as tape:
        y = ops.sum(w * w)
        tape.reset()
        z = ops.sum(w * 3.0)
    np.testing.assert_allclose(tape.gradient([y, z], w), 3.0)


# ---- as values ----


def test_recorded_values_look_like_arrays():
    w = Variable(X)
    with GradientTape():
        y = w * 2.0
        rows = list(y)
        assert len(y) == len(rows) == 8 and y.shape == (8, 6) and y.ndim == 2 and y.dtype == np.float32
        np.testing.assert_allclose(rows[3], 2 * X[3])
        assert ((y == y) & (y != 2 * y)).numpy().all()
        assert f"{ops.sum(y):.3f}" == f"{2 * X.sum():.3f}"
        assert int(y[0, 0] * 100) == int(200 * X[0, 0])
        assert bool(ops.sum(y * y) > 0)
        np.testing.assert_allclose(np.concatenate([y, X]), np.concatenate([2 * X, X]))
        assert "Recorded shape=(8, 6)" in repr(y)
        assert y.numpy().shape == (8, 6) and ops.sum(y).item() == pytest.approx(2 * X.sum(), rel=1e-4)
        assert np.linalg.det(y[:2, :2]) == pytest.approx(np.linalg.det(2 * X[:2, :2]), rel=1e-4)


# ---- resources ----


def step_of(model, optimizer, alpha=1.0):
    with GradientTape() as tape:
        loss = ops.mean(ops.square(model(X, training=True) - Y)) * alpha
    variables = model.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    return float(loss)


def test_many_steps_do_not_grow():
    from day33._graph import recorded_graph

    model, _ = pair()
    optimizer = optimizers.SGD(0.01)
    for number in range(20):
        step_of(model, optimizer, alpha=1.0 / (number + 1))  # another number in each step
    gc.collect()
    before = len(gc.get_objects())
    compiled = recorded_graph.compiled_count()
    for number in range(2000):
        step_of(model, optimizer, alpha=1.0 / (number + 50))
    gc.collect()
    assert len(gc.get_objects()) - before < 500
    assert recorded_graph.compiled_count() <= compiled + 1


def test_threads():
    """Each has a tape of its own, on a model that they share."""
    model, _ = pair(normalized=False)
    expected, failed = {}, []

    def gradients(scale):
        with GradientTape() as tape:
            loss = ops.sum(ops.square(model(X * np.float32(scale), training=True)))
        return [np.array(item) for item in tape.gradient(loss, model.trainable_variables)]

    for scale in range(1, 5):
        expected[scale] = gradients(scale)

    def work(scale):
        try:
            for _ in range(20):
                close(gradients(scale), expected[scale])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(scale,)) for scale in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
