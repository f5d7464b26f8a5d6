"""Relations between wrong numbers and right ones: factor, offset, sign, order, shift, rounding."""

import math

import numpy as np

from labcode.check.core.collect import parameters

CONSTANTS = {
    "-1": -1.0,
    "2": 2.0,
    "1/2": 0.5,
    "4": 4.0,
    "1/4": 0.25,
    "10": 10.0,
    "1/10": 0.1,
    "1000": 1e3,
    "1/1000": 1e-3,
    "ln 2": math.log(2),
    "1/ln 2": 1 / math.log(2),
    "ln 10": math.log(10),
    "1/ln 10": 1 / math.log(10),
    "√2": math.sqrt(2),
    "1/√2": math.sqrt(0.5),
    "π": math.pi,
    "2π": 2 * math.pi,
}
FORMS = {
    "These are the absolute values of what is expected: the sign is lost.": np.abs,
    "Whatever should be negative is 0: it was clipped.": lambda w: np.maximum(w, 0),
    "Whatever should be positive is 0: it was clipped.": lambda w: np.minimum(w, 0),
    "Everything is clipped to the range from 0 to 1.": lambda w: np.clip(w, 0, 1),
    "Everything is clipped to the range from -1 to 1.": lambda w: np.clip(w, -1, 1),
    "These are the squares of what is expected.": np.square,
    "These are the square roots of what is expected.": np.sqrt,
    "It is upside down: 1 divided by what is expected.": np.reciprocal,
    "It is 1 minus what is expected.": lambda w: 1 - w,
    "It is the natural logarithm of what is expected.": np.log,
    "It is the logarithm to base 2 of what is expected.": np.log2,
    "It is the logarithm to base 10 of what is expected.": np.log10,
    "It is exp of what is expected: a logarithm is missing.": np.exp,
    "It is 2 to the power of what is expected.": np.exp2,
    "The order is reversed.": lambda w: w[::-1],
    "The order is reversed along the last axis.": lambda w: w[..., ::-1],
    "The values are right and come sorted.": np.sort,
    "The values are right and come sorted, the largest first.": lambda w: np.sort(w)[..., ::-1],
    "It is transposed.": lambda w: w.T,
    "Two axes are exchanged: the first two.": lambda w: w.swapaxes(0, 1),
    "Two axes are exchanged: the last two.": lambda w: w.swapaxes(-1, -2),
    "These are the cumulative sums of what is expected.": np.cumsum,
    "It is cut to a whole number.": np.trunc,
    "It is rounded down.": np.floor,
    "It is rounded up.": np.ceil,
    **{f"It is rounded to {n} decimal{'s' * (n != 1)}.": lambda w, n=n: np.round(w, n) for n in range(5)},
}


def relations(checker, pairs: list) -> list[str]:
    """Return a sentence for each relation that holds in all cases.

    Args:
        checker: with the cases, whose arguments give factors their names.
        pairs: arrays of one shape, the learner's and the right one, a pair for each case.
    """
    if all(np.array_equal(got, np.zeros_like(got)) for got, _ in pairs):
        return ["It is 0 everywhere."]
    digits = _digits(pairs)
    forms = FORMS if np.unique(np.concatenate([want.ravel() for _, want in pairs])).size > 1 else {}
    said = [text for text, form in forms.items() if all(_close(got, _try(form, want)) for got, want in pairs)]
    said += _shifted(pairs)
    if digits and not said:
        return [
            f"Every number is right to about {digits} digits and no further: is something rounded, or "
            "computed in half precision, or is a small constant added?"
        ]
    factors = _factors(checker, pairs)
    if len(said) + len(factors) == 0:
        said += _lines(pairs)
    return said + factors


def _close(got, candidate) -> bool:
    return (
        candidate is not None
        and candidate.shape == got.shape
        and np.allclose(got, candidate, rtol=1e-6, atol=1e-9, equal_nan=True)
    )


def _try(form, want):
    """Return a form of the right value, or None where it has none."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(form(want), dtype=float)
    except (ValueError, IndexError, TypeError):
        return None


def _digits(pairs) -> int:
    """Return to how many digits all numbers are right, from 3; else 0."""
    errors = [
        np.abs(got - want).max(initial=0.0) / max(np.abs(want).max(initial=0.0), 1e-300)
        for got, want in pairs
    ]
    worst = max(errors)
    return int(-math.log10(worst)) if 0 < worst < 1e-3 else 0


def _shifted(pairs) -> list[str]:
    """Find values that stand one place too early or too late along the first axis."""
    if not all(want.ndim and len(want) > 2 for _, want in pairs):
        return []
    said = []
    if all(_close(got[1:], want[:-1]) for got, want in pairs):
        said.append("Everything is shifted by one: each value stands one place too late.")
    if all(_close(got[:-1], want[1:]) for got, want in pairs):
        said.append("Everything is shifted by one: each value stands one place too early.")
    return said


def _factors(checker, pairs) -> list[str]:
    """Find the factor, or the offset, that all numbers share; named by the arguments where that fits."""
    said, got, want = [], *(np.concatenate([p[i].ravel() for p in pairs]) for i in (0, 1))
    count = [want_i.size for _, want_i in pairs]
    if want.any():
        said += [
            _factor_text(name)
            for name, values in _quantities(checker).items()
            if np.isfinite(values).all() and _close(got, np.repeat(values, count) * want)
        ]
        ratio = got[np.flatnonzero(want)[0]] / want[np.flatnonzero(want)[0]]
        if not said and len(np.unique(want[want != 0])) > 1 and _close(got, ratio * want):
            said.append(f"Every value is {ratio:.4g} times what it should be.")
    offset = got[0] - want[0]
    one = len(np.unique(want)) < 2
    if _close(got, want + offset) and (not one or float(offset).is_integer()):
        side = "large" if offset > 0 else "small"
        said.append(f"Every value is too {side} by {abs(offset):.4g}.")
    return said


def _factor_text(name):
    if name in ("100", "1/100"):
        return f"Every value is {name} times what it should be: percent and shares are mixed up."
    if name == "-1":
        return "The sign is reversed."
    if name.startswith("ddof"):
        return name.removeprefix("ddof")
    return f"Every value is {name} times what it should be."


def _quantities(checker) -> dict[str, np.ndarray]:
    """Return what may be a factor, by name: its value in each case."""
    cases = checker.cases
    quantities = {name: np.full(len(cases), value) for name, value in CONSTANTS.items()}
    quantities |= {"100": np.full(len(cases), 100.0), "1/100": np.full(len(cases), 0.01)}
    for position, name in enumerate(parameters(checker.solution)):
        args = [case.args[position] for case in cases if position < len(case.args)]
        if len(args) < len(cases):
            continue
        with np.errstate(all="ignore"):
            quantities |= _of_numbers(name, args) or _of_sizes(name, args)
    return quantities


def _of_numbers(name, args) -> dict[str, np.ndarray]:
    if not all(isinstance(a, int | float) and not isinstance(a, bool) for a in args):
        return {}
    a = np.array(args, dtype=float)
    return {
        name: a,
        f"1/{name}": 1 / a,
        f"(1 - {name})": 1 - a,
        f"1/(1 - {name})": 1 / (1 - a),
        f"(1 + {name})": 1 + a,
        f"{name}²": a**2,
        f"√{name}": np.sqrt(a),
    }


def _of_sizes(name, args) -> dict[str, np.ndarray]:
    """Return factors that come from counting along an axis: n, 1/n, and those of the divisor n - 1."""
    shapes = [np.shape(a) if isinstance(a, np.ndarray) else (len(a),) for a in args if _is_counted(a)]
    if len(shapes) < len(args) or not all(shapes):
        return {}
    counts = {f"the length n of {name}": np.array([shape[0] for shape in shapes], dtype=float)}
    if all(len(shape) > 1 for shape in shapes):
        counts[f"the number n of columns of {name}"] = np.array([shape[-1] for shape in shapes], dtype=float)
        counts[f"the number n of entries of {name}"] = np.array([math.prod(shape) for shape in shapes], float)
    found = {}
    for label, n in counts.items():
        found |= {label: n, f"1/n, n being {label.replace(' n', '', 1)},": 1 / n}
        found |= {f"√n, n being {label.replace(' n', '', 1)},": np.sqrt(n)}
        found |= {f"1/√n, n being {label.replace(' n', '', 1)},": 1 / np.sqrt(n)}
        for text, ratio in (("n - 1 in place of n", n / (n - 1)), ("n in place of n - 1", (n - 1) / n)):
            where = f"n being {label.replace(' n', '', 1)}"
            found[f"ddofIt is divided by {text} ({where}): look at ddof."] = ratio
            found[f"ddofUnder a root, it is divided by {text} ({where}): look at ddof."] = np.sqrt(ratio)
    return found


def _is_counted(value) -> bool:
    return (isinstance(value, np.ndarray) and value.ndim > 0) or (
        isinstance(value, list | tuple) and len(value) > 0
    )


def _lines(pairs) -> list[str]:
    """Find another centre and another scale: in each case the values lie on a line over the right ones."""
    if not all(len(np.unique(want.round(9))) > 2 for _, want in pairs):
        return []
    for got, want in pairs:
        slope, start = np.polyfit(want.ravel(), got.ravel(), 1)
        if abs(slope) < 1e-9 or not _close(got, slope * want + start):
            return []
    ranges = {(round(float(got.min()), 9), round(float(got.max()), 9)) for got, _ in pairs}
    scaled = " It runs from 0 to 1: this looks like min-max scaling." if ranges == {(0.0, 1.0)} else ""
    return [
        f"Each value is a number times the right one plus a number: another scale, another centre.{scaled}"
    ]
