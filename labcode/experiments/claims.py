"""What the article claims, what we found, and the one rule that leads from results to a verdict.

``evidence/claims.toml`` is a list of tables::

    [[claim]]
    id = "l2-shrinks"              # unique
    section = "4.2"                # of the article
    sentence = "..."               # the claim, in our own words
    direction = "lower"            # the side of 0 on which the effect should be: "lower" or "higher";
                                   # or "equal", within margin = ... of 0
    verdict = "holds"
    found = ["-0.447 [-0.612, -0.302]"]    # the effects that it rests on, in their order
    [[claim.evidence]]             # at least one
    experiment = "weather"         # evidence/results/weather.json
    path = ["methods", "l2", "early", "against", "none_early", "loss"]   # inside its summary

A path leads to one effect: a table with "mean", "interval" and "p_holm", as ``summary.compare`` makes them.
Where the experiment has a confirmation, the same path inside that is evidence, too, and its effect follows.
`python course.py evidence --claims` writes "verdict" and "found" anew from the results.

The rule. A piece of evidence supports "lower" or "higher" if its mean lies on that side of 0, its 95 %
interval holds no 0, and Holm's p is below 0.05. It supports "equal" if the whole interval lies within the
margin. A claim

- "holds" if it is supported everywhere, and in at least two places: a second task, or a confirmation;
- "holds under conditions" if it is supported somewhere, but not everywhere, or in one place only;
- "does not hold here" if it is supported nowhere.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labcode._checks import check_instance, check_number, check_one_of, expect

HOLDS, CONDITIONS, NOT_HERE = VERDICTS = ("holds", "holds under conditions", "does not hold here")
DIRECTIONS = ("lower", "higher", "equal")
LEVEL = 0.05
_KEYS = {"id", "section", "sentence", "direction", "verdict", "found", "evidence"}
_WRITTEN = re.compile(r"^(verdict|found) = .*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of the article. The attributes are the keys of the file.

    Attributes:
        found: the effects, as ``as_text`` writes them.
        evidence: pairs of an experiment's name and a path inside its summary.
        margin: of "equal", in units of the effect; else None.
    """

    id: str
    section: str
    sentence: str
    direction: str
    verdict: str
    found: tuple[str, ...]
    evidence: tuple[tuple[str, tuple[str, ...]], ...]
    margin: float | None = None


def read_claims(path: Path) -> list[Claim]:
    """Read and check the file of claims.

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
    """Return every effect that a claim rests on, by "experiment" or "experiment (confirmation)".

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
        found[where] = _follow(result["summary"], path, f"{claim.id}, {where}")
        if result.get("confirmation"):
            where += " (confirmation)"
            found[where] = _follow(result["confirmation"], path, f"{claim.id}, {where}")
    return found


def as_text(effect: Mapping) -> str:
    """Write an effect's mean and interval with three decimals, such as "-0.447 [-0.612, -0.302]"."""
    low, high = effect["interval"]
    return f"{effect['mean']:+.3f} [{low:+.3f}, {high:+.3f}]"


def supports(effect: Mapping, direction: str, margin: float | None = None) -> bool:
    """Say whether one effect supports a claim, by the rule at the top of this file."""
    low, high = effect["interval"]
    if direction == "equal":
        return -margin <= low and high <= margin
    outside = high < 0 if direction == "lower" else low > 0
    same_side = effect["mean"] < 0 if direction == "lower" else effect["mean"] > 0
    return outside and same_side and effect["p_holm"] < LEVEL


def verdict(claim: Claim, results: Mapping[str, Mapping]) -> str:
    """Return the verdict on a claim that the results lead to, by the rule at the top of this file."""
    supported = [
        supports(effect, claim.direction, claim.margin) for effect in effects(claim, results).values()
    ]
    if all(supported) and len(supported) >= 2:
        return HOLDS
    return CONDITIONS if any(supported) else NOT_HERE


def rewrite(path: Path, results: Mapping[str, Mapping]) -> list[Claim]:
    """Write every claim's verdict and effects into the file of claims, as the results are now.

    Args:
        path: the file; its other lines stay as they are.
        results: results by the experiment's name.

    Returns:
        The claims, as they are now.

    Raises:
        ValueError: as ``read_claims`` and ``effects``.
    """
    first, *parts = re.split(r"^(?=\[\[claim\]\]$)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for at, claim in enumerate(read_claims(path)):
        numbers = [as_text(effect) for effect in effects(claim, results).values()]
        now = {"verdict": json.dumps(verdict(claim, results)), "found": json.dumps(numbers)}
        parts[at] = _WRITTEN.sub(lambda line, now=now: f"{line[1]} = {now[line[1]]}", parts[at])
    path.write_text("".join([first, *parts]), encoding="utf-8", newline="\n")
    return read_claims(path)


def _claim(table: dict) -> Claim:
    name = table.get("id", "claim")
    known = _KEYS | ({"margin"} if table.get("direction") == "equal" else set())
    expect(set(table) == known, f"{name}", f"the keys {sorted(known)}", sorted(table))
    for key in ("id", "section", "sentence"):
        expect(
            isinstance(table[key], str) and bool(table[key].strip()),
            f"{name}: {key}",
            "some text",
            table[key],
        )
    check_one_of(f"{name}: direction", table["direction"], DIRECTIONS)
    check_one_of(f"{name}: verdict", table["verdict"], VERDICTS)
    if "margin" in table:
        expect(
            check_number(f"{name}: margin", table["margin"]) > 0,
            f"{name}: margin",
            "above 0",
            table["margin"],
        )
    is_list = isinstance(table["found"], list) and all(isinstance(one, str) for one in table["found"])
    expect(is_list, f"{name}: found", "a list of texts", table["found"])
    pieces = table["evidence"]
    expect(isinstance(pieces, list) and len(pieces) > 0, f"{name}: evidence", "at least one table", pieces)
    return Claim(
        **(
            table
            | {
                "found": tuple(table["found"]),
                "evidence": tuple(_piece(f"{name}: evidence", piece) for piece in pieces),
            }
        )
    )


def _piece(name: str, piece: dict) -> tuple[str, tuple[str, ...]]:
    check_instance(name, piece, dict, "a table")
    expect(set(piece) == {"experiment", "path"}, name, "the keys experiment and path", sorted(piece))
    path = piece["path"]
    is_path = isinstance(path, list) and len(path) > 0 and all(isinstance(step, str) for step in path)
    expect(is_path, f"{name}.path", "a list of names", path)
    return piece["experiment"], tuple(path)


def _follow(summary: Mapping, path: tuple[str, ...], name: str) -> dict:
    place = summary
    for step in path:
        expect(isinstance(place, Mapping) and step in place, name, "a path inside the summary", step)
        place = place[step]
    is_effect = isinstance(place, Mapping) and {"mean", "interval", "p_holm"} <= place.keys()
    expect(is_effect, name, "an effect with mean, interval and p_holm", place)
    return place
