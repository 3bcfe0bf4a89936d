"""Pages of models: fields, maps, curves, words and votes are those of the models themselves."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from day33 import Model, Sequential, explain, layers, losses, ops
from day33.callbacks import CSVLogger
from day33.text import preprocess_sentence
from support.pages import Page

SAME, VALID = {"padding": "same"}, {"padding": "valid"}
ONES = {"kernel_initializer": "ones"}
STACKS = {
    "same and strides": [layers.Conv2D(1, 3, strides=2, **SAME, **ONES), layers.Conv2D(1, (2, 5), **SAME, **ONES)],
    "pools": [layers.Conv2D(1, 3, **VALID, **ONES), layers.AveragePooling2D(2, **SAME), layers.AveragePooling2D(3, 2)],
    "dilation": [layers.Conv2D(1, 3, dilation_rate=2, **SAME, **ONES), layers.Conv2D(1, 2, dilation_rate=3, **ONES)],
    "transposed": [layers.AveragePooling2D(2), layers.Conv2DTranspose(1, 3, strides=2, **SAME, **ONES)],
    "transposed valid": [layers.Conv2D(1, 4, strides=3, **ONES), layers.Conv2DTranspose(1, 4, strides=2, **ONES)],
    "up-sampling": [layers.AveragePooling2D(2, **SAME), layers.UpSampling2D(2), layers.Conv2D(1, 2, **SAME, **ONES)],
    "padding and cropping": [
        layers.ZeroPadding2D(((2, 1), (0, 3))), layers.Conv2D(1, 3, **ONES), layers.Cropping2D(((1, 0), (2, 1))),
    ],
    "depthwise": [layers.DepthwiseConv2D(3, depthwise_initializer="ones", **SAME), layers.Conv2D(1, 1, **ONES)],
}  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
def test_fields_are_where_gradients_are(name):
    """All weights are positive, so that a gradient is zero only where a cell does not depend on a pixel."""
    stack = [layer.__class__.from_config(layer.get_config()) for layer in STACKS[name]]
    model = Sequential([layers.Input((11, 12, 1)), *stack])
    data = Page(explain.receptive_field(model, -1)).of("field")
    rows, columns = data["fields"][-1]
    height, width, _ = data["maps"][-1]["shape"]
    assert (len(rows), len(columns)) == (height, width)
    for r, c in [(0, 0), (height - 1, width - 1), (height // 2, width // 3)]:
        explanation = explain.receptive_field(model, -1, (r, c))
        seen = np.argwhere(np.array(Page(explanation).of("heat")["values"]) > 0)
        expected = [rows[r][0], columns[c][0]]
        assert [[int(seen[:, n].min()), int(seen[:, n].max())] for n in (0, 1)] == expected, (r, c)


def test_fields_through_branches_and_nested_models():
    image = layers.Input((9, 9, 1))
    inner_input = layers.Input((9, 9, 1))
    inner = Model(inner_input, layers.Conv2D(1, 3, **SAME, **ONES)(inner_input))
    wide = layers.Conv2D(1, 7, **SAME, **ONES)(image)
    model = Model(image, layers.Add(name="sum")([inner(image), wide]))
    data = Page(explain.receptive_field(model, "sum", (4, 4))).of("field")
    assert data["fields"][-1][0][4][0] == [1, 7]
    inner_stage = [stage["name"] for stage in data["maps"]].index(inner.name)
    assert data["fields"][inner_stage - 1][0][4][0] == [3, 5]
    assert Page(explain.receptive_field(model, inner, (0, 4))).of("heat")["box"] == [0, 3, 1, 5]


def test_the_effective_field_is_the_mean_gradient(network):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(3, 28, 28, 1)).astype(np.float32)
    shown = Page(explain.receptive_field(network, "encoder_conv_1", (5, 6), image=images)).of("heat")["values"]
    layer = network.get_layer("encoder_conv_1")
    kernel, bias = (np.asarray(w, np.float64) for w in layer.get_weights())
    expected = np.zeros((28, 28))
    for image in images[..., 0].astype(np.float64):
        open_units = np.einsum("uv,uvo->o", image[5:8, 6:9], kernel[:, :, 0]) + bias > 0
        expected[5:8, 6:9] += np.abs(kernel[:, :, 0][:, :, open_units].sum(axis=-1)) / 3
    np.testing.assert_allclose(shown, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: explain.receptive_field(m, "absent"), "layer is 'absent'; expected one of the model's layers"),
        (lambda m: explain.receptive_field(m, 0 - 100), "layer is -100; expected one of"),
        (lambda m: explain.receptive_field(m, "encoder_conv_1", (26, 0)), "expected a cell of the output (26, 26)"),
        (lambda m: explain.receptive_field(m, image=np.ones((3, 3, 1))), "image has shape (3, 3, 1); expected"),
        (lambda m: explain.feature_maps(m, np.ones((3, 3))), "image has shape (3, 3); expected (28, 28, 1)"),
        (lambda m: explain.filters(m.layers[2]), "has no kernel of four axes"),
        (lambda m: explain.receptive_field(Sequential([layers.Conv2D(1, 2)])), "has not seen an input yet"),
        (lambda m: explain.receptive_field(Sequential([layers.Input((3,)), layers.Dense(1)])), "of (None, H, W"),
        (lambda m: explain.receptive_field(Sequential([layers.Input((65, 5, 1)), layers.Conv2D(1, 2)])), "64 x 64"),
        (lambda m: explain.filters(built(layers.Conv2D(1, 9), (None, 20, 20, 1))), "kernel of 9 x 9; expected"),
    ],
)  # fmt: skip
def test_models_and_layers_that_do_not_fit(network, call, message):
    with pytest.raises(ValueError) as error:
        call(network)
    assert message in str(error.value)


def built(layer, shape):
    layer.build(shape)
    return layer


@pytest.mark.parametrize(
    "call", [explain.receptive_field, lambda m: explain.feature_maps(m, np.ones(3)), explain.filters]
)
def test_what_is_no_model_is_refused(call):
    with pytest.raises(TypeError, match="expected a"):
        call("model.keras")


def test_maps_are_the_outputs_of_the_layers(network, image):
    explanation = explain.feature_maps(network, image)
    page = Page(explanation)
    data = page.of("features")
    for entry in data["layers"]:
        output = Model(network.inputs, network.get_layer(entry["name"]).output)(image[None])
        shown = np.moveaxis(np.array(entry["maps"]), 0, 2)
        np.testing.assert_allclose(shown, np.asarray(output)[0], rtol=1e-3, atol=1e-4 * entry["scale"])
    restored = network.predict(image[None], verbose=0)[0]
    error = np.array(page.of("restored")["error"])
    np.testing.assert_allclose(error, np.abs(restored - image)[:, :, 0], atol=1e-6)
    assert f"{error.mean():.4g}" in explanation.text()
    code = min((layer for layer in data["layers"]), key=lambda layer: np.prod(layer["shape"]))
    assert np.array(page.of("restored")["code"]).shape[0] == min(code["shape"][2], 16)


def test_many_large_maps_are_cut_with_a_note():
    stack = [layers.Conv2D(20, 3, padding="same", name=f"conv_{n}") for n in range(10)]
    model = Sequential([layers.Input((64, 64, 1)), *stack])
    explanation = explain.feature_maps(model, np.ones((64, 64)))
    names = ", ".join(f"`conv_{n}`" for n in range(10))
    assert explanation.notes == (f"The first 4 channels are shown of {names}.",)
    shown = Page(explanation).of("features")["layers"]
    assert {len(layer["maps"]) for layer in shown} == {4}


def test_filters_are_the_weights(network):
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D | layers.Conv2DTranspose):
            shown = np.float32(Page(explain.filters(layer)).of("kernels")["kernels"])
            axes = (2, 3, 0, 1) if isinstance(layer, layers.Conv2DTranspose) else (3, 2, 0, 1)
            np.testing.assert_array_equal(shown, np.asarray(layer.kernel).transpose(axes)[:16, :4])


# ---- training ----


def test_curves_come_from_histories_mappings_and_folders(tmp_path):
    model = Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.random.default_rng(0).normal(size=(2, 20, 3))
    logger = CSVLogger(tmp_path / "history.csv")
    history = model.fit(x, y[:, :1], epochs=3, validation_data=(x, y[:, :1]), verbose=0, callbacks=[logger])
    expected = Page(explain.training(history)).of("curves")
    assert expected["epochs"] == [1, 2, 3]
    np.testing.assert_array_equal(expected["curves"]["val_loss"], history.history["val_loss"])
    assert Page(explain.training(history.history)).of("curves") == expected
    read = Page(explain.training(tmp_path)).of("curves")["curves"]
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(read[name], history.history[name], rtol=1e-6)
    assert f"loss: first {history.history['loss'][0]:.4g}" in explain.training(history).text()


def test_a_history_without_a_loss_is_refused_by_its_name(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n")
    with pytest.raises(ValueError, match=rf"history \({tmp_path}\) holds 'loss'; expected at least one epoch"):
        explain.training(tmp_path)


def test_long_histories_are_thinned_with_a_note():
    values = np.linspace(5, 1, 4500)
    explanation = explain.training({"loss": values})
    data = Page(explanation).of("curves")
    assert explanation.notes == ("Of 4500 epochs one in 3 is shown.",)
    np.testing.assert_allclose(data["curves"]["loss"], values[::3])
    assert data["epochs"][:3] == [1, 4, 7]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: explain.training({}), ValueError, "history holds nothing; expected at least one epoch"),
        (lambda p: explain.training({"loss": []}), ValueError, "expected at least one epoch"),
        (lambda p: explain.training({"loss": [1], "acc": [1, 2]}), ValueError, "curves of [1, 2] epochs"),
        (lambda p: explain.training(7), TypeError, "history is 7; expected a History, a mapping or the folder"),
        (lambda p: explain.training(p), ValueError, "is no history of a run"),
        (lambda p: explain.training(p / "absent"), FileNotFoundError, "absent"),
        (lambda p: explain.training({"loss": [1]}, np.ones((2, 1, 4, 4))), ValueError, "expected those of 1 epochs"),
        (lambda p: explain.training({"loss": [1]}, np.ones((1, 1, 4))), ValueError, "expected (epochs, N, H, W)"),
        (lambda p: explain.training({"loss": [1]}, np.ones((1, 2, 4, 4)), np.ones((1, 4, 4))), ValueError, "to fit"),
    ],
)  # fmt: skip
def test_what_is_no_history(tmp_path, call, error, message):
    (tmp_path / "history.csv").write_text("epoch,loss\n0,one\n")
    with pytest.raises(error) as raised:
        call(tmp_path)
    assert message in str(raised.value)


# ---- language ----


def test_logits_and_paths_are_those_of_the_model(lyricist):
    data = Page(explain.next_word(lyricist, "i love", steps=5, seed=7)).of("next")
    start = lyricist.tokenizer.texts_to_sequences(["<start> i love"])[0]
    greedy, sampled = data["paths"]
    assert start + greedy["tokens"] == lyricist.model.generate(start, max_len=8)
    end = lyricist.tokenizer.word_index["<end>"]
    assert start + sampled["tokens"] == lyricist.model.generate(
        start, max_len=8, end_token=end, temperature=1.0, seed=7
    )
    for path in (greedy, sampled):
        tokens = start + path["tokens"]
        logits = np.asarray(lyricist.model(np.array([tokens[:-1]])))[0, len(start) - 1 :]
        np.testing.assert_allclose(path["logits"], logits, rtol=2e-4, atol=2e-4)
    assert [int(np.argmax(row)) for row in greedy["logits"]] == greedy["tokens"]
    assert data["prompt"] == ["<start>", "i", "love"]
    assert data["words"][end] == "<end>"


@pytest.mark.parametrize(
    ("prompt", "written", "said"),
    [
        ("i", "love the sun and the rain", "does not repeat itself yet"),
        ("i", "love you you", "a circle of 1 word: “you”, 2 times in a row."),
        (
            "i love",
            "the way you smile i love the way you smile i love",
            "of 6 words: “i love the way you smile”, 2 times",
        ),
        ("oh", "a b c d e a b c d e a b c d e a", "a circle of 5 words: “a b c d e”, 3 times in a row."),
        ("i love", "you and i love the sun", "comes back to “i love”, 2 words after it said it"),
        ("la la la la", "i sing", "does not repeat itself yet"),
        ("la", "la i sing", "a circle of 1 word: “la”, 2 times"),
    ],
)
def test_circles_of_the_greedy_path_are_said(prompt, written, said):
    from day33.explain.language import _repetition

    assert said in _repetition(prompt.split(), written.split())


def test_the_gallery_shows_a_greedy_path_that_goes_in_a_circle():
    from day33.explain.gallery import example

    assert "Here the greedy path goes round in a circle of " in example("next-word").text()


def test_the_loss_of_a_line_is_keras_s(lyricist):
    explanation = explain.loss(lyricist, "You love the rain", line_length=12)
    rows = Page(explanation).of("tokens")["rows"]
    tokens = lyricist.tokenizer.texts_to_sequences([preprocess_sentence("You love the rain")])[0]
    logits = np.asarray(lyricist.model(np.array([tokens[:-1]])))
    per_token = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")(np.array([tokens[1:]]), logits)
    np.testing.assert_allclose([row["loss"] for row in rows], np.ravel(per_token), rtol=1e-4, atol=1e-5)
    shares = np.asarray(ops.softmax(logits))[0]
    for row, share, token in zip(rows, shares, tokens[1:], strict=True):
        assert row["share"] == pytest.approx(share[token], rel=1e-4)
        assert row["rank"] == 1 + int((share > share[token]).sum())
        assert row["word"] == lyricist.tokenizer.index_word[token]
    total = sum(row["loss"] for row in rows)
    assert f"/ 12 = {total / 12:.4g}" in explanation.text()
    assert f"= {np.exp(total / len(rows)):.4g}" in explanation.text()


def test_decoders_take_a_tokenizer(lyricist):
    from day33.decoding import decoder_of

    decoder = decoder_of(lyricist.model)
    with pytest.raises(ValueError, match="tokenizer is None and the model has none"):
        explain.next_word(decoder, "i love")
    assert (
        explain.next_word(decoder, "i love", tokenizer=lyricist.tokenizer).text()
        == explain.next_word(lyricist, "i love").text()
    )


def test_words_on_pages_are_escaped():
    from day33.decoding import Decoder
    from support.language_models import random_weights

    words = {1: "<start>", 2: "<end>", 3: "</script><b>"}
    tokenizer = SimpleNamespace(
        index_word=words, word_index={word: n for n, word in words.items()},
        texts_to_sequences=lambda texts: [[1, 3] for _ in texts],
    )  # fmt: skip
    decoder = Decoder(*random_weights(vocab_size=4).arrays[:2], *random_weights(vocab_size=4).arrays[2:])
    page = Page(explain.next_word(decoder, "x", tokenizer=tokenizer))
    assert page.data[0]["words"][3] == "</script><b>" and len(page.scripts) == 1


# ---- the gallery's models ----


@pytest.mark.parametrize(("page", "model"), [("training", "_autoencoder"), ("next-word", "_lyricist")])
def test_the_gallery_says_the_same_in_every_run(page, model):
    import day33
    from day33.explain import gallery
    from day33.random.seeds import get_state

    texts = []
    for seed in (1, 2):
        getattr(gallery, model).cache_clear()
        day33.set_random_seed(seed)
        before = get_state()
        texts.append(gallery.example(page).text())
        assert get_state() == before
    assert texts[0] == texts[1]


# ---- votes ----


def test_votes_are_counted(voters):
    explanation = explain.votes(voters, [1, 0])
    data = Page(explanation).of("ballots")
    assert [member["vote"] for member in data["members"]] == ["yes", "yes", "no"]
    assert [member["name"] for member in data["members"]] == ["first", "again", "second"]
    assert data["counts"] == [1, 2]
    np.testing.assert_allclose(data["shares"], voters.mean_probabilities([[1, 0]])[0])
    assert "yes wins with 2 of 3 votes." in explanation.text()
    assert "The ensemble's answer (hard voting): yes." in explanation.text()


def test_votes_show_the_probabilities_of_each_member(voters):
    from sklearn.dummy import DummyClassifier

    from day33.ensemble import HardVote

    X = np.array([[0], [1]], np.float32).repeat(50, axis=0)
    unsure, sure = (DummyClassifier(strategy="prior").fit(X, np.arange(100) < yes) for yes in (51, 5))
    members = [("one", unsure), ("two", unsure), ("three", sure)]
    vote = HardVote.of_fitted(members, np.array(["no", "yes"]))
    explanation = explain.votes(vote, [1])
    data = Page(explanation).of("ballots")
    np.testing.assert_allclose([member["shares"] for member in data["members"]], [[0.49, 0.51]] * 2 + [[0.95, 0.05]])
    np.testing.assert_allclose(vote.member_probabilities([[1], [0]]).mean(axis=1), vote.mean_probabilities([[1], [0]]))
    assert "  one: yes (probabilities: no 49.0%, yes 51.0%)\n" in explanation.text()
    assert "yes wins with 2 of 3 votes. By the mean of the probabilities it is no, with 64.3%." in explanation.text()
    drawn = explanation.figure().axes[-1]
    assert [text.get_text() for text in drawn.get_yticklabels()] == ["one", "two", "three"]
    assert [text.get_text() for text in drawn.texts] == ["0.49", "0.51", "0.49", "0.51", "0.95", "0.05"]


def test_members_without_probabilities_show_their_votes():
    from sklearn.svm import LinearSVC

    from day33.ensemble import HardVote

    X = np.array([[0], [1]], np.float32).repeat(5, axis=0)
    svc = LinearSVC().fit(X, X[:, 0].astype(int))
    explanation = explain.votes(HardVote.of_fitted([("a", svc), ("b", svc)], np.array(["no", "yes"])), [1])
    data = Page(explanation).of("ballots")
    assert [member["shares"] for member in data["members"]] == [None, None] and data["shares"] is None
    assert "  a: yes\n" in explanation.text() and "probabilities" not in explanation.text()
    assert len(explanation.figure().axes) == 1


def test_hard_and_soft_vote_differ_in_the_gallery():
    from day33.explain.gallery import example

    data = Page(example("votes")).of("ballots")
    counts = sorted(data["counts"])
    assert np.argmax(data["counts"]) != np.argmax(data["shares"])
    assert counts[-1] > counts[-2]


def test_what_does_not_vote(voters):
    with pytest.raises(TypeError, match="expected one of day33.ensemble that counts votes"):
        explain.votes(np.ones(3), [1, 0])
    with pytest.raises(ValueError, match="expected one row"):
        explain.votes(voters, [[1, 0], [0, 1]])
