"""Seconds from the start of a process to the first prediction of a model in a .keras file, in day33 and in Keras.

    python bench/first_prediction.py [--runs 3]

The model is the up-sampling auto-encoder. Each run is a new process; runs of the two libraries alternate. Prints the
smallest time of each.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from day33 import autoencoder

PROGRAM = """
import sys, numpy as np
{load}
model = load_model(sys.argv[1])
print(float(model.predict(np.full((10, 28, 28, 1), 0.5, "float32"), verbose=0).mean()))
"""
LOADERS = {"day33": "from day33 import load_model", "Keras": "from keras.models import load_model"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    best = dict.fromkeys(LOADERS, float("inf"))
    answers = dict.fromkeys(LOADERS, float("nan"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        autoencoder.build("upsampling", seed=1).save(path)
        for _ in range(runs):
            for library, load in LOADERS.items():
                start = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, "-c", PROGRAM.format(load=load), str(path)], capture_output=True, check=True
                )
                best[library] = min(best[library], time.perf_counter() - start)
                answers[library] = float(done.stdout.split()[-1])
    if abs(answers["day33"] - answers["Keras"]) > 1e-5:
        sys.exit(f"the mean prediction is {answers['day33']} in day33; expected {answers['Keras']}, as in Keras")
    for library, seconds in best.items():
        print(f"{library:6} {seconds:6.2f} s")
    print(f"day33 is {best['Keras'] / best['day33']:.0f} times as fast")


if __name__ == "__main__":
    main()
