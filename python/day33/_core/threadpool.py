"""day33's thread pool as threadpoolctl sees it, so that `threadpool_limits(limits=1)` limits it, too.

threadpoolctl finds shared libraries by name and symbols, and asks registered controllers about them.
"""

from __future__ import annotations

import sys
from typing import Any

_registered = False


def register_threadpoolctl() -> None:
    """Register day33's thread pool with threadpoolctl.

    Importing day33 does it if threadpoolctl is imported already.

    Raises:
        ImportError: threadpoolctl is not installed.
    """
    global _registered
    if _registered:
        return
    import threadpoolctl  # type: ignore[import-untyped]

    class Day33Controller(threadpoolctl.LibController):  # type: ignore[misc]
        user_api = "day33"
        internal_api = "day33"
        filename_prefixes = ("_native",)
        check_symbols = ("day33_get_num_threads", "day33_set_num_threads")

        def get_num_threads(self) -> int:
            return int(self.dynlib.day33_get_num_threads())

        def set_num_threads(self, num_threads: int) -> Any:
            return self.dynlib.day33_set_num_threads(max(1, int(num_threads)))

        def get_version(self) -> str:
            from .._native import __version__

            return __version__

    threadpoolctl.register(Day33Controller)
    _registered = True


def register_if_imported() -> None:
    """Register the thread pool if the program uses threadpoolctl."""
    if "threadpoolctl" in sys.modules:
        register_threadpoolctl()
