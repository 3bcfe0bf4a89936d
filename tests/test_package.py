"""The package as a whole: what an import brings in, threadpoolctl, the note's little examples and their memory."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import day33

ROOT = Path(__file__).resolve().parents[1]


def run(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True).stdout


def test_import_stays_light():
    heavy = [
        "scipy",
        "sklearn",
        "matplotlib",
        "rich",
        "typer",
        "pooch",
        "h5py",
        "threadpoolctl",
        "tensorflow",
        "pandas",
    ]
    code = f"import sys, day33; day33.Model; day33.layers; print([m for m in {heavy} if m in sys.modules])"
    assert run(code).strip() == "[]"


def test_public_names():
    for name in day33.__all__:
        assert getattr(day33, name) is not None
    assert set(day33.__all__) <= set(dir(day33))
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = day33.nothing


THREADPOOLCTL = """
import {first}, {second}
import day33, threadpoolctl
{register}
day33.set_num_threads(3)
with threadpoolctl.threadpool_limits(limits=1, user_api="day33"):
    print(day33.get_num_threads())
print(day33.get_num_threads())
info = [i for i in threadpoolctl.threadpool_info() if i["user_api"] == "day33"]
print(len(info), info[0]["num_threads"], info[0]["version"] == day33.__version__)
"""


@pytest.mark.parametrize(
    ("first", "second", "register"),
    [("threadpoolctl", "day33", ""), ("day33", "threadpoolctl", "day33.register_threadpoolctl()")],
)
def test_threadpoolctl_reaches_the_pool(first, second, register):
    pytest.importorskip("threadpoolctl")
    output = run(THREADPOOLCTL.format(first=first, second=second, register=register))
    assert output.split() == ["1", "3", "1", "3", "True"]


# ---- examples ----


def example(name, monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
    return capsys.readouterr().out


def test_rectangles(monkeypatch, capsys):
    text = example("rectangles.py", monkeypatch, capsys, "--batch", "64")
    assert "(64, 4, 3)   weights (2, 3)" in text and "(64, 4, 1)   weights (3, 1)" in text
    assert "one, two and three layers: 8, 6, 13" in text
    assert "[[1], [1]]: the same" in text and "[[1, 1, 0], [1, 0, 1]]: different" in text


def test_picture(monkeypatch, capsys):
    text = example("picture.py", monkeypatch, capsys, "--batch", "2")
    assert "(2, 384, 216, 16), 1,200 parameters" in text
    assert "(2, 1327104), 0 parameters" in text
    assert "(2, 1), 1,327,104 parameters" in text
    assert "99,532,800" in text


MEMORY = """
import resource, sys
sys.path.insert(0, sys.argv[1])
import numpy as np, picture
unit = 1024 if sys.platform != "darwin" else 1
model = picture.network()
x = np.ones((int(sys.argv[2]), *picture.SHAPE), np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
y = model(x)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(after - before - y.nbytes)
"""


def test_pictures_need_little_more_than_themselves():
    """16 pictures are 398 MB, and the convolution makes 85 MB of them, which must not all be there at once."""
    pytest.importorskip("resource")
    assert int(run(MEMORY, str(ROOT / "examples"), "16")) < 64e6


@pytest.mark.slow
def test_the_whole_batch_of_pictures():
    pytest.importorskip("resource")
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if free < 3e9:
        pytest.skip(f"{free / 1e9:.1f} GB of memory are free; 64 pictures need 1.6 GB")
    assert int(run(MEMORY, str(ROOT / "examples"), "64")) < 64e6
