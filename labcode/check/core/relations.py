"""Relations between wrong numbers and right ones: factor, offset, sign, order, shift, rounding."""

import math

import numpy as np

from labcode.check.core.factors import close, factors

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
    "The order is reversed along the last axis.": lambda w: w[..., ::-1] if w.ndim > 1 else None,
    "The values are right and come sorted.": np.sort,
    "The values are right and come sorted, the largest first.": lambda w: np.sort(w)[..., ::-1],
    "It is transposed.": lambda w: w.T if w.ndim == 2 else None,
    "The first two axes are exchanged.": lambda w: w.swapaxes(0, 1) if w.ndim > 2 else None,
    "The last two axes are exchanged.": lambda w: w.swapaxes(-1, -2) if w.ndim > 2 else None,
    "Along the last axis each value stands one place too late, the last one comes first.": lambda w: (
        np.roll(w, 1, axis=-1) if w.ndim > 1 else None
    ),
    "Along the last axis each value stands one place too early, the first one comes last.": lambda w: (
        np.roll(w, -1, axis=-1) if w.ndim > 1 else None
    ),
    "These are the cumulative sums of what is expected.": np.cumsum,
    "It is cut to a whole number.": np.trunc,
    "It is rounded down.": np.floor,
    "It is rounded up.": np.ceil,
    "It is rounded to a power of ten.": lambda w: 10.0 ** np.round(np.log10(w)),
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
    said = [text for text, form in forms.items() if all(close(got, _try(form, want)) for got, want in pairs)]
    said += _shifted(pairs)
    if not said and all(w.ndim == 1 and close(np.sort(g), np.sort(w)) for g, w in pairs):
        said.append("The values are right and stand in another order.")
    said = said or _rows(pairs)
    if digits and not said:
        return [
            f"Every number is right to about {digits} digits and no further: is something rounded, or "
            "computed in half precision, or is a small constant added?"
        ]
    return said + factors(checker, pairs)


def _rows(pairs) -> list[str]:
    """Find rows that are right and stand elsewhere, or come twice where others are missing."""
    if not all(w.ndim == 2 and len(w) > 1 and g.shape == w.shape for g, w in pairs):
        return []
    rows = [([tuple(row) for row in g.round(9)], [tuple(row) for row in w.round(9)]) for g, w in pairs]
    if not all(set(g) <= set(w) and len(set(w)) > 1 for g, w in rows):
        return []
    if all(sorted(g) == sorted(w) for g, w in rows):
        return ["The rows are right and stand in another order."]
    return [
        "Every row is one of the right ones, but some come twice or stand elsewhere, and others are missing."
    ]


def _try(form, want):
    """Return a form of the right value, or None where it has none."""
    try:
        with np.errstate(all="ignore"):
            other = form(want)
        return None if other is None else np.asarray(other, dtype=float)
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
    if not all(want.ndim and len(want) > 1 for _, want in pairs) or max(len(want) for _, want in pairs) < 3:
        return []
    said = []
    for step, words in ((1, "late"), (-1, "early")):
        if all(close(got, np.roll(want, step, axis=0)) for got, want in pairs):
            said.append(f"Each value stands one place too {words}, and the one at the end has come round.")
        elif all(close(got[1:], want[:-1]) if step > 0 else close(got[:-1], want[1:]) for got, want in pairs):
            said.append(f"Everything is shifted by one: each value stands one place too {words}.")
    return said


def telling(pairs: list) -> list:
    """Return the pairs with more than two right values, if there are two such cases; else none."""
    kept = [pair for pair in pairs if np.unique(pair[1].round(9)).size > 2]
    return kept if len(kept) > 1 else []


def lines(pairs: list) -> list[str]:
    """Find another scale and centre: the values lie on a line over the right ones, column by column."""
    if not (kept := telling(pairs)):
        return []
    if not all(_on_lines(got, want) for got, want in kept):
        return _fibres(pairs)
    pairs = kept
    is_scaled = any(
        got.ndim and (got.min(axis=tuple(range(got.ndim - 1))) == 0).all() and got.max() == 1
        for got, _ in pairs
    )
    scaled = " It runs from 0 to 1: this looks like min-max scaling." if is_scaled else ""
    return [f"Each value is a number times the right one plus a number: another scale or centre.{scaled}"]


def _on_lines(got, want) -> bool:
    """Tell whether each column of a result is one line over the right column, or the whole result is."""
    whole = [(got.ravel(), want.ravel())]
    columns = (
        [(got[..., k].ravel(), want[..., k].ravel()) for k in range(want.shape[-1])] if want.ndim > 1 else []
    )
    return any(parts and all(on_line(*part) for part in parts) for parts in (whole, columns))


def _fibres(pairs) -> list[str]:
    """Find a scale and a centre of its own for each row along an axis, where it has three values."""
    for axis in range(max(want.ndim for _, want in pairs)):
        parts = [
            tuple(np.moveaxis(a, axis, -1).reshape(-1, a.shape[axis]) for a in pair)
            for pair in pairs
            if pair[1].ndim > max(axis, 1)
        ]
        rows = [row for got, want in parts for row in zip(got, want, strict=True)]
        rows = [(got, want) for got, want in rows if np.unique(want.round(9)).size > 2]
        if len(rows) > 2 and len(parts) == len(pairs) and all(on_line(*row) for row in rows):
            line = "each value is a number times the right one plus a number"
            return [f"Along axis {axis} {line}: another scale or centre."]
    return []


def on_line(got, want) -> bool:
    """Tell whether values lie on a rising line over others."""
    if np.unique(want.round(9)).size < 3 or not np.isfinite([got, want]).all():
        return False
    slope, start = np.polyfit(want, got, 1)
    return slope > 1e-9 and close(got, slope * want + start)
