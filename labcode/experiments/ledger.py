"""The claims of ``evidence/claims.toml``, in the order of the article."""

from pathlib import Path

from labcode._checks import expect
from labcode.experiments.claims import Claim, read_claims
from labcode.experiments.results import RESULTS


def read_ledger(folder: Path = RESULTS.parent) -> list[Claim]:
    """Return every claim in the order of the article: what it says, what was found, and the verdict.

    Args:
        folder: holds ``claims.toml``.

    Raises:
        ValueError: there is no file of claims.

    Chapter 8.
    """
    path = Path(folder) / "claims.toml"
    expect(path.is_file(), "folder", "a folder with claims.toml", path.parent.name)
    return sorted(read_claims(path), key=lambda claim: [int(n) for n in claim.section.split(".")])
