"""Real short texts: JupyterLab's messages and their translations, from the packages that ship them.

The packages ``jupyterlab-language-pack-*`` are dependencies of the course; nothing is downloaded. Their texts
are under the BSD 3-clause licence of Project Jupyter and its translators.
"""

import hashlib
import json
import re
import unicodedata
from functools import cache
from importlib import metadata, resources

import numpy as np

from labcode._checks import check_one_of
from labcode.data.folds import learned_parts

LICENCE = "BSD 3-clause (Project Jupyter's contributors and translators)"
NOT_DECOMPOSED = str.maketrans({"ł": "l", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d"})
PARTS = ("first", "second")


@cache
def messages(language: str) -> dict[str, str]:
    """Return English messages and their translations, untranslated ones left out.

    Args:
        language: a language and a country, such as "fr_FR".

    Raises:
        ModuleNotFoundError: the language's package is not installed.
    """
    package = f"jupyterlab-language-pack-{language.replace('_', '-')}"
    try:
        root = resources.files(package.replace("-", "_"))
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"language {language}: expected the package {package}, received none; install the course again, "
            f"or only this: pip install {package}"
        ) from None
    found: dict[str, str] = {}
    folder = root / "locale" / language / "LC_MESSAGES"
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda f: f.name):
        for key, translated in json.loads(file.read_text(encoding="utf-8")).items():
            english = key.rpartition("\x04")[2]  # what stands before it is the message's context
            first = translated[0] if isinstance(translated, list) else translated
            if english and isinstance(first, str) and first not in ("", english):
                found.setdefault(english, first)
    return found


def plain(text: str) -> str:
    """Return a text in lower case, without accents, keyboard marks, and punctuation at its ends."""
    text = unicodedata.normalize("NFKD", text.lower().translate(NOT_DECOMPOSED))
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return re.sub(r"\s+", " ", text.replace("&", "").replace("…", "...")).strip(" .:!?")


def quarter(group: str) -> int:
    """Return which quarter of all messages a message belongs to, the same on every machine: 0 to 3."""
    return hashlib.sha256(group.encode()).digest()[0] % 4


def split_groups(
    groups: np.ndarray, *, seed: int, part: str, train_size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share out samples so that no group (message) is in two parts.

    A quarter of all groups is the test part, whatever the seed; which one, ``part`` says. The other groups
    are put in an order that the seed draws, and fill first the training part, then the validation part.

    Args:
        groups: the group of each sample, (N,) of str.
        seed: draws which groups are for training, at least 0.
        part: "first" or "second": two test parts without a message in common.
        train_size: samples for training.

    Returns:
        The indices of the training, validation and test samples, each sample once. The few samples that share
        a group with the last training sample but came too late for it are left out.

    Raises:
        ValueError: a bad argument, or too few samples to leave any for validation.
    """
    test_quarter = PARTS.index(check_one_of("part", part, PARTS))
    in_test = np.array([quarter(group) == test_quarter for group in groups])
    learned = learned_parts(groups, np.flatnonzero(~in_test), seed=seed, train_size=train_size)
    return *learned, np.flatnonzero(in_test)


def source_text(languages: tuple[str, ...], texts: list[str]) -> str:
    """Return the provenance of texts from the language packs: versions, and a checksum of what is used."""
    names = [f"jupyterlab-language-pack-{language.replace('_', '-')}" for language in languages]
    versions = "\n".join(f"         {name} {metadata.version(name)}" for name in names)
    checksum = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return (
        "User-interface messages of JupyterLab and its extensions, with their translations\n\n"
        f"Source   the Python packages\n{versions}\n"
        f"Licence  {LICENCE}\nsha256   {checksum}  of the texts used, one a line\n"
    )
