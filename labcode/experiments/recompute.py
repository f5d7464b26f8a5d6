"""Compute a result again from its record: every interval and table, without training.

``python course.py evidence --recompute`` does it for all that have a record, and the verdicts after them.
"""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labcode._checks import expect
from labcode.experiments import machine
from labcode.experiments.place_summary import summarize
from labcode.experiments.records import Record, check_about, find_records, write_record
from labcode.experiments.results import load_result, made_with

HEAD = "head"  # what a result says before its numbers: the command, the hash, the machine, the time it took
SUMMARY = "summary"  # the function of a study's script


def keep(
    name: str, arrays: Mapping[str, np.ndarray], about: Mapping[str, object], head: Mapping, folder: Path
) -> Path:
    """Write an experiment's record, with what its result says before its numbers; return the file's path.

    Args:
        name: of the experiment.
        arrays, about: as in ``labcode.experiments.records.write_record``.
        head: the hash of what was tried, and the time it took.
        folder: gets the record, in records/.

    Raises:
        ValueError: about what JSON cannot hold, and as ``write_record``.
    """
    here = machine.processor()
    first = made_with() | {"command": f"python course.py evidence {name}"}
    about = dict(about) | {HEAD: first | {"processor": machine.label(here), "machine": here} | dict(head)}
    check_about(about)
    return write_record(Path(folder) / "records" / f"{name}.npz", arrays, about)


def from_record(record: Record, summary: Callable[[Record], Mapping]) -> dict:
    """Return a result: the record's head, then what the summary makes of its numbers."""
    return {**record.about[HEAD], **summary(record)}


def recomputed(name: str, folder: Path) -> dict:
    """Return a result, computed again from its record.

    Args:
        name: of the experiment.
        folder: holds NAME.py (or the declaration NAME.toml) and records/.

    Raises:
        ValueError: no record, or no script with a function ``summary``.
    """
    folder = Path(folder)
    return from_record(Record(folder / "records" / f"{name}.npz"), summary_of(name, folder))


def summary_of(name: str, folder: Path) -> Callable[[Record], Mapping]:
    """Return the function that computes an experiment's result from its record."""
    if (folder / f"{name}.toml").is_file():
        return summarize
    script = folder / f"{name}.py"
    expect(script.is_file(), "name", f"a study or a declaration in {folder.name}/", name)
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(script.stem)
    sys.modules[script.stem] = module
    try:
        spec.loader.exec_module(module)
    finally:
        if before is not None:
            sys.modules[script.stem] = before
    function: Any = getattr(module, SUMMARY, None)
    expect(callable(function), name, f"a script with a function {SUMMARY}(record)", function)
    return function


def all_results(folder: Path) -> dict[str, dict]:
    """Return every result of a folder: computed again where there is a record, else as it was written."""
    records = find_records(Path(folder) / "records")
    written = sorted((Path(folder) / "results").glob("*.json"))
    found = {path.stem: load_result(path.stem, path.parent) for path in written if path.stem not in records}
    return found | {name: recomputed(name, folder) for name in records}
