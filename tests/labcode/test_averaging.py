"""NT-ASGD: the trigger against the paper's algorithm and the authors' line, torch's two ways to average."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.swa_utils import AveragedModel

from labcode.averaging import NonMonotonicTrigger, averaging_start

LOSSES = st.lists(st.sampled_from([1.0, 1.5, 2.0, 2.5, 3.0, 4.0]), max_size=14)
PATIENCE = st.integers(1, 5)


def algorithm_1(losses, n):
    """The paper's algorithm 1, in its letters: t counts the validations, T is where averaging begins."""
    T, logs = None, {}
    for t, v in enumerate(losses):
        if T is None and t > n and v > min(logs[index] for index in range(t - n - 1 + 1)):
            T = t
        logs[t] = v
    return T


def authors_line(losses, nonmono):
    """The condition as the authors' program states it."""
    best_val_loss = []
    for epoch, val_loss in enumerate(losses):
        if len(best_val_loss) > nonmono and val_loss > min(best_val_loss[:-nonmono]):
            return epoch
        best_val_loss.append(val_loss)
    return None


@settings(deadline=None, derandomize=True, max_examples=300)
@given(LOSSES, PATIENCE)
def test_it_begins_where_the_paper_and_the_authors_program_do(losses, n):
    assert averaging_start(losses, n) == algorithm_1(losses, n) == authors_line(losses, n)


@pytest.mark.parametrize(
    ("losses", "n", "start"),
    [
        ([5, 4, 3, 2, 1], 2, None),
        ([5, 4, 4.5, 3, 3.5, 4.2], 2, 5),
        ([3, 3, 3, 3, 3], 1, None),
        ([1, 2, 3], 1, 2),
        ([1, 2, 3], 2, None),
        ([], 1, None),
    ],
)
def test_traces_by_hand(losses, n, start):
    assert averaging_start(losses, n) == start


def test_once_on_it_stays_on_and_remembers_where():
    trigger = NonMonotonicTrigger(1)
    assert [trigger.update(loss) for loss in (1.0, 2.0, 3.0, 0.1, 0.05)] == [False, False, True, True, True]
    assert trigger.triggered_at == 2
    assert trigger.losses == [1.0, 2.0, 3.0, 0.1, 0.05]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64])
def test_numbers_of_numpy_are_numbers(kind):
    losses = [kind(loss) for loss in (4, 2, 3, 3, 5)]
    assert averaging_start(losses, 2) == averaging_start([4, 2, 3, 3, 5], 2) == 4
    with pytest.raises(ValueError, match="loss: expected a number"):
        averaging_start([np.bool_(True)])


def test_a_loss_that_is_not_finite_counts_as_infinite():
    assert averaging_start([1.0, 2.0, math.nan], 1) == 2
    assert averaging_start([math.nan, math.inf, 1.0], 1) is None


def test_torchs_two_averages_are_means_of_the_weights():
    """AveragedModel, which ``fit_language_model`` uses, from the first step on; ASGD from the second."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, data = torch.nn.Linear(3, 1).double(), torch.randn(20, 8, 3, dtype=torch.float64)
    optimizer = torch.optim.ASGD(model.parameters(), lr=0.1, t0=0, lambd=0.0)
    averaged, path = AveragedModel(model), []
    for x in data:
        optimizer.zero_grad()
        (model(x) - x.sum(dim=1, keepdim=True)).square().mean().backward()
        optimizer.step()
        averaged.update_parameters(model)
        path.append(model.weight.detach().numpy().copy())
    np.testing.assert_allclose(averaged.module.weight.detach(), np.mean(path, axis=0), rtol=1e-12)
    np.testing.assert_allclose(optimizer.state[model.weight]["ax"], np.mean(path[1:], axis=0), rtol=1e-6)
