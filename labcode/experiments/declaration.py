"""An experiment as one small file, ``evidence/NAME.toml``, read strictly: no key missing, none unknown."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from labcode._checks import check_instance, check_integer, check_number, check_one_of, expect
from labcode._files import course_folder
from labcode.experiments.methods import METHODS, check_strength

EVIDENCE = course_folder("evidence")
PROTOCOL = (
    1  # raise it when the same declaration gives other results: a method mended, other data, another rule
)
SEEDS, FEW_SEEDS, FEWEST_TO_CHOOSE = 10, 5, 3
NONE = "none"  # the method without any
VARIANTS = ("last", "early")  # the last epoch, and the one that early stopping keeps


def canonical_hash(content: object) -> str:
    """Return the SHA-256 of content as JSON in one fixed form, together with the protocol's number."""
    text = json.dumps([PROTOCOL, content], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Combination:
    """Several methods at once, each at the strength chosen for it alone, times one common factor.

    Attributes:
        methods: at least two names.
        factors: the grid of the factor, ascending, above 0.
    """

    methods: tuple[str, ...]
    factors: tuple[float, ...]


@dataclass(frozen=True)
class Confirmation:
    """A second task of the same kind, on which only the chosen strengths are tried.

    Attributes:
        task, block: as in ``Declaration``.
    """

    task: str
    block: int


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What an experiment tries. All of it counts for ``hash``.

    Attributes:
        name: the file's name without its ending.
        title: the question, in one sentence.
        task: name in ``labcode.experiments.tasks``; its test split is used once.
        confirm: a second task, to confirm what was found; or None.
        seeds: paired seeds, at least 10; at least 5 where ``few_seeds_because`` gives a reason.
        epochs, batch_size, learning_rate: the budget of each run, with Adam.
        patience: of early stopping.
        block: neighbouring test items that are resampled together, 1 where they are independent.
        model: sizes, keyword arguments of the task's model.
        methods: the grid of strengths by method, ascending, at least three each.
        combinations: several methods at once, by a name of their own.
        choice_seeds: how many of the seeds choose the strengths, at least 3; None for all. All of them are
            tested.
        references: methods to which the others are compared as well, beside "none" and the best single one.
    """

    name: str
    title: str
    task: str
    seeds: int
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    block: int
    model: Mapping[str, int]
    methods: Mapping[str, tuple[float, ...]]
    combinations: Mapping[str, Combination] = field(default_factory=dict)
    confirm: Confirmation | None = None
    few_seeds_because: str | None = None
    choice_seeds: int | None = None
    references: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of all values; comments and the order of the keys in the file don't count."""
        return canonical_hash(asdict(self))

    @property
    def labels(self) -> tuple[str, ...]:
        """Everything that is compared: "none", the methods, the combinations."""
        return (NONE, *self.methods, *self.combinations)

    def quick(self) -> "Declaration":
        """Return a small version, to see in seconds whether everything runs: its numbers mean nothing."""
        grids = {name: grid[len(grid) // 2 :][:1] for name, grid in self.methods.items()}
        one_factor = {c: Combination(made.methods, made.factors[:1]) for c, made in self.combinations.items()}
        return replace(self, methods=grids, combinations=one_factor, seeds=2, epochs=1, choice_seeds=2)


def blocks(declaration: Declaration) -> dict[str, int]:
    """Return the block length of each task: the task's own, then that of the one that confirms, if any."""
    confirm = declaration.confirm
    return {declaration.task: declaration.block} | ({confirm.task: confirm.block} if confirm else {})


def read_declaration(path: Path) -> Declaration:
    """Read and check an experiment's file.

    Raises:
        ValueError: the file is missing or no TOML; a key is missing, unknown or out of range.
    """
    expect(path.is_file(), "experiment", "a declaration in evidence/, NAME.toml", path.stem)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return _declaration(path.stem, content)
    except ValueError as error:  # TOML errors are of this kind, too
        raise ValueError(f"{path.name}: {error}") from error


def find_declarations(folder: Path = EVIDENCE) -> dict[str, Path]:
    """Return the file of every declared experiment by name; ``claims.toml`` is none."""
    return {path.stem: path for path in sorted(folder.glob("*.toml")) if path.stem != "claims"}


def _declaration(name: str, content: dict) -> Declaration:
    known = {f.name: f.default is MISSING and f.default_factory is MISSING for f in fields(Declaration)}
    del known["name"]
    check_keys("the file", content, {key for key, needed in known.items() if needed}, set(known))
    _check_values(content)
    methods = {method: _grid(method, grid) for method, grid in content["methods"].items()}
    expect(len(methods) > 0, "methods", "at least one", methods)
    tables = content.get("combinations", {}).items()
    made: dict[str, Any] = {"methods": methods, "learning_rate": float(content["learning_rate"])}
    made["combinations"] = {label: _combination(label, table, methods) for label, table in tables}
    if "confirm" in content:
        made["confirm"] = _confirmation(content["confirm"])
        another = made["confirm"].task != content["task"]
        expect(another, "confirm.task", f"another task than {content['task']!r}", made["confirm"].task)
    made["references"] = _references(content.get("references", []), methods)
    return Declaration(name=name, **(content | made))


def _check_values(content: dict) -> None:
    """Check texts and numbers, and that what should be a table is one."""
    for key in ("title", "task", "few_seeds_because"):
        value = content.get(key, "given")
        expect(isinstance(value, str) and bool(value.strip()), key, "some text", value)
    seeds = FEW_SEEDS if "few_seeds_because" in content else SEEDS
    for key, low in {"seeds": seeds, "epochs": 1, "batch_size": 1, "patience": 0, "block": 1}.items():
        check_integer(key, content[key], low=low)
    if "choice_seeds" in content:
        few = check_integer("choice_seeds", content["choice_seeds"], low=FEWEST_TO_CHOOSE)
        expect(few <= content["seeds"], "choice_seeds", f"at most {content['seeds']}, all seeds", few)
    rate = check_number("learning_rate", content["learning_rate"])
    expect(rate > 0, "learning_rate", "a number above 0", rate)
    for key in ("model", "methods", "combinations"):
        check_instance(key, content.get(key, {}), dict, "a table")
    for size, value in content["model"].items():
        check_integer(f"model.{size}", value, low=1)


def _grid(method: str, grid: Any) -> tuple[float, ...]:
    check_one_of("methods", method, tuple(METHODS))
    expect(isinstance(grid, list) and len(grid) >= 3, method, "a list of at least three strengths", grid)
    return _ascending(method, [check_strength(method, strength) for strength in grid])


def _references(names: Any, methods: Mapping[str, object]) -> tuple[str, ...]:
    check_instance("references", names, list, "a list of methods")
    return tuple(check_one_of("references", name, tuple(methods)) for name in names)


def _confirmation(table: Any) -> Confirmation:
    check_instance("confirm", table, dict, "a table")
    check_keys("confirm", table, {"task", "block"}, {"task", "block"})
    expect(isinstance(table["task"], str), "confirm.task", "some text", table["task"])
    return Confirmation(table["task"], check_integer("confirm.block", table["block"], low=1))


def _combination(label: str, table: Any, methods: Mapping[str, object]) -> Combination:
    name = f"combinations.{label}"
    expect(label not in METHODS and label != NONE, name, "a name that is no method's", label)
    check_instance(name, table, dict, "a table")
    check_keys(name, table, {"methods", "factors"}, {"methods", "factors"})
    parts, factors = table["methods"], table["factors"]
    are_different = isinstance(parts, list) and len(parts) >= 2 and len(set(map(str, parts))) == len(parts)
    expect(are_different, f"{name}.methods", "at least two different methods", parts)
    for part in parts:
        check_one_of(f"{name}.methods", part, tuple(methods))
    expect(isinstance(factors, list) and len(factors) > 0, f"{name}.factors", "a list of numbers", factors)
    checked = [check_number(f"{name}.factors", factor) for factor in factors]
    expect(min(checked) > 0, f"{name}.factors", "numbers above 0", factors)
    return Combination(tuple(parts), _ascending(f"{name}.factors", checked))


def _ascending(name: str, values: list[float]) -> tuple[float, ...]:
    expect(values == sorted(set(values)), name, "numbers in ascending order, each once", values)
    return tuple(values)


def check_keys(name: str, table: dict, needed: set[str], known: set[str]) -> None:
    missing, unknown = sorted(needed - table.keys()), sorted(table.keys() - known)
    expect(not missing, name, f"the keys {sorted(needed)}", f"none of {missing}")
    expect(not unknown, name, f"no keys but {sorted(known)}", f"also {unknown}")
