"""The claims of ``evidence/claims.toml``, each with the effects that its verdict rests on."""

from pathlib import Path

from labcode._checks import expect
from labcode.experiments.claims import Claim, effects, read_claims
from labcode.experiments.results import RESULTS, load_result


def read_ledger(folder: Path = RESULTS.parent) -> list[tuple[Claim, dict[str, dict]]]:
    """Return every claim in the order of the article, with its effects by place.

    Args:
        folder: holds ``claims.toml`` and ``results/``.

    Returns:
        Pairs of a claim and its effects, as ``labcode.experiments.claims.effects`` gives them.

    Raises:
        ValueError: there is no file of claims, or a claim rests on something that is not there.

    Chapter 8.
    """
    path = Path(folder) / "claims.toml"
    expect(path.is_file(), "folder", "a folder with claims.toml", path.parent.name)
    claims = sorted(read_claims(path), key=lambda claim: [int(n) for n in claim.section.split(".")])
    names = {name for claim in claims for name, _ in claim.evidence}
    results = {name: load_result(name, Path(folder) / "results") for name in names}
    return [(claim, effects(claim, results)) for claim in claims]
