"""`day33 data mnist` killed: the file in the cache is whole, or not there."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
from pathlib import Path

from support.server import Server
from torture import faults
from torture.children import Tally, fork_into, wait_for
from torture.kills import last_line, one_error_line, run_command


def killed_downloads(data: Path, folder: Path, count: int, rng: random.Random) -> Tally:
    """Kills and full disks while `data` is downloaded from a server on loopback."""
    tally = Tally()
    content = data.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    reading, writing = os.pipe()

    def serve() -> int:
        server = Server(content, "mnist.npz")
        os.write(writing, server.url.encode())
        os.close(writing)
        server.http.serve_forever()
        return 0

    child = fork_into(serve, folder / "server")
    os.close(writing)
    with os.fdopen(reading) as stream:
        url = stream.read()
    os.environ["NO_PROXY"] = "127.0.0.1"
    cache = folder / "cache"
    os.environ["DAY33_CACHE"] = str(cache)
    line = ["data", "mnist", "--url", url, "--sha256", sha256]
    try:
        shutil.rmtree(cache, ignore_errors=True)
        whole = run_command(line, folder)
        if whole.code != 0:
            raise RuntimeError(f"day33 data mnist fails when nothing happens: {whole.output}")
        for _ in range(count):
            shutil.rmtree(cache, ignore_errors=True)
            kind = rng.choice([faults.KILL, faults.KILL, faults.FULL])
            fault = faults.Fault(kind, rng.randint(1, whole.steps), torn=rng.random() < 0.5)
            ended = run_command(line, folder, fault)
            problem = ""
            if ended.code not in (0, -signal.SIGKILL):
                problem = one_error_line(ended)
            path = cache / "mnist.npz"
            if path.exists() and path.read_bytes() != content:
                problem = problem or "half a file is in the cache"
            again = run_command(line, folder)
            if again.code != 0 or path.read_bytes() != content:
                problem = problem or f"the second time: {last_line(again.output)}"
            left = sorted(p.name for p in cache.iterdir() if p != path)
            if left and kind != faults.KILL:
                problem = problem or f"stray files: {', '.join(left)}"
            tally.outcomes[f"download: {kind}" if not problem else "broke a promise"] += 1
            if problem:
                tally.failures.append(f"data mnist: {kind} at step {fault.at}: {problem}")
    finally:
        os.kill(child, signal.SIGTERM)
        wait_for(child, 10)
    return tally
