"""The benchmark runs in a small form, and what it reports follows from the timings. No time is asserted."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import __main__ as bench
from benchmarks import report, training_loop
from benchmarks.contestants import BASELINE, FAMILIES, Size
from labcode import widgets

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "families", [["torch"], pytest.param(list(FAMILIES), marks=pytest.mark.long)], ids=str
)
def test_the_small_benchmark_runs_and_writes_its_result(tmp_path, families):
    families = bench.available(families)
    command = [sys.executable, "-m", "benchmarks", "--small", "--threads", "1", "--output", str(tmp_path)]
    command += ["--families", *families]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "speed_cpu.json").read_text())
    names = {name for family in families for name in FAMILIES[family]}
    for rows in result["times"]["1"].values():
        assert rows.keys() == names
        assert rows[BASELINE]["ratio"] == 1
        assert all(row["ms"] > 0 for row in rows.values())
    assert result["versions"]["torch"]["torch"]
    assert set(result["growth"]) == {"steps", "hidden"}
    assert all(name in done.stdout for name in names)
    assert (tmp_path / "speed_cpu.png").read_bytes().startswith(b"\x89PNG")
    redraws = json.loads((tmp_path / "redraws.json").read_text())
    assert sorted(redraws["ms"]) == sorted(widgets.__all__)
    loop = json.loads((tmp_path / "training_loop.json").read_text())
    assert all(row["ms_of_a_step"] > 0 for row in loop["overhead"].values())
    assert "What the training loop adds" in done.stdout


def test_a_worker_that_ends_says_why():
    with (
        pytest.raises(RuntimeError, match=r"(?s)benchmark of torch: its process ended: .*KeyError"),
        bench.working(["torch"], 1, "cpu") as workers,
    ):
        workers["torch"].ask(time="not built", repeats=1)


def timings(*, steps=(1, 2, 4, 8)):
    """A result as `run` returns it, of two contestants whose times are known."""
    seconds = {BASELINE: [0.001, 0.002, 0.003], "slow": [0.003, 0.004, 0.012]}
    growth = {step: {BASELINE: [0.001 * step], "slow": [0.001 * step**2]} for step in steps}
    memory = {"(1, 2, 3, 4)": {"slow": {"peak": 2_000_000, "kept": None}}}
    rest = {"rounds": 3, "device": "cpu", "memory": memory}
    return {"times": {"1": {"(1, 2, 3, 4)": seconds}}, "growth": {"steps": growth, "hidden": growth}} | rest


def test_ratios_are_of_medians_and_quartiles_of_each_round():
    slow = report.summarize(timings())["times"]["1"]["(1, 2, 3, 4)"]["slow"]
    assert slow["ms"] == 4
    assert slow["ratio"] == 2
    assert slow["ratio_quartiles"] == [2.5, 3.5]  # of 3, 2 and 4: the rounds themselves
    assert slow["ms_quartiles"] == [3.5, 8]


def test_growth_finds_the_power():
    growth = report.summarize(timings())["growth"]["steps"]
    assert growth[BASELINE]["exponent"] == 1
    assert growth["slow"]["exponent"] == 2


def test_the_table_shows_every_figure():
    text = report.table(report.summarize(timings()))
    row = next(line for line in text.splitlines() if line.startswith("  slow"))
    assert row.split() == ["slow", "4.00", "2.00", "2.50,", "3.50", "2.00"]


def test_without_a_baseline_there_are_times_and_no_ratios():
    result = timings()
    del result["times"]["1"]["(1, 2, 3, 4)"][BASELINE]
    row = report.summarize(result)["times"]["1"]["(1, 2, 3, 4)"]["slow"]
    assert "ratio" not in row
    assert math.isclose(row["ms"], 4)


def test_the_training_loop_is_compared_with_a_loop_that_takes_the_same_steps(monkeypatch):
    steps, step = [], torch.optim.Adam.step
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: steps.append(id(self)) or step(self))
    run = training_loop.loops(Size(4, 3, 2, 2), epochs=2, batches=5)
    for name in run:
        steps.clear()
        run[name]()
        assert len(steps) == 10, name


def test_what_the_training_loop_adds_is_taken_within_each_round(monkeypatch):
    clock, costs = [0.0], {"bare loop": [9.0, 1.0, 2.0, 4.0], "fit": [99.0, 1.1, 2.4, 4.2]}
    monkeypatch.setattr(training_loop.time, "process_time", lambda: clock[0])
    left = {name: iter(values) for name, values in costs.items()}

    def spend(name):
        clock[0] += next(left[name])

    found = training_loop._compare({name: lambda name=name: spend(name) for name in costs}, rounds=3)
    assert found["added"] == 0.1
    assert found["added_quartiles"] == [0.075, 0.15]
    assert found["bare"] == 2
