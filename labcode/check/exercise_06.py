"""Checkers of exercise 6: splits and scales without leaks, an honest choice; and the list of all seven."""

from itertools import pairwise

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.exercise_06_model import regularized_model
from labcode.check.exercise_06_scores import forecast_skill, macro_f1, search_with_beam
from labcode.check.random_cases import drawn


def _split(days, ahead, validation_start, test_start, *, by="target", inclusive=False, masks=False):
    """Row numbers of the three parts, by the day that each target belongs to."""
    days = np.asarray(days)
    target = days if by == "made" else days + ahead
    before = np.less_equal if inclusive else np.less
    train, known = before(target, validation_start), before(target, test_start)
    parts = [train, known & ~train, ~known]
    if by == "position":
        ends = np.cumsum([0, *(part.sum() for part in parts)])
        rows = np.arange(len(days))
        parts = [(rows >= first) & (rows < last) for first, last in pairwise(ends)]
    if by == "no end":
        parts[1] = ~train
    if by == "rows lost":
        parts[1] &= days >= validation_start
        parts[2] &= days >= test_start
    return tuple(parts) if masks else tuple(np.flatnonzero(part) for part in parts)


_ROWS = np.array([4, 0, 9, 2, 7, 1, 9, 5, 3, 8, 6, 0])

split_by_time = Checker(
    name="split_by_time",
    solution=_split,
    cases=(
        Case("one day ahead, rows in order", (np.arange(10), 1, 6, 8)),
        Case("three days ahead", (np.arange(12), 3, 6, 9)),
        Case("rows of several stocks, in no order", (_ROWS, 2, 5, 9)),
        *drawn(random_cases_practice.split_by_time, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "split by the day of the forecast",
            {"by": "made"},
            "You split by the day on which the forecast is MADE. The last targets for training then lie "
            "inside the validation period: they are known only `ahead` days later. Split by days + ahead.",
        ),
        Misconception(
            "first day counted as the past",
            {"inclusive": True},
            "A target on the very day on which a part starts belongs to that part, not to the one before:"
            " use < and not <=.",
        ),
        Misconception(
            "split by position",
            {"by": "position"},
            "The parts have the right sizes and the wrong rows: you took them in the order of the file. "
            "Rows of several stocks are in no order of time; compare their days.",
        ),
        Misconception(
            "validation without an end",
            {"by": "no end"},
            "Validation runs on to the end, so every test row is in it, too: whatever is chosen on it has"
            " seen the test.",
        ),
        Misconception(
            "rows lost",
            {"by": "rows lost"},
            "Some rows are in no part: those made before a boundary with a target after it. Such a row "
            "leaks nothing where its target belongs. That its window reaches back is fine: the past is "
            "known.",
        ),
        Misconception(
            "masks",
            {"masks": True},
            "Right rows, as masks. Row numbers are asked for: np.flatnonzero(mask).",
        ),
    ),
    praise="No target of a later part was known when an earlier part ended.",
    draw=random_cases_practice.split_by_time,
)


def _scale(train, validation, test, *, scope="train", axes=(0, 1), variance=False, centred=True):
    """The three parts in the units of the training part: by feature, over its windows and steps."""
    parts = [np.asarray(part, dtype=float) for part in (train, validation, test)]
    if scope == "own":
        return tuple(_scale(part, part, part, axes=axes)[0] for part in parts)
    known = {"train": parts[:1], "train and validation": parts[:2], "all": parts}[scope]
    known = np.concatenate(known)
    mean, std = known.mean(axis=axes), known.std(axis=axes)
    mean = mean if centred else 0.0
    return tuple((part - mean) / (std**2 if variance else std) for part in parts)


def _windows(seed, sizes, shift):
    rng = np.random.default_rng(seed)
    return tuple(
        np.round(rng.normal(size=(n, 3, 2)) * (1.0, 5.0) + (2.0 + part * shift, -1.0), 1)
        for part, n in enumerate(sizes)
    )


scale_on_training = Checker(
    name="scale_on_training",
    solution=_scale,
    cases=(
        Case("three parts of one level", _windows(0, (5, 3, 3), 0.0)),
        Case("a level that rises from part to part", _windows(1, (4, 2, 3), 1.5)),
        *drawn(random_cases_practice.scale_on_training, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "scaled on all data",
            {"scope": "all"},
            "Mean and deviation come from all three parts together. The model then knows, before the test"
            " begins, how high the test years will be. Take them from the training part.",
        ),
        Misconception(
            "scaled on training and validation",
            {"scope": "train and validation"},
            "The validation part is in the mean, too. Then the validation loss, which chooses, is "
            "flattered. Training alone.",
        ),
        Misconception(
            "each part by itself",
            {"scope": "own"},
            "Each part got its own mean and deviation: every year then looks alike, the same weather gets"
            " another number in another part, and the test part has to be complete before the first "
            "forecast.",
        ),
        Misconception(
            "a mean for each step",
            {"axes": 0},
            "Every step of the window has a mean of its own. A feature is the same quantity at every "
            "step: average over windows AND steps, axis=(0, 1).",
        ),
        Misconception(
            "one mean for all features",
            {"axes": None},
            "One mean and one deviation for all features: degrees and metres per second in one sum. Each "
            "feature has its own.",
        ),
        Misconception(
            "divided by the variance",
            {"variance": True},
            "You divide by the variance, the deviation squared. The deviation has the unit of the feature.",
        ),
        Misconception(
            "not centred",
            {"centred": False},
            "The mean is still in it: subtract it before you divide.",
        ),
    ),
    praise="What later parts look like stays unknown until they are predicted.",
    draw=random_cases_practice.scale_on_training,
)


def _choose(validation, test, *, on="validation", report="mean test"):
    """The row with the lowest mean validation loss, and its mean test loss."""
    validation, test = np.asarray(validation, dtype=float), np.asarray(test, dtype=float)
    tables = {"validation": validation, "test": test}
    row = int(tables.get(on, validation).mean(axis=1).argmin())
    if on == "best run":
        row = int(np.unravel_index(validation.argmin(), validation.shape)[0])
    reports = {
        "mean test": test[row].mean(),
        "mean validation": validation[row].mean(),
        "best seed": test[row].min(),
        "lowest test": test.mean(axis=1).min(),
    }
    return row, float(reports[report])


_TABLES = (
    np.array([[0.9, 1.0], [0.7, 0.9], [0.4, 1.4], [1.1, 1.0]]),
    np.array([[1.0, 1.2], [1.1, 1.0], [0.9, 1.3], [0.8, 0.9]]),
)

choose_and_report = Checker(
    name="choose_and_report",
    solution=_choose,
    cases=(
        Case("the test would choose another one", _TABLES),
        Case(
            "every other rule would choose another one",
            (
                np.array(
                    [[0.6, 0.6, 0.6, 2.0], [0.7, 0.9, 0.9, 0.7], [0.9, 0.85, 0.8, 0.75], [0.1, 1.2, 1.2, 1.2]]
                ),
                np.array(
                    [[0.5, 0.6, 0.9, 1.0], [1.0, 1.3, 1.1, 1.4], [0.6, 0.5, 0.8, 0.7], [0.3, 0.2, 0.3, 0.2]]
                ),
            ),
        ),
        Case("both agree", (np.array([[1.0, 1.1], [0.8, 0.9]]), np.array([[1.3, 1.1], [1.0, 0.9]]))),
        *drawn(random_cases_practice.choose_and_report, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "chosen on test",
            {"on": "test"},
            "You chose by the test loss. Then the reported number is the lowest of many, and no data are "
            "left that played no part in the choice. Validation chooses.",
        ),
        Misconception(
            "validation loss reported",
            {"report": "mean validation"},
            "The choice is right, the report is its validation loss. The lowest of several validation "
            "losses is too low on average, because it was chosen for being low: report the test loss.",
        ),
        Misconception(
            "the luckiest run",
            {"on": "best run"},
            "You chose the setting of the single lowest run. One lucky seed says little about a setting: "
            "compare the means over the seeds.",
        ),
        Misconception(
            "the best seed reported",
            {"report": "best seed"},
            "You report the luckiest seed of the chosen setting, picked by its test loss. Report the mean"
            " over the seeds.",
        ),
        Misconception(
            "lowest test loss reported",
            {"report": "lowest test"},
            "Chosen on validation, but the number is the lowest test loss of any setting. It belongs to "
            "another one; report what the chosen one came to.",
        ),
    ),
    praise="Validation chooses, the test is read once, and what it says is reported.",
    draw=random_cases_practice.choose_and_report,
)

CHECKERS = (
    split_by_time,
    scale_on_training,
    choose_and_report,
    forecast_skill,
    macro_f1,
    search_with_beam,
    regularized_model,
)
