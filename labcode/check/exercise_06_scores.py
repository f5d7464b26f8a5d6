"""Checkers of exercise 6, scores: skill against persistence, macro F1, and greedy against beam search."""

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.random_cases import drawn


def _skill(outcome, forecast, today, *, reference="today", power=2, root=False, form="skill"):
    """1 - mean squared error of the forecast / mean squared error of "as today"."""
    outcome, forecast, today = (np.asarray(values, dtype=float) for values in (outcome, forecast, today))
    rule = today if reference == "today" else np.full_like(outcome, outcome.mean())
    model, rule = (np.mean(np.abs(outcome - guess) ** power) for guess in (forecast, rule))
    if root:
        model, rule = np.sqrt(model), np.sqrt(rule)
    forms = {"skill": 1 - model / rule, "ratio": model / rule, "turned": 1 - rule / model}
    return float((forms | {"difference": rule - model})[form])


forecast_skill = Checker(
    name="forecast_skill",
    solution=_skill,
    cases=(
        Case(
            "better than 'as today'",
            (np.array([12.0, 15.0, 11.0]), np.array([13.0, 14.0, 13.0]), np.array([10.0, 12.0, 15.0])),
        ),
        Case(
            "worse than 'as today'",
            (np.array([20.0, 21.0, 21.0, 22.0]), np.full(4, 18.0), np.array([19.0, 20.0, 21.0, 21.0])),
        ),
        *drawn(random_cases_practice.forecast_skill, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "against the mean of the outcomes",
            {"reference": "mean"},
            "You compare with the mean of the outcomes. That is R², and no rule that could have been "
            "used: who knew that mean in time? The rule to beat is 'as today'.",
        ),
        Misconception(
            "root of the squared error",
            {"root": True},
            "You took roots first. The skill is a ratio of mean SQUARED errors; with roots the same "
            "forecast gets another number.",
        ),
        Misconception(
            "absolute errors",
            {"power": 1},
            "These are absolute errors. Mean squared errors are asked for, what the models were trained on.",
        ),
        Misconception(
            "not subtracted from 1",
            {"form": "ratio"},
            "That is the ratio of the errors, where small is good. The skill is 1 minus it: 0 like the "
            "rule, 1 perfect, negative worse than the rule.",
        ),
        Misconception(
            "ratio turned over",
            {"form": "turned"},
            "The ratio is upside down: the error of the model stands above, that of the rule below.",
        ),
        Misconception(
            "difference instead of a ratio",
            {"form": "difference"},
            "A difference of squared errors has a unit (°C²) and changes with it. Divide by the rule's "
            "error.",
        ),
    ),
    praise="A skill below 0 says it plainly: the rule would have been better.",
    draw=random_cases_practice.forecast_skill,
)


def _macro_f1(counts, *, which="f1", mean="macro"):
    """The mean over the classes of 2 right / (all taken for the class + all of the class)."""
    counts = np.asarray(counts, dtype=float)
    right, taken, real = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)
    if which == "accuracy":
        return float(right.sum() / counts.sum())
    precision, recall = right / np.maximum(taken, 1), right / np.maximum(real, 1)
    if mean == "of means":
        p, r = precision.mean(), recall.mean()
        return float(2 * p * r / (p + r))
    f1 = {"f1": 2 * right / np.maximum(taken + real, 1), "precision": precision, "recall": recall}[which]
    if mean == "weighted":
        return float((f1 * real).sum() / real.sum())
    return float(f1[taken + real > 0].mean() if mean == "present" else f1.mean())


macro_f1 = Checker(
    name="macro_f1",
    solution=_macro_f1,
    cases=(
        Case("three classes", (np.array([[8, 1, 1], [2, 6, 2], [0, 3, 7]]),)),
        Case("a rare class that is never found", (np.array([[90, 5, 0], [4, 16, 0], [3, 2, 0]]),)),
        Case("a class that is in neither", (np.array([[5, 0, 1], [0, 0, 0], [2, 0, 4]]),)),
        *drawn(random_cases_practice.macro_f1, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "accuracy",
            {"which": "accuracy"},
            "That is the accuracy, all right ones together: a rare class hardly counts in it. F1 comes "
            "class by class, and then the mean.",
        ),
        Misconception(
            "weighted by frequency",
            {"mean": "weighted"},
            "You weighted each class by its frequency, so that frequent ones decide again. In the MACRO "
            "mean each counts once.",
        ),
        Misconception(
            "recall alone",
            {"which": "recall"},
            "You divided by the row sums alone: that is the mean recall. A model that calls everything "
            "the rare class would shine. F1 divides by half of rows plus columns.",
        ),
        Misconception(
            "precision alone",
            {"which": "precision"},
            "You divided by the column sums alone: that is the mean precision. What was missed of a class"
            " does not count in it.",
        ),
        Misconception(
            "F1 of the means",
            {"mean": "of means"},
            "You averaged precision and recall first and made one F1 of the means. Asked is the mean of "
            "the classes' F1.",
        ),
        Misconception(
            "empty classes left out",
            {"mean": "present"},
            "You left a class out of the mean because nothing belongs to it and nothing was taken for it."
            " Here it counts as 0 (conventions differ, so a report has to say which).",
        ),
    ),
    praise="A rare class now counts as much as a frequent one.",
    draw=random_cases_practice.macro_f1,
)


def _beam(table, width, *, keep=None, rank="total", answer="best", ended="aside", each=False):
    """The most probable finished sentence that a beam search of this width finds, and its probability."""
    keep = width if keep is None else keep
    open_ones = [("", 1.0)]
    finished: list[tuple[str, float]] = []
    while open_ones:
        longer = [(text + token, p * q, q) for text, p in open_ones for token, q in table[text].items()]
        if each:
            parts = [[one for one in longer if one[0][:-1] == text] for text, _ in open_ones]
            longer = [one for part in parts for one in sorted(part, key=lambda one: -one[1])[:width]]
        if ended == "compete":
            longer += [(*one, 1.0) for one in finished]
            finished = []
        longer.sort(key=lambda one: -one[2 if rank == "last" else 1])
        room = max(keep - len(finished), 1) if ended == "shrink" else len(longer) if each else keep
        kept = [(text, p) for text, p, _ in longer[:room]]
        finished += [one for one in kept if one[0].endswith(".")]
        open_ones = [one for one in kept if not one[0].endswith(".")]
        if answer == "first" and finished:
            break
    if answer == "last":
        return finished[-1]
    power = (lambda text: 1 / len(text)) if rank == "mean" else (lambda text: 1.0)
    return max(finished, key=lambda one: one[1] ** power(one[0]))


_GARDEN = {
    "": {"a": 0.6, "b": 0.4},
    "a": {"c": 0.4, "d": 0.35, ".": 0.25},
    "b": {"e": 0.9, ".": 0.1},
    "ac": {".": 1.0},
    "ad": {".": 1.0},
    "be": {".": 1.0},
}
_LATE = {
    "": {"a": 0.45, "b": 0.35, "c": 0.2},
    "a": {".": 0.5, "d": 0.3, "e": 0.2},
    "b": {"f": 0.8, ".": 0.2},
    "c": {"g": 1.0},
    "ad": {".": 1.0},
    "ae": {".": 1.0},
    "bf": {"h": 0.9, ".": 0.1},
    "cg": {".": 1.0},
    "bfh": {".": 1.0},
}
_HIDDEN = {
    "": {"a": 0.4, "b": 0.32, "c": 0.28},
    "a": {"d": 0.6, "e": 0.4},
    "b": {"f": 0.7, "g": 0.3},
    "c": {".": 0.95, "i": 0.05},
    "ad": {".": 0.95, "k": 0.05},
    "ae": {".": 1.0},
    "bf": {".": 0.9, "k": 0.1},
    "bg": {".": 1.0},
    "ci": {".": 1.0},
    "adk": {".": 1.0},
    "bfk": {".": 1.0},
}

_PUSHED_OUT = {  # a finished sentence, then two beginnings that are more probable and split up later
    "": {"a": 0.7, "b": 0.3},
    "a": {"c": 1.0},
    "b": {".": 1.0},
    "ac": {"d": 0.52, "e": 0.48},
    "acd": {"f": 0.6, "g": 0.4},
    "ace": {"f": 0.55, "g": 0.45},
    **{text: {".": 1.0} for text in ("acdf", "acdg", "acef", "aceg")},
}
_THIRD_PLACE = {  # with an improbable one finished, the best sentence goes through the third of the open ones
    "": {"a": 0.48, "b": 0.42, "c": 0.1},
    "a": {"d": 1.0},
    "b": {"e": 1.0},
    "c": {".": 1.0},
    "ad": {"f": 0.52, "g": 0.48},
    "be": {"h": 0.6, "i": 0.4},
    "adf": {"j": 0.6, "k": 0.4},
    "beh": {"j": 0.55, "k": 0.45},
    **{text: {".": 1.0} for text in ("adg", "bei", "adfj", "adfk", "behj", "behk")},
}

search_with_beam = Checker(
    name="search_with_beam",
    solution=_beam,
    cases=(
        Case("width 1: greedy", (_GARDEN, 1)),
        Case("width 2 finds a better one", (_GARDEN, 2)),
        Case("the better one ends later", (_LATE, 2)),
        Case("width 2 misses the best one", (_HIDDEN, 2)),
        Case("width 3 finds it", (_HIDDEN, 3)),
        Case("a finished sentence keeps its place", (_PUSHED_OUT, 2)),
        Case("a finished sentence takes no place", (_THIRD_PLACE, 3)),
        *drawn(random_cases_practice.search_with_beam, 5, 153),
    ),
    misconceptions=(
        Misconception(
            "greedy at every width",
            {"keep": 1},
            "You follow the best token alone, whatever the width: that is greedy search. Keep the `width`"
            " best beginnings, and extend each of them.",
        ),
        Misconception(
            "nothing is dropped",
            {"keep": 10**6},
            "You keep every beginning. That finds the very best sentence and cannot be paid for with a "
            "real vocabulary: after each step only the `width` most probable may stay.",
        ),
        Misconception(
            "ranked by the last token",
            {"rank": "last"},
            "You rank by the probability of the last token. A sentence is as probable as the PRODUCT of "
            "all its tokens.",
        ),
        Misconception(
            "finished ones compete",
            {"ended": "compete"},
            "A finished sentence goes on competing for the places, and may be pushed out by open beginnings "
            "that come to less in the end. Put it aside where nothing can push it out.",
        ),
        Misconception(
            "the beam shrinks",
            {"ended": "shrink"},
            "The beam gets narrower with each sentence that ends. Keep the `width` best at EVERY step; what "
            "ended earlier takes no place.",
        ),
        Misconception(
            "a width for each beginning",
            {"each": True},
            "You keep `width` continuations of EACH beginning. All continuations of all beginnings compete "
            "for the `width` places.",
        ),
        Misconception(
            "the first to end",
            {"answer": "first"},
            "You stop as soon as a sentence ends. An open beginning may still become a more probable one:"
            " put finished sentences aside and go on.",
        ),
        Misconception(
            "the last to end",
            {"answer": "last"},
            "You return the sentence that ended last. Compare all finished ones by their probability.",
        ),
        Misconception(
            "ranked by the mean token",
            {"rank": "mean"},
            "At the end you compare probabilities per token. That favours long sentences; it is a choice "
            "some systems make, but asked is the most probable sentence.",
        ),
    ),
    praise="More width, more probable sentences; whether they are better translations is another question.",
    draw=random_cases_practice.search_with_beam,
)
