"""A tuned experiment as one small file, ``evidence/NAME.toml``, read strictly: what is tried, and where.

It says ranges, not grids: every method and the model without any get the same number of trials
(``labcode.experiments.tuning``), at each place anew, unless a place uses the choices of an earlier one, as
the later test years of a series do.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from labcode._checks import check_instance, check_integer, check_one_of, expect
from labcode.experiments.declaration import FEWEST_TO_CHOOSE, NONE, SEEDS, canonical_hash, check_keys
from labcode.experiments.methods import METHODS, scaled
from labcode.experiments.tuning import Trial, check_range, lattice, place_in_range

Ends = tuple[float, float]


@dataclass(frozen=True)
class Joint:
    """Several methods at once, each at the strength chosen for it alone with early stopping, times a factor.

    Attributes:
        methods: at least two names.
        factors: ends of the factor's range, above 0.
    """

    methods: tuple[str, ...]
    factors: Ends


@dataclass(frozen=True, kw_only=True)
class Place:
    """A task on which the experiment is done.

    Attributes:
        task: name in ``labcode.experiments.tasks``; its test split is used once.
        epochs: cap of each run.
        trials: for each label; 0 where the choices are those of an earlier place.
        choices_of: that place, or None.
        transfer_of: an earlier place whose choices are tried here as well, beside this one's own, or None.
        block: neighbouring units of a test part (days, weeks) that are resampled together; 1 where units are
            independent.
        pool: a name that places share whose test items belong together, such as two years; or None.
        labels: what is tried here.
    """

    task: str
    epochs: int
    trials: int = 0
    choices_of: str | None = None
    transfer_of: str | None = None
    block: int = 1
    pool: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an experiment tries. All of it counts for ``hash``.

    Attributes:
        name: the file's name without its ending.
        title: the question, in one sentence.
        seeds: paired seeds, at least 10.
        choice_seeds: how many of them choose, at least 3.
        batch_size, model: of each run; sizes are keyword arguments of the task's model.
        patience: of early stopping.
        learning_rate: ends of the range that is searched for every label.
        methods: ends of the range of strengths, by method.
        combinations: several methods at once, by a name of their own.
        places: where; the first one chooses.
    """

    name: str
    title: str
    seeds: int
    choice_seeds: int
    batch_size: int
    patience: int
    learning_rate: Ends
    model: Mapping[str, int]
    methods: Mapping[str, Ends]
    places: tuple[Place, ...]
    combinations: Mapping[str, Joint] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 of all values; comments and the order of the keys in the file don't count."""
        return canonical_hash(asdict(self))

    def quick(self) -> "Plan":
        """Return a small version, to see in seconds whether everything runs: its numbers mean nothing."""
        places = tuple(replace(place, epochs=1, trials=min(place.trials, 1)) for place in self.places)
        return replace(self, places=places, seeds=2, choice_seeds=2)

    def trials(self, place: Place, label: str, parts: Mapping[str, float] | None = None) -> list[Trial]:
        """Return what is tried of a label at a place.

        Args:
            place: where.
            label: "none", a method or a combination.
            parts: of a combination, the strengths that were chosen for its methods.
        """
        found = []
        for rate_share, strength_share in lattice(place.trials):
            rate = place_in_range(None, *self.learning_rate, rate_share)
            if label == NONE:
                found.append(Trial(rate, None, {}))
            elif label in self.methods:
                strength = place_in_range(label, *self.methods[label], strength_share)
                found.append(Trial(rate, strength, {label: strength}))
            else:
                assert parts is not None
                factor = place_in_range(None, *self.combinations[label].factors, strength_share)
                methods = {name: scaled(name, strength, factor) for name, strength in parts.items()}
                found.append(Trial(rate, factor, methods))
        return found


def is_plan(path: Path) -> bool:
    """Say whether a file declares a tuned experiment: it has places."""
    return "places" in tomllib.loads(path.read_text(encoding="utf-8"))


def read_plan(path: Path) -> Plan:
    """Read and check an experiment's file.

    Raises:
        ValueError: the file is missing or no TOML; a key is missing, unknown or out of range.
    """
    expect(path.is_file(), "experiment", "a declaration in evidence/, NAME.toml", path.stem)
    try:
        return _plan(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:  # TOML errors are of this kind, too
        raise ValueError(f"{path.name}: {error}") from error


def _keys(kind: type, known_before: set[str]) -> tuple[set[str], set[str]]:
    known = {f.name: f.default is MISSING and f.default_factory is MISSING for f in fields(kind)}
    needed = {key for key, is_needed in known.items() if is_needed}
    return needed - known_before, set(known) - known_before


def _plan(name: str, content: dict) -> Plan:
    check_keys("the file", content, *_keys(Plan, {"name"}))
    _check_text("title", content["title"])
    for key, low in {
        "seeds": SEEDS,
        "choice_seeds": FEWEST_TO_CHOOSE,
        "batch_size": 1,
        "patience": 0,
    }.items():
        check_integer(key, content[key], low=low)
    few = content["choice_seeds"]
    expect(few <= content["seeds"], "choice_seeds", f"at most {content['seeds']}, all seeds", few)
    for key in ("model", "methods", "combinations"):
        check_instance(key, content.get(key, {}), dict, "a table")
    for size, value in content["model"].items():
        check_integer(f"model.{size}", value, low=1)
    made: dict[str, Any] = {"learning_rate": check_range("learning_rate", content["learning_rate"])}
    made["methods"] = {
        method: check_range(method, ends, check_one_of("methods", method, tuple(METHODS)))
        for method, ends in content["methods"].items()
    }
    expect(len(made["methods"]) > 0, "methods", "at least one", made["methods"])
    tables = content.get("combinations", {}).items()
    made["combinations"] = {label: _joint(label, table, made["methods"]) for label, table in tables}
    labels = (NONE, *made["methods"], *made["combinations"])
    return Plan(name=name, **(content | made | {"places": _places(content["places"], labels, made)}))


def _check_text(name: str, value: Any) -> str:
    expect(isinstance(value, str) and bool(value.strip()), name, "some text", value)
    return value


def _joint(label: str, table: Any, methods: Mapping[str, object]) -> Joint:
    name = f"combinations.{label}"
    expect(label not in METHODS and label != NONE, name, "a name that is no method's", label)
    check_instance(name, table, dict, "a table")
    check_keys(name, table, *_keys(Joint, set()))
    parts = table["methods"]
    fits = isinstance(parts, list) and len(parts) >= 2 and len(set(map(str, parts))) == len(parts)
    expect(fits, f"{name}.methods", "at least two different methods", parts)
    for part in parts:
        check_one_of(f"{name}.methods", part, tuple(methods))
    return Joint(tuple(parts), check_range(f"{name}.factors", table["factors"]))


def _places(tables: Any, labels: tuple[str, ...], made: dict) -> tuple[Place, ...]:
    expect(isinstance(tables, list) and len(tables) > 0, "places", "at least one table", tables)
    places: dict[str, Place] = {}
    for table in tables:
        check_instance("places", table, dict, "a table")
        check_keys("places", table, *_keys(Place, set()))
        place = _place(table, labels, made["combinations"], places)
        expect(place.task not in places, "places", "each task once", place.task)
        places[place.task] = place
    return tuple(places.values())


def _place(table: dict, labels: tuple[str, ...], combinations: Mapping, before: Mapping[str, Place]) -> Place:
    _check_text("places.task", table["task"])
    for key, low in {"epochs": 1, "block": 1, "trials": 1}.items():
        check_integer(f"places.{key}", table.get(key, 1), low=low)
    one = ("trials" in table) != ("choices_of" in table)
    expect(one, f"places, {table['task']}", "either trials or choices_of", sorted(table))
    wanted = tuple(table.get("labels", labels))
    expect(wanted[:1] == (NONE,), "places.labels", f"{NONE!r} as the first of them", list(wanted))
    for label in wanted:
        check_one_of("places.labels", label, labels)
        missing = sorted(set(combinations[label].methods) - set(wanted)) if label in combinations else []
        expect(not missing, f"places.labels, {label}", "its methods among them", f"none of {missing}")
    for key in ("choices_of", "transfer_of"):
        if key in table:
            earlier = before.get(table[key])
            there = earlier is not None and set(wanted) <= set(earlier.labels)
            expect(there, f"places.{key}", "an earlier place with these labels", table[key])
    if "pool" in table:
        _check_text("places.pool", table["pool"])
    return Place(**(table | {"labels": wanted}))
