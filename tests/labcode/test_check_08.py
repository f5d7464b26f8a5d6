"""Exercise 8 as learners write it: other right answers, wrong ones with their messages, and third parties.

``test_check.py`` holds every switch of every checker against its own message.
"""

import math

import numpy as np
import pytest
import torch
from scipy import special, stats
from test_check import feedback
from torch.nn import functional

from labcode import check
from labcode.averaging import averaging_start
from labcode.check.exercise_08 import CHECKERS


def bits_by_scipy(losses):
    return {
        "perplexity": stats.gmean(np.exp(losses)),
        "bits": np.mean([-math.log2(math.exp(-x)) for x in losses]),
    }


def smoothed_by_loops(targets, classes, epsilon):
    rows = [[epsilon / classes] * classes for _ in targets]
    for row, target in zip(rows, targets, strict=True):
        row[target] = 1 - epsilon * (classes - 1) / classes
    return rows


def start_by_running_minimum(losses, n):
    best = math.inf
    for t, loss in enumerate(losses):
        if t - n - 1 >= 0:
            best = min(best, losses[t - n - 1])
        if loss > best:
            return t
    return None


def mixture_by_torch(logits, targets):
    log_p = functional.log_softmax(torch.tensor(logits), dim=-1)
    pooled = torch.logsumexp(log_p, dim=0) - math.log(len(logits))
    return functional.nll_loss(pooled, torch.tensor(targets))


def penalties_by_loops(output, dropped, mask, alpha, beta):
    levels, changes = [], []
    for b in range(len(mask)):
        length = int(mask[b].sum())
        levels += [value**2 for step in dropped[b, :length] for value in step]
        changes += [c**2 for t in range(length - 1) for c in output[b, t + 1] - output[b, t]]
    return {"tar": beta * sum(changes) / len(changes), "ar": alpha * sum(levels) / len(levels)}


def tied_by_one_hot(words, grad_embedded, hidden, grad_logits):
    return np.eye(grad_logits.shape[1])[words].T @ grad_embedded + np.einsum("nv,nh->vh", grad_logits, hidden)


RIGHT = [
    ("bits_per_character", bits_by_scipy),
    ("with_temperature", lambda z, t: special.softmax(z / t, axis=-1)),
    ("with_temperature", lambda z, t: torch.softmax(torch.tensor(z) / t, dim=-1)),
    ("smoothed_targets", smoothed_by_loops),
    ("averaging_start", start_by_running_minimum),
    ("averaging_start", lambda losses, n: averaging_start(losses.tolist(), n)),
    ("mixture_loss", mixture_by_torch),
    ("activation_penalties", penalties_by_loops),
    ("tied_gradient", tied_by_one_hot),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_other_right_answers_pass(name, answer, capsys):
    getattr(check, name)(answer)
    assert f"{name}: right" in capsys.readouterr().out


def bits(**changes):
    def answer(losses):
        mean = np.mean(losses)
        return {"bits": mean / np.log(2), "perplexity": np.exp(mean)} | {
            k: f(losses) for k, f in changes.items()
        }

    return answer


def start_if(condition):
    def answer(losses, n):
        return next((t for t in range(len(losses)) if condition(list(losses), t, n)), None)

    return answer


def early_stop(losses, n):
    best, waited = math.inf, 0
    for t, loss in enumerate(losses):
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited >= n:
            return t
    return None


def penalties(ar, tar):
    def answer(output, dropped, mask, alpha, beta):
        return {"ar": alpha * ar(output, dropped, mask), "tar": beta * tar(output, dropped, mask)}

    return answer


def right_ar(output, dropped, mask):
    return np.square(dropped[mask]).mean()


def right_tar(output, dropped, mask):
    return np.square(np.diff(output, axis=1)[mask[:, 1:]]).mean()


def no_softmax_max(logits, temperature):
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(logits / temperature)
        return powers / powers.sum(axis=-1, keepdims=True)


def overwritten(words, grad_embedded, hidden, grad_logits):
    grad = grad_logits.T @ hidden
    grad[words] += grad_embedded
    return grad


def tar_over_all(output, dropped, mask):
    return np.square(np.diff(output, axis=1)).mean()


def tar_across_the_border(output, dropped, mask):
    return np.square(np.diff(output, axis=1)[mask[:, :-1]]).mean()


def mean_of_the_losses(logits, targets):
    every = torch.tensor(logits).flatten(0, 1), torch.tensor(np.tile(targets, len(logits)))
    return functional.cross_entropy(*every)


def loss_of_the_mean_logits(logits, targets):
    return functional.cross_entropy(torch.tensor(logits.mean(axis=0)), torch.tensor(targets))


WRONG = [
    ("bits_per_character", bits(bits=np.mean), "are nats"),
    ("bits_per_character", bits(bits=lambda x: np.mean(x) * np.log(2)), "number must grow"),
    ("bits_per_character", bits(perplexity=lambda x: 2 ** np.mean(x)), "loss in NATS"),
    ("bits_per_character", bits(perplexity=lambda x: np.mean(np.exp(x))), "first the mean"),
    ("with_temperature", lambda z, t: special.softmax(z * t, axis=-1), "hot then means sure"),
    ("with_temperature", lambda z, t: special.softmax(z, axis=-1) / t, "no longer add up"),
    ("with_temperature", no_softmax_max, "exp(1000)"),
    ("smoothed_targets", lambda y, k, e: np.where(np.eye(k)[y] == 1, 1 - e, e / (k - 1)), "OTHER classes"),
    ("smoothed_targets", lambda y, k, e: np.where(np.eye(k)[y] == 1, 1 - e, e), "ONE epsilon"),
    ("smoothed_targets", lambda y, k, e: np.eye(k)[y], "epsilon is not used"),
    ("averaging_start", start_if(lambda x, t, n: t > 0 and x[t] > min(x[:t])), "ALL earlier"),
    ("averaging_start", start_if(lambda x, t, n: t > n and x[t] >= min(x[: t - n])), "must be higher"),
    ("averaging_start", start_if(lambda x, t, n: t > n and x[t] > x[t - n - 1]), "ONE loss"),
    ("averaging_start", early_stop, "patience of early stopping"),
    ("mixture_loss", mean_of_the_losses, "average the LOSSES"),
    ("mixture_loss", loss_of_the_mean_logits, "one softmax"),
    ("activation_penalties", penalties(right_ar, tar_across_the_border), "last real step and the first"),
    ("activation_penalties", penalties(lambda o, d, m: right_ar(d, o, m), right_tar), "what the head READS"),
    ("activation_penalties", penalties(right_ar, lambda o, d, m: right_tar(d, o, m)), "count as change"),
    ("activation_penalties", penalties(lambda o, d, m: (d**2).mean(), tar_over_all), "nobody's business"),
    ("tied_gradient", overwritten, "keeps only its last"),
    ("tied_gradient", lambda w, gx, h, gz: gz.T @ h, "looked the words up"),
    ("tied_gradient", lambda w, gx, h, gz: tied_by_one_hot(w, gx, h, gz) / 2, "gets the SUM"),
]


@pytest.mark.parametrize(("name", "answer", "fragment"), WRONG)
def test_wrong_answers_as_learners_write_them(name, answer, fragment):
    message = feedback(getattr(check, name), answer).replace("\n", " ")
    assert fragment in message, message


def test_two_mistakes_at_once_are_both_named():
    message = feedback(check.bits_per_character, bits(bits=np.mean, perplexity=lambda x: 2 ** np.mean(x)))
    assert "are nats" in message.replace("\n", " ")
    assert "loss in NATS" in message.replace("\n", " ")


def test_no_misconception_is_named_where_none_fits():
    message = feedback(check.smoothed_targets, lambda targets, classes, epsilon: np.ones((3, 4)))
    assert message.count("→") == 1
    assert "The same comes back in every case" in message or "numbers are wrong" in message


def test_every_task_of_the_exercise_is_here():
    assert len(CHECKERS) == 7
    assert sum(len(checker.misconceptions) for checker in CHECKERS) >= 35
