"""Peak memory of training steps and inference: `python -m pytest bench/test_memory.py`.

Each participant runs in a process of its own (`memory_steps.py`). The report shows the growth of memory from the end of
the imports to the peak; the memory that the imports take is in the JSON file as `bytes_at_rest`. The times in the table
of pytest-benchmark are not comparable: they are those of single steps, of which the first includes all preparations.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import memory_steps
from conftest import Record

CASES = [(workload, name) for workload, (_, names, _) in memory_steps.WORKLOADS.items() for name in names]


@pytest.mark.parametrize(("workload", "participant"), CASES)
def test_memory(record: Record, workload: str, participant: str) -> None:
    script = Path(memory_steps.__file__)
    done = subprocess.run(
        [sys.executable, str(script), workload, participant], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout.splitlines()[-1])
    if measured is None:
        pytest.skip(f"{participant} is not installed")
    grown = measured["peak"] - measured["at_rest"]
    assert grown > 0
    record(
        f"memory: {memory_steps.WORKLOADS[workload][0]}", participant, measured["seconds"],
        unit="steps", amount=1, bytes=grown, bytes_at_rest=measured["at_rest"],
    )  # fmt: skip
