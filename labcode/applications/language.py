"""Language modelling: which character comes next in Python's own reference text, and n-grams to beat.

The text is that of ``help()``, ``pydoc_data.topics`` of the standard library: it is there wherever Python is,
and differs a little between Python's versions. So a corpus names its version and its checksum, and figures of
two versions are not compared.
"""

import hashlib
import platform
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy import ndarray

from labcode._checks import check_integer, check_number, check_one_of, check_shape, expect
from labcode.data.dataset import Split

UNKNOWN, UNKNOWN_CHARACTER = 0, "\N{REPLACEMENT CHARACTER}"
LEAST = 5  # occurrences in the training part that give a character a number of its own
SHARE = 0.1  # of the text for validation, and again for testing
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True, eq=False, repr=False)
class Corpus:
    """A text in three parts that follow each other, as the numbers of its characters.

    Attributes:
        train, validation, test: the parts, (N,) int64 each.
        vocabulary: what each number stands for; 0 is every character that is rare in the training part.
        sha256: checksum of the whole text, in UTF-8.
        python: the version of Python that the text belongs to.
    """

    train: ndarray
    validation: ndarray
    test: ndarray
    vocabulary: tuple[str, ...]
    sha256: str
    python: str

    def __post_init__(self):
        for part in (self.train, self.validation, self.test):
            part.flags.writeable = False

    def __repr__(self) -> str:
        sizes = f"train {len(self.train)}, validation {len(self.validation)}, test {len(self.test)}"
        return (
            f"Corpus(Python {self.python}, sha256 {self.sha256[:12]}, "
            f"{len(self.vocabulary)} characters: {sizes})"
        )

    def encode(self, text: str) -> ndarray:
        """Return the numbers of a text's characters, (N,) int64."""
        numbers = {character: at for at, character in enumerate(self.vocabulary)}
        return np.array([numbers.get(character, UNKNOWN) for character in text], dtype=np.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text that numbers stand for, the unknown as "\N{REPLACEMENT CHARACTER}"."""
        return "".join(self.vocabulary[token] for token in tokens)


def load(train_size: int | None = None, *, repeats: str = "drop") -> Corpus:
    """Load Python's reference text: its last tenth for testing, the tenth before it for validation.

    Many paragraphs stand under several topics. They are kept where they stand first and dropped elsewhere:
    otherwise a model would be tested on paragraphs that it has been trained on.

    Args:
        train_size: characters for training, those next to the validation part; None for all there are.
        repeats: "drop", or "keep" to see what the leak would be worth.

    Returns:
        The corpus.

    Raises:
        ValueError: a size below 1 or above what there is, or another ``repeats``.

    Source: the Python Language Reference, PSF licence. Chapter 8.
    """
    text = reference_text(check_one_of("repeats", repeats, ("drop", "keep")))
    held = round(SHARE * len(text))
    train, validation, test = text[: -2 * held], text[-2 * held : -held], text[-held:]
    if train_size is not None:
        size = check_integer("train_size", train_size, low=1)
        expect(size <= len(train), "train_size", f"at most {len(train)} characters", size)
        train = train[-size:]
    common = sorted(character for character, count in Counter(train).items() if count >= LEAST)
    nothing = np.zeros(0, dtype=np.int64)
    empty = Corpus(
        nothing,
        nothing,
        nothing,
        vocabulary=(UNKNOWN_CHARACTER, *common),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        python=platform.python_version(),
    )
    encode = empty.encode
    return replace(empty, train=encode(train), validation=encode(validation), test=encode(test))


@cache
def reference_text(repeats: str = "drop") -> str:
    """Return the whole text: topic after topic in the order of their names, paragraphs two newlines apart."""
    from pydoc_data.topics import topics

    kept, seen = [], set()
    for name in sorted(topics):
        for paragraph in re.split(r"\n\s*\n", topics[name].strip("\n")):
            words = tuple(paragraph.split())
            if words and (repeats == "keep" or words not in seen):
                kept.append(paragraph.rstrip())
            seen.add(words)
    return "\n\n".join(kept) + "\n"


def repeated_share(text: str, known: str) -> float:
    """Return which share of a text's characters stands in paragraphs that another text holds, too.

    Args:
        text: the text, such as a test part.
        known: the other, such as the training part.
    """
    in_known = {tuple(paragraph.split()) for paragraph in known.split("\n\n")}
    paragraphs = text.split("\n\n")
    repeated = sum(len(one) for one in paragraphs if tuple(one.split()) in in_known)
    return repeated / max(1, sum(map(len, paragraphs)))


def windows(tokens: ndarray, steps: int) -> Split:
    """Cut a text into windows that follow each other: x are ``steps`` characters, y those one place later.

    Args:
        tokens: the text, (N,) int64, with N > steps.
        steps: characters in a window, at least 1; what is left over at the end is not used.

    Returns:
        x and y, (windows, steps) int64 each, as ``fit`` takes them with ``task="sequence"``.

    Raises:
        ValueError: no text of whole numbers, or too short a one.

    Chapter 8.
    """
    tokens, steps = _tokens("tokens", tokens), check_integer("steps", steps, low=1)
    expect(len(tokens) > steps, "tokens", f"more than {steps} characters", len(tokens))
    whole = (len(tokens) - 1) // steps * steps
    return Split(*(tokens[at : at + whole].reshape(-1, steps).copy() for at in (0, 1)))


def streams(tokens: ndarray, batch_size: int) -> tuple[ndarray, ndarray]:
    """Lay a text out in rows to be read side by side, each row going on where the one above it ended.

    An LSTM that keeps its state from one piece of the rows to the next reads the text in its order.

    Args:
        tokens: the text, (N,) int64.
        batch_size: rows, B.

    Returns:
        x and y, (B, (N - 1) // B) int64 each; y is x one place later.

    Raises:
        ValueError: no text of whole numbers, or one with fewer characters than rows.

    Chapter 8.
    """
    batch_size = check_integer("batch_size", batch_size, low=1)
    expect(len(_tokens("tokens", tokens)) > batch_size, "tokens", f"more than {batch_size}", len(tokens))
    rows = windows(tokens, (len(tokens) - 1) // batch_size)
    return rows.x[:batch_size], rows.y[:batch_size]


def ngram_log_probabilities(
    train: ndarray, tokens: ndarray, *, order: int, classes: int, strength: float
) -> ndarray:
    """Return the log-probability of each character, given those before it, by counting in a training text.

    A longer context is trusted as far as it has been seen: with n(h) the number of times that context h was
    followed by anything, and h' the context without its first character,

        p(c | h) = (n(h c) + strength * p(c | h')) / (n(h) + strength),

    down to the empty context, behind which stands p = 1 / classes.

    Args:
        train: the text to count in, (N,) int64.
        tokens: the text to predict, (M,) int64.
        order: longest group that is counted: 1 for single characters, 2 for pairs (one of context), ...
        classes: characters there are.
        strength: how many observations the shorter context is worth, above 0.

    Returns:
        Natural logarithms, (M,) float64.

    Raises:
        ValueError: no text of whole numbers below ``classes``, or a number that is too small or too large.

    Source: MacKay & Peto (1995), "A hierarchical Dirichlet language model". Chapter 8.
    """
    classes, order = check_integer("classes", classes, low=1), check_integer("order", order, low=1)
    expect(classes**order < 2**62, "order", f"an order below {62 / np.log2(max(classes, 2)):.0f}", order)
    expect(check_number("strength", strength, low=0.0) > 0, "strength", "a number above 0", strength)
    for name, text in (("train", train), ("tokens", tokens)):
        inside = _tokens(name, text).min() >= 0 and text.max() < classes
        expect(bool(inside), name, f"numbers 0 to {classes - 1}", (int(text.min()), int(text.max())))
    probability = np.full(len(tokens), 1 / classes)
    for length in range(1, min(order, len(train), len(tokens)) + 1):
        known, asked = _groups(train, length, classes), _groups(tokens, length, classes)
        here, context = _counts(known, asked), _counts(known // classes, asked // classes)
        shorter = probability[length - 1 :]
        probability[length - 1 :] = (here + strength * shorter) / (context + strength)
    return np.log(probability)


def best_ngram(corpus: Corpus, order: int, part: str = "validation") -> tuple[float, ndarray]:
    """Predict a part of a corpus by n-grams, with the strength that is best on its validation part.

    Args:
        corpus: the text.
        order: as in ``ngram_log_probabilities``.
        part: "train", "validation" or "test".

    Returns:
        The strength, and the log-probabilities of the part's characters.
    """
    check_one_of("part", part, ("train", "validation", "test"))
    settings = {"order": order, "classes": len(corpus.vocabulary)}
    means = {
        s: ngram_log_probabilities(corpus.train, corpus.validation, strength=s, **settings).mean()
        for s in STRENGTHS
    }
    best = max(means, key=lambda strength: means[strength])
    tokens = getattr(corpus, part)
    return best, ngram_log_probabilities(corpus.train, tokens, strength=best, **settings)


def _tokens(name: str, tokens: ndarray) -> ndarray:
    check_shape(name, tokens, (None,))
    whole = isinstance(tokens, ndarray) and np.issubdtype(tokens.dtype, np.integer)
    expect(whole, name, "an array of whole numbers", type(tokens))
    return tokens


def _groups(tokens: ndarray, length: int, classes: int) -> ndarray:
    """Return each group of neighbouring tokens as one number, in base ``classes``, the last token last."""
    codes, count = np.zeros(len(tokens) - length + 1, dtype=np.int64), len(tokens) - length + 1
    for at in range(length):
        codes = codes * classes + tokens[at : at + count]
    return codes


def _counts(known: ndarray, asked: ndarray) -> ndarray:
    """Return how often each code that is asked for is among the known ones."""
    values, counts = np.unique(known, return_counts=True)
    at = np.searchsorted(values, asked).clip(max=len(values) - 1)
    return np.where(values[at] == asked, counts[at], 0)
