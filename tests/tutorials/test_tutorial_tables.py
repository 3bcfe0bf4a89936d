"""Tables and ratings: normalized columns, factors of users and things, words by their neighbours, grid search."""

from __future__ import annotations

import numpy as np

from support.tutorials import on_both, on_day33, start

RNG = np.random.default_rng(71)
COLUMNS = np.stack(
    [RNG.normal(200, 50, 120), RNG.integers(1, 4, 120), RNG.normal(3000, 800, 120), RNG.uniform(8, 25, 120)], axis=1
).astype(np.float32)
CONSUMPTION = (46 - 0.02 * COLUMNS[:, 0] - 0.006 * COLUMNS[:, 2] + RNG.normal(0, 0.5, 120)).astype(np.float32)


def regression(parity):
    """`Normalization` adapted to one column and to all, a line, and a small network; errors on what was held out."""

    def program(keras, tf):
        one = keras.layers.Normalization(input_shape=[1], axis=None)
        one.adapt(COLUMNS[:, 0])
        every = keras.layers.Normalization(axis=-1)
        every.adapt(np.array(COLUMNS))

        line = keras.Sequential([one, keras.layers.Dense(units=1)])
        network = keras.Sequential(
            [
                every,
                keras.layers.Dense(16, activation="relu"),
                keras.layers.Dense(16, activation="relu"),
                keras.layers.Dense(1),
            ]
        )
        line(COLUMNS[:1, :1])
        network(COLUMNS[:1])
        if parity:
            keep = [every.mean.numpy(), every.variance.numpy()]
            for layer in (*line.layers[1:], *network.layers[1:]):
                start(layer)
            assert np.array_equal(keep[0], every.mean.numpy())
        line.compile(optimizer=keras.optimizers.Adam(learning_rate=0.1), loss="mean_absolute_error")
        network.compile(loss="mean_absolute_error", optimizer=keras.optimizers.Adam(0.01))
        epochs = 4 if parity else 100
        histories = [
            line.fit(COLUMNS[:, 0], CONSUMPTION, epochs=epochs, verbose=0, validation_split=0.2, shuffle=not parity),
            network.fit(COLUMNS, CONSUMPTION, epochs=epochs, verbose=0, validation_split=0.2, shuffle=not parity),
        ]
        curve = line.predict(tf.linspace(0.0, 250, 5), verbose=0)
        return {
            "histories": [h.history for h in histories], "curve": curve,
            "scaled": every(COLUMNS[:2]).numpy(), "mean": np.ravel(every.mean.numpy()),
        }  # fmt: skip

    return program


def test_regression_with_normalized_columns():
    on_both(regression(parity=True))


def test_regression_learns():
    line, network = on_day33(regression(parity=False))["histories"]
    assert network["val_loss"][-1] < 1.5 < line["val_loss"][-1]


def ratings(count, users, things, seed=5):
    rng = np.random.default_rng(seed)
    tastes, kinds = rng.normal(size=(users, 2)), rng.normal(size=(things, 2))
    pairs = np.stack([rng.integers(0, users, count), rng.integers(0, things, count)], axis=1)
    stars = (tastes[pairs[:, 0]] * kinds[pairs[:, 1]]).sum(axis=1) + 0.1 * rng.normal(size=count)
    return pairs.astype(np.int32), (1 / (1 + np.exp(-stars))).astype(np.float32)


def subclassed_recommender(count, epochs, parity):
    """Embeddings of users and things and a bias of each, their scalar products; columns by slices."""

    def program(keras, tf):
        users, things = 30, 20
        pairs, stars = ratings(count, users, things)

        class Recommender(keras.Model):
            def __init__(self, width, **options):
                super().__init__(**options)

                def table(size, columns):
                    return keras.layers.Embedding(
                        size, columns, embeddings_initializer="he_normal",
                        embeddings_regularizer=keras.regularizers.l2(1e-6),
                    )  # fmt: skip

                self.user, self.user_bias = table(users, width), table(users, 1)
                self.thing, self.thing_bias = table(things, width), table(things, 1)

            def call(self, inputs):
                user, thing = self.user(inputs[:, 0]), self.thing(inputs[:, 1])
                product = keras.ops.sum(user * thing, axis=1, keepdims=True)
                return keras.ops.sigmoid(product + self.user_bias(inputs[:, 0]) + self.thing_bias(inputs[:, 1]))

        model = Recommender(4)
        model(pairs[:2])
        if parity:
            start(model)
        model.compile(
            loss=keras.losses.BinaryCrossentropy(),
            optimizer=keras.optimizers.SGD(1.0) if parity else keras.optimizers.Adam(0.02),
        )
        seen = model.fit(
            pairs, stars, batch_size=32, epochs=epochs, shuffle=not parity, validation_split=0.1, verbose=0
        )
        others = np.hstack([np.full((things, 1), 3), np.arange(things)[:, None]])
        scores = model.predict(others, verbose=0).flatten()
        return {"history": seen.history, "best": scores.argsort()[-3:][::-1], "scores": scores}

    return program


def test_recommender_with_slices():
    on_both(subclassed_recommender(96, epochs=4, parity=True))


def functional_recommender(keras, tf):
    """The same with `Dot` between flattened embeddings of two inputs, ratings from 0 to 1."""
    pairs, stars = ratings(128, 30, 20)
    layers = keras.layers
    user, thing = keras.Input(shape=(1,), name="user"), keras.Input(shape=(1,), name="thing")
    u = layers.Flatten()(layers.Embedding(30, 5, name="users")(user))
    t = layers.Flatten()(layers.Embedding(20, 5, name="things")(thing))
    near = layers.Dot(axes=1, normalize=True)([u, t])
    product = layers.Dot(name="product", axes=1)([u, t])
    score = layers.Dense(1)(layers.Concatenate()([product, near]))
    model = keras.Model([user, thing], score)
    start(model)
    model.compile(keras.optimizers.SGD(0.05), "mean_squared_error")
    seen = model.fit([pairs[:, 0], pairs[:, 1]], stars, batch_size=32, epochs=3, shuffle=False, verbose=0)
    table = model.get_layer("things").get_weights()[0]
    return {
        "history": seen.history, "table": table,
        "scores": model.predict({"user": np.full(4, 2), "thing": np.arange(4)}, verbose=0),
    }  # fmt: skip


def test_recommender_with_dot():
    on_both(functional_recommender)


def test_recommender_learns_tastes():
    history = on_day33(subclassed_recommender(3000, epochs=12, parity=False))["history"]
    # The cross-entropy of the ratings with themselves bounds it from below.
    _, stars = ratings(3000, 30, 20)
    bound = -np.mean(stars * np.log(stars) + (1 - stars) * np.log(1 - stars))
    assert history["val_loss"][-1] - bound < 0.03


def neighbours(tokens, window, negatives, words, rng):
    """For each pair of words near to each other, one that is and some that are not."""
    targets, contexts = [], []
    for place, word in enumerate(tokens):
        for other in tokens[max(0, place - window) : place] + tokens[place + 1 : place + 1 + window]:
            targets.append(word)
            contexts.append([other, *rng.integers(1, words, negatives)])
    labels = np.zeros((len(targets), 1 + negatives), np.int64)
    labels[:, 0] = 1
    return np.array(targets), np.array(contexts), labels


def test_word2vec():
    """Skip-grams with words that are no neighbours: two embeddings, a product of each pair by einsum."""

    def program(keras, tf):
        text = ("the king rules the land and the queen rules the sea " * 4).split()
        vocabulary = sorted(set(text))
        words = len(vocabulary) + 1
        tokens = [vocabulary.index(word) + 1 for word in text]
        targets, contexts, labels = neighbours(tokens, 2, 3, words, np.random.default_rng(3))

        class Word2Vec(keras.Model):
            def __init__(self, words, width):
                super().__init__()
                self.targets = keras.layers.Embedding(words, width, name="targets")
                self.contexts = keras.layers.Embedding(words, width)

            def call(self, pair):
                target, context = pair
                if len(target.shape) == 2:
                    target = tf.squeeze(target, axis=1)
                return tf.einsum("be,bce->bc", self.targets(target), self.contexts(context))

        data = tf.data.Dataset.from_tensor_slices(((targets, contexts), labels))
        data = data.batch(32, drop_remainder=True).cache().prefetch(buffer_size=tf.data.AUTOTUNE)
        model = Word2Vec(words, 6)
        model((targets[:2], contexts[:2]))
        start(model)
        model.compile(
            optimizer=keras.optimizers.SGD(0.5), loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )  # fmt: skip
        seen = model.fit(data, epochs=2, verbose=0, shuffle=False)
        return {"history": seen.history, "table": model.get_layer("targets").get_weights()[0]}

    on_both(program)


def test_grid_search():
    """A model behind scikit-learn's contract, in a pipeline and a grid search."""
    from sklearn.datasets import load_iris
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def program(keras, tf):
        def build(X, y, width=4):
            inputs = keras.Input(X.shape[1:])
            x = keras.layers.Dense(width, activation="relu")(inputs)
            model = keras.Model(inputs, keras.layers.Dense(y.shape[1], activation="softmax")(x))
            model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(0.02))
            return model

        X, y = load_iris(return_X_y=True)
        wrapped = keras.wrappers.SKLearnClassifier(build, fit_kwargs={"epochs": 12, "verbose": 0})
        search = GridSearchCV(
            make_pipeline(StandardScaler(), wrapped),
            {"sklearnclassifier__model_kwargs": [{"width": 1}, {"width": 16}]},
            cv=3,
        )
        search.fit(X, y)
        return {"best": search.best_params_, "score": search.best_score_, "labels": search.predict(X[::60])}

    found = on_day33(program)
    assert found["score"] > 0.85 and found["best"] == {"sklearnclassifier__model_kwargs": {"width": 16}}
