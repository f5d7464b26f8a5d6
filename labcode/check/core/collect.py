"""The first half of a check: the learner's code runs, and plain data comes back, whatever happens.

The data can be written as JSON and read by another process, which judges it without running anything.
"""

import base64
import binascii
import copy
import inspect
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labcode.check.core import blame
from labcode.check.core.limits import Ended, TimeUp, guarded, seconds_for
from labcode.check.core.values import Odd, plain

FORMAT = "labcode check 1"


class NotYet(AssertionError):
    """An answer that is not right yet; a notebook shows its message alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """IPython's hook for exceptions that draw themselves."""
        return [str(self)]


@dataclass(frozen=True)
class Outcome:
    """What one call gave.

    Args:
        kind: "value", "blank", or "stopped" (an error, no end, a way out, another message).
        value: the result, plain.
        said: the message where there is no value.
        changed: names of the arguments that the call has changed.
    """

    kind: str
    value: object = None
    said: str = ""
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Collected:
    """The outcomes of a task's cases: ``name`` of the task, ``seed`` of the cases that were drawn."""

    name: str
    seed: int
    outcomes: tuple[Outcome, ...]

    def to_json(self) -> str:
        """Return the data as JSON text, arrays to the last bit."""
        outcomes = [[o.kind, encode(o.value), o.said, list(o.changed)] for o in self.outcomes]
        return json.dumps({"format": FORMAT, "name": self.name, "seed": self.seed, "outcomes": outcomes})

    @classmethod
    def from_json(cls, text: str) -> "Collected":
        """Read what ``to_json`` wrote; nothing in it is run.

        Raises:
            ValueError: the text is anything else.
        """
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                raise ValueError(f"format: expected {FORMAT!r}, received {data['format']!r}")
            outcomes = tuple(
                Outcome(str(kind), decode(value), str(said), tuple(map(str, changed)))
                for kind, value, said, changed in data["outcomes"]
            )
            return cls(str(data["name"]), int(data["seed"]), outcomes)
        except (KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
            raise ValueError(f"expected the data of a check, received something else ({error!r})") from None


def run_cases(checker, fn: Callable, cases: tuple) -> tuple[Outcome, ...]:
    """Run a learner's function on all cases; a blank, a way out or too long a run ends it for all.

    Args:
        checker: has ``name``, ``solution``, ``seconds``, ``_run(fn, case)`` and ``_call(case)``.
        fn: the learner's function.
        cases: have ``args``.
    """
    if not callable(fn):
        return (Outcome("stopped", said=_not_a_function(checker.name, fn)),) * len(cases)
    allowed = seconds_for(checker.seconds)
    outcomes: list[Outcome] = []
    try:
        with guarded(allowed):
            for case in cases:
                outcomes.append(run_case(checker, fn, case))
                if outcomes[-1].kind == "blank":
                    break
        last = outcomes[-1:]
    except TimeUp as error:
        assert allowed is not None
        call = checker._call(cases[min(len(outcomes), len(cases) - 1)])
        last = [Outcome("stopped", said=blame.too_long(checker.name, error, allowed, call))]
    except Ended as error:
        call = checker._call(cases[min(len(outcomes), len(cases) - 1)])
        last = [Outcome("stopped", said=_way_out(checker.name, error, call))]
    return (*outcomes, *last * (len(cases) - len(outcomes)))


def run_case(checker, fn: Callable, case) -> Outcome:
    """Run a learner's function on a copy of one case."""
    given = copy.copy(case)
    object.__setattr__(given, "args", copy.deepcopy(case.args))
    try:
        value = plain(checker._run(fn, given))
    except NotYet as message:
        return Outcome("stopped", said=str(message))
    except NotImplementedError as error:
        if blame.is_blank(error, fn):
            return Outcome("blank", said=blame.BLANK.format(checker.name))
        return Outcome("stopped", said=blame.stopped(checker.name, error, checker._call(case), fn))
    except Exception as error:
        message = blame.wrong_signature(checker.name, fn, checker.solution, checker._given(case))
        return Outcome("stopped", said=message or blame.stopped(checker.name, error, checker._call(case), fn))
    pairs = zip(parameters(checker.solution), given.args, case.args, strict=False)
    return Outcome("value", value, changed=tuple(n for n, now, before in pairs if not unchanged(now, before)))


def parameters(solution: Callable) -> list[str]:
    """Return the names of a solution's positional parameters: its arguments, without the switches."""
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [name for name, p in inspect.signature(solution).parameters.items() if p.kind in kinds]


def _not_a_function(name, value):
    return (
        f"✗ hand over the function itself, check.{name}({name}); received a value of type "
        f"{type(value).__name__}."
    )


def _way_out(name, error, call):
    where = blame.learners_line(error.__cause__)
    place = f"\n  in line {where.lineno}: {where.line}" if where else ""
    return (
        f"✗ {name} raised {error} (exit() does so, too), which would end the program. Use `return` to "
        f"leave a function.{place}\n  The call was {call}"
    )


def unchanged(now: Any, before: object) -> bool:
    """Tell whether an argument is what it was, exactly."""
    if isinstance(before, np.ndarray):
        return (
            isinstance(now, np.ndarray)
            and now.shape == before.shape
            and np.array_equal(now, before, equal_nan=before.dtype.kind in "fc")
        )
    if isinstance(before, dict):
        return now.keys() == before.keys() and all(unchanged(now[key], before[key]) for key in before)
    if isinstance(before, list | tuple):
        return len(now) == len(before) and all(map(unchanged, now, before))
    if type(before).__eq__ is object.__eq__ or type(before).__module__.startswith("torch"):
        return type(before).__eq__ is object.__eq__ or unchanged(plain(now), plain(before))
    return bool(now == before) or now != now


def encode(value: object) -> object:
    """Write a plain value as JSON's own types, tagged where JSON has none."""
    if isinstance(value, np.ndarray):
        little = value.astype(value.dtype.newbyteorder("<"))
        data = base64.b64encode(little.tobytes()).decode()
        return {"array": data, "dtype": little.dtype.str, "shape": list(value.shape)}
    if isinstance(value, Odd):
        return {"odd": [value.kind, value.said]}
    if isinstance(value, complex):
        return {"complex": [encode(value.real), encode(value.imag)]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, int) and abs(value) > 2**53:
        return {"int": hex(value)}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(part)] for key, part in value.items()]}
    if isinstance(value, tuple | frozenset):
        return {type(value).__name__: [encode(part) for part in value]}
    return [encode(part) for part in value] if isinstance(value, list) else value


def decode(value: Any) -> Any:
    """Read what ``encode`` wrote.

    Raises:
        ValueError, KeyError, TypeError: it is anything else.
    """
    if isinstance(value, list):
        return [decode(part) for part in value]
    if not isinstance(value, dict):
        return value
    tag, content = next(iter(value.items()))
    if tag == "array":
        dtype = np.dtype(str(value["dtype"]))
        if dtype.kind not in "biufc":
            raise ValueError(f"dtype: expected numbers, received {dtype}")
        shape = [int(size) for size in value["shape"]]
        if min(shape, default=0) < 0:
            raise ValueError(f"shape: expected sizes from 0, received {shape}")
        return np.frombuffer(base64.b64decode(content, validate=True), dtype).reshape(shape).copy()
    readers = {
        "odd": lambda: Odd(*map(str, content)),
        "complex": lambda: complex(*map(decode, content)),
        "float": lambda: float(content),
        "int": lambda: int(content, 16),
        "dict": lambda: {decode(key): decode(part) for key, part in content},
        "tuple": lambda: tuple(map(decode, content)),
        "frozenset": lambda: frozenset(map(decode, content)),
    }
    return readers[tag]()
