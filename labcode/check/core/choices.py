"""Wrong choices: which text, truth value or None came back in the place of which."""

from collections import Counter

from labcode.check.core.compare import numbers, same
from labcode.check.core.show import names, show

MOST = 3


def choices(got: list, want: list) -> list[str]:
    """Say what came back in the place of what, where what is expected are texts or truth values."""
    if all(isinstance(a, str) for a in (*got, *want)):
        if all(a.strip().casefold() == b.strip().casefold() for a, b in zip(got, want, strict=True)):
            return ["Right but for capital letters or blanks around the text."]
        unknown = sorted(set(got) - set(want))
        if unknown:
            return [f"Never expected in these cases: {names(unknown[:4])}."]
    if not all(
        isinstance(b, str | bool) and isinstance(a, str | bool | None) for a, b in zip(got, want, strict=True)
    ):
        return []
    confused = Counter((b, a) for a, b in zip(got, want, strict=True) if a != b)
    said = []
    for (right, wrong), count in confused.most_common(MOST):
        cases = want.count(right)
        often = "always" if count == cases else f"in {count} of {cases} cases"
        said.append(f"where {show(right)} is expected, {show(wrong)} comes back {often}")
    said = f"{'; '.join(said)}."
    return [said[0].upper() + said[1:]] if confused else []


def nothing(got: list, want: list) -> list[str]:
    """Say where None and numbers are mistaken for one another, if the numbers are right otherwise."""
    both = list(zip(got, want, strict=True))
    if all(b is not None for b in want) or not all(b is None or numbers(b) is not None for b in want):
        return []
    found = [
        f"where None is expected: {sum(b is None is not a for a, b in both)} of {want.count(None)}"
    ] * any(b is None is not a for a, b in both)
    count = sum(a is None is not b for a, b in both)
    found += [f"None where a number is expected: {count} of {len(want) - want.count(None)}"] * (count > 0)
    apart = [b is not None is not a and not same(a, b) for a, b in both]
    if not found or any(apart):
        return []
    return [
        f"All numbers that come back where one is expected are right. Wrong are cases {'; '.join(found)}."
    ]


def exchanged(results: list, wanted: list) -> list[str]:
    """Say that all parts are right, and stand in each other's place."""
    keys = {
        tuple(v) if isinstance(v, dict) else len(v) if isinstance(v, tuple | list) else None
        for v in (*results, *wanted)
    }
    if len(keys) != 1 or (key := keys.pop()) is None:
        return []
    places = list(key) if isinstance(key, tuple) else list(range(key))
    if not 2 <= len(places) <= 6:
        return []
    pairs = list(zip(results, wanted, strict=True))
    came_from = {}
    for place in places:
        fits = [other for other in places if all(same(got[place], want[other]) for got, want in pairs)]
        if not fits:
            return []
        came_from[place] = place if place in fits else fits[0]
    moved = [place for place in places if came_from[place] != place]
    if not moved or len(set(came_from.values())) < len(places):
        return []
    listed = ", ".join(f"{place!r} holds what belongs to {came_from[place]!r}" for place in moved)
    return [f"The parts are right but stand in each other's place: {listed}."]
