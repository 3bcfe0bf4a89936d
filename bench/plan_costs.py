"""Where the time of a plan goes, op by op, beside what the machine can do.

    python bench/plan_costs.py transposed --batch 256 --training

The rate of an op is per thread: its time is summed over the threads that worked on it. Backward counts the gradients of
inputs and of weights, each as many operations as forward; the gradient of an input that nobody wants is counted, too,
so that the rate of the first layer looks twice as high as it is.
"""

from __future__ import annotations

import argparse
from typing import Any

from autoencoder_races import KINDS, our_model, pictures
from day33 import _native


def costs(kind: str, batch: int, training: bool, calls: int) -> dict[str, Any]:
    """`Plan.stop_profile` after so many calls, the first of which are not counted."""
    model, x = our_model(kind), pictures(batch)
    plans: list[Any] = []
    compile_plan = model.compile_plan

    def remember(*args: Any, **kwargs: Any) -> Any:
        compiled = compile_plan(*args, **kwargs)
        plans.append(compiled.plan)
        return compiled

    model.compile_plan = remember

    def call() -> Any:
        return model.train_on_batch(x, x) if training else model.predict_on_batch(x)

    for _ in range(3):
        call()
    plans[-1].start_profile(training)
    for _ in range(calls):
        call()
    found: dict[str, Any] = plans[-1].stop_profile()
    return found


def rows(found: dict[str, Any], samples: int, peak: float) -> list[list[str]]:
    """samples: of all calls. peak: floating-point operations per second of a thread."""
    parts = [found[name] for name in ("packing", "ends", "losses", "gradients")]
    parts += [op[way] for op in found["ops"] for way in ("forward", "backward")]
    total = sum(part["seconds"] for part in parts)
    table = []

    def add(name: str, shape: str, cost: dict[str, Any], flops: float, moved: float) -> None:
        if not cost["calls"]:
            return
        seconds = cost["seconds"]
        table.append([
            name, shape, f"{100 * seconds / total:.1f}%", f"{1e9 * seconds / samples:,.0f}",
            f"{flops * samples / seconds / 1e9:.1f}" if flops else "",
            f"{100 * flops * samples / seconds / peak:.0f}%" if flops else "",
            f"{moved * samples / seconds / 1e9:.1f}" if moved else "",
        ])  # fmt: skip

    for way, products in (("forward", 1), ("backward", 2)):
        for op in found["ops"]:
            name = f"{way} {op['kind']} {op['detail']}"
            add(name, str(op["output_shape"]), op[way], products * op["flops"], products * op["bytes"])
    for name in ("packing", "ends", "losses", "gradients"):
        add(name, "", found[name], 0, 0)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--training", action="store_true", help="a step of training instead of inference")
    parser.add_argument("--calls", type=int, default=100)
    chosen = parser.parse_args()
    found = costs(chosen.kind, chosen.batch, chosen.training, chosen.calls)
    threads, peak = _native.get_num_threads(), _native.limit_flops()
    samples = chosen.batch * chosen.calls
    header = ["", "output", "time", "ns/sample", "GFLOP/s", "of peak", "GB/s"]
    table = [header, *rows(found, samples, peak / threads)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    flops = (3 if chosen.training else 1) * sum(op["flops"] for op in found["ops"]) * samples
    seconds = found["whole"]["seconds"]
    print(
        f"{_native.isa()}, {threads} threads, peak {peak / 1e9:.0f} GFLOP/s: {samples / seconds:,.0f} samples/s, "
        f"{flops / seconds / 1e9:.0f} GFLOP/s, {100 * flops / seconds / peak:.0f}% of the peak"
    )


if __name__ == "__main__":
    main()
