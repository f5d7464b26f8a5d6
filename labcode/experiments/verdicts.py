"""The one rule that leads from a claim's effects to its verdict, in words and as code.

Every place of a claim has one effect, with a 95 % interval that holds for all places of the claim at once
(``families``); intervals decide, nothing else. A place says one of four things.

- *inside*: the whole interval lies strictly inside the margin, on both sides of 0. Whichever way it points,
  it is too small to matter; that was said, with a reason, before the run. Only a claim with a margin has
  this.
- *supports*: the interval lies wholly on the claimed side of 0.
- *opposes*: it lies wholly on the other side of 0.
- *open*: none of these. What was found is compatible with the claim and with its opposite.

Two kinds of claim read it otherwise. "equal" is supported by an interval inside the margin and opposed by
one that lies wholly outside. "not higher" (or "not lower"; for a loss: not worse) is supported by an
interval that leaves out being higher by as much as the margin, so that being lower speaks for it, and
opposed by one that is higher by at least the margin throughout.

The verdict on a claim of n places, of which k support it and c oppose it:

- *contradicted* if c > 0: one clear counterexample refutes what is said in general, however many places
  support it. Both numbers are always shown.
- *shown* if k = n.
- *shown in some* if 0 < k < n, and nowhere opposed.
- *equivalent* if all n are inside the margin: nothing that matters happens.
- *undecided* otherwise: this design could not tell. Beside it stands the effect that it would have seen
  with 80 % probability.

What overlaps is decided in the order of the list: of an effect that is clear, but inside the margin, the
margin says that it is too small."""

from collections.abc import Sequence

from labcode._checks import check_one_of, expect

VERDICTS = ("shown", "shown in some", "equivalent", "contradicted", "undecided")
SHOWN, SOME, EQUIVALENT, CONTRADICTED, UNDECIDED = VERDICTS
ANSWERS = ("supports", "inside", "opposes", "open")
SUPPORTS, INSIDE, OPPOSES, OPEN = ANSWERS
DIRECTIONS = ("lower", "higher", "equal", "not higher", "not lower")
NEEDS_MARGIN = ("equal", "not higher", "not lower")


def answer(interval: Sequence[float], direction: str, margin: float | None = None) -> str:
    """Return what a place says of a claim, by the rule at the top of this file.

    Args:
        interval: of the claim's family, the lower end first.
        direction: one of ``DIRECTIONS``.
        margin: in units of the interval, above 0; None for a claim without.

    Raises:
        ValueError: another direction, or no margin where one is needed.

    >>> answer([-0.3, -0.1], "lower"), answer([-0.3, 0.1], "lower"), answer([-0.3, 0.1], "equal", 0.5)
    ('supports', 'open', 'supports')
    """
    check_one_of("direction", direction, DIRECTIONS)
    expect(margin is not None or direction not in NEEDS_MARGIN, "margin", f"one for {direction!r}", margin)
    low, high = interval
    if direction in ("higher", "not lower"):
        low, high = -high, -low
    if margin is not None and direction == "equal":
        inside, outside = -margin < low and high < margin, low >= margin or high <= -margin
        return SUPPORTS if inside else OPPOSES if outside else OPEN
    if margin is not None and direction in NEEDS_MARGIN:
        return SUPPORTS if high < margin else OPPOSES if low >= margin else OPEN
    if margin is not None and -margin < low and high < margin:
        return INSIDE
    return SUPPORTS if high < 0 else OPPOSES if low > 0 else OPEN


def verdict(answers: Sequence[str]) -> str:
    """Return the verdict on a claim whose places say this, by the rule at the top of this file.

    Raises:
        ValueError: no answers, or another one.

    >>> verdict(["supports", "open"]), verdict(["supports", "opposes"]), verdict(["inside", "inside"])
    ('shown in some', 'contradicted', 'equivalent')
    """
    expect(len(answers) > 0, "answers", "at least one", answers)
    for one in answers:
        check_one_of("answers", one, ANSWERS)
    if OPPOSES in answers:
        return CONTRADICTED
    if SUPPORTS in answers:
        return SHOWN if set(answers) == {SUPPORTS} else SOME
    return EQUIVALENT if set(answers) == {INSIDE} else UNDECIDED


def in_words(answers: Sequence[str]) -> str:
    """Return the verdict with its numbers: "shown in some (3 of 12; 4 inside the margin)".

    >>> in_words(["supports", "supports", "opposes"])
    'contradicted (in 1 of 3; shown in 2)'
    """
    found, n = verdict(answers), len(answers)
    k, inside, against = (answers.count(one) for one in (SUPPORTS, INSIDE, OPPOSES))
    said = [f"in {against} of {n}", *[f"shown in {k}"] * (k > 0)] if against else [f"{k} of {n}"]
    if found in (EQUIVALENT, UNDECIDED):
        said = []
    said += [f"{inside} of {n} inside the margin"] * (inside > 0)
    return f"{found} ({'; '.join(said)})" if said else f"{found} ({n} {'place' if n == 1 else 'places'})"
