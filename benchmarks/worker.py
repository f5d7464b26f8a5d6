"""One family of contestants in a process of its own, which times a step whenever it is asked to.

The parent writes one JSON object a line, and gets one back: ``{"build": name, "size": [T, B, F, H]}``
prepares a contestant and answers with the seconds of a warm step; ``{"time": name, "repeats": n}`` answers
with the mean seconds of n steps; ``{"memory": name, "size": ...}`` with the bytes a step needs at its peak
and, where PyTorch can tell, those it keeps for the backward pass.
"""

import argparse
import contextlib
import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks.contestants import FAMILIES, Size

MODULES = {
    "torch": ("torch",),
    "numpy": ("numpy",),
    "keras": ("torch", "keras"),
    "tensorflow": ("tensorflow",),
}
WARM_UP = 3


def limit_threads(family: str, threads: int) -> None:
    """Let the family's library use this many threads; NumPy's is bound by the environment at its start."""
    if family in ("torch", "keras"):
        import torch

        torch.set_num_threads(threads)
    elif family == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def versions(family: str) -> dict[str, str]:
    """Return the versions of what the family runs on."""
    modules = {name: importlib.import_module(name).__version__ for name in MODULES[family]}
    return {"python": platform.python_version()} | modules


def mean_seconds(step, repeats: int) -> float:
    """Time some steps in a row, after one that brings their data back into the caches."""
    step()
    began = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - began) / repeats


def memory(build, size: Size, device: str) -> dict[str, int | None]:
    """Return the bytes that a first step adds to the process at its peak, and what it keeps for backward."""
    step = build(size, device)
    step()  # libraries load their kernels now, not while we measure
    if not reset_peak():
        return {"peak": None, "kept": kept_for_backward(step)}
    before = status("VmRSS")
    step()
    return {"peak": max(status("VmHWM") - before, 0), "kept": kept_for_backward(step)}


def kept_for_backward(step) -> int | None:
    """Return the bytes of the distinct tensors that autograd saves in a step, None without PyTorch."""
    if "torch" not in sys.modules:
        return None
    import torch

    sizes = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        step()
    return sum(sizes.values()) or None


def reset_peak() -> bool:
    """Set the process's memory peak back to what it holds now, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
        return True
    return False


def status(key: str) -> int:
    """Return a line of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def main() -> None:
    """Answer the parent until it closes the pipe."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not garble an answer

    limit_threads(options.family, options.threads)
    steps = {}
    print(json.dumps(versions(options.family)), file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        build = FAMILIES[options.family].get(order.get("build", order.get("memory")))
        if "build" in order:
            step = steps[order["build"]] = build(Size(*order["size"]), options.device)
            for _ in range(WARM_UP):
                step()
            answer = mean_seconds(step, 1)
        elif "time" in order:
            answer = mean_seconds(steps[order["time"]], order["repeats"])
        else:
            answer = memory(build, Size(*order["size"]), options.device)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
