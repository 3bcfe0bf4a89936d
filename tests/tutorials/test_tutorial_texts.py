"""Texts: characters as one-hot vectors, lines of words, vectorized text, classes of texts, translation, generation."""

from __future__ import annotations

import numpy as np
import pytest

from support.tutorials import on_both, on_day33, start

TALE = (
    "the moon went down behind the mill and the miller went to bed. the mill went on and on behind the moon. "
    "down in the dell the bell had rung and the old hen had laid an egg. the miller had the egg for tea. "
) * 2
LINES = [
    "the river runs under the bridge", "under the bridge the boats are sleeping", "boats are dreaming of the sea",
    "the sea is calling every river", "every river runs to the sea", "sleeping boats dream under the moon",
]  # fmt: skip
OPINIONS = [
    ("A wonderful, warm film!", 1), ("Dull and far too long.", 0), ("I loved every warm minute", 1),
    ("long, dull, dreadful...", 0), ("wonderful actors; a lovely film", 1), ("Dreadful plot -- I left.", 0),
    ("Lovely! Loved it!", 1), ("too long, too dull", 0),
]  # fmt: skip


def characters(keras, tf):
    """The next character of one-hot vectors of the last twelve; then a text drawn from the model with a temperature."""
    letters = sorted(set(TALE))
    number = {letter: i for i, letter in enumerate(letters)}
    width, step = 12, 3
    starts = range(0, len(TALE) - width, step)
    x = np.zeros((len(starts), width, len(letters)), dtype="bool")
    y = np.zeros((len(starts), len(letters)), dtype="bool")
    for row, begin in enumerate(starts):
        for place, letter in enumerate(TALE[begin : begin + width]):
            x[row, place, number[letter]] = 1
        y[row, number[TALE[begin + width]]] = 1
    model = keras.Sequential(
        [
            keras.Input(shape=(width, len(letters))),
            keras.layers.LSTM(16),
            keras.layers.Dense(len(letters), activation="softmax"),
        ]
    )
    start(model)
    model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.RMSprop(learning_rate=0.01))
    seen = model.fit(x[:80], y[:80], batch_size=16, epochs=2, shuffle=False, verbose=0)
    rng = np.random.default_rng(4)
    text = TALE[:width]
    for _ in range(5):
        window = np.zeros((1, width, len(letters)))
        for place, letter in enumerate(text[-width:]):
            window[0, place, number[letter]] = 1.0
        shares = np.asarray(model.predict(window, verbose=0)[0], "float64")
        sharper = np.exp(np.log(shares) / 0.4)
        text += letters[int(np.argmax(rng.multinomial(1, sharper / sharper.sum() * (1 - 1e-9))))]
    return {"history": seen.history, "text": text, "weights": model.get_weights()}


def test_one_hot_characters():
    on_both(characters)


def test_lyrics_word_by_word():
    """Tokenizer, n-grams of every line, pad_sequences, to_categorical, `input_length`, as notebooks before Keras 3."""

    def program(keras, tf):
        tokenizer = keras.preprocessing.text.Tokenizer()
        tokenizer.fit_on_texts(LINES)
        words = len(tokenizer.word_index) + 1
        grams = [tokens[: end + 1] for tokens in tokenizer.texts_to_sequences(LINES) for end in range(1, len(tokens))]
        longest = max(len(gram) for gram in grams)
        padded = np.array(keras.preprocessing.sequence.pad_sequences(grams, maxlen=longest, padding="pre"))
        predictors, next_words = padded[:, :-1], keras.utils.to_categorical(padded[:, -1], num_classes=words)
        model = keras.Sequential()
        model.add(keras.layers.Embedding(words, 12, input_length=longest - 1))
        model.add(keras.layers.Bidirectional(keras.layers.LSTM(24)))
        model.add(keras.layers.Dense(words, activation="softmax"))
        model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(0.02), metrics=["accuracy"])
        seen = model.fit(predictors, next_words, epochs=60, verbose=0)
        line = "every river"
        for _ in range(4):
            tokens = tokenizer.texts_to_sequences([line])[0]
            tokens = keras.preprocessing.sequence.pad_sequences([tokens], maxlen=longest - 1, padding="pre")
            best = np.argmax(model.predict(tokens, verbose=0), axis=-1)[0]
            line += " " + tokenizer.index_word[best]
        return {"history": seen.history, "line": line}

    with pytest.warns(UserWarning, match="input_length is deprecated"):  # as Keras says, too
        found = on_day33(program)
    assert found["line"] == "every river runs to the sea"
    assert found["history"]["accuracy"][-1] > 0.85


def vectorized(keras, tf):
    """TextVectorization adapted to a data set and mapped over it; an averaged embedding; a model for raw strings."""
    texts, marks = (list(column) for column in zip(*OPINIONS, strict=True))

    def tidy(text):
        return tf.strings.regex_replace(tf.strings.lower(text), "[^a-z ]", "")

    vectorize = keras.layers.TextVectorization(
        standardize=tidy, max_tokens=20, output_mode="int", output_sequence_length=6
    )
    data = tf.data.Dataset.from_tensor_slices((texts, marks)).batch(4)
    vectorize.adapt(data.map(lambda text, mark: text))
    numbers = data.map(lambda text, mark: (vectorize(text), mark)).cache().prefetch(buffer_size=tf.data.AUTOTUNE)
    model = keras.Sequential(
        [
            keras.Input((6,), dtype="int64"),
            keras.layers.Embedding(20, 5),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    start(model)
    model.compile(
        loss=keras.losses.BinaryCrossentropy(from_logits=True), optimizer=keras.optimizers.SGD(0.5),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
    )  # fmt: skip
    seen = model.fit(numbers, epochs=5, verbose=0, shuffle=False)
    whole = keras.Sequential(
        [keras.Input(shape=(1,), dtype="string"), vectorize, model, keras.layers.Activation("sigmoid")]
    )
    whole.compile(loss=keras.losses.BinaryCrossentropy(from_logits=False), optimizer="adam", metrics=["accuracy"])
    loss, _ = whole.evaluate(data.map(lambda text, mark: (tf.expand_dims(text, -1), mark)), verbose=0)
    shares = whole.predict(tf.constant([["a lovely film"], ["dull"]]), verbose=0)
    return {
        "words": vectorize.get_vocabulary(), "history": seen.history, "shares": shares, "loss": loss,
        "numbers": next(iter(numbers))[0].numpy(),
    }  # fmt: skip


def test_text_vectorization():
    on_both(vectorized)


def reviews(count, seed):
    """Lists of word numbers of different lengths; their class is whether more of them are even."""
    rng = np.random.default_rng(seed)
    lists = [rng.integers(1, 40, rng.integers(3, 15)).tolist() for _ in range(count)]
    return lists, np.array([int(np.mean([w % 2 for w in words]) < 0.5) for words in lists])


def test_bidirectional_lstm_on_padded_reviews():
    def program(keras, tf):
        lists, classes = reviews(64, seed=1)
        x = keras.utils.pad_sequences(lists, maxlen=12)
        inputs = keras.Input(shape=(None,), dtype="int32")
        h = keras.layers.Embedding(40, 6)(inputs)
        h = keras.layers.Bidirectional(keras.layers.LSTM(5, return_sequences=True))(h)
        h = keras.layers.Bidirectional(keras.layers.LSTM(4))(h)
        model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(h))
        start(model)
        model.compile(optimizer=keras.optimizers.SGD(0.2), loss="binary_crossentropy", metrics=["accuracy"])
        held_out = keras.utils.pad_sequences(reviews(16, seed=2)[0], maxlen=12)
        seen = model.fit(
            x, classes, batch_size=16, epochs=2, shuffle=False, verbose=0,
            validation_data=(held_out, reviews(16, seed=2)[1]),
        )  # fmt: skip
        return {"history": seen.history, "weights": model.get_weights(), "held out": model.predict(held_out, verbose=0)}

    on_both(program)


def test_convolution_over_words():
    """Filters over embedded words and the largest answer of each, without dropout so that runs can be compared."""

    def program(keras, tf):
        lists, classes = reviews(64, seed=3)
        x = keras.utils.pad_sequences(lists, maxlen=14)
        model = keras.Sequential()
        model.add(keras.Input((14,)))
        model.add(keras.layers.Embedding(40, 8))
        model.add(keras.layers.Conv1D(10, 4, padding="valid", activation="relu", strides=1))
        model.add(keras.layers.Conv1D(10, 3, padding="same", activation=keras.activations.relu))
        model.add(keras.layers.GlobalMaxPooling1D())
        model.add(keras.layers.Dense(6))
        model.add(keras.layers.Activation("relu"))
        model.add(keras.layers.Dense(1, activation="sigmoid", name="class"))
        start(model)
        model.compile(loss="binary_crossentropy", optimizer="sgd", metrics=["accuracy"])
        seen = model.fit(x, classes, batch_size=16, epochs=3, shuffle=False, verbose=0)
        return {"history": seen.history, "weights": model.get_weights()}

    on_both(program)


def pairs(count, seed):
    """Words of five letters and the same backwards."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abcdef"), 5)) for _ in range(count)]
    return [(word, word[::-1]) for word in words]


def translator(count, epochs, units, parity):
    """An encoder whose states begin a decoder; for reading, two models of the same layers and a loop over letters."""

    def program(keras, tf):
        known = pairs(count, seed=5)
        letters = "^$abcdef"
        place = {letter: i for i, letter in enumerate(letters)}
        spoken = np.zeros((count, 5, len(letters)), "float32")
        heard = np.zeros((count, 7, len(letters)), "float32")
        wanted = np.zeros_like(heard)
        for row, (word, other) in enumerate(known):
            for t, letter in enumerate(word):
                spoken[row, t, place[letter]] = 1.0
            for t, letter in enumerate("^" + other + "$"):
                heard[row, t, place[letter]] = 1.0
                if t:
                    wanted[row, t - 1, place[letter]] = 1.0
            wanted[row, -1, place["$"]] = 1.0

        words = keras.Input(shape=(None, len(letters)), name="words")
        _, h, c = keras.layers.LSTM(units, return_state=True)(words)
        so_far = keras.Input(shape=(None, len(letters)), name="so_far")
        reader = keras.layers.LSTM(units, return_sequences=True, return_state=True)
        outputs, _, _ = reader(so_far, initial_state=[h, c])
        choose = keras.layers.Dense(len(letters), activation="softmax")
        model = keras.Model([words, so_far], choose(outputs))
        if parity:
            start(model)
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss="categorical_crossentropy", metrics=["accuracy"])
        seen = model.fit([spoken, heard], wanted, batch_size=32, epochs=epochs, shuffle=not parity, verbose=0)

        encoder = keras.Model(words, [h, c])
        given = [keras.Input((units,)), keras.Input((units,))]
        outputs, h2, c2 = reader(so_far, initial_state=given)
        decoder = keras.Model([so_far, *given], [choose(outputs), h2, c2])

        def read(row):
            states = encoder.predict(spoken[row : row + 1], verbose=0)
            found, last = "", "^"
            while len(found) < 6:
                now = np.zeros((1, 1, len(letters)), "float32")
                now[0, 0, place[last]] = 1.0
                shares, *states = decoder.predict([now, *states], verbose=0)
                last = letters[int(np.argmax(shares[0, -1]))]
                if last == "$":
                    break
                found += last
            return found

        right = sum(read(row) == known[row][1] for row in range(20)) if not parity else 0
        return {"history": seen.history, "read": [read(row) for row in range(3)], "right": right}

    return program


def test_sequence_to_sequence():
    on_both(translator(64, epochs=4, units=8, parity=True))


def test_sequence_to_sequence_learns_to_turn_words_around():
    found = on_day33(translator(1200, epochs=25, units=32, parity=False))
    assert found["right"] >= 16, found["read"]


def storyteller(epochs, parity):
    """Characters by StringLookup, windows of a data set, a GRU that gives its state, and a model of one step."""

    def program(keras, tf):
        letters = tf.strings.unicode_split(TALE, "UTF-8")
        to_ids = keras.layers.StringLookup(vocabulary=sorted(set(TALE)), mask_token=None)
        to_letters = keras.layers.StringLookup(vocabulary=to_ids.get_vocabulary(), invert=True, mask_token=None)
        ids = to_ids(letters)
        cut = tf.data.Dataset.from_tensor_slices(ids).batch(21, drop_remainder=True)
        data = cut.map(lambda piece: (piece[:-1], piece[1:])).batch(4, drop_remainder=True)

        class Teller(keras.Model):
            def __init__(self, size, width, units):
                super().__init__()
                self.table = keras.layers.Embedding(size, width)
                self.gru = keras.layers.GRU(units, return_sequences=True, return_state=True)
                self.scores = keras.layers.Dense(size)

            def call(self, inputs, states=None, return_state=False, training=False):
                x = self.table(inputs, training=training)
                if states is None:
                    x, states = self.gru(x, training=training)
                else:
                    x, states = self.gru(x, initial_state=states, training=training)
                x = self.scores(x, training=training)
                return (x, states) if return_state else x

        model = Teller(len(to_ids.get_vocabulary()), 8, 48)
        first = next(iter(data))[0]
        shape = model(first).shape
        if parity:
            start(model)
        model.compile(
            optimizer=keras.optimizers.SGD(0.3) if parity else keras.optimizers.Adam(0.01),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )  # fmt: skip
        seen = model.fit(data, epochs=epochs, verbose=0, shuffle=False)

        class OneStep(keras.Model):
            def __init__(self, model, temperature):
                super().__init__()
                self.model, self.temperature = model, temperature
                unknown = self.unknown_ids()
                self.mask = tf.constant(np.where(unknown, -np.inf, 0.0).astype("float32"))

            @staticmethod
            def unknown_ids():
                return np.arange(len(to_ids.get_vocabulary())) == 0

            @tf.function
            def next_letter(self, texts, states=None):
                given = to_ids(tf.strings.unicode_split(texts, "UTF-8").to_tensor())
                scores, states = self.model(inputs=given, states=states, return_state=True)
                scores = scores[:, -1, :] / self.temperature + self.mask
                if parity:
                    chosen = tf.argmax(scores, axis=-1)
                else:
                    chosen = tf.squeeze(tf.random.categorical(scores, num_samples=1), axis=-1)
                return to_letters(chosen), states

        one_step = OneStep(model, 0.3)
        states, latest, story = None, tf.constant(["the mill", "the moon"]), []
        for _ in range(12):
            latest, states = one_step.next_letter(latest, states=states)
            story.append(latest)
        told = tf.strings.join(story).numpy()
        return {
            "shape": list(shape), "history": seen.history, "ids": ids[:30].numpy(), "states": states.numpy(),
            "told": [t.decode() if isinstance(t, bytes) else str(t) for t in told],
        }  # fmt: skip

    return program


def test_story_with_gru_and_string_lookup():
    on_both(storyteller(epochs=3, parity=True))


def test_story_learns_its_words():
    found = on_day33(storyteller(epochs=40, parity=False))
    assert found["history"]["loss"][-1] < 0.5
    words = set(TALE.replace(".", " ").split())
    told = " ".join(found["told"]).split()
    # The first and last pieces of each may be cut.
    assert np.mean([any(word.startswith(piece) or word.endswith(piece) for word in words) for piece in told]) > 0.7


def test_stateful_gru_goes_on_where_it_was():
    """A stateful layer, batches of one size, states that are reset between epochs."""

    def program(keras, tf):
        letters = sorted(set(TALE))
        ids = np.array([letters.index(letter) for letter in TALE])
        rows = ids[: 4 * 60].reshape(4, 60)
        model = keras.Sequential(
            [
                keras.Input(batch_shape=(4, None), dtype="int32"),
                keras.layers.Embedding(len(letters), 6),
                keras.layers.GRU(10, return_sequences=True, stateful=True),
                keras.layers.Dense(len(letters)),
            ]
        )
        start(model)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        losses = []
        for _ in range(2):
            for layer in model.layers:
                if hasattr(layer, "reset_states"):
                    layer.reset_states()
            for place in range(0, 50, 10):
                x, y = rows[:, place : place + 10], rows[:, place + 1 : place + 11]
                losses.append(float(model.train_on_batch(x, y)))
        return {"losses": losses, "weights": model.get_weights()}

    on_both(program)
