"""Peak memory of this process."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")


def begin_peak() -> None:
    """Resets the peak to what is resident now, where the system allows it (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak() -> int:
    """The largest resident size in bytes.

    On Linux it is read from /proc, because ru_maxrss also counts what the parent had resident before the program
    started.
    """
    if STATUS.is_file():
        for line in STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(make: Callable[[], Callable[[], Any]], steps: int) -> dict[str, Any]:
    """Makes a step and runs it `steps` times.

    Returns "at_rest" (bytes resident before), "peak" (bytes at the peak) and "seconds" of each step.
    """
    begin_peak()
    at_rest = peak()
    step = make()
    seconds = []
    for _ in range(steps):
        begin = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - begin)
    return {"at_rest": at_rest, "peak": peak(), "seconds": seconds}
