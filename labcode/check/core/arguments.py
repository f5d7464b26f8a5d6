"""Results that would be right for other arguments: one not used, sorted, exchanged, or taken in part."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from labcode.check.core.collect import parameters

OF_NUMBERS: dict[str, Callable] = {
    "1 - {}": lambda a: 1 - a,
    "{} + 1": lambda a: a + 1,
    "{} - 1": lambda a: a - 1,
    "twice {}": lambda a: 2 * a,
    "half of {}": lambda a: a / 2,
    "the square of {}": lambda a: a**2,
    "the root of {}": np.sqrt,
    "1/{}": lambda a: 1 / a,
}
OF_ARRAYS: dict[str, Callable] = {
    "all ones (is it used?)": np.ones_like,
    "all zeros (is it used?)": np.zeros_like,
    "their absolute values": np.abs,
    "their signs": np.sign,
    "their squares": np.square,
    "negative": lambda a: -a,
    "1 where they are not 0": lambda a: (a != 0).astype(a.dtype),
    "clipped at 0": lambda a: np.maximum(a, 0),
    "centred by column": lambda a: a - a.mean(axis=0),
    "their first entry alone": lambda a: a[:1],
    "their last entry alone": lambda a: a[-1:],
    "transposed": lambda a: a.T if a.ndim > 1 else None,
    "reshaped to the form of their transpose": lambda a: a.reshape(a.T.shape) if a.ndim > 1 else None,
    "shifted by one": lambda a: np.roll(a, 1, axis=0),
    "0, 1, 2 and so on": lambda a: np.arange(len(a)) if a.ndim == 1 and a.dtype.kind in "iu" else None,
}
OF_ROWS = {
    "sorted": lambda a: np.sort(a, axis=0),
    "in the reverse order": lambda a: a[::-1],
    "without their first entry": lambda a: a[1:],
    "without their last entry": lambda a: a[:-1],
}
OF_LISTS = {
    "in the reverse order": slice(None, None, -1),
    "without their first entry": slice(1, None),
    "without their last entry": slice(None, -1),
}


def for_other_arguments(checker, results: list, first: int) -> list[str]:
    """Return a sentence where all results are the right ones for arguments that are changed in one way.

    Args:
        checker: with the cases and the solution.
        results: what the learner's function returned, plain.
        first: the place of a wrong one.
    """
    one = replace(checker, cases=checker.cases[first : first + 1])
    said = [
        text
        for text, change in _changes(checker, first)
        if _gives(one, change, results[first : first + 1]) and _gives(checker, change, results)
    ]
    if len(said) > 1:
        return [f"Your results would be right, to guess, if {'; or if '.join(said[:3])}."]
    return [f"Your results would be right if {said[0]}."] if said else []


def _gives(checker, change: Callable, results: list) -> bool:
    """Tell whether the solution returns these results for changed arguments."""
    try:
        with np.errstate(all="ignore"):
            for index, (case, got) in enumerate(zip(checker.cases, results, strict=True)):
                want = checker.solution(*change(copy.deepcopy(case.args)))
                if not checker._same(got, checker.tidy(want), index):
                    return False
    except Exception:
        return False  # a change that these arguments, or the solution, do not bear
    return True


def _changes(checker, first: int) -> Iterator[tuple[str, Callable]]:
    """Yield changes of the arguments: in words, and as a function from arguments to arguments."""
    args = checker.cases[first].args
    names = parameters(checker.solution)[: len(args)]
    for place, (name, arg) in enumerate(zip(names, args, strict=True)):
        for text, change in _of_one(name, arg):
            yield text, lambda given, p=place, f=change: (*given[:p], f(given[p]), *given[p + 1 :])
    for kind in (np.ndarray, dict):  # one change of all arrays, or of all dictionaries
        alike = [place for place, arg in enumerate(args) if isinstance(arg, kind)]
        for text, change in _of_one("them", args[alike[0]]) if len(alike) > 1 else ():
            listed = " and ".join(f"`{names[place]}`" for place in alike)
            yield (
                f"{listed}: {text.replace('`them`', 'all of them')}",
                lambda given, f=change, alike=alike: _put(given, {p: f(given[p]) for p in alike}),
            )
    for (i, a), (j, b) in combinations(enumerate(names), 2):
        if type(args[i]) is type(args[j]) and getattr(args[i], "shape", ()) == getattr(args[j], "shape", ()):
            yield (
                f"`{a}` and `{b}` were exchanged",
                lambda given, i=i, j=j: _put(given, {i: given[j], j: given[i]}),
            )
            yield f"`{a}` stood in the place of `{b}`", lambda given, i=i, j=j: _put(given, {j: given[i]})
            yield f"`{b}` stood in the place of `{a}`", lambda given, i=i, j=j: _put(given, {i: given[j]})
            for one, k in ((a, i), (b, j)) if isinstance(args[i], np.ndarray) else ():
                yield (
                    f"`{one}` were `{a} + {b}`",
                    lambda given, i=i, j=j, k=k: _put(given, {k: given[i] + given[j]}),
                )


def _put(given, new):
    return tuple(new.get(place, value) for place, value in enumerate(given))


def _of_one(name, arg) -> Iterator[tuple[str, Callable]]:
    if arg is None or isinstance(arg, bool):
        for value in (True, False, None):
            yield f"`{name}` were always {value}", lambda a, value=value: value
        yield f"`{name}` were the other way round", lambda a: not a
    elif isinstance(arg, int | float):
        for value in (0, 1, 2, 3, 5, 10) if isinstance(arg, int) else (0.0, 1.0, 0.5, 0.1):
            yield f"`{name}` were always {value:g}", lambda a, value=value: value
        for text, change in OF_NUMBERS.items():
            yield f"`{name}` were {text.format(name)}", change
    elif isinstance(arg, dict):
        yield from _of_dict(name, arg)
    elif isinstance(arg, np.ndarray) and arg.dtype.kind == "b":
        yield f"`{name}` were the other way round", lambda a: ~a
        yield f"`{name}` were always True", np.ones_like
    elif isinstance(arg, np.ndarray):
        for text, change in (OF_ARRAYS | OF_ROWS).items():
            yield f"`{name}` were {text}", change
    elif isinstance(arg, list) and any(isinstance(x, np.ndarray) for x in arg):
        for text, part in OF_LISTS.items():
            yield f"`{name}` were {text}", lambda a, part=part: a[part]
    elif isinstance(arg, list | tuple) and all(isinstance(x, int | float) for x in arg):
        for text, change in (OF_ROWS | {"negative (smallest and largest exchanged?)": lambda a: -a}).items():
            yield f"`{name}` were {text}", lambda a, f=change: f(np.asarray(a)).tolist()


def _of_dict(name, arg):
    """Take only those entries, or all but those, whose names share a part, such as ``l0`` or ``input``."""
    parts = dict.fromkeys(part for key in arg if isinstance(key, str) for part in key.split("_"))
    yield f"`{name}` were empty", lambda a: {}
    for key in list(arg)[:3]:
        yield (
            f"`{name}` had its entry {key!r} under every name",
            lambda a, key=key: dict.fromkeys(("input", "recurrent", "bias", *a), a[key]) if key in a else {},
        )
    yield f"`{name}` had its first entry alone", lambda a: dict(list(a.items())[:1])
    yield f"`{name}` had its last entry alone", lambda a: dict(list(a.items())[-1:])
    for part in parts:
        yield (
            f"`{name}` had only the entries with {part!r} in their names",
            lambda a, part=part: {k: v for k, v in a.items() if part in k.split("_")},
        )
        yield (
            f"`{name}` had no entries with {part!r} in their names",
            lambda a, part=part: {k: v for k, v in a.items() if part not in k.split("_")},
        )
