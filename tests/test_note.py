"""The note's code, as written: only its import lines are changed, here and for TensorFlow, and the outcomes compared.

The blocks are read from the note itself. Data are small, `fit` runs two epochs without shuffling, pictures of 1.6 GB
come one at a time; the rest is the note's.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest

import day33
from day33._training.trainer import Trainer

keras = pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")
pytest.importorskip("matplotlib").use("Agg")

IMPORTS = {
    "day33": {"import tensorflow as tf": "from day33 import tf", "from tensorflow.python.keras.": "from day33."},
    # tensorflow.python.keras is a private copy of Keras 2; the reference is Keras 3.
    "tensorflow": {"from tensorflow.python.keras.": "from tensorflow.keras."},
}
# The other way to write it: "day33.tf" in place of "tensorflow", in every line.
AS_A_TREE = {"import tensorflow as tf": "import day33.tf as tf", "from tensorflow.python.": "from day33.tf."}
EPOCHS = 2
LARGEST = 1 << 27  # values of one array


@pytest.fixture(scope="module")
def blocks(shared):
    text = (shared / "the-note.md").read_text(encoding="utf-8")
    found = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(found) == 22
    return found


def rewritten(block: str, library: str) -> str:
    lines = []
    for line in block.splitlines():
        for old, new in IMPORTS[library].items():
            if line.startswith(old):
                line = new + line[len(old) :]
        lines.append(line)
    return "\n".join(lines)


class Run:
    """One system with one library: what it printed, block by block, and how its models were trained."""

    def __init__(self, library: str, first: list | None = None) -> None:
        self.library = library
        self.names: dict[str, object] = {}
        self.printed: list[str] = []
        self.weights: list[list[np.ndarray]] = []
        self.losses: list[dict[str, list[float]]] = []
        self._first = first

    def execute(self, block: str) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(rewritten(block, self.library), "the note", "exec"), self.names)
        self.printed.append(out.getvalue())

    @contextlib.contextmanager
    def patched(self) -> Iterator[None]:
        """`fit` short and in order, from the weights of the first run; the order of data sets kept."""
        run = self
        trainer = Trainer if self.library == "day33" else keras.Model
        dataset = day33.tf.data.Dataset if self.library == "day33" else tensorflow.data.Dataset
        module = day33.tf if self.library == "day33" else tensorflow
        fit, zeros = trainer.fit, module.zeros

        def short_fit(model, *args, **kwargs):
            if run._first is not None:
                model.set_weights(run._first[len(run.weights)])
            run.weights.append(model.get_weights())
            history = fit(model, *args, **kwargs | {"epochs": EPOCHS, "shuffle": False, "verbose": 0})
            run.losses.append(history.history)
            return history

        def few_zeros(shape, *args, **kwargs):
            return zeros((1, *shape[1:]) if np.prod(shape) > LARGEST else shape, *args, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trainer, "fit", short_fit)
            patch.setattr(dataset, "shuffle", lambda self, *args, **kwargs: self)
            patch.setattr(module, "zeros", few_zeros)
            yield


def both(blocks, prepare):
    """The blocks with day33, then with TensorFlow from the same weights."""
    ours = Run("day33")
    theirs = Run("tensorflow", ours.weights)
    for run in (ours, theirs):
        with run.patched():
            prepare(run)
            for block in blocks:
                if "(lyricist," in block:
                    run.names["lyricist"] = run.names["model"]
                run.execute(block)
    return ours, theirs


def assert_same_losses(ours, theirs):
    assert len(ours.losses) == len(theirs.losses) > 0
    for mine, correct in zip(ours.losses, theirs.losses, strict=True):
        assert set(mine) == set(correct)
        for name, values in correct.items():
            assert len(values) == EPOCHS
            np.testing.assert_allclose(mine[name], values, rtol=1e-4, err_msg=name)


@pytest.fixture(params=[IMPORTS["day33"], AS_A_TREE], ids=["modules", "tree"])
def imports(request, monkeypatch):
    """Both ways to change the import lines for day33."""
    monkeypatch.setitem(IMPORTS, "day33", request.param)


def test_import_lines_are_all_that_changes(blocks, imports):
    for library, table in IMPORTS.items():
        for block in blocks:
            for before, after in zip(block.splitlines(), rewritten(block, library).splitlines(), strict=True):
                assert before == after or (before.startswith(tuple(table)) and "import" in before)
    assert not any("tensorflow" in rewritten(block, "day33") for block in blocks)


def test_linear_and_convolution(blocks, imports):
    ours, theirs = both(blocks[:3], lambda run: None)
    assert ours.printed == theirs.printed
    assert "총 Parameters: 13" in ours.printed[1] and "(1, 384, 216, 16)" in ours.printed[2]


@pytest.mark.slow
def test_autoencoders(blocks, shared, tmp_path, monkeypatch):
    with np.load(shared / "data" / "mnist" / "mnist.npz") as mnist:
        small = {key: mnist[key][: 512 if "train" in key else 64] for key in mnist.files}
    np.savez(tmp_path / "mnist.npz", **small)
    monkeypatch.setenv("DAY33_CACHE", str(tmp_path))
    monkeypatch.setattr(
        keras.datasets.mnist, "load_data",
        lambda: ((small["x_train"], small["y_train"]), (small["x_test"], small["y_test"])),
    )  # fmt: skip
    ours, theirs = both(blocks[3:6], lambda run: None)
    assert_same_losses(ours, theirs)
    assert len(ours.losses) == 2 and set(ours.losses[0]) == {"loss", "val_loss"}
    mine, correct = (run.names["autoencoder"] for run in (ours, theirs))
    assert mine.count_params() == correct.count_params()
    assert [layer.output.shape for layer in mine.layers] == [layer.output.shape for layer in correct.layers]
    for run in (ours, theirs):
        assert run.names["x_test_hat_imgs"].shape == (10, 28, 28)
        assert f"Total params: {correct.count_params():,}" in run.printed[-1]
    np.testing.assert_allclose(ours.names["x_test_hat"], theirs.names["x_test_hat"], rtol=0, atol=1e-4)


def test_the_imports_of_every_block(blocks, imports):
    names: dict[str, object] = {}
    for block in blocks:
        for line in rewritten(block, "day33").splitlines():
            if re.match(r"(from|import) day33|from day33 import", line):
                exec(line, names)
    assert names["Model"] is day33.Model and names["Conv2D"] is day33.layers.Conv2D and names["tf"] is day33.tf
    assert callable(names["mnist"].load_data)


@pytest.mark.slow
def test_lyricist(blocks, shared, tmp_path, monkeypatch):
    lines = (shared / "data" / "shakespeare.txt").read_text(encoding="utf-8").splitlines()
    # Lines of one length: two epochs teach a model about padding first, which is no word of the note's tokenizer.
    short = [line for line in lines if len(re.findall(r"[a-zA-Z]+|[?.!,]", line)) == 5 and line[-1] != ":"][:300]
    folder = tmp_path / "aiffel" / "lyricist" / "data" / "lyrics"
    folder.mkdir(parents=True)
    (folder / "some.txt").write_text("\n".join(short), encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    system = blocks[6:]

    def prepare(run):
        run.names["re"] = re
        run.names["tf"] = day33.tf if run.library == "day33" else tensorflow
        run.execute(system[13])  # the corpus, which the note reads in its last part only
        keras.utils.set_random_seed(1)

    ours, theirs = both(system, prepare)
    for mine, correct in zip(ours.printed, theirs.printed, strict=True):
        if "Total params" in correct:
            continue  # the table of the model
        assert re.sub(r" <\S*Tokenizer.*>", "", mine) == re.sub(r" <\S*Tokenizer.*>", "", correct)
    assert_same_losses(ours, theirs)
    model, reference = ours.names["model"], theirs.names["model"]
    assert model.count_params() == reference.count_params() == 22_607_961
    sample = ours.names["src_sample"]
    np.testing.assert_array_equal(sample, theirs.names["src_sample"].numpy())
    assert model(sample).shape == reference(sample.numpy()).shape == (256, sample.shape[1], 7001)
    written = [
        run.names["generate_text"](run.names["model"], run.names["tokenizer"], init_sentence="<start> he")
        for run in (ours, theirs)
    ]
    assert written[0] == written[1]
    assert written[0].startswith("<start> he ")
