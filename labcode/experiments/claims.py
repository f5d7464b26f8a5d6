"""What the article claims, what we found, and the file in which both stand: ``evidence/claims.toml``.

It is a list of tables. All but the last two keys are written before an experiment runs::

    [[claim]]
    id = "l2-helps"                # unique
    section = "2.1"                # of the article
    kind = "article"               # what the article says, fairly read; or "finding", what we add
    sentence = "..."               # the claim, in our own words; it names a bar that is the course's own
    direction = "lower"            # one of ``verdicts.DIRECTIONS``
    margin = 1.0                   # what is too small to matter; needed by "equal", "not higher", "not lower"
    unit = "% of the reference"    # of the margin; or in words, such as "points of chrF", the effect's own
    because = "..."                # why this margin
    verdict = "undecided (12 places)"                  # as ``verdicts.in_words`` says it
    found = [                      # the effects that it rests on, in their order
      { place = "weather: methods/l2/...", mean = -0.45, interval = [-0.6, -0.3], says = "supports" },
    ]
    [[claim.evidence]]             # at least one: all of them are one family
    experiment = "weather"         # evidence/results/weather.json
    path = ["methods", "l2", "early", "against", "none_early", "loss"]   # inside its summary

A path leads to one effect, as ``effects.compare`` makes them. "best_single" in it is the method that was
best by its validation loss. Where the experiment has a confirmation, the same path inside that is evidence,
too, and its effect follows. Intervals in "found" are those of the claim's family (``families``); "percent"
is the mean and the ends in % of the reference; "detectable" is what an open place would have seen with 80 %
probability. `python course.py evidence --claims` writes "verdict" and "found" anew. The rule stands in
``verdicts``."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labcode._checks import check_instance, check_number, check_one_of, expect
from labcode.experiments.effects import member, percent_of
from labcode.experiments.families import simultaneous
from labcode.experiments.result_tables import BEST, reference_mean
from labcode.experiments.verdicts import (
    ANSWERS,
    DIRECTIONS,
    NEEDS_MARGIN,
    OPEN,
    VERDICTS,
    answer,
    in_words,
)

KINDS = ("article", "finding")
PERCENT = "% of the reference"
_TEXTS = ("id", "section", "sentence", "verdict")
_MARGIN = {"margin", "unit", "because"}
_KEYS = {"kind", "direction", "found", "evidence", *_TEXTS}
_WRITTEN = re.compile(r"^(verdict) = .*$|^(found) = \[(?:\n(?:  .*\n)*\]|.*\])$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one place says of a claim.

    Attributes:
        place: the experiment and the path, and whether it is the confirmation.
        mean, interval: of the effect; the interval is that of the claim's family.
        says: one of ``verdicts.ANSWERS``.
        percent: the mean and the ends of the interval in % of the reference, if the effect has one.
        detectable: the effect that would have been seen with 80 % probability, of an open place.
    """

    place: str
    mean: float
    interval: tuple[float, float]
    says: str
    percent: tuple[float, ...] | None = None
    detectable: float | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim. The attributes are the keys of the file.

    Attributes:
        evidence: pairs of an experiment's name and a path inside its summary.
        margin: in ``unit``; None where there is none.
    """

    id: str
    section: str
    kind: str
    sentence: str
    direction: str
    verdict: str
    found: tuple[Found, ...]
    evidence: tuple[tuple[str, tuple[str, ...]], ...]
    margin: float | None = None
    unit: str | None = None
    because: str | None = None

    @property
    def word(self) -> str:
        """The verdict without its numbers."""
        return self.verdict.partition(" (")[0]


def read_claims(path: Path) -> list[Claim]:
    """Read and check a file of claims.

    Raises:
        ValueError: no TOML, a key missing, unknown or out of range, or two claims with one id.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name}: {error}") from error
    expect(set(content) == {"claim"}, path.name, "tables [[claim]] and nothing else", sorted(content))
    claims = [_claim(table) for table in content["claim"]]
    ids = [claim.id for claim in claims]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    expect(not twice, "id", "another one for each claim", twice)
    return claims


def effects(claim: Claim, results: Mapping[str, Mapping]) -> dict[str, dict]:
    """Return every effect that a claim rests on, by its place, each with its "reference" where there is one.

    Args:
        claim: the claim.
        results: results by the experiment's name.

    Raises:
        ValueError: there is no such result, or a path leads to no effect in it.
    """
    found = {}
    for experiment, path in claim.evidence:
        expect(experiment in results, claim.id, "an experiment with a result", experiment)
        result, where = results[experiment], f"{experiment}: {'/'.join(path)}"
        found[where] = _follow(result, "summary", path, f"{claim.id}, {where}")
        if result.get("confirmation"):
            where += " (transfer)"
            found[where] = _follow(result, "confirmation", path, f"{claim.id}, {where}")
    return found


def judge(claim: Claim, results: Mapping[str, Mapping]) -> list[Found]:
    """Return what each place says of a claim, all of them being one family.

    Raises:
        ValueError: as ``effects``; a margin in % of a reference that an effect does not have.
    """
    there = effects(claim, results)
    family = simultaneous([member(effect, place.partition(":")[0]) for place, effect in there.items()])
    judged = []
    for (place, effect), joint in zip(there.items(), family, strict=True):
        reference, mean = effect.get("reference"), effect["mean"]
        interval = (mean - joint.reach[0], mean + joint.reach[1])
        says = answer(interval, claim.direction, _margin(claim, reference, place))
        share = tuple(_round(p) for p in percent_of(reference, (mean, *interval))) if reference else None
        low, high = map(_round, interval)
        detectable = _round(joint.detectable) if says == OPEN else None
        found = Found(
            place=place,
            mean=_round(mean),
            interval=(low, high),
            says=says,
            percent=share,
            detectable=detectable,
        )
        judged.append(found)
    return judged


def as_text(effect: Mapping | Found) -> str:
    """Write an effect's mean and interval with three decimals, such as "-0.447 [-0.612, -0.302]"."""
    mean, interval = (
        (effect.mean, effect.interval) if isinstance(effect, Found) else (effect["mean"], effect["interval"])
    )
    return f"{mean:+.3f} [{interval[0]:+.3f}, {interval[1]:+.3f}]"


def rewrite(path: Path, results: Mapping[str, Mapping]) -> list[Claim]:
    """Write every claim's verdict and effects into the file of claims, as the results are now.

    Args:
        path: the file; its other lines stay as they are.
        results: results by the experiment's name.

    Returns:
        The claims, as they are now.

    Raises:
        ValueError: as ``read_claims`` and ``judge``.
    """
    first, *parts = re.split(r"^(?=\[\[claim\]\]$)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for at, claim in enumerate(read_claims(path)):
        judged = judge(claim, results)
        lines = "".join(f"  {_as_toml(one)},\n" for one in judged)
        now = {"verdict": json.dumps(in_words([one.says for one in judged])), "found": f"[\n{lines}]"}
        parts[at] = _WRITTEN.sub(
            lambda line, now=now: f"{line[1] or line[2]} = {now[line[1] or line[2]]}", parts[at]
        )
    path.write_text("".join([first, *parts]), encoding="utf-8", newline="\n")
    return read_claims(path)


def _margin(claim: Claim, reference: float | None, place: str) -> float | None:
    """Return the margin in units of the effect."""
    if claim.margin is None or claim.unit != PERCENT:
        return claim.margin
    known = reference is not None and reference > 0
    expect(known, f"{claim.id}, {place}", "an effect with a reference above 0", reference)
    assert reference is not None
    return claim.margin / 100 * reference


def _round(value: float) -> float:
    """Keep four digits, and nothing beyond the sixth decimal."""
    return round(float(f"{value:.4g}"), 6) + 0.0


def _as_toml(found: Found) -> str:
    pairs = {"place": found.place, "mean": found.mean, "interval": list(found.interval)}
    pairs |= {"percent": list(found.percent)} if found.percent else {}
    pairs |= {"says": found.says} | ({"detectable": found.detectable} if found.detectable is not None else {})
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in pairs.items()) + " }"


def _claim(table: dict) -> Claim:
    name = table.get("id", "claim")
    known = _KEYS | (_MARGIN if _MARGIN & table.keys() or table.get("direction") in NEEDS_MARGIN else set())
    expect(set(table) == known, f"{name}", f"the keys {sorted(known)}", sorted(table))
    for key in (*_TEXTS, *(("unit", "because") if "unit" in table else ())):
        is_text = isinstance(table[key], str) and bool(table[key].strip())
        expect(is_text, f"{name}: {key}", "some text", table[key])
    check_one_of(f"{name}: kind", table["kind"], KINDS)
    check_one_of(f"{name}: direction", table["direction"], DIRECTIONS)
    check_one_of(f"{name}: verdict", table["verdict"].partition(" (")[0], VERDICTS)
    if "margin" in table:
        margin = check_number(f"{name}: margin", table["margin"])
        expect(margin > 0, f"{name}: margin", "above 0", table["margin"])
    expect(isinstance(table["found"], list), f"{name}: found", "a list of tables", table["found"])
    pieces = table["evidence"]
    expect(isinstance(pieces, list) and len(pieces) > 0, f"{name}: evidence", "at least one table", pieces)
    made = {
        "found": tuple(_found(f"{name}: found", one) for one in table["found"]),
        "evidence": tuple(_piece(f"{name}: evidence", piece) for piece in pieces),
    }
    return Claim(**(table | made))


def _found(name: str, table: dict) -> Found:
    check_instance(name, table, dict, "a table")
    needed, more = {"place", "mean", "interval", "says"}, {"percent", "detectable"}
    expect(needed <= table.keys() <= needed | more, name, f"the keys {sorted(needed)}", sorted(table))
    check_one_of(f"{name}.says", table["says"], ANSWERS)
    return Found(**(table | {key: tuple(table[key]) for key in ("interval", "percent") if key in table}))


def _piece(name: str, piece: dict) -> tuple[str, tuple[str, ...]]:
    check_instance(name, piece, dict, "a table")
    expect(set(piece) == {"experiment", "path"}, name, "the keys experiment and path", sorted(piece))
    path = piece["path"]
    is_path = isinstance(path, list) and len(path) > 0 and all(isinstance(step, str) for step in path)
    expect(is_path, f"{name}.path", "a list of names", path)
    return piece["experiment"], tuple(path)


def _follow(result: Mapping, part: str, path: tuple[str, ...], name: str) -> dict:
    """Return the effect at the end of a path."""
    place = result[part]
    for step in path:
        if step == BEST and isinstance(place, Mapping) and step not in place and "references" in result:
            step = result["references"][f"{BEST}_{path[path.index(BEST) + 1]}"]
        expect(isinstance(place, Mapping) and step in place, name, "a path inside the summary", step)
        place = place[step]
    is_effect = isinstance(place, Mapping) and {"mean", "interval"} <= place.keys()
    expect(is_effect, name, "an effect with mean and interval", place)
    if "reference" not in place:
        reference = reference_mean(result, part, path)
        return place if reference is None else dict(place) | {"reference": reference}
    return place
