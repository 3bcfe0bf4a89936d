"""Files that a fuzzer found (tests/torture/corpus) keep being read or refused as docs/reliability.md promises."""

from __future__ import annotations

import pytest

from torture import corpus, hostile


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_inputs_in_the_tree(kind, tmp_path):
    if "onnx" in kind:
        pytest.importorskip("onnx")
    inputs = corpus.kept(kind)
    assert inputs, f"tests/torture/corpus has no files of the kind {kind!r}"
    outcomes = {corpus.outcome(kind, data, tmp_path) for data in inputs}  # raises what breaks a promise
    assert "read" in outcomes
    assert len(outcomes) > 1, "none of them was refused"


def test_every_file_in_the_tree_is_of_a_kind():
    assert sorted(corpus.FOLDER.iterdir()) == sorted(
        corpus.FOLDER / f"{corpus.file_name(kind)}.zip" for kind in hostile.KINDS
    )
