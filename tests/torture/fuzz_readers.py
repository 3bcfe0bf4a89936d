"""The readers under atheris, which watches what code a file reaches and goes on from there. By hand, not in CI.

    pip install atheris
    PYTHONPATH=tests python -m torture.fuzz_readers --make-corpus build/corpus
    PYTHONPATH=tests python -m torture.fuzz_readers build/corpus -max_total_time=300 -max_len=40000

The first byte chooses the reader, the others are the file.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["day33"]):
    import day33
    from day33._io import hdf5, json_text, npz
    from day33.datasets import load_hidden_digits, load_mnist
    from day33.ensemble.lightgbm_text import check_model_text
    from day33.text import tokenizer_from_json

READERS: list[tuple[str, Callable[[Path], object]]] = [
    (".npz", npz.read_npz),
    (".npz", npz.read_sealed),
    (".h5", lambda path: hdf5.parse(path.read_bytes())),
    (".keras", day33.load_model),
    (".h5", day33.load_model),
    (".npz", load_mnist),
    (".csv", load_hidden_digits),
    (".json", lambda path: tokenizer_from_json(path.read_bytes().decode("utf-8"))),
    (".json", lambda path: json_text.parse_object(path.read_bytes(), "the file")),
    (".txt", lambda path: check_model_text(path.read_bytes().decode("utf-8"))),
    (".onnx", day33.from_onnx),
]
_FOLDER = Path("/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()) / f"day33-fuzz-{os.getpid()}"


def read(data: bytes) -> None:
    """Gives one input to its reader. What is no documented error ends the run, and atheris keeps the input."""
    if not data:
        return
    suffix, reader = READERS[data[0] % len(READERS)]
    path = _FOLDER / f"file{suffix}"
    path.write_bytes(data[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reader(path)
        except (ValueError, OSError):
            pass


def make_corpus(folder: Path) -> None:
    """Writes a small file for each reader whose good files are small."""
    from torture.hostile import KINDS

    for number, kind, name in (
        (0, "weights (.npz, .weights.h5)", "weights.npz"), (1, "training state", "state/training_state.npz"),
        (2, "weights (.npz, .weights.h5)", "model.weights.h5"),
        (3, "sample beside a model", "verified/model.keras"), (7, "tokenizer", "tokenizer1.json"),
        (8, "run.json", "run/run.json"), (10, "models (.onnx)", "sequences.onnx"),
    ):  # fmt: skip
        with tempfile.TemporaryDirectory() as temporary:
            KINDS[kind].make(Path(temporary))
            data = (Path(temporary) / name).read_bytes()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"reader{number}").write_bytes(bytes([number]) + data)


def main() -> None:
    if sys.argv[1:2] == ["--make-corpus"]:
        make_corpus(Path(sys.argv[2]))
        return
    _FOLDER.mkdir()
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
