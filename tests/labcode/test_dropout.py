"""Dropout: the distribution of masks, what they silence, the classic form, and torch's own dropout.

Twins are compared in ``test_pairs.py``, recorded runs of other libraries in ``test_conformance.py``.
"""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from labcode.dropout import (
    classic_dropout,
    classic_dropout_grad,
    classic_dropout_torch,
    dropout,
    dropout_grad,
    dropout_mask,
    dropout_mask_torch,
    dropout_torch,
    embedding_dropout,
    embedding_dropout_grad,
    embedding_dropout_torch,
    locked_dropout,
    locked_dropout_grad,
    locked_dropout_torch,
)

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=50)
VALUES = st.floats(-10, 10, allow_subnormal=False)
SEQUENCES = arrays(np.float64, st.tuples(*[st.integers(1, 4)] * 3), elements=VALUES)
RATES = st.floats(0, 0.99)


def draw_numpy(shape, p, seed):
    return dropout_mask(shape, p, rng=np.random.default_rng(seed))


def draw_torch(shape, p, seed):
    generator = torch.Generator().manual_seed(seed)
    return dropout_mask_torch(shape, p, generator=generator, dtype=torch.float64).numpy()


SAMPLERS = pytest.mark.parametrize("draw", [draw_numpy, draw_torch], ids=["numpy", "torch"])


@SAMPLERS
@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_masks_keep_the_mean_and_drop_at_their_rate(draw, p):
    mask = draw((200, 1000), p, 0)
    np.testing.assert_allclose(np.unique(mask), [0, 1 / (1 - p)])
    # four standard deviations of a mean of 200000 independent entries, and of 1000 means of 200
    deviation = np.sqrt(p * (1 - p) / mask.size)
    assert abs((mask == 0).mean() - p) < 4 * deviation
    assert abs(mask.mean() - 1) < 4 * deviation / (1 - p)
    by_column = (mask == 0).mean(axis=0)
    assert 0.8 < by_column.var() / (p * (1 - p) / 200) < 1.2  # entries of a column are independent too
    assert abs(np.corrcoef(mask[:, :-1].ravel(), mask[:, 1:].ravel())[0, 1]) < 4 / np.sqrt(mask.size)


@SAMPLERS
def test_a_mask_depends_on_its_seed_and_on_nothing_else(draw):
    np.testing.assert_array_equal(draw((3, 4), 0.5, 1), draw((3, 4), 0.5, 1))
    assert (draw((30, 4), 0.5, 1) != draw((30, 4), 0.5, 2)).any()
    np.testing.assert_array_equal(draw((3, 4), 0.0, 1), np.ones((3, 4)))


def test_successive_masks_differ_and_leave_the_global_generators_alone():
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    before = torch.get_rng_state()
    assert (dropout_mask((9, 9), 0.5, rng=rng) != dropout_mask((9, 9), 0.5, rng=rng)).any()
    masks = [dropout_mask_torch((9, 9), 0.5, generator=generator) for _ in range(2)]
    assert not torch.equal(*masks)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_masks_have_the_dtype_that_is_asked_for_and_one_rate(dtype):
    generator = torch.Generator().manual_seed(0)
    mask = dropout_mask_torch((200, 1000), 0.001, generator=generator, dtype=dtype)
    assert mask.dtype == dtype
    assert 100 < (mask == 0).sum() < 300


@EXAMPLES
@given(x=SEQUENCES, p=RATES, seed=st.integers(0, 99))
def test_dropout_with_the_mask_of_torch_is_torchs(x, p, seed):
    torch.manual_seed(seed)
    tensor = torch.tensor(x, requires_grad=True)
    module = nn.Dropout(p)
    torch.manual_seed(seed)
    mask = module(torch.ones_like(tensor)).detach().numpy()
    torch.manual_seed(seed)
    output = module(tensor)
    output.sum().backward()
    np.testing.assert_allclose(dropout(x, mask), output.detach(), rtol=1e-12)
    np.testing.assert_allclose(dropout_grad(x, mask, np.ones_like(x)), tensor.grad, rtol=1e-12)


@EXAMPLES
@given(x=SEQUENCES, p=RATES, seed=st.integers(0, 99))
def test_locked_dropout_is_dropout_with_one_mask_for_all_steps(x, p, seed):
    mask = draw_numpy((x.shape[0], x.shape[2]), p, seed)
    every_step = np.repeat(mask[:, None], x.shape[1], axis=1)
    np.testing.assert_array_equal(locked_dropout(x, mask), dropout(x, every_step))
    passed = locked_dropout(np.ones_like(x), mask)
    assert (passed == passed[:, :1]).all()


def test_embedding_dropout_gives_a_word_one_fate_wherever_it_stands():
    weight = np.random.default_rng(0).normal(size=(6, 3))
    words = np.array([[0, 1, 0], [5, 1, 2]])
    row_mask = np.array([2.0, 0.0, 2.0, 0.0, 0.0, 2.0])
    embedded = embedding_dropout(weight, words, row_mask)
    np.testing.assert_array_equal(embedded[words == 1], np.zeros((2, 3)))
    np.testing.assert_array_equal(embedded[words == 0], 2 * weight[[0, 0]])
    table = torch.tensor(row_mask[:, None] * weight)
    np.testing.assert_array_equal(embedded, nn.functional.embedding(torch.tensor(words), table))
    grad = embedding_dropout_grad(weight, words, row_mask, np.ones((2, 3, 3)))
    np.testing.assert_array_equal(grad[:, 0], [4.0, 0.0, 2.0, 0.0, 0.0, 2.0])


def all_masks(units, p):
    """Return every 0/1 mask of some units, and how probable it is."""
    masks = np.array(list(itertools.product([False, True], repeat=units)))
    return masks, np.prod(np.where(masks, 1 - p, p), axis=1)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_classic_and_inverted_dropout_agree_in_expectation(p):
    x = np.array([1.0, -2.0, 0.5])
    masks, probabilities = all_masks(3, p)
    classic = probabilities @ np.array([classic_dropout(x, p, kept) for kept in masks])
    inverted = probabilities @ np.array([dropout(x, kept / (1 - p)) for kept in masks])
    np.testing.assert_allclose(classic, classic_dropout(x, p), rtol=1e-12)
    np.testing.assert_allclose(inverted, x, rtol=1e-12)
    for kept in masks:  # one and the same, but for a factor that training and evaluation share
        np.testing.assert_allclose(
            classic_dropout(x, p, kept) / (1 - p), dropout(x, kept / (1 - p)), rtol=1e-12
        )


def test_through_a_linear_readout_the_mean_is_the_evaluation_and_through_a_nonlinearity_it_is_not():
    x, p, w, b = np.array([1.0, -2.0, 0.5]), 0.5, np.array([0.3, -1.0, 2.0]), 0.7
    masks, probabilities = all_masks(3, p)
    read = [w @ classic_dropout(x, p, kept) + b for kept in masks]
    np.testing.assert_allclose(probabilities @ read, w @ classic_dropout(x, p) + b, rtol=1e-12)
    gap = probabilities @ np.tanh(read) - np.tanh(w @ classic_dropout(x, p) + b)
    assert abs(gap) > 0.05
    inverted = [w @ dropout(x, kept / (1 - p)) + b for kept in masks]
    assert abs(probabilities @ np.tanh(inverted) - np.tanh(w @ x + b)) > 0.05


def test_gradients_of_classic_dropout():
    x, grad_output = np.ones(3), np.array([1.0, 2.0, 3.0])
    kept = np.array([True, False, True])
    np.testing.assert_array_equal(classic_dropout_grad(x, 0.25, kept, grad_output=grad_output), [1, 0, 3])
    np.testing.assert_array_equal(classic_dropout_grad(x, 0.25, grad_output=grad_output), [0.75, 1.5, 2.25])


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, float("nan"), float("inf"), "0.5", None, True])
def test_bad_probabilities_are_refused(p):
    for call in (
        lambda: draw_numpy((2,), p, 0),
        lambda: draw_torch((2,), p, 0),
        lambda: classic_dropout(np.ones(2), p),
        lambda: classic_dropout_torch(torch.ones(2), p),
    ):
        with pytest.raises(ValueError, match="p: expected a"):
            call()


@SAMPLERS
@pytest.mark.parametrize("shape", [(0, 3), (2, -1), (2.0,), (True,)])
def test_bad_shapes_of_masks_are_refused(draw, shape):
    with pytest.raises(ValueError, match="shape: expected a whole number of at least 1"):
        draw(shape, 0.5, 0)


def test_integer_masks_are_not_drawn():
    with pytest.raises(ValueError, match="dtype: expected a floating-point dtype"):
        dropout_mask_torch((2,), 0.5, generator=torch.Generator(), dtype=torch.int64)


X, FLAT, BOOL = np.ones((2, 3, 4)), np.ones((2, 4)), np.ones((2, 3, 4), bool)
WEIGHT, WORDS, ROWS = np.ones((5, 3)), np.zeros((2, 4), int), np.ones(5)
BAD_CALLS = {
    "mask of another shape": (dropout, dropout_torch, (X, FLAT), "mask: expected shape"),
    "mask that would broadcast": (dropout, dropout_torch, (X, np.ones((2, 1, 4))), "mask: expected shape"),
    "bool mask": (dropout, dropout_torch, (X, BOOL), "mask: expected"),
    "integer x": (dropout, dropout_torch, (X.astype(int), X), "x: expected a floating-point"),
    "scaled kept": (classic_dropout, classic_dropout_torch, (X, 0.5, X), "kept: expected dtype"),
    "kept of another shape": (
        classic_dropout,
        classic_dropout_torch,
        (X, 0.5, BOOL[0]),
        "kept: expected shape",
    ),
    "classic integer x": (
        classic_dropout,
        classic_dropout_torch,
        (WORDS, 0.5),
        "x: expected a floating-point",
    ),
    "locked mask per step": (locked_dropout, locked_dropout_torch, (X, X), "mask: expected shape"),
    "locked mask over steps": (
        locked_dropout,
        locked_dropout_torch,
        (X, np.ones((2, 3))),
        "mask: expected shape",
    ),
    "locked matrix": (locked_dropout, locked_dropout_torch, (FLAT, FLAT), "x: expected shape"),
    "empty sequences": (locked_dropout, locked_dropout_torch, (X[:, :0], FLAT), "x: expected shape"),
    "locked integer mask": (locked_dropout, locked_dropout_torch, (X, FLAT.astype(int)), "mask: expected"),
    "row mask per entry": (
        embedding_dropout,
        embedding_dropout_torch,
        (WEIGHT, WORDS, WEIGHT),
        "row_mask: expected shape",
    ),
    "row mask per word": (
        embedding_dropout,
        embedding_dropout_torch,
        (WEIGHT, WORDS, np.ones((2, 4))),
        "row_mask: expected shape",
    ),
    "words that are no indices": (
        embedding_dropout,
        embedding_dropout_torch,
        (WEIGHT, WORDS * 1.0, ROWS),
        "words: expected",
    ),
    "weight vector": (
        embedding_dropout,
        embedding_dropout_torch,
        (ROWS, WORDS, ROWS),
        "weight: expected shape",
    ),
    "integer weight": (
        embedding_dropout,
        embedding_dropout_torch,
        (WEIGHT.astype(int), WORDS, ROWS),
        "weight: expected a floating-point",
    ),
}


@pytest.mark.parametrize(("by_hand", "twin", "args", "message"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_bad_arguments_are_refused(by_hand, twin, args, message):
    with pytest.raises(ValueError, match=message):
        by_hand(*args)
    with pytest.raises(ValueError, match=message):
        twin(*(torch.tensor(arg) if isinstance(arg, np.ndarray) else arg for arg in args))


def test_a_mask_of_another_dtype_is_refused():
    with pytest.raises(ValueError, match=r"mask: expected dtype torch.float32, received torch.float64"):
        dropout_torch(torch.ones(3), torch.ones(3, dtype=torch.float64))


def test_gradients_of_another_shape_are_refused():
    for call in (
        lambda: dropout_grad(X, X, FLAT),
        lambda: classic_dropout_grad(X, 0.5, grad_output=FLAT),
        lambda: locked_dropout_grad(X, FLAT, FLAT),
        lambda: embedding_dropout_grad(WEIGHT, WORDS, ROWS, WEIGHT),
    ):
        with pytest.raises(ValueError, match="grad_output: expected shape"):
            call()
