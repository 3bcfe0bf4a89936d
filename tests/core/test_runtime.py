"""Day33 as a guest in somebody's process: memory, threads, fork, environment variables, imports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import day33
from day33 import _native, layers, models, ops

MEGABYTE = 2**20
on_linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory of the process in /proc")


def run_python(code, **environment):
    """Runs `code` in a fresh interpreter; returns the finished process."""
    set_by_the_test = ("DAY33_MAX_ISA", "DAY33_NUM_THREADS", "PYTHON_GIL")
    variables = {k: v for k, v in os.environ.items() if k not in set_by_the_test} | environment
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=variables, capture_output=True, text=True, timeout=300
    )


def output_of(code, **environment):
    finished = run_python(code, **environment)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def small_model():
    return models.Sequential([
        layers.Input((8, 8, 1)),
        layers.Conv2D(4, 3, activation="relu", padding="same"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@on_linux
def test_predicting_does_not_leak():
    model = small_model()
    x = np.random.default_rng(0).random((1, 8, 8, 1), np.float32)
    for _ in range(2_000):
        model.predict_on_batch(x)
    before = resident_bytes()
    for _ in range(100_000):
        model.predict_on_batch(x)
    assert resident_bytes() - before < MEGABYTE


@on_linux
def test_functions_and_errors_do_not_leak():
    x = np.random.default_rng(0).random((2, 6, 6, 3), np.float32)
    kernel = np.ones((3, 3, 3, 4), np.float32)
    dy = np.ones((2, 4, 4, 4), np.float32)

    def work(count):
        for i in range(count):
            ops.conv2d(x, kernel, activation="relu")
            ops.conv2d_backward(dy, x, kernel)
            with pytest.raises(ValueError):
                ops.conv2d(x, kernel, padding="same", strides=0)
            # More shapes than the cache of plans holds.
            ops.up_sampling2d(x[:, : 1 + i % 6, : 1 + i % 5], 1 + i % 7)

    work(2_000)
    before = resident_bytes()
    work(20_000)
    assert resident_bytes() - before < MEGABYTE


def test_eight_threads_at_once_give_the_answers_of_one():
    model = small_model()
    batches = [np.random.default_rng(i).random((1 + 5 * i, 8, 8, 1), np.float32) for i in range(8)]
    expected = [model.predict_on_batch(x).tobytes() for x in batches]
    start = threading.Barrier(8)
    wrong = []

    def work(first):
        start.wait()
        for turn in range(200):
            i = (first + turn) % 8
            if model.predict_on_batch(batches[i]).tobytes() != expected[i]:
                wrong.append(i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_functions_from_many_threads_while_the_number_of_threads_changes(restored_threads):
    rng = np.random.default_rng(0)
    x, kernel = rng.random((40, 12, 12, 3), np.float32), rng.random((3, 3, 3, 8), np.float32)
    dy = rng.random((40, 10, 10, 8), np.float32)
    expected = [a.tobytes() for a in ops.conv2d_backward(dy, x, kernel)[:2]]
    wrong = []

    def work():
        for _ in range(50):
            if [a.tobytes() for a in ops.conv2d_backward(dy, x, kernel)[:2]] != expected:
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    count = 0
    while any(worker.is_alive() for worker in workers):
        count += 1
        _native.set_num_threads(1 + count % 4)
    for worker in workers:
        worker.join()
    assert not wrong


def wait_for(child, seconds):
    """The exit status of the child, killed where it takes longer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("threads_before", [1, 3])
def test_fork_after_use(restored_threads, threads_before):
    _native.set_num_threads(threads_before)
    model = small_model()
    x = np.random.default_rng(0).random((100, 8, 8, 1), np.float32)
    expected = model.predict_on_batch(x).tobytes()
    child = os.fork()
    if child == 0:
        code = 2
        try:
            same = model.predict_on_batch(x).tobytes() == expected
            _native.set_num_threads(2)
            code = 0 if same and model.predict_on_batch(x).tobytes() == expected else 1
        finally:
            os._exit(code)
    assert model.predict_on_batch(x).tobytes() == expected
    assert wait_for(child, 60) == 0


def test_exit_while_daemon_threads_compute():
    # They ask for the GIL while the interpreter frees two million lists, and get it no more.
    code = """
        import threading
        import numpy as np
        from day33 import layers, models
        model = models.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
        x = np.ones((1000, 8, 8, 1), np.float32)
        model.predict_on_batch(x)
        started = threading.Barrier(5)
        def work():
            started.wait()
            while True:
                model.predict_on_batch(x)
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        started.wait()
        kept = [[i] for i in range(2_000_000)]
    """
    for _ in range(3):
        finished = run_python(code)
        assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.parametrize("count", [0, -1, -(2**40)])
def test_a_wrong_number_of_threads(count):
    before = day33.get_num_threads()
    with pytest.raises(ValueError, match=str(count)):
        day33.set_num_threads(count)
    assert day33.get_num_threads() == before


@pytest.mark.parametrize("count", [1.5, "2", None])
def test_threads_that_are_no_integer(count):
    with pytest.raises(TypeError):
        day33.set_num_threads(count)


def test_number_of_threads(restored_threads):
    for count in (1, 2, 5):
        day33.set_num_threads(count)
        assert day33.get_num_threads() == count


def test_number_of_threads_from_the_environment():
    assert output_of("import day33; print(day33.get_num_threads())", DAY33_NUM_THREADS="3") == "3"
    for wrong in ("0", "-2", "many", "1.5"):
        finished = run_python("import day33", DAY33_NUM_THREADS=wrong)
        assert finished.returncode != 0
        assert "DAY33_NUM_THREADS" in finished.stderr
        assert wrong in finished.stderr


@on_linux
def test_number_of_threads_follows_affinity():
    pin = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    assert output_of(f"{pin}; import day33; print(day33.get_num_threads())") == "1"


def test_threadpoolctl_sets_the_threads(restored_threads):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    day33.register_threadpoolctl()
    day33.set_num_threads(3)
    ops.relu(np.ones(3))
    with threadpoolctl.threadpool_limits(1):
        assert day33.get_num_threads() == 1
    assert day33.get_num_threads() == 3


@pytest.mark.parametrize("cap", _native.available_isas())
def test_the_instruction_set_is_capped(cap):
    code = "from day33 import _native; print(_native.isa(), *_native.available_isas())"
    chosen, *available = output_of(code, DAY33_MAX_ISA=cap).split()
    assert chosen == cap
    everything = output_of(code).split()[1:]
    assert available == everything[: everything.index(cap) + 1]


def test_an_unknown_instruction_set_fails_at_import():
    finished = run_python("import day33", DAY33_MAX_ISA="mmx")
    assert finished.returncode != 0
    assert "DAY33_MAX_ISA" in finished.stderr
    assert "mmx" in finished.stderr
    assert "baseline" in finished.stderr or "neon" in finished.stderr, "the message names what there is"


def test_select_isa_refuses_what_is_not_there():
    before = _native.isa()
    with pytest.raises(ValueError, match="mmx"):
        _native.select_isa("mmx")
    assert _native.isa() == before


def test_importing_is_light():
    heavy = (
        "tensorflow", "keras", "torch", "onnx", "onnxruntime", "scipy", "sklearn", "matplotlib", "rich", "typer",
        "h5py", "lightgbm", "pandas", "pooch", "joblib", "threadpoolctl",
    )  # fmt: skip
    code = f"import sys, day33; print(*[name for name in {heavy} if name in sys.modules])"
    assert output_of(code) == ""


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="a Python that always has a GIL")
def test_importing_leaves_the_gil_off():
    # A free-threaded CPython switches it on for an extension that does not say that it needs none.
    assert output_of("import sys, day33; print(sys._is_gil_enabled())") == "False"


PICTURE = """
from pathlib import Path
import numpy as np
from day33 import ops

def peak():  # of this very program; getrusage would count the parent that started it
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024

kernel, bias = np.full((5, 5, 3, 16), 0.5, np.float32), np.arange(16, dtype=np.float32)
ops.conv2d(np.ones((1, 5, 5, 3), np.float32), kernel, bias)
x = np.ones((batch, 1920, 1080, 3), np.float32)
before = peak()
y = ops.conv2d(x, kernel, bias, strides=5)
assert y.shape == (batch, 384, 216, 16), y.shape
assert all((sample == 37.5 + bias).all() for sample in y)
print(peak() - before - y.nbytes)
"""


@on_linux
@pytest.mark.parametrize("batch", [1, 6, pytest.param(64, marks=pytest.mark.slow)])
def test_the_picture_fits_in_its_input_and_output_and_64_mb(batch):
    assert int(output_of(f"batch = {batch}{PICTURE}")) < 64 * MEGABYTE
