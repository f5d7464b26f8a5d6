"""From timings to medians, ratios, one table, JSON and a picture."""

import json
import platform
from pathlib import Path

import numpy as np

from benchmarks.contestants import BASELINE

GROWING = (
    BASELINE,
    "weight drop",
    "recurrent dropout on h",
    "plain PyTorch loop, dropout on h",
    "Keras on torch, recurrent_dropout",
)
AXES = {"steps": "steps T (B = 32, in = 16, H = 32)", "hidden": "hidden units H (T = 50, B = 32, in = 16)"}


def summarize(result: dict) -> dict:
    """Replace the seconds of every round by medians, quartiles and ratios to `torch.nn.LSTM`.

    A ratio is that of the medians; its quartiles are those of the ratios within each round.
    """
    times = {
        threads: {size: _with_ratios(seconds) for size, seconds in sizes.items()}
        for threads, sizes in result["times"].items()
    }
    growth = {axis: _growth(along) for axis, along in result["growth"].items()}
    machine = {"machine": platform.machine(), "system": platform.system(), "cpu": cpu_name()}
    return {**machine, **result, "times": times, "growth": growth}


def _with_ratios(seconds):
    """Summarize one size: milliseconds and ratios by contestant."""
    baseline, found = seconds.get(BASELINE), {}
    for name, values in seconds.items():
        quartiles = np.quantile(values, [0.25, 0.5, 0.75]) * 1000
        found[name] = {"ms": round(quartiles[1], 4), "ms_quartiles": np.round(quartiles[[0, 2]], 4).tolist()}
        if baseline:
            within = np.quantile(np.divide(values, baseline), [0.25, 0.75])
            found[name] |= {"ratio": round(float(np.median(values) / np.median(baseline)), 3)}
            found[name] |= {"ratio_quartiles": np.round(within, 3).tolist()}
    return found


def _growth(along):
    """Fit milliseconds = a * value^k to the medians of each contestant over the upper half of the values."""
    values = np.array(sorted(along), dtype=float)
    found = {}
    for name in next(iter(along.values())):
        ms = np.array([np.median(along[value][name]) * 1000 for value in sorted(along)])
        half = len(values) // 2
        exponent = np.polyfit(np.log(values[half:]), np.log(ms[half:]), 1)[0] if len(values) > 2 else None
        found[name] = {
            "values": values.tolist(),
            "ms": np.round(ms, 4).tolist(),
            "exponent": None if exponent is None else round(float(exponent), 2),
        }
    return found


def table(result: dict) -> str:
    """Write the times as text: milliseconds, ratio to `torch.nn.LSTM` and its quartiles, and memory."""
    lines = [f"{result['cpu']}, device {result['device']}, medians of {result['rounds']} interleaved rounds"]
    for threads, sizes in result["times"].items():
        for size, rows in sizes.items():
            lines += ["", f"(T, B, in, H) = {size}, {threads} thread{'s' * (threads != '1')}"]
            lines += [f"  {'':<40}{'ms':>9}  {'ratio':>6}  {'quartiles':>14}{'peak MB':>9}{'kept MB':>9}"]
            lines += [_row(name, row, result["memory"].get(size, {})) for name, row in rows.items()]
    for axis, rows in result["growth"].items():
        lines += ["", f"Time grows with {AXES[axis]} to the power of"]
        lines += [f"  {name:<40}{row['exponent']!s:>9}" for name, row in rows.items()]
    return "\n".join(lines)


def _row(name, row, memory):
    low, high = row.get("ratio_quartiles", (float("nan"),) * 2)
    ratio = f"{row.get('ratio', float('nan')):6.2f}  {low:6.2f}, {high:6.2f}"
    bytes_ = memory.get(name, {})
    cells = [
        f"{bytes_[key] / 1e6:9.2f}" if bytes_.get(key) is not None else f"{'':9}" for key in ("peak", "kept")
    ]
    return f"  {name:<40}{row['ms']:9.2f}  {ratio}{cells[0]}{cells[1]}".rstrip()


def write(result: dict, folder: Path) -> list[Path]:
    """Write the result and its picture into a folder, by the device's name."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"speed_{result['device']}.json", folder / f"speed_{result['device']}.png"]
    written[0].write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    draw(result).savefig(written[1], dpi=120)
    return written


def draw(result: dict):
    """Draw the ratios at two sizes and the growth with T and H; return the figure."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(10.5, 9.5), layout="constrained")
    sizes = list(result["times"]["1"].items())
    for ax, (size, rows) in zip(axes[0], sizes[1:3] if len(sizes) > 2 else sizes, strict=True):
        _bars(ax, size, rows)
    for ax, (axis, rows) in zip(axes[1], result["growth"].items(), strict=True):
        _growth_curves(ax, axis, rows)
    return figure


def _bars(ax, size, rows):
    """Draw one bar for each contestant, as long as its ratio, with the quartiles."""
    from labcode.plots import BASELINE as GREY
    from labcode.plots import CYCLE

    names = [name for name in rows if "ratio" in rows[name]]
    for place, name in enumerate(names):
        row = rows[name]
        ours = "Keras" not in name and "TensorFlow" not in name
        ax.barh(place, row["ratio"], color=CYCLE[0] if ours else CYCLE[1], height=0.7)
        ax.plot(row["ratio_quartiles"], (place, place), color="black", lw=1.2)
        ax.annotate(f" {row['ratio']:.2g}", (row["ratio_quartiles"][1], place), va="center", fontsize="small")
    ax.axvline(1, color=GREY, ls=":")
    ax.set_xscale("log")
    ax.set_xlim(0.5, 2 * max(rows[name]["ratio"] for name in names))
    ticks = [tick for tick in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if tick < ax.get_xlim()[1]]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_yticks(range(len(names)), names, fontsize="small")
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    ax.set(xlabel="time of a step (torch.nn.LSTM: 1)", title=f"(T, B, in, H) = {size}")


def _growth_curves(ax, axis, rows):
    """Draw milliseconds against one size, on logarithmic axes."""
    from labcode.plots import CYCLE

    markers = "osD^v"
    for (name, row), colour, marker in zip(rows.items(), CYCLE, markers, strict=False):
        label = name if row["exponent"] is None else f"{name}: power {row['exponent']:g}"
        ax.plot(row["values"], row["ms"], marker=marker, color=colour, ms=4, label=label)
    values = next(iter(rows.values()))["values"]
    ax.set(xscale="log", yscale="log", xlabel=AXES[axis], ylabel="milliseconds of one training step")
    ax.set_xticks(values, [f"{value:g}" for value in values])
    highest = max(max(row["ms"]) for row in rows.values())
    lowest = min(min(row["ms"]) for row in rows.values())
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if lowest / 2 < t < highest * 2]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(-0.35, -0.15))


def cpu_name() -> str:
    """Return what the system calls its processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
