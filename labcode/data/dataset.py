"""What a task is made of: three splits of samples, and all that is needed to read their numbers."""

import gzip
import hashlib
import textwrap
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from labcode._checks import check_integer, check_number, expect
from labcode._files import HOME
from labcode.data.scaling import Scaling

DATA = Path(__file__).resolve().parent / "files"
TASK_KINDS = ("regression", "classification", "sequence")
IGNORED = -100  # a target that is padding; the number that torch's losses leave out by themselves


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """One part of a dataset; ``x, y = split`` unpacks it, or ``x, y, padding_mask = split`` if it has a mask.

    Attributes:
        x: inputs, (N, T, F) float32, standardized, or (N, T) int64, the tokens' numbers.
        y: targets: (N, 1) float32 for a regression, (N,) int64 for a classification, (N, L) int64 for
            sequences, -100 where a target is padding.
        dates: the day that each target belongs to, (N,) datetime64[D], in ascending order; None where the
            samples have no order in time.
        padding_mask: (N, T) bool, True at real steps; None where all are real.
        items: what a person can read of each sample, (N,) of str, or None.
        groups: what must not be on both sides of a split (a message, a recording), (N,) of str, or None.
    """

    x: np.ndarray
    y: np.ndarray
    dates: np.ndarray | None = None
    padding_mask: np.ndarray | None = None
    items: np.ndarray | None = None
    groups: np.ndarray | None = None

    def __post_init__(self):
        for array in self._arrays().values():
            array.flags.writeable = False

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.x, self.y) if self.padding_mask is None else (self.x, self.y, self.padding_mask))

    def __repr__(self) -> str:
        n, *sizes = self.x.shape
        if self.dates is None:
            return f"Split({n} sequences of up to {' x '.join(map(str, sizes))})"
        return f"Split({n} windows of {' x '.join(map(str, sizes))}, {self.dates[0]} to {self.dates[-1]})"

    def subset(self, chosen: np.ndarray | slice) -> "Split":
        """Keep the samples that an index, a slice or a mask chooses, with all that belongs to them."""
        return replace(self, **{name: array[chosen] for name, array in self._arrays().items()})

    def last(self, fraction: float) -> "Split":
        """Keep the last part of the split (the most recent, where it has dates), to ask what fewer data do.

        Args:
            fraction: share of the samples to keep, above 0 and at most 1 (at least one is kept).

        Raises:
            ValueError: a fraction outside (0, 1].
        """
        fraction = check_number("fraction", fraction, low=0.0, high=1.0)
        expect(fraction > 0, "fraction", "a number above 0", fraction)
        return self.subset(slice(len(self.x) - max(1, round(fraction * len(self.x))), None))

    def _arrays(self) -> dict[str, np.ndarray]:
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: array for name, array in named.items() if array is not None}


def join(first: Split, second: Split) -> Split:
    """Put two splits, the earlier one first, together into one, with all that belongs to their samples.

    Where one has a padding mask and the other none, all steps of the other are real.

    Raises:
        ValueError: dates, items or groups in one of them alone, or samples of two shapes or kinds.
    """
    joined: dict[str, Any] = {}
    for field in fields(Split):
        pair = [getattr(part, field.name) for part in (first, second)]
        if field.name == "padding_mask" and any(mask is not None for mask in pair):
            shapes = first.x.shape[:2], second.x.shape[:2]
            pair = [np.ones(s, dtype=bool) if m is None else m for m, s in zip(pair, shapes, strict=True)]
        kinds = [None if array is None else (array.shape[1:], array.dtype.kind) for array in pair]
        expect(kinds[0] == kinds[1], field.name, f"{kinds[0]} in both splits", kinds[1])
        joined[field.name] = None if kinds[0] is None else np.concatenate(pair)
    return Split(**joined)


def group_places(groups: np.ndarray, seed: int) -> np.ndarray:
    """Return the place of each sample's group, 0 for the first, in an order that a seed draws: (N,)."""
    names, members = np.unique(groups, return_inverse=True)
    return np.random.default_rng(check_integer("seed", seed)).permutation(len(names))[members]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A task with its three splits, and all that is needed to read its numbers.

    Only the splits are required.

    Attributes:
        train, validation, test: the splits; no target day, message or recording is in two of them.
        name: short name.
        title: what is predicted, in one line.
        task: "regression", "classification" or "sequence".
        feature_names, feature_units: of the F inputs, before standardization; of tokens, what a token is.
        target_name, target_unit: of the target.
        mean, std: what the inputs were standardized with, (F,) float64, from training data only; None for
            tokens.
        target_std: one unit of a regression's target in its own unit, from training data only: an error of
            1 is ``target_std`` of it, a mean squared error of m is ``target_std * sqrt(m)``.
        licence, provenance: who may use the data, and where they come from.
        step: what one step of a sequence is.
        classes: the names of a classification's classes.
        vocabulary: what each token of the inputs stands for; 0 is padding.
        target_vocabulary: the same of the targets of a sequence task.
        scaling: how a series of one's own was cut and scaled (:func:`labcode.data.windows`), else None.
    """

    train: Split
    validation: Split
    test: Split
    name: str = "own data"
    title: str = ""
    task: str = "regression"
    feature_names: tuple[str, ...] = ()
    feature_units: tuple[str, ...] = ()
    target_name: str = "target"
    target_unit: str = ""
    mean: np.ndarray | None = None
    std: np.ndarray | None = None
    target_std: float = 1.0
    licence: str = "not stated"
    provenance: str = ""
    step: str = "day"
    classes: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    target_vocabulary: tuple[str, ...] = ()
    scaling: Scaling | None = None

    def __post_init__(self):
        for array in (self.mean, self.std):
            if array is not None:
                array.flags.writeable = False

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(split.x)}" for name, split in self.splits.items())
        return f"Dataset({self.name!r}, {self.task}, {self._shape()}: {sizes})"

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def describe(self) -> str:
        """Return the dataset at a glance: sizes, dates, features with units, target and licence."""
        lines = [f"{self.name}: {self.title}".rstrip(": "), f"task        {self.task}, from {self._shape()}"]
        for name, split in self.splits.items():
            kind = "sequences" if split.dates is None else "windows"
            days = "" if split.dates is None else f", targets {split.dates[0]} to {split.dates[-1]}"
            lines.append(f"{name:<11} {len(split.x)} {kind}{days}")
        units = zip(self.feature_names, self.feature_units, strict=True)
        features = ", ".join(f"{name} [{unit}]" if unit else name for name, unit in units)
        lines += [_wrapped(f"features    {features}")] if features else []
        if self.mean is not None:
            years = "years" if self.train.dates is not None else "part"
            lines.append(
                f"            standardized with the mean and standard deviation of the training {years}"
            )
        unit = f" [{self.target_unit}]" if self.target_unit else ""
        lines.append(f"target      {self.target_name}{unit}")
        if self.classes:
            lines.append(_wrapped(f"classes     {', '.join(self.classes)}"))
        return "\n".join([*lines, _wrapped(f"licence     {self.licence}")])

    def _shape(self) -> str:
        steps = self.train.x.shape[1]
        if self.train.dates is None and self.scaling is None:
            return f"sequences of up to {steps} {self.step}s"
        return f"windows of {steps} {self.step}s"


def read_verified(path: Path, sha256: str) -> bytes:
    """Read a gzip file of the course and check its content.

    Args:
        path: the file.
        sha256: checksum of the unpacked content.

    Returns:
        The unpacked content.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: it is damaged, or holds something else.
    """
    shown = path.relative_to(HOME).as_posix() if path.is_relative_to(HOME) else path.as_posix()
    remedy = f"restore it with: git checkout -- {shown} (or download the course again)"
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{shown}: expected this file of the course, it is missing; {remedy}"
        ) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(
            f"{shown}: expected gzip data, received a damaged file ({error}); {remedy}"
        ) from error
    received = hashlib.sha256(content).hexdigest()
    if received != sha256:
        raise ValueError(f"{shown}: expected content with sha256 {sha256}, received {received}; {remedy}")
    return content


def provenance(name: str) -> str:
    """Return the text that names a data file's source, licence, date and the command that made it."""
    return (DATA / f"{name}.txt").read_text(encoding="utf-8")


def _wrapped(line: str) -> str:
    return textwrap.fill(line, width=100, subsequent_indent=" " * 12)
