"""Machine translation: short English messages of a user interface into Chinese, or into French."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, partial

import numpy as np

from labcode._checks import check_given, check_one_of
from labcode.data.dataset import IGNORED, Dataset, Split
from labcode.data.folds import redrawn_parts
from labcode.data.messages import LICENCE, messages, plain, source_text, split_groups

SPECIAL = ("<padding>", "<unknown>", "<start>", "<end>")
PADDING, UNKNOWN, START, END = range(4)
TEST_SHARE = 0.25  # of the messages, where the test part is redrawn
SOURCE_LONGEST, TARGET_LONGEST = 8, 12
LANGUAGES = {"zh_CN": ("Chinese", "character"), "fr_FR": ("French", "word")}


def load(
    seed: int = 0,
    part: str = "first",
    *,
    language: str = "zh_CN",
    train_size: int | None = None,
    redraw_test: bool = False,
) -> Dataset:
    """Load short English messages of at most 8 words, and their translations of at most 12 tokens.

    A token of the source is a word in lower case; one of the target is a character in Chinese, a word in
    French. Tokens that do not occur twice outside the test part are "<unknown>". Messages that differ only in
    capitals or punctuation are in one part together.

    Args:
        seed: draws which messages are for training and which for validation.
        part: "first" or "second": two test parts without a message in common.
        language: "zh_CN" or "fr_FR".
        train_size: pairs for training; None for three quarters of what is not for testing.
        redraw_test: whether each of ten seeds has a test part of its own, in the place of the ``part``, as
            ``labcode.data.folds.redrawn_parts`` says.

    Returns:
        The dataset; inputs (N, 8) with a padding mask, targets (N, 13) of which the last real one is "<end>".

    Raises:
        ValueError: a bad argument.
        ModuleNotFoundError: the language's package is not installed.

    Source: the packages jupyterlab-language-pack-*. Chapter 6.2.
    """
    name, unit = LANGUAGES[check_one_of("language", language, tuple(LANGUAGES))]
    sources, targets, groups = _pairs(language)
    if redraw_test:
        share_out = partial(redrawn_parts, groups, test_share=TEST_SHARE)
    else:
        share_out = partial(split_groups, groups, part=part)
    if train_size is None:
        *pool, _ = share_out(seed=0, train_size=1)
        train_size = sum(map(len, pool)) * 3 // 4
    parts = share_out(seed=seed, train_size=train_size)
    outside_test = np.setdiff1d(np.arange(len(groups)), parts[2])
    source_vocabulary = _vocabulary([source_tokens(sources[at]) for at in outside_test])
    target_vocabulary = _vocabulary([target_tokens(targets[at], language) for at in outside_test])
    x = _encode([source_tokens(text) for text in sources], source_vocabulary, SOURCE_LONGEST)
    ended = [[*target_tokens(text, language), SPECIAL[END]] for text in targets]
    y = _encode(ended, target_vocabulary, TARGET_LONGEST + 1)
    y[y == PADDING] = IGNORED
    train, validation, test = (
        Split(x[at], y[at], padding_mask=x[at] != PADDING, items=sources[at], groups=groups[at])
        for at in parts
    )
    return Dataset(
        name=f"interface_translation_{language}",
        title=f"what is this message of a user interface in {name}?",
        task="sequence",
        feature_names=("word",),
        feature_units=("lower case",),
        target_name=f"translation into {name}",
        target_unit=f"{unit}s",
        train=train,
        validation=validation,
        test=test,
        mean=None,
        std=None,
        target_std=1.0,
        licence=LICENCE,
        provenance=source_text((language,), [f"{s}\t{t}" for s, t in zip(sources, targets, strict=True)]),
        step="word",
        vocabulary=source_vocabulary,
        target_vocabulary=target_vocabulary,
    )


def source_tokens(text: str) -> list[str]:
    """Cut English into words, placeholders such as %1, numbers and single signs, in lower case."""
    return re.findall(r"[a-z]+(?:'[a-z]+)?|%\d|\d+|[^\sa-z\d]", text.lower())


def target_tokens(text: str, language: str) -> list[str]:
    """Cut a translation into characters (Chinese) or words (other languages)."""
    return list(text) if LANGUAGES[language][1] == "character" else text.lower().split()


def decode(tokens: Iterable[int], dataset: Dataset) -> str:
    """Put a translation's tokens together again, up to "<end>".

    Args:
        tokens: numbers in ``dataset.target_vocabulary``, the end or padding (-100) may be among them.
        dataset: the dataset that :func:`load` returned.

    Returns:
        The text; an unknown token is shown as "\N{REPLACEMENT CHARACTER}".
    """
    words = []
    for token in map(int, tokens):
        if token in (END, IGNORED):
            break
        words.append("\N{REPLACEMENT CHARACTER}" if token == UNKNOWN else dataset.target_vocabulary[token])
    return ("" if dataset.target_unit == "characters" else " ").join(words)


def references(dataset: Dataset, split: str) -> list[str]:
    """Return the human translations of a split, as they are, without unknown tokens."""
    language = dataset.name.removeprefix("interface_translation_")
    translated = dict(zip(*_pairs(language)[:2], strict=True))
    spaced = "" if dataset.target_unit == "characters" else " "
    return [spaced.join(target_tokens(translated[source], language)) for source in _sources(dataset, split)]


def copy(dataset: Dataset, split: str) -> list[str]:
    """Return the English message itself as its translation, the rule that any translation has to beat."""
    return [str(source) for source in _sources(dataset, split)]


def memory(dataset: Dataset, split: str) -> list[str]:
    """Return the translation of the most similar training message: that which shares most of its words.

    Similarity is the share of common words, 2 * common / (words of both); the first of equals is taken.
    """
    known = [Counter(source_tokens(source)) for source in _sources(dataset, "train")]
    translations = references(dataset, "train")
    found = []
    for source in _sources(dataset, split):
        words = Counter(source_tokens(source))
        shared = [2 * (words & one).total() / (words.total() + one.total()) for one in known]
        found.append(translations[int(np.argmax(shared))])
    return found


def _sources(dataset: Dataset, split: str) -> np.ndarray:
    """Return the English messages of a split, (N,)."""
    return check_given(f"{split}.items", dataset.splits[split].items, "English messages")


TRANSLATORS = {"copy": copy, "translation memory": memory}


@cache
def _pairs(language: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return English messages, their translations and what groups them, each (N,)."""
    kept: dict[str, tuple[str, str, str]] = {}
    for english, translated in sorted(messages(language).items()):
        english, translated = english.strip(), translated.strip()
        words, group = source_tokens(english), plain(english)
        length = len(target_tokens(translated, language))
        if (
            words
            and len(words) <= SOURCE_LONGEST
            and 1 <= length <= TARGET_LONGEST
            and "\n" not in translated
        ):
            kept.setdefault(" ".join(words), (english, translated, group))
    english, translated, groups = (np.array(column) for column in zip(*kept.values(), strict=True))
    return english, translated, groups


def _vocabulary(sentences: list[list[str]]) -> tuple[str, ...]:
    counts = Counter(token for sentence in sentences for token in sentence)
    return (*SPECIAL, *sorted(token for token, count in counts.items() if count > 1))


def _encode(sentences: list[list[str]], vocabulary: tuple[str, ...], longest: int) -> np.ndarray:
    number = {token: at for at, token in enumerate(vocabulary)}
    encoded = np.full((len(sentences), longest), PADDING, dtype=np.int64)
    for row, sentence in zip(encoded, sentences, strict=True):
        row[: len(sentence)] = [number.get(token, UNKNOWN) for token in sentence]
    return encoded
