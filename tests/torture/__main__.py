from __future__ import annotations
import sys, random, tempfile, time
from pathlib import Path
import os
os.environ.setdefault("DAY33_NUM_THREADS", "2")
def preload():
    import day33, h5py, joblib, lightgbm, matplotlib.backends.backend_agg, pandas, pooch, requests, sklearn.ensemble, sklearn.pipeline
    import day33.cli, day33.cli.runs, day33.autoencoder, day33.lyricist, day33.ensemble, day33.datasets, day33.plotting, day33.callbacks, day33.decoding
    import day33.ensemble.checkpoint, day33.ensemble.cross_validation, day33.ensemble.hidden_digits, day33._io.notebook_figure, day33.cli.ensemble_results
if __name__ == "__main__":
    t=time.time(); preload(); print("imports", time.time()-t)
    from torture import kills, downloads
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        from torture.children import output_of
        output_of(lambda: (kills.write_data(tmp / "data.npz"), "")[1])
        rng = random.Random(1)
        n = int(sys.argv[1])
        os.environ["DAY33_CACHE"] = str(tmp / "cache")
        for c in kills.commands(tmp / "data.npz"):
            t=time.time(); kills.measure(c, tmp); print(c.name, c.seconds, c.steps, time.time()-t, flush=True)
            for f, a in ((kills.killed_runs, (n, rng)), (kills.failing_disks, (n // 3, rng)), (kills.read_only, ()), (kills.full_disk, (rng,)), (kills.side_by_side, (rng,))):
                t=time.time(); r = f(c, tmp, *a); print(f.__name__, r, time.time()-t, flush=True)
        r = downloads.killed_downloads(tmp / "data.npz", tmp, n, rng); print(r)
