"""An argument that was added to what is expected, or that multiplies or divides it, entry by entry."""

import numpy as np

from labcode.check.core.collect import parameters
from labcode.check.core.compare import numbers
from labcode.check.core.factors import close

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
        is_array = all(a.ndim for a in given)
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


def own_factors(pairs: list) -> list[str]:
    """Say that each case, each column or each row has one factor, if not the same one."""
    if not all(want.size > 1 and np.isfinite(got).all() for got, want in pairs):
        return []
    ratios = [_ratio(got, want) for got, want in pairs]
    if None not in ratios and np.ptp(ratios) > 1e-6:
        listed = ", ".join(f"{ratio:.4g}" for ratio in ratios[:4])
        return [f"In each case all numbers are the right ones times one factor, another in each: {listed} …"]
    if not all(want.ndim == 2 for _, want in pairs):
        return []
    for axis, word in ((1, "row"), (0, "column")):
        parts = [list(zip(g if axis else g.T, w if axis else w.T, strict=True)) for g, w in pairs]
        long = [part for rows in parts for part in rows if part[1].size > 1]
        if len(long) > 2 and all(_ratio(*part) is not None for part in long):
            return [f"Each {word} has the right direction and another length: it has a factor of its own."]
    return []


def _ratio(got, want):
    """Return the one factor between two arrays; None where there is none."""
    if not np.any(want) or not np.any(got):
        return 1.0 if not np.any(got) and not np.any(want) else None
    ratio = got.ravel()[np.abs(want).argmax()] / want.ravel()[np.abs(want).argmax()]
    return float(ratio) if close(got, ratio * want) else None
