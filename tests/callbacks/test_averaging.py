"""`SwapEMAWeights` beside Keras, and over restarts."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import callbacks
from support.tolerances import TRAINING_STEPS


def models(libraries, **options):
    made = []
    for library in libraries:
        model = library.Sequential([library.Input((4,)), library.layers.Dense(3, "tanh"), library.layers.Dense(2)])
        model.compile(library.optimizers.SGD(0.5, momentum=0.5, **options), "mse")
        made.append(model)
    for model in made[1:]:
        model.set_weights(made[0].get_weights())
    return made


def data():
    rng = np.random.default_rng(4)
    return rng.random((32, 4), np.float32), rng.random((32, 2), np.float32)


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_fit_and_evaluate_as_keras(swap_on_epoch):
    keras = pytest.importorskip("keras")
    x, y = data()
    results = []
    for library, model in zip((day33, keras), models((day33, keras), use_ema=True, ema_momentum=0.9), strict=True):
        seen = []

        class Watch(library.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None, seen=seen):
                seen.extend(self.model.get_weights())

        swap = library.callbacks.SwapEMAWeights(swap_on_epoch)
        options = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0, "validation_data": (x, y)}
        history = model.fit(x, y, callbacks=[swap, Watch()], **options).history
        loss = model.evaluate(x, y, verbose=0, callbacks=[swap])
        results.append([history["loss"], history["val_loss"], [loss], *seen, *model.get_weights()])
    for mine, correct in zip(*results, strict=True):
        np.testing.assert_allclose(mine, correct, atol=TRAINING_STEPS)


def test_predict_with_the_means_and_train_on_with_the_weights():
    x, y = data()
    model, twin = models((day33, day33), use_ema=True, ema_momentum=0.9)
    swap = callbacks.SwapEMAWeights()
    for _ in range(4):
        model.train_on_batch(x, y)
        twin.train_on_batch(x, y)
    plain = model.predict(x, verbose=0)
    weights = model.get_weights()
    with_means = model.predict(x, verbose=0, callbacks=[swap])
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    twin.optimizer.finalize_variable_values(twin.trainable_variables)
    np.testing.assert_array_equal(with_means, twin.predict(x, verbose=0))
    assert np.any(plain != with_means)


def test_an_exception_gives_the_weights_back():
    x, y = data()
    (model,) = models((day33,), use_ema=True)
    for _ in range(2):
        model.train_on_batch(x, y)
    weights = model.get_weights()

    def fail(batch, logs):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        watch = callbacks.LambdaCallback(on_test_batch_end=fail)
        model.evaluate(x, y, verbose=0, callbacks=[callbacks.SwapEMAWeights(), watch])
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_it_goes_on_over_a_restart(tmp_path):
    x, y = data()
    first, again, straight = models((day33, day33, day33), use_ema=True, ema_momentum=0.9)

    def fit(model, epochs, *more):
        chosen = [callbacks.SwapEMAWeights(True), *more]
        model.fit(x, y, 8, epochs=epochs, shuffle=False, verbose=0, callbacks=chosen)

    class Stop(Exception):
        pass

    def stop(epoch, logs):
        if epoch == 2:
            raise Stop

    fit(straight, 4)
    with pytest.raises(Stop):
        interrupt = callbacks.LambdaCallback(on_epoch_begin=stop)
        fit(first, 4, callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False), interrupt)
    fit(again, 4, callbacks.BackupAndRestore(tmp_path))
    for mine, correct in zip(again.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, correct)


def test_an_optimizer_without_means():
    x, y = data()
    (model,) = models((day33,))
    with pytest.raises(ValueError, match="expected an optimizer with use_ema=True"):
        model.evaluate(x, y, verbose=0, callbacks=[callbacks.SwapEMAWeights()])
