"""The benchmark's figures, as ``python course.py bench`` wrote them."""

import json
from collections.abc import Mapping
from pathlib import Path

from labcode._checks import expect
from labcode._files import course_folder

SPEED = course_folder("benchmarks") / "results"


def load_speed(device: str = "cpu", folder: Path = SPEED) -> dict:
    """Read the benchmark's result for one device.

    Args:
        device: "cpu" or "cuda".
        folder: where the benchmark writes.

    Returns:
        the result: ``times`` by threads, size and contestant, ``growth``, ``memory``, ``rounds``,
        ``versions``.

    Raises:
        ValueError: no such file.

    Chapter: 7.
    """
    path = Path(folder) / f"speed_{device}.json"
    expect(path.is_file(), "device", "one that `python course.py bench` has timed here", device)
    return json.loads(path.read_text(encoding="utf-8"))


def ratios(speed: Mapping, size: str, threads: int = 1) -> dict[str, tuple[float, float, float]]:
    """Return each contestant's time as a multiple of ``torch.nn.LSTM``'s: the median and the quartiles.

    Args:
        speed: what ``load_speed`` returned.
        size: a size of it, such as "(50, 32, 16, 32)": T, B, features, H.
        threads: processor threads.

    Returns:
        ratio, lower and upper quartile by contestant.

    Raises:
        ValueError: a size or number of threads that was not timed.

    Chapter: 7.
    """
    times = speed["times"]
    expect(str(threads) in times, "threads", f"one of {sorted(times)}", threads)
    sizes = times[str(threads)]
    expect(size in sizes, "size", f"one of {sorted(sizes)}", size)
    return {name: (row["ratio"], *row["ratio_quartiles"]) for name, row in sizes[size].items()}
