"""Speech recognition: which digit is spoken? Or, as second data, who of nine men says two vowels?

A recording is a sequence of frames of 20 to 30 ms; a frame is a handful of cepstral coefficients.
"""

import io
from functools import cache

import numpy as np

from labcode._checks import check_integer, check_one_of, expect
from labcode.data.dataset import DATA, Dataset, Split, provenance, read_verified
from labcode.data.folds import redrawn_parts
from labcode.data.messages import PARTS

DIGITS_SHA256 = "ee34e5abd75f5fba754fb9fc488de0f07e376a22d786b41cfa014e3315e9c74f"
VOWELS_SHA256 = "f3278a5c9ba6bd7dd825cdf8ddfccfef82ab38489e0559098fe5b92cc9569302"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS_TEST, VOWELS_TEST = 1200, 370
DIGITS_FOLDS = 2000  # recordings in the ten test parts, where these are redrawn


def load(
    seed: int = 0,
    part: str = "first",
    *,
    train_size: int | None = None,
    validation_size: int | None = None,
    longest: int = 32,
    redraw_test: bool = False,
) -> Dataset:
    """Load spoken digits, or the Japanese vowels, as sequences of cepstral coefficients.

    Parts are drawn by recording. Who speaks a digit is not in the data, so the same six voices are in all
    parts: the test says how well new recordings of known voices are understood, not new voices.

    Args:
        seed: draws the recordings for training and validation; those for testing are always the same.
        part: "first" for the digits (the last 1,200 of 3,000 recordings are for testing), "second" for the
            vowels (the official 370 of 640 are for testing).
        train_size: recordings for training; None for 300 of the digits, 150 of the vowels.
        validation_size: recordings for validation; None for 300 of the digits, 120 of the vowels.
        longest: frames that are kept of a recording, T; what is longer is cut at its end.
        redraw_test: whether each of ten seeds has a test part of its own, as
            ``labcode.data.folds.redrawn_parts`` says: 200 digits or 37 vowels.

    Returns:
        The dataset; inputs (N, T, 13) or (N, T, 12) with a padding mask, targets (N,).

    Raises:
        ValueError: a bad argument, more recordings than there are, or a data file that is damaged.
        FileNotFoundError: the data file is missing.

    Source: Free Spoken Digit Dataset; Kudo et al. (1999); see the texts beside the
        files in labcode/data/files/. Chapter 6.3.
    """
    digits = check_one_of("part", part, PARTS) == "first"
    name = "spoken_digits" if digits else "japanese_vowels"
    recordings, labels = _recordings(name, DIGITS_SHA256 if digits else VOWELS_SHA256)
    longest = check_integer("longest", longest, low=1)
    pool = len(recordings) - (DIGITS_TEST if digits else VOWELS_TEST)
    n_train = check_integer(
        "train_size", (300 if digits else 150) if train_size is None else train_size, low=1
    )
    default = 300 if digits else 120
    n_validation = check_integer(
        "validation_size", default if validation_size is None else validation_size, low=1
    )
    received = n_train + n_validation
    expect(received <= pool, "train_size + validation_size", f"at most {pool} recordings", received)
    check_integer("seed", seed)
    if redraw_test:
        groups = np.arange(len(recordings))
        share = (DIGITS_FOLDS if digits else VOWELS_TEST) / len(recordings)
        train, rest, test = redrawn_parts(groups, seed=seed, train_size=n_train, test_share=share)
        parts = train, rest[:n_validation], test
    else:
        drawn = np.random.default_rng(seed).permutation(pool)
        parts = drawn[:n_train], drawn[n_train:received], np.arange(pool, len(recordings))
    return _dataset(name, recordings, labels, parts, longest)


@cache
def _recordings(name: str, sha256: str) -> tuple[list[np.ndarray], np.ndarray]:
    data = np.load(io.BytesIO(read_verified(DATA / f"{name}.npz.gz", sha256)))
    frames = data["low"] + data["step"] * data["frames"]
    ends = np.cumsum(data["lengths"], dtype=np.int64)
    return np.split(frames, ends[:-1]), data["labels"].astype(np.int64)


def _dataset(name, recordings, labels, parts, longest) -> Dataset:
    frames = np.concatenate([recordings[at][:longest] for at in parts[0]]).astype(np.float64)
    mean, std = frames.mean(axis=0), frames.std(axis=0)
    lengths = np.array([min(len(recording), longest) for recording in recordings])
    padding_mask = np.arange(longest) < lengths[:, None]
    x = np.zeros((*padding_mask.shape, len(mean)), dtype=np.float32)
    for row, recording, length in zip(x, recordings, lengths, strict=True):
        row[:length] = (recording[:length] - mean) / std
    items = np.array([f"recording {number}" for number in range(len(recordings))])
    train, validation, test = (
        Split(x[at], labels[at], padding_mask=padding_mask[at], items=items[at], groups=items[at])
        for at in parts
    )
    digits = name == "spoken_digits"
    kind = "MFCC" if digits else "LPC cepstrum"
    return Dataset(
        name=name,
        title="which digit is spoken?" if digits else "which of nine men says these two vowels?",
        task="classification",
        feature_names=tuple(f"{kind} {number}" for number in range(len(mean))),
        feature_units=("1",) * len(mean),
        target_name="digit" if digits else "speaker",
        target_unit=f"one of {labels.max() + 1}",
        train=train,
        validation=validation,
        test=test,
        mean=mean,
        std=std,
        target_std=1.0,
        licence=(
            "CC BY-SA 4.0 (Free Spoken Digit Dataset)"
            if digits
            else "CC BY 4.0 (M. Kudo, J. Toyama, M. Shimbo)"
        ),
        provenance=provenance(name),
        step="frame",
        classes=DIGITS if digits else tuple(f"speaker {number}" for number in range(1, 10)),
    )
