"""The machinery of the benchmarks: interleaved timing, the other frameworks, peak memory, the report.

Importing the package sets the number of threads of every library. They read it once, when they are imported, so this
import comes before that of NumPy.
"""

from __future__ import annotations

import os

THREADS = int(os.environ.get("DAY33_BENCH_THREADS", "2"))
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")  # JAX reads the last one
os.environ.update(dict.fromkeys(POOLS, str(THREADS)))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
