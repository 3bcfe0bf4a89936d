"""Cells run in a real kernel, as a notebook runs them."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import day33


class Kernel:
    """A kernel that is running."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, source: str) -> list[tuple[str, Any]]:
        """What a cell shows, in order: (kind of message, its text or its data by MIME type)."""
        sent = self._client.execute(textwrap.dedent(source))
        shown = []
        while True:
            message = self._client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != sent:
                continue
            kind, content = message["msg_type"], message["content"]
            assert kind != "error", content
            if kind == "stream":
                shown.append((kind, content["text"]))
            elif kind in ("display_data", "update_display_data", "execute_result"):
                shown.append((kind, content["data"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return shown


@contextmanager
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A kernel of this Python with day33 on its path. Skips the test without ipykernel."""
    pytest.importorskip("ipykernel")
    managers = pytest.importorskip("jupyter_client.manager")
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.path.dirname(day33.__file__)))
    manager = managers.KernelManager()
    manager.kernel_spec.argv[0] = sys.executable
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
