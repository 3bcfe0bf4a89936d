"""The machinery of the benchmarks: interleaved timing, the other frameworks, peak memory, the report.

Importing the package sets the number of threads of every library and, with ``DAY33_MAX_ISA=avx2``, keeps those from
AVX-512 that can be kept. They read both once, when they are imported, so this import comes before that of NumPy.
"""

from __future__ import annotations

import os
import tempfile

THREADS = int(os.environ.get("DAY33_BENCH_THREADS", "2"))
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")  # JAX reads the last one
os.environ.update(dict.fromkeys(POOLS, str(THREADS)))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# oneDNN is in torch, TensorFlow and OpenVINO. ONNX Runtime and XNNPACK (LiteRT) go by the processor alone.
AVX2_AT_MOST = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "FBGEMM_ENABLE_INSTRUCTIONS": "AVX2",  # of quantised layers in torch
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    # What torch.compile has compiled for AVX2 would abort where torch uses AVX-512.
    "TORCHINDUCTOR_CACHE_DIR": os.path.join(tempfile.gettempdir(), "torchinductor-avx2"),
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}
if os.environ.get("DAY33_MAX_ISA") == "avx2":
    for name, value in AVX2_AT_MOST.items():
        os.environ.setdefault(name, value)
