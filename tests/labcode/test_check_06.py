"""Exercise 6: answers as learners write them; the solutions against loops, scikit-learn and labcode.

``test_check.py`` holds every switch of every checker against its own message.
"""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, r2_score
from sklearn.preprocessing import StandardScaler
from test_check import feedback
from torch import nn

from labcode import check
from labcode.applications import metrics
from labcode.applications.decoding import beam_search
from labcode.check import exercise_06_model
from labcode.check.exercise_06 import CHECKERS
from labcode.data.translation import END, START

BY_NAME = {checker.name: checker for checker in CHECKERS}


def split_by_sets(days, ahead, validation_start, test_start):
    parts = ([], [], [])
    for row, day in enumerate(days):
        known = day + ahead
        parts[int(known >= validation_start) + int(known >= test_start)].append(row)
    return list(parts)


def scaled_by_sklearn(train, validation, test):
    features = train.shape[2]
    scaler = StandardScaler().fit(train.reshape(-1, features))
    return [
        scaler.transform(part.reshape(-1, features)).reshape(part.shape) for part in (train, validation, test)
    ]


def skill_by_r2(outcome, forecast, today):
    """1 - R² is the ratio of a forecast's error to that of the mean, which cancels."""
    return 1 - (1 - r2_score(outcome, forecast)) / (1 - r2_score(outcome, today))


def f1_by_sklearn(counts):
    pairs = [(i, j) for (i, j), n in np.ndenumerate(counts) for _ in range(n)]
    right, taken = zip(*pairs, strict=True)
    return f1_score(right, taken, labels=range(len(counts)), average="macro", zero_division=0)


def choose_by_loop(validation, test):
    best = 0
    for row in range(1, len(validation)):
        if sum(validation[row]) < sum(validation[best]):
            best = row
    return [best, sum(test[best]) / len(test[best])]


class Table(nn.Module):
    """A decoder whose state is what it has written so far, so that labcode's search can read a table."""

    def __init__(self, table):
        super().__init__()
        self.table = table
        self.tokens = sorted({token for row in table.values() for token in row} - {"."})
        self.texts = [""]
        self.weight = nn.Parameter(torch.zeros(1))

    def encode(self, x, padding_mask=None):
        return torch.zeros(1, len(x), 1), torch.zeros(1, len(x), 1)

    def decode(self, token, state):
        texts = []
        for last, at in zip(token[:, 0].tolist(), state[0][0, :, 0].long().tolist(), strict=True):
            texts.append(self.texts[at] + (self.tokens[last - 10] if last >= 10 else ""))
        logits = torch.full((len(texts), 1, 10 + len(self.tokens)), -torch.inf)
        for row, text in enumerate(texts):
            for one, q in self.table[text].items():
                logits[row, 0, END if one == "." else 10 + self.tokens.index(one)] = float(np.log(q))
        places = torch.arange(len(self.texts), len(self.texts) + len(texts), dtype=torch.float32)
        self.texts += texts
        return logits, (places[None, :, None], state[1])


def beam_by_labcode(table, width):
    model = Table(table)
    tokens, _ = beam_search(model, np.array([[START]]), width=width)[0][0]
    text = "".join(model.tokens[token - 10] for token in tokens) + "."
    return text, float(np.prod([table[text[:t]][token] for t, token in enumerate(text)]))


RIGHT = [
    ("split_by_time", split_by_sets),
    ("scale_on_training", scaled_by_sklearn),
    ("forecast_skill", skill_by_r2),
    ("choose_and_report", choose_by_loop),
    ("macro_f1", f1_by_sklearn),
    ("macro_f1", lambda counts: metrics.macro_f1(*_rows(counts), len(counts))),
    ("search_with_beam", beam_by_labcode),
]


def _rows(counts):
    pairs = np.array([(j, i) for (i, j), n in np.ndenumerate(counts) for _ in range(n)])
    return pairs[:, 0], pairs[:, 1]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_other_right_answers_pass(name, answer, capsys):
    getattr(check, name)(answer)
    assert f"{name}: right" in capsys.readouterr().out


def split_by_forecast(days, ahead, validation_start, test_start):
    return split_by_sets(days, 0, validation_start, test_start)


def split_by_share(days, ahead, validation_start, test_start):
    sizes = np.cumsum([len(part) for part in split_by_sets(days, ahead, validation_start, test_start)])
    return np.split(np.arange(len(days)), sizes[:2])


def fit_transform_each(train, validation, test):
    return [scaled_by_sklearn(part, part, part)[0] for part in (train, validation, test)]


def fitted_on_everything(train, validation, test):
    everything = np.concatenate([train, validation, test])
    return (
        scaled_by_sklearn(everything, train, validation)[1:] + scaled_by_sklearn(everything, test, test)[2:]
    )


def greedy(table, width):
    text, p = "", 1.0
    while not text.endswith("."):
        token = max(table[text], key=table[text].get)
        text, p = text + token, p * table[text][token]
    return text, p


def exhaustive(table, width):
    open_ones, best = [("", 1.0)], ("", 0.0)
    while open_ones:
        text, p = open_ones.pop()
        for token, q in table[text].items():
            if token == ".":
                best = max(best, (text + ".", p * q), key=lambda one: one[1])
            else:
                open_ones.append((text + token, p * q))
    return best


WRONG = [
    ("split_by_time", split_by_forecast, "forecast is MADE"),
    ("split_by_time", split_by_share, "no order of time"),
    ("scale_on_training", fit_transform_each, "its own mean and deviation"),
    ("scale_on_training", fitted_on_everything, "all three parts together"),
    (
        "scale_on_training",
        lambda *parts: [(p - parts[0].mean(0)) / parts[0].std(0) for p in parts],
        "windows AND steps",
    ),
    ("forecast_skill", lambda y, f, t: r2_score(y, f), "That is R²"),
    ("forecast_skill", lambda y, f, t: ((y - f) ** 2).mean() / ((y - t) ** 2).mean(), "1 minus it"),
    ("choose_and_report", lambda v, t: (t.mean(1).argmin(), t.mean(1).min()), "chose by the test loss"),
    ("choose_and_report", lambda v, t: (v.mean(1).argmin(), v.mean(1).min()), "its validation loss"),
    ("choose_and_report", lambda v, t: (v.mean(1).argmin(), t.min()), "First difference"),
    ("macro_f1", lambda c: c.trace() / c.sum(), "That is the accuracy"),
    ("macro_f1", lambda c: np.nanmean(c.diagonal() / np.maximum(c.sum(1), 1)), "mean recall"),
    ("search_with_beam", greedy, "greedy search"),
    ("search_with_beam", exhaustive, "keep every beginning"),
]


@pytest.mark.parametrize(("name", "answer", "fragment"), WRONG, ids=[f"{w[0]}-{w[2]}" for w in WRONG])
def test_wrong_answers_as_learners_write_them(name, answer, fragment):
    message = feedback(getattr(check, name), answer)
    assert fragment in message.replace("\n", " "), message


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    days=st.lists(st.integers(0, 20), min_size=1, max_size=15),
    ahead=st.integers(1, 4),
    starts=st.tuples(st.integers(0, 20), st.integers(0, 5)),
)
def test_no_target_of_a_later_part_is_known_when_an_earlier_one_ends(days, ahead, starts):
    bounds = starts[0], sum(starts)
    parts = BY_NAME["split_by_time"].solution(np.array(days), ahead, *bounds)
    assert sorted(itertools.chain(*parts)) == list(range(len(days)))
    known = [np.array(days)[part] + ahead for part in parts]
    assert all((days < bound).all() for days, bound in zip(known, bounds, strict=False))
    assert all((days >= bound).all() for days, bound in zip(known[1:], bounds, strict=True))


# The model to regularize.


def test_what_is_handed_out_holds_nothing_of_what_is_held_out():
    train, validation = exercise_06_model.handout()
    held_out = exercise_06_model._data()[2]
    assert train.dates.max() < validation.dates.min()
    assert validation.dates.max() < held_out.dates.min()
    assert len(train.y) < len(validation.y) + 10  # one year, so that there is something to cure


class Constant(nn.Module):
    """A model that always says the same; its forecasts are what a test needs."""

    def __init__(self, value, units=64):
        super().__init__()
        self.lstm = nn.LSTM(6, units, batch_first=True)
        self.value = nn.Parameter(torch.tensor(float(value)))

    def forward(self, x):
        return self.value.expand(len(x), 1)


@pytest.mark.parametrize(
    ("answer", "fragment"),
    [
        (lambda train, validation, seed: Constant(0.0).eval(), "nothing was learned"),
        (lambda train, validation, seed: Constant(0.0), "still in training mode"),
        (lambda train, validation, seed: Constant(0.0, units=8).eval(), "another model"),
        (lambda train, validation, seed: Constant(np.nan).eval(), "not finite"),
        (lambda train, validation, seed: None, "return model"),
        (lambda train, validation, seed: train.nothing, "stopped with AttributeError"),
        (lambda train, validation: None, "stopped with TypeError"),
        (3, "hand over the function itself"),
    ],
)
def test_models_that_are_not_right_yet(answer, fragment):
    message = feedback(check.regularized_model, answer).replace("\n", " ")
    assert fragment in message, message


def test_the_score_is_that_of_the_days_held_out_and_each_look_is_counted():
    held_out = exercise_06_model._data()[2]
    messages = [feedback(check.regularized_model, lambda *args: Constant(0.0).eval()) for _ in range(2)]
    wanted = f"{np.square(held_out.y).mean():.3f}"
    numbers = []
    for message in messages:
        line = next(line for line in message.splitlines() if line.startswith("held out"))
        assert line.split()[2] == wanted
        numbers.append(int(line.partition("look no. ")[2].split()[0]))
    assert numbers[1] == numbers[0] + 1


def test_every_task_of_the_exercise_is_here():
    assert len(CHECKERS) == 7
    assert sum(len(checker.misconceptions) for checker in CHECKERS) >= 40
