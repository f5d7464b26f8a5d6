"""Text classification: which of eight languages is this short text of a user interface?

Lower case, without accents, Latin letters only, so that no single letter gives the answer away.
"""

import hashlib
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache

import numpy as np

from labcode._checks import check_one_of, expect
from labcode.data.dataset import Dataset, Split
from labcode.data.folds import redrawn_parts
from labcode.data.messages import LICENCE, messages, plain, quarter, source_text, split_groups

LANGUAGES = {
    "de_DE": "German",
    "es_ES": "Spanish",
    "fi_FI": "Finnish",
    "fr_FR": "French",
    "it_IT": "Italian",
    "pl_PL": "Polish",
    "pt_BR": "Portuguese",
    "tr_TR": "Turkish",
}
CHARACTERS = ("<padding>", *"abcdefghijklmnopqrstuvwxyz", " ", "'", "-")
TEST_SHARE = 0.3  # of the messages, where the test part is redrawn


@dataclass(frozen=True)
class Kind:
    """Which texts are taken.

    Attributes:
        shortest, longest: their lengths in characters, both included.
        most: of one language in a quarter of the messages, so that none is far more frequent than others.
        train_size: how many are for training.
    """

    shortest: int
    longest: int
    most: int
    train_size: int


KINDS = {"short": Kind(6, 24, 125, 1500), "long": Kind(25, 48, 75, 1000)}


def load(
    seed: int = 0,
    part: str = "first",
    *,
    kind: str = "short",
    train_size: int | None = None,
    redraw_test: bool = False,
) -> Dataset:
    """Load texts in eight languages.

    A text that is the same in two languages, or the English one, is left out: nobody could tell. A message
    and its translations into all languages are in one part together.

    Args:
        seed: draws which messages are for training and which for validation.
        part: "first" or "second": two test parts without a message in common.
        kind: "short" for texts of 6 to 24 characters, "long" for 25 to 48.
        train_size: texts for training; None for 1500 short or 1000 long ones.
        redraw_test: whether each of ten seeds has a test part of its own, in the place of the ``part``, as
            ``labcode.data.folds.redrawn_parts`` says.

    Returns:
        The dataset; inputs (N, 24), or (N, 48) of long texts, of characters' numbers with a padding mask;
        targets (N,).

    Raises:
        ValueError: a bad argument.
        ModuleNotFoundError: a language's package is not installed.

    Source: the packages jupyterlab-language-pack-*. Chapter 6.1.
    """
    chosen = KINDS[check_one_of("kind", kind, tuple(KINDS))]
    texts, languages, groups = _samples(kind)
    x, padding_mask = _encode(texts, chosen.longest)
    y, train_size = languages.astype(np.int64), chosen.train_size if train_size is None else train_size
    if redraw_test:
        parts = redrawn_parts(groups, seed=seed, train_size=train_size, test_share=TEST_SHARE)
    else:
        parts = split_groups(groups, seed=seed, part=part, train_size=train_size)
    train, validation, test = (
        Split(x[at], y[at], padding_mask=padding_mask[at], items=texts[at], groups=groups[at]) for at in parts
    )
    return Dataset(
        name="interface_languages",
        title=f"which language is this {kind} text of a user interface?",
        task="classification",
        feature_names=("character",),
        feature_units=("a to z, space, apostrophe, hyphen",),
        target_name="language",
        target_unit="one of eight",
        train=train,
        validation=validation,
        test=test,
        mean=None,
        std=None,
        target_std=1.0,
        licence=LICENCE,
        provenance=source_text(tuple(LANGUAGES), list(texts)),
        step="character",
        classes=tuple(LANGUAGES.values()),
        vocabulary=CHARACTERS,
    )


def encode(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Turn texts of your own into what a model of the short texts takes.

    Args:
        texts: strings of any length, cut after 24 characters; accents and capitals are removed.

    Returns:
        Characters' numbers, (N, 24) int64, and the padding mask, (N, 24) bool.

    Raises:
        ValueError: a text without any of the known characters.
    """
    longest = KINDS["short"].longest
    cleaned = ["".join(c for c in plain(text) if c in CHARACTERS)[:longest] for text in texts]
    for text, clean in zip(texts, cleaned, strict=True):
        expect(clean != "", "texts", "texts with at least one Latin letter", text)
    return _encode(cleaned, longest)


@cache
def _samples(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the texts, their languages' numbers and their messages, each (N,)."""
    wanted, owners = KINDS[kind], defaultdict(set)
    found: list[dict[str, str]] = [{} for _ in LANGUAGES]
    for number, language in enumerate(LANGUAGES):
        for english, translated in messages(language).items():
            text, message = plain(translated), plain(english)
            fits = wanted.shortest <= len(text) <= wanted.longest and re.fullmatch(r"[a-z' -]+", text)
            if fits and text != message:
                owners[text].add(number)
                found[number].setdefault(text, message)
    kept = []
    for number, texts in enumerate(found):
        own = [text for text in texts if len(owners[text]) == 1]
        own.sort(key=lambda text: hashlib.sha256(text.encode()).digest())  # an order without a meaning
        seen: Counter[int] = Counter()
        for text in own:
            seen[quarter(texts[text])] += 1
            if seen[quarter(texts[text])] <= wanted.most:
                kept.append((text, number, texts[text]))
    texts, languages, groups = zip(*kept, strict=True)
    return np.array(texts), np.array(languages), np.array(groups)


def _encode(texts, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the characters' numbers and the padding mask, each (N, longest)."""
    number = {character: at for at, character in enumerate(CHARACTERS)}
    x = np.zeros((len(texts), longest), dtype=np.int64)
    for row, text in zip(x, texts, strict=True):
        row[: len(text)] = [number[character] for character in text]
    return x, np.arange(longest) < np.array([len(text) for text in texts])[:, None]
