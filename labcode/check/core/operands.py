"""An argument that was added to what is expected, or that multiplies or divides it, entry by entry."""

import numpy as np

from labcode.check.core.collect import parameters
from labcode.check.core.compare import numbers
from labcode.check.core.factors import close
from labcode.check.core.relations import on_line, telling

LN10 = np.array([np.log(10)])
DONE = {
    "{} is added to what is expected.": np.add,
    "{} is subtracted from what is expected.": np.subtract,
    "What is expected is multiplied by {}.": np.multiply,
    "What is expected is divided by {}.": np.divide,
}


def operands(checker, pairs: list) -> list[str]:
    """Return a sentence for each argument that was put to what is expected, in all cases."""
    said = []
    for place, name in enumerate(parameters(checker.solution)):
        given = [numbers(c.args[place]) if place < len(c.args) else None for c in checker.cases]
        if any(
            a is None or isinstance(c.args[place], bool) for a, c in zip(given, checker.cases, strict=True)
        ):
            continue
        is_array = all(a is not None and a.ndim for a in given)
        for text, do in DONE.items():
            if not is_array and do in (np.multiply, np.divide):
                continue  # a number that multiplies is a factor, which has names of its own
            if all(_is(do, got, want, a) for (got, want), a in zip(pairs, given, strict=True)):
                said.append(text.format(f"`{name}`"))
    return said


def _is(do, got, want, argument) -> bool:
    with np.errstate(all="ignore"):
        try:
            made = do(want, argument)
        except ValueError:
            return False
    return close(got, made)


def powers(pairs: list) -> list[str]:
    """Say that one power of the right values, times a number of each case, came back."""
    pairs = telling(pairs)
    if not pairs or not all((want > 0).all() and (got > 0).all() for got, want in pairs):
        return []
    fits = [np.polyfit(np.log(want.ravel()), np.log(got.ravel()), 1) for got, want in pairs]
    made = (np.exp(start) * want**slope for (slope, start), (_, want) in zip(fits, pairs, strict=True))
    if not all(close(got, other) for (got, _), other in zip(pairs, made, strict=True)):
        return []
    slopes = np.array([slope for slope, _ in fits])
    if np.ptp(slopes) < 1e-6 and abs(slopes[0] - 1) > 1e-6 and abs(slopes[0]) > 1e-6:
        base = " That is ln 10: are two bases of a logarithm mixed up?" if close(slopes[:1], LN10) else ""
        return [
            f"Each value is the right one to the power {slopes[0]:.4g}, times a number of its case.{base}"
        ]
    if np.abs(slopes).max() < 1e-6:
        return []
    return ["Each value is the right one to some power, times a number: the logarithms lie on a line."]


def shape_of(checker, pairs: list) -> list[str]:
    """Say what all results have in common that the right ones do not: a sum, a range, a line, one value."""
    said = _line_over_argument(checker, pairs)
    pairs = [pair for pair in pairs if pair[1].size]
    several = [pair for pair in pairs if np.unique(pair[1].round(9)).size > 1]
    if len(several) > 1 and all(np.ptp(got) < 1e-12 for got, _ in several):
        return ["All values of a case are the same number, and they should not be."]
    for axis, word in ((-1, "along the last axis"), (0, "along the first axis"), (None, "in all")):
        rows = [(got.sum(axis=axis), want.sum(axis=axis)) for got, want in pairs if want.ndim]
        if rows and all(np.allclose(want, 1) for _, want in rows):
            wrong = [np.atleast_1d(got)[~np.isclose(np.atleast_1d(got), 1)] for got, _ in rows]
            wrong = [g for g in wrong if g.size]
            if wrong:
                return [
                    *said,
                    f"The values should add up to 1 {word}; here they add up to {wrong[0].flat[0]:.4g}.",
                ]
            break
    low, high = (min(w.min() for _, w in pairs), max(w.max() for _, w in pairs)) if pairs else (0.0, 0.0)
    if low >= 0:
        worst = min((got.min() for got, _ in pairs), default=0.0)
        if worst < -1e-9:
            said.append(f"Nothing negative is expected in these cases; {worst:.4g} came back.")
    if low >= 0 and high <= 1 and (worst := max(got.max() for got, _ in pairs)) > 1 + 1e-9:
        said.append(f"Values from 0 to 1 are expected in these cases; {worst:.4g} came back.")
    return said


def _line_over_argument(checker, pairs) -> list[str]:
    """Say that the results lie on a line over one of the arguments, if the right ones do not."""
    for place, name in enumerate(parameters(checker.solution)):
        given = [numbers(c.args[place]) if place < len(c.args) else None for c in checker.cases]
        over = [
            (got.ravel(), want.ravel(), a.ravel())
            for (got, want), a in zip(pairs, given, strict=True)
            if a is not None and a.shape == got.shape and np.unique(a).size > 2 and np.isfinite(got).all()
        ]
        if (
            len(over) > 1
            and all(on_line(got, a) for got, _, a in over)
            and not all(on_line(w, a) for _, w, a in over)
        ):
            all_of_them = " in every case" if any(on_line(w, a) for _, w, a in over) else ""
            return [f"The results lie on a straight line over `{name}`; the right ones do not{all_of_them}."]
    return []


def monotone(pairs: list) -> list[str]:
    """Say that the order of all values is right, or upside down, and their sizes are not."""
    pairs = telling(pairs)
    if not all(np.isfinite(got).all() for got, _ in pairs):
        return []
    for sign, words in (
        (1, "The order of the values is right, from small to large; their sizes are not."),
        (-1, "The larger a value should be, the smaller it is."),
    ):
        steps = [sign * np.diff(got.ravel()[np.argsort(want.ravel(), kind="stable")]) for got, want in pairs]
        if steps and all((step >= 0).all() and step.any() for step in steps):
            return [words]
    return []


def own_factors(pairs: list) -> list[str]:
    """Say that each case, each column or each row has one factor, if not the same one."""
    if not all(want.size > 1 and np.isfinite(got).all() for got, want in pairs):
        return []
    ratios = [_ratio(got, want) for got, want in pairs]
    if None not in ratios and np.ptp(ratios) > 1e-6:
        listed = ", ".join(f"{ratio:.4g}" for ratio in ratios[:4])
        return [f"In each case all numbers are the right ones times one factor, another in each: {listed} …"]
    for axes, word in (((-1,), "row"), ((0,), "column"), ((-1, 0), "row or column")):
        long = [pair for pair in pairs if pair[1].ndim and max(pair[1].shape[axis] for axis in axes) > 1]
        if len(long) > 1 and all(any(_own(got, want, axis) for axis in axes) for got, want in long):
            return [f"Each {word} has the right direction and another length: it has a factor of its own."]
    return []


def _own(got, want, axis) -> bool:
    """Tell whether each row along an axis of more than one entry has one factor."""
    if want.shape[axis] < 2:
        return False
    return all(_ratio(*part) is not None for part in zip(_rows(got, axis), _rows(want, axis), strict=True))


def _rows(array, axis):
    return np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])


def _ratio(got, want):
    """Return the one factor between two arrays; None where there is none."""
    if not np.any(want) or not np.any(got):
        return 1.0 if not np.any(got) and not np.any(want) else None
    ratio = got.ravel()[np.abs(want).argmax()] / want.ravel()[np.abs(want).argmax()]
    return float(ratio) if close(got, ratio * want) else None


def steps(checker, pairs: list) -> list[str]:
    """Relate the change of an argument that came back to the right change of it."""
    for place, name in enumerate(parameters(checker.solution)):
        given = [numbers(c.args[place]) if place < len(c.args) else None for c in checker.cases]
        if any(a is None or not a.ndim or a.shape != w.shape for a, (_, w) in zip(given, pairs, strict=True)):
            continue
        moved = [(g - a, w - a) for a, (g, w) in zip(given, pairs, strict=True)]
        if all(close(g, -w) for g, w in moved):
            return [f"`{name}` changes by as much as it should, in the opposite direction."]
        found = own_factors(moved)
        ratios = [_ratio(g, w) for g, w in moved]
        if None not in ratios and np.ptp(ratios) < 1e-6 and abs(ratios[0] - 1) > 1e-6:
            return [f"`{name}` changes by {ratios[0]:.4g} times what it should."]
        if found:
            return [f"Seen as a change of `{name}`: {found[0]}"]
    return []
