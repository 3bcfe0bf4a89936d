"""The command: what it writes, what it says, how it fails, and that nothing is lost when it is killed."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from day33 import datasets
from day33.cli import root
from support.command import run_command

RESULTS = (
    "autoencoder.json",
    "history.csv",
    "loss.png",
    "pictures.npz",
    "reconstructions.png",
    "run.json",
    "summary.txt",
    "weights.npz",
)
Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or touches the user's downloads."""
    monkeypatch.setenv("DAY33_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return run_command


def train(run: Run, data: Path, output: Path, *arguments: object, epochs: int = 2) -> Result:
    return run(
        "autoencoder", "--data", data, "--output", output, "--epochs", epochs, "--batch-size", 64, *arguments
    )  # fmt: skip


def error_line(result: Result) -> str:
    """The one line a failure prints."""
    assert result.exit_code == 1, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert line.startswith("day33: error: ")
    return line


def same_bits(one: Path, other: Path) -> None:
    for name in ("weights.npz", "history.csv", "pictures.npz"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


# ---- what it writes ----


@pytest.mark.parametrize("model", ["upsampling", "transposed"])
def test_autoencoder_writes_everything(run: Run, data: Path, tmp_path: Path, model: str) -> None:
    output = tmp_path / "out"
    result = train(run, data, output, "--model", model)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in output.iterdir() if path.is_file()) == sorted(RESULTS)
    with open(output / "history.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert set(rows[0]) == {"epoch", "loss", "val_loss"}
    assert 0 < float(rows[1]["loss"]) < float(rows[0]["loss"]) < 1
    assert f"loss {float(rows[1]['loss']):.4f}" in result.output
    assert f"validation loss {float(rows[1]['val_loss']):.4f}" in result.output
    assert "150 training and 40 test images" in result.output
    assert "samples/s" in result.output
    assert str(output) in result.output
    assert "3,369" in (output / "summary.txt").read_text()
    with np.load(output / "weights.npz", allow_pickle=False) as archive:
        assert sum(archive[name].size for name in archive.files) == 3369


def test_figures_show_the_pictures_and_the_model_loads(run: Run, data: Path, tmp_path: Path) -> None:
    from matplotlib.image import imread

    from day33.autoencoder import AutoEncoder

    output = tmp_path / "out"
    assert train(run, data, output).exit_code == 0
    for name in ("loss.png", "reconstructions.png"):
        pixels = imread(output / name)[..., :3]
        assert min(pixels.shape[:2]) > 200
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50
        assert pixels.std() > 0.05
    (_, _), (x_test, _) = datasets.load_mnist(data)
    loaded = AutoEncoder.load(output)
    with open(output / "history.csv", newline="") as stream:
        last = float(list(csv.DictReader(stream))[-1]["val_loss"])
    assert loaded.anomaly_score(x_test).mean() == pytest.approx(last, rel=1e-5)


def test_options_reach_the_training(run: Run, data: Path, tmp_path: Path) -> None:
    train(run, data, tmp_path / "one", "--limit", 64, "--seed", 3, epochs=1)
    train(run, data, tmp_path / "same", "--limit", 64, "--seed", 3, "--threads", 3, epochs=1)
    same_bits(tmp_path / "one", tmp_path / "same")
    different = {
        "seed": ("--limit", 64, "--seed", 4),
        "limit": ("--limit", 65, "--seed", 3),
        "optimizer": ("--limit", 64, "--seed", 3, "--optimizer", "adam"),
        "rate": ("--limit", 64, "--seed", 3, "--learning-rate", 0.5),
        "batch": ("--limit", 64, "--seed", 3, "--batch-size", 32),
    }
    weights = (tmp_path / "one" / "weights.npz").read_bytes()
    for name, arguments in different.items():
        result = train(run, data, tmp_path / name, *arguments, epochs=1)
        assert result.exit_code == 0, result.output
        assert (tmp_path / name / "weights.npz").read_bytes() != weights, name
    assert json.loads((tmp_path / "optimizer" / "run.json").read_text())["settings"]["learning_rate"] == 0.001


def test_without_data_it_says_what_it_uses(run: Run, data: Path, tmp_path: Path) -> None:
    result = run("autoencoder", "--epochs", 1, "--limit", 100)
    assert result.exit_code == 0, result.output
    assert "day33 data mnist" in result.output
    assert "scikit-learn" in result.output
    assert (tmp_path / "day33-autoencoder" / "reconstructions.png").is_file()
    (tmp_path / "cache").mkdir()
    data.rename(tmp_path / "cache" / "mnist.npz")
    result = run("autoencoder", "--epochs", 1, "--output", "other")
    assert result.exit_code == 0, result.output
    assert "day33 data mnist" not in result.output
    assert "150 training and 40 test images" in result.output


def test_the_first_pictures_can_be_read(run: Run, tmp_path: Path) -> None:
    """Without any option: what is made of the small digits is told apart as well as the digits themselves."""
    from sklearn.neighbors import KNeighborsClassifier

    from day33.autoencoder import AutoEncoder

    result = run("autoencoder")
    assert result.exit_code == 0, result.output
    (x_train, y_train), (x_test, y_test) = datasets.load_digits_small()
    reader = KNeighborsClassifier(3).fit(x_train.reshape(len(x_train), -1) / 255, y_train)
    made = AutoEncoder.load(tmp_path / "day33-autoencoder").reconstruct(x_test)
    read, read_made = (reader.predict(x.reshape(len(x), -1)) == y_test for x in (x_test / 255, made))
    assert read_made.mean() > read.mean() - 0.03  # blobs: 0.21 less
    greys = np.clip(x_test / 255, 1e-7, 1 - 1e-7)
    entropy = -(greys * np.log(greys) + (1 - greys) * np.log(1 - greys)).mean()
    with open(tmp_path / "day33-autoencoder" / "history.csv", newline="") as stream:
        losses = [float(row["val_loss"]) for row in csv.DictReader(stream)]
    assert losses[-1] - entropy < 0.015  # blobs: 0.056


def test_defaults_follow_the_data(run: Run, data: Path, tmp_path: Path) -> None:
    def settings(name: str, *arguments: object) -> dict[str, object]:
        result = run("autoencoder", "--output", name, "--limit", 20, "--epochs", 1, *arguments)
        assert result.exit_code == 0, result.output
        stored = json.loads((tmp_path / name / "run.json").read_text())["settings"]
        return {key: stored[key] for key in ("optimizer", "learning_rate", "batch_size")}

    assert settings("a") == {"optimizer": "adam", "learning_rate": 0.003, "batch_size": 16}
    assert settings("b", "--data", data) == {"optimizer": "adadelta", "learning_rate": 1.0, "batch_size": 256}
    assert settings("c", "--optimizer", "adadelta")["learning_rate"] == 1.0
    assert settings("d", "--optimizer", "adam")["learning_rate"] == 0.001
    assert settings("e", "--data", data, "--optimizer", "sgd", "--learning-rate", 0.5)["learning_rate"] == 0.5
    assert settings("f", "--learning-rate", 0.5, "--batch-size", 7) == {
        "optimizer": "adam", "learning_rate": 0.5, "batch_size": 7,
    }  # fmt: skip


# ---- resuming ----


def test_resume_after_a_kill_gives_the_same_bits(run: Run, tmp_path: Path) -> None:
    """SIGKILL at some moment of the training, twice; then the same bits as a run that was left alone."""
    (x_train, y_train), (x_test, y_test) = datasets.load_digits_small()
    data = tmp_path / "small.npz"
    np.savez(data, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    epochs = 40
    assert train(run, data, tmp_path / "whole", epochs=epochs).exit_code == 0
    killed = tmp_path / "killed"
    command = [sys.executable, "-m", "day33", "autoencoder", "--output", str(killed)]
    first = ["--data", str(data), "--epochs", str(epochs), "--batch-size", "64"]
    for arguments, wanted in ((first, 3), (["--resume"], 9)):
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while logged(killed) < wanted and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
        assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
        assert wanted <= logged(killed) < epochs
        assert not (killed / "weights.npz").exists()
    result = run("autoencoder", "--output", killed, "--resume")
    assert result.exit_code == 0, result.output
    same_bits(tmp_path / "whole", killed)
    assert sorted(path.name for path in killed.iterdir() if path.is_file() and path.name[0] != ".") == sorted(RESULTS)


def logged(output: Path) -> int:
    try:
        return max(len((output / "history.csv").read_text().splitlines()) - 1, 0)
    except FileNotFoundError:
        return 0


def test_more_epochs_are_the_same_as_asking_at_once(run: Run, data: Path, tmp_path: Path) -> None:
    train(run, data, tmp_path / "whole", epochs=5)
    train(run, data, tmp_path / "parts", epochs=2)
    result = run("autoencoder", "--output", tmp_path / "parts", "--resume", "--epochs", 5)
    assert result.exit_code == 0, result.output
    assert "3 epochs in" in result.output
    same_bits(tmp_path / "whole", tmp_path / "parts")


def test_killed_before_the_results_were_written(run: Run, data: Path, tmp_path: Path) -> None:
    train(run, data, tmp_path / "whole", epochs=2)
    train(run, data, tmp_path / "late", epochs=2)
    record = json.loads((tmp_path / "late" / "run.json").read_text())
    (tmp_path / "late" / "run.json").write_text(json.dumps(record | {"finished_epochs": 0}))
    for name in ("weights.npz", "loss.png", "reconstructions.png"):
        (tmp_path / "late" / name).unlink()
    result = run("autoencoder", "--output", tmp_path / "late", "--resume")
    assert result.exit_code == 0, result.output
    same_bits(tmp_path / "whole", tmp_path / "late")
    assert (tmp_path / "late" / "loss.png").is_file()


def test_killed_before_the_first_checkpoint(run: Run, data: Path, tmp_path: Path) -> None:
    import shutil

    train(run, data, tmp_path / "whole")
    train(run, data, tmp_path / "early")
    record = json.loads((tmp_path / "early" / "run.json").read_text())
    (tmp_path / "early" / "run.json").write_text(json.dumps(record | {"finished_epochs": 0}))
    shutil.rmtree(tmp_path / "early" / "checkpoint")
    assert run("autoencoder", "--output", tmp_path / "early", "--resume").exit_code == 0
    same_bits(tmp_path / "whole", tmp_path / "early")


def test_resume_needs_a_run_that_is_not_over(run: Run, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert "nothing to resume" in error_line(run("autoencoder", "--output", output, "--resume"))
    assert not output.exists()
    train(run, data, output)
    assert "all 2 epochs are done" in error_line(run("autoencoder", "--output", output, "--resume"))
    assert "all 2 epochs are done" in error_line(run("autoencoder", "--output", output, "--resume", "--epochs", 1))


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--model", "transposed", "model: upsampling then, transposed now"),
        ("--batch-size", 65, "batch_size: 64 then, 65 now"),
        ("--learning-rate", 0.5, "learning_rate: 1.0 then, 0.5 now"),
        ("--optimizer", "adam", "optimizer: adadelta then, adam now"),
        ("--seed", 1, "seed: 0 then, 1 now"),
        ("--limit", 100, "limit: None then, 100 now"),
    ],
)
def test_resume_refuses_other_settings(
    run: Run, data: Path, tmp_path: Path, option: str, value: object, named: str
) -> None:
    train(run, data, tmp_path / "out")
    result = run("autoencoder", "--output", tmp_path / "out", "--resume", "--epochs", 3, option, value)
    assert named in error_line(result)


def test_resume_refuses_other_data_but_not_another_place(run: Run, data: Path, tmp_path: Path) -> None:
    train(run, data, tmp_path / "out")
    moved = data.rename(tmp_path / "moved.npz")
    assert str(data) in error_line(run("autoencoder", "--output", tmp_path / "out", "--resume", "--epochs", 3))
    arguments = ("autoencoder", "--output", tmp_path / "out", "--resume", "--data", moved, "--epochs")
    assert run(*arguments, 3).exit_code == 0
    arrays = dict(np.load(moved))
    arrays["x_train"][0, 0, 0] ^= 1
    np.savez(moved, **arrays)
    assert "data_sha256" in error_line(run(*arguments, 4))


def test_a_run_is_not_destroyed_silently(run: Run, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    train(run, data, output)
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    line = error_line(train(run, data, output, "--seed", 1))
    assert "--resume" in line
    assert "--overwrite" in line
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    (output / "notes.txt").write_text("mine")
    assert train(run, data, output, "--seed", 1, "--overwrite").exit_code == 0
    assert (output / "notes.txt").read_text() == "mine"
    train(run, data, tmp_path / "fresh", "--seed", 1)
    same_bits(output, tmp_path / "fresh")


def test_foreign_files_under_our_names_are_kept(run: Run, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "history.csv").write_text("mine")
    assert "history.csv" in error_line(train(run, data, output))
    assert (output / "history.csv").read_text() == "mine"
    (tmp_path / "file").write_text("mine")
    assert "is a file" in error_line(train(run, data, tmp_path / "file"))


@pytest.mark.parametrize("damage", ["{", "[]", "{}", '{"settings": {}}', '{"settings": {"model": 3}}'])
def test_a_damaged_record_is_an_error_not_a_crash(run: Run, data: Path, tmp_path: Path, damage: str) -> None:
    train(run, data, tmp_path / "out")
    (tmp_path / "out" / "run.json").write_text(damage)
    assert "out" in error_line(run("autoencoder", "--output", tmp_path / "out", "--resume", "--epochs", 3))


def test_resume_warns_of_another_instruction_set(run: Run, data: Path, tmp_path: Path) -> None:
    train(run, data, tmp_path / "out")
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    (tmp_path / "out" / "run.json").write_text(json.dumps(record | {"isa": "abacus"}))
    result = run("autoencoder", "--output", tmp_path / "out", "--resume", "--epochs", 3)
    assert result.exit_code == 0
    assert "began on abacus" in result.stderr


# ---- being stopped ----


def test_ctrl_c_says_how_to_go_on(run: Run, tmp_path: Path) -> None:
    """A real SIGINT to a real process, as a terminal sends it."""
    output = tmp_path / "out"
    command = [sys.executable, "-m", "day33", "autoencoder", "--epochs", "5000", "--output", str(output)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while logged(output) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert f"day33 autoencoder --output {output} --resume" in errors
    assert "Traceback" not in errors
    assert (output / "checkpoint").is_dir()


# ---- errors and help ----


def test_errors_are_one_line(run: Run, tmp_path: Path) -> None:
    assert "absent.npz" in error_line(run("autoencoder", "--data", "absent.npz"))
    (tmp_path / "bad.npz").write_text("no archive")
    assert "not a usable .npz" in error_line(run("autoencoder", "--data", "bad.npz"))
    (tmp_path / "empty").mkdir()
    assert "train-images" in error_line(run("autoencoder", "--data", "empty"))
    assert not (tmp_path / "day33-autoencoder").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("autoencoder", "--epochs", "0"),
        ("autoencoder", "--epochs", "many"),
        ("autoencoder", "--model", "vae"),
        ("autoencoder", "--optimizer", "lion"),
        ("autoencoder", "--learning-rate", "-1"),
        ("autoencoder", "--learning-rate", "nan"),
        ("autoencoder", "--threads", "0"),
        ("autoencoder", "--resume", "--overwrite"),
        ("autoencoder", "--no-such-option"),
        ("autoencoders",),
        ("data", "cifar"),
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert not (tmp_path / "day33-autoencoder").exists()


def test_info_and_version(run: Run, restored_threads: None) -> None:
    import day33
    from day33 import _native

    assert run("--version").output.strip() == f"day33 {day33.__version__}"
    output = run("info").output
    for fact in (day33.__version__, _native.isa(), np.__version__, str(_native.get_num_threads())):
        assert fact in output


def test_download_failures_are_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert "could not download" in error_line(run("data", "mnist", "--url", "http://127.0.0.1:9/mnist.npz"))
    assert "known_hash" in error_line(run("data", "mnist", "--sha256", "12"))


def test_download_then_train(run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import functools
    import hashlib
    import threading
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(data.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/{data.name}"
            result = run("data", "mnist", "--url", url, "--sha256", hashlib.sha256(data.read_bytes()).hexdigest())
        finally:
            server.shutdown()
            thread.join()
    assert result.exit_code == 0, result.output
    assert "150 training and 40 test images, hash checked" in result.output
    assert (tmp_path / "cache" / "mnist.npz").read_bytes() == data.read_bytes()
    result = run("autoencoder", "--epochs", 1)
    assert result.exit_code == 0, result.output
    assert "150 training" in result.output


def test_without_an_argument_the_command_says_what_to_begin_with(run: Run) -> None:
    result = run()
    assert "Begin with day33 autoencoder" in " ".join(result.output.split())


def test_help_is_light_and_python_m_works(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.argv = ['day33', '--help']\nfrom day33.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'matplotlib', 'sklearn', 'scipy', 'pooch', 'requests', 'tensorflow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "autoencoder" in done.stdout
    done = subprocess.run(
        [sys.executable, "-m", "day33", "autoencoder", "--help"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0
    assert "--resume" in done.stdout
    assert "python -m" not in done.stdout


def test_what_a_pipe_gets_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code page has no Korean, in which the lyricist writes."""
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", write_through=True)
    monkeypatch.setattr(sys, "stdout", pipe)
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    root._print_utf8()
    with pytest.raises(UnicodeEncodeError):
        print("노래 → 3")
    monkeypatch.delenv("PYTHONIOENCODING")
    root._print_utf8()
    print("노래 → 3")
    assert pipe.buffer.getvalue().decode() == "노래 → 3\n"  # type: ignore[attr-defined]
