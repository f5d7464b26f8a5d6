"""How long each interactive figure of the course takes to redraw: a slider should follow the hand.

The clock is that of the processor, which stands still while other programs run. Below 100 ms a picture
seems to move with the slider; what is above it is marked in the table. No test holds this: machines differ.
"""

import json
import statistics
import time
from collections.abc import Callable
from itertools import cycle, islice, product
from pathlib import Path

import numpy as np

from benchmarks.report import cpu_name

LIMIT = 100  # milliseconds
DOWN, UP = np.linspace(1.0, 0.2, 40), 0.9 + 0.5 * np.linspace(-0.6, 1.0, 40) ** 2


def _kept(epochs: int = 40, seeds: int = 10) -> dict[str, np.ndarray]:
    """Return what `MethodExplorer` takes of the runs of one strength."""
    curves = {"train": np.tile(DOWN[:epochs], (seeds, 1)), "validation": np.tile(UP[:epochs], (seeds, 1))}
    return curves | {"early": curves["validation"].min(axis=1), "last": curves["validation"][:, -1]}


def widgets() -> dict[str, Callable]:
    """Return a function for each class of `labcode.widgets` that makes one, as large as in the chapters."""
    from labcode import widgets
    from labcode.linear import load_diabetes

    strengths, rng = (0.001, 0.01, 0.1, 1.0), np.random.default_rng(0)
    sweeps = {method: {strength: _kept() for strength in strengths} for method in ("l1", "l2", "dropout")}
    best = {f"search {n}": np.geomspace(0.5, 0.2 + n / 50, 27) for n in range(6)}
    fresh = {name: scores + 0.1 for name, scores in best.items()}
    near_zero = {s: {"loss": rng.normal(0, s, 999), "proximal": np.zeros(999)} for s in strengths}
    curves = {strength: (DOWN + strength, UP + strength) for strength in strengths}
    libraries = {f"library {n}": DOWN + n * 1e-6 for n in range(5)}
    letters, texts = tuple("abcdefghijklmnopqrst"), dict.fromkeys((0.5, 1.0, 2.0), "abcde " * 60)
    return {
        "BudgetExplorer": lambda: widgets.BudgetExplorer(list(range(1, 28)), best, fresh, unit="loss"),
        "CellExplorer": widgets.CellExplorer,
        "Chatter": widgets.Chatter,
        "CurveExplorer": lambda: widgets.CurveExplorer(curves, setting="hidden units", baseline=1.0),
        "DiagnosisExplorer": lambda: widgets.DiagnosisExplorer(
            DOWN, UP, {"baseline": (0.7, 0.75)}, steps=list(range(2, 41))
        ),
        "DiamondAndDisk": lambda: widgets.DiamondAndDisk(load_diabetes(("bmi", "bp")), value=30),
        "DrawAgain": widgets.DrawAgain,
        "GateMemory": widgets.GateMemory,
        "LibraryExplorer": lambda: widgets.LibraryExplorer(libraries, reference="library 0", limit=1e-4),
        "MagnitudeExplorer": lambda: widgets.MagnitudeExplorer(near_zero),
        "MemoryExplorer": widgets.MemoryExplorer,
        "MethodExplorer": lambda: widgets.MethodExplorer(sweeps, _kept()),
        "OneWeight": widgets.OneWeight,
        "OwnTrace": widgets.OwnTrace,
        "PatienceExplorer": lambda: widgets.PatienceExplorer(UP, list(range(1, 16))),
        "RidgeError": widgets.RidgeError,
        "SeedInterval": widgets.SeedInterval,
        "ShrinkageFactors": lambda: widgets.ShrinkageFactors(np.geomspace(0.01, 4, 40), lr=0.1),
        "StrengthExplorer": lambda: widgets.StrengthExplorer(
            curves, {strength: list(UP[:5]) for strength in strengths}, reference=0.9
        ),
        "TemperatureExplorer": lambda: widgets.TemperatureExplorer(
            np.linspace(3, -3, len(letters)), letters, texts, context="a"
        ),
        "UnrolledCell": widgets.UnrolledCell,
        "VectorUnderConstraints": widgets.VectorUnderConstraints,
    }


def measure(rounds: int) -> dict:
    """Redraw every widget over all of its values; return the median milliseconds of each."""
    import matplotlib as mpl

    mpl.use("Agg")
    found = {}
    for name, make in widgets().items():
        widget, times = make(), []
        for values in islice(cycle(product(*widget.controls.values())), rounds):
            began = time.process_time()
            widget.picture(*values)
            times.append(time.process_time() - began)
        found[name] = round(1000 * statistics.median(times), 1)
    return {"cpu": cpu_name(), "rounds": rounds, "limit_ms": LIMIT, "ms": found}


def table(result: dict) -> str:
    """Write the result as text."""
    rows = [
        f"  {name:<22} {ms:6.1f} ms{'  SLOW' * (ms > result['limit_ms'])}"
        for name, ms in result["ms"].items()
    ]
    return "\n".join([f"A redraw, median of {result['rounds']}, limit {result['limit_ms']} ms", *rows])


def run(*, rounds: int, folder: Path) -> tuple[str, Path]:
    """Measure, write `redraws.json` into a folder, and return the table and the file."""
    result, path = measure(rounds), folder / "redraws.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return table(result), path
