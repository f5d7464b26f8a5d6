"""Training on tokens, and on sequences of classes: every real token counts once, padding never."""

import numpy as np
import pytest
import torch
from torch import nn
from training_runs import Run, same

from labcode.data.dataset import IGNORED
from labcode.training import evaluate, predict


class LanguageModel(nn.Module):
    """Predict the next token at each step; the table has one row for each token."""

    def __init__(self, tokens=7, teacher_forcing=False, p=0.2):
        super().__init__()
        self.embedding = nn.Embedding(tokens, 4)
        self.lstm = nn.LSTM(4, 6, batch_first=True)
        self.dropout = nn.Dropout(p)
        self.head = nn.Linear(6, tokens)
        self.teacher_forcing = teacher_forcing
        self.seen = []

    def forward(self, x, padding_mask=None, targets=None):
        self.seen.append(targets)
        return self.head(self.dropout(self.lstm(self.embedding(x))[0]))


def make_tokens(n=37, seed=0):
    """Return tokens, the next ones, and a padding mask: sequences of very different lengths."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 7, (n, 6))
    lengths = rng.integers(1, 6, n)
    mask = np.arange(5) < lengths[:, None]
    return np.where(mask, tokens[:, :-1], 0), np.where(mask, tokens[:, 1:], IGNORED), mask


TOKENS = make_tokens()
OPTIONS = {"model": LanguageModel, "train": TOKENS, "validation": make_tokens(20, 1), "task": "sequence"}


def test_each_token_weighs_the_same_in_every_batch():
    """With a learning rate of 0 the objective of an epoch is the loss over all real tokens."""
    run = Run(**OPTIONS | {"model": lambda: LanguageModel(p=0.0)}, lr=0.0, batch_size=5, epochs=1)
    history = run.fit()
    x, y, _ = map(torch.tensor, TOKENS)
    logits = run.model(x)
    real = y != IGNORED
    expected = nn.functional.cross_entropy(logits[real], y[real]).item()
    right = (logits[real].argmax(dim=1) == y[real]).float().mean().item()
    assert history.objective[0] == pytest.approx(expected, rel=1e-5)
    assert history.train_loss[0] == pytest.approx(expected, rel=1e-5)
    assert history.train_accuracy[0] == pytest.approx(right, rel=1e-6)
    assert evaluate(run.model, TOKENS, "sequence") == pytest.approx({"loss": expected, "accuracy": right})


def test_what_stands_at_padding_makes_no_difference():
    x, y, mask = TOKENS
    other = np.where(mask, x, 3), y, mask
    one = Run(**OPTIONS)
    one.fit()
    two = Run(**OPTIONS | {"train": other})
    two.fit()
    assert one.history.objective == pytest.approx(two.history.objective, rel=1e-6)
    torch.testing.assert_close(dict(one.model.state_dict()), dict(two.model.state_dict()))


def test_tokens_may_be_of_any_integer_type_and_need_no_mask():
    x, y, _ = TOKENS
    first = Run(**OPTIONS | {"train": (x, y)})
    first.fit()
    second = Run(**OPTIONS | {"train": (x.astype(np.uint8), y.astype(np.int16))})
    assert second.fit() == first.history
    assert torch.equal(predict(first.model, x), predict(first.model, torch.tensor(x)))


def test_a_resumed_run_on_sequences_is_the_uninterrupted_one(tmp_path):
    whole, broken = Run(**OPTIONS), {"checkpoint": tmp_path / "run.pt"} | OPTIONS
    whole.fit()
    Run(**broken | {"epochs": 2}).fit()
    resumed = Run(**broken, resume=True)
    resumed.fit()
    assert same(whole.state(), resumed.state())


def test_only_a_model_with_teacher_forcing_is_given_the_targets():
    for forced in (False, True):
        run = Run(
            **OPTIONS | {"model": lambda forced=forced: LanguageModel(teacher_forcing=forced)}, epochs=1
        )
        run.fit()
        assert all((targets is not None) == forced for targets in run.model.seen)
    x, y, mask = TOKENS
    assert predict(run.model, x, mask, targets=y).shape == (37, 5, 7)


X, Y, MASK = TOKENS
MISTAKES = {
    "targets of one axis": ((X, Y[:, 0]), r"train y: expected .* of shape \(N, L\), received .*\(37,\)"),
    "floats as targets": ((X, Y.astype(np.float32)), "train y: expected whole numbers"),
    "another length": (
        (X, np.abs(Y[:, :3])),
        r"model\(x\): expected shape \(1, 3, any\), received \(1, 5, 7\)",
    ),
    "no such class": ((X, np.where(Y > 0, Y + 1, Y)), "train y: expected classes 0 to 6, received '2 to 7'"),
    "negative class": ((X, np.where(Y > 0, -1, Y)), "train y: expected classes 0 to 6, received '-1 to -1'"),
    "only padding": (
        (X, np.where(np.arange(37)[:, None] == 4, IGNORED, Y)),
        "train y: expected a target that is no padding in each sequence, received '1 without any'",
    ),
    "negative token": ((X - 1, Y), "train x: expected tokens' numbers, from 0 on, received -1"),
    "no such token": (
        (np.where(np.arange(37)[:, None] == 30, 7, X), Y),
        "train x: expected tokens that the model takes.*index",
    ),
    "mask": ((X, Y, MASK[:, 1:]), r"train padding_mask: expected shape \(37, 5\)"),
    "no tokens": ((X[:, :0], Y), r"train x: expected shape \(any, any\), received \(37, 0\)"),
    "features": ((X[:, :, None].astype(np.float32), Y), "train x: expected a shape that the model takes"),
}


@pytest.mark.parametrize(("train", "message"), MISTAKES.values(), ids=MISTAKES)
def test_sequences_that_do_not_fit_are_named(train, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        Run(**OPTIONS | {"train": train}).fit()
