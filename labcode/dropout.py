"""Dropout: a mask silences random units in training, so that no unit can rely on another one being there.

``p`` is the probability to drop. Masks are inverted: a kept entry is 1 / (1 - p), a dropped one 0, so that
the mean of what passes does not change and evaluation needs no mask. A mask is an argument, drawn by
``dropout_mask``. Each function stands here twice: in NumPy (float64, its gradient by hand) and in PyTorch.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor
from torch.nn import functional

from labcode._checks import check_array, check_instance, check_integer, check_number, check_tensor, expect
from labcode._checks import check_shape as check_shape


def dropout_mask(shape: Sequence[int], p: float, *, rng: np.random.Generator) -> ndarray:
    """Draw an inverted dropout mask: 0 with probability p, else 1 / (1 - p), each entry on its own.

    Args:
        shape: of the mask: (B, T, F) drops anew at each step, (B, F) once for a sequence, (V,) once
            for each word of a vocabulary.
        p: probability to drop, in [0, 1).
        rng: source of randomness.

    Returns:
        the mask, float64, with mean 1.

    Raises:
        ValueError: a size below 1, or p outside [0, 1).

    >>> dropout_mask((2, 3), p=0.5, rng=np.random.default_rng(0))
    array([[2., 0., 0.],
           [0., 2., 2.]])

    Source: Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from overfitting",
        whose section 10 names the inverted form. Chapter 3.
    """
    check_instance("rng", rng, np.random.Generator, "a NumPy Generator")
    p, shape = _drop_probability(p), _sizes(shape)
    return (rng.random(shape) >= p) / (1 - p)


def dropout_mask_torch(
    shape: Sequence[int], p: float, *, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Draw an inverted dropout mask on the generator's device: the twin of ``dropout_mask``.

    >>> mask = dropout_mask_torch((2, 3), p=0.5, generator=torch.Generator().manual_seed(0))
    >>> set(mask.flatten().tolist()) <= {0.0, 2.0}
    True
    """
    check_instance("generator", generator, torch.Generator, "a torch.Generator")
    p, shape = _drop_probability(p), _sizes(shape)
    check_instance("dtype", dtype, torch.dtype, "a floating-point dtype")
    expect(dtype.is_floating_point, "dtype", "a floating-point dtype", dtype)
    kept = torch.rand(shape, generator=generator, device=generator.device) >= p
    return kept.to(dtype) / (1 - p)


def dropout(x: ndarray, mask: ndarray) -> ndarray:
    """Silence what the mask drops and scale up what it keeps: mask * x.

    Args:
        x: activations, floating point, any shape.
        mask: inverted dropout mask of the same shape.

    Returns:
        the masked activations, shaped as x. In evaluation use x itself.

    Raises:
        ValueError: a mask of another shape, or what is not floating point.

    >>> dropout(np.array([1.0, 2.0, 3.0]), mask=np.array([2.0, 0.0, 2.0]))
    array([2., 0., 6.])

    Source: Srivastava et al. (2014). Chapter 3.
    """
    x, mask = check_array("x", x), check_array("mask", mask)
    check_shape("mask", mask, x.shape)
    return mask * x


def dropout_grad(x: ndarray, mask: ndarray, grad_output: ndarray) -> ndarray:
    """Return the gradient of ``dropout``: what was silenced learns nothing, mask * grad_output.

    >>> dropout_grad(np.array([1.0, 2.0]), np.array([2.0, 0.0]), grad_output=np.ones(2))
    array([2., 0.])
    """
    x, grad_output = check_array("x", x), check_array("grad_output", grad_output)
    check_shape("grad_output", grad_output, x.shape)
    return dropout(grad_output, mask)


def dropout_torch(x: Tensor, mask: Tensor) -> Tensor:
    """Silence what the mask drops and scale up what it keeps: the twin of ``dropout``.

    >>> dropout_torch(torch.tensor([1.0, 2.0, 3.0]), mask=torch.tensor([2.0, 0.0, 2.0]))
    tensor([2., 0., 6.])
    """
    check_tensor("x", x)
    check_shape("mask", mask, tuple(x.shape))
    return x * _same_dtype("mask", mask, x)


def classic_dropout(x: ndarray, p: float, kept: ndarray | None = None) -> ndarray:
    """Silence units in training, kept * x, and make up for it in evaluation, (1 - p) * x.

    The mean over masks in training is the value in evaluation, as with inverted masks, which multiply both by
    1 / (1 - p). Through a linear layer the means still agree; through a nonlinearity neither form keeps them.

    Args:
        x: activations, floating point, any shape.
        p: probability to drop, in [0, 1).
        kept: bool, shaped as x, True where a unit is kept; None in evaluation.

    Returns:
        the activations as the next layer sees them, shaped as x.

    Raises:
        ValueError: p outside [0, 1), a mask of another shape or dtype, or x not floating point.

    >>> x = np.array([1.0, 2.0])
    >>> classic_dropout(x, p=0.25, kept=np.array([True, False]))  # in training
    array([1., 0.])
    >>> classic_dropout(x, p=0.25)  # in evaluation
    array([0.75, 1.5 ])

    Source: Hinton et al. (2012), "Improving neural networks by preventing co-adaptation of feature
        detectors"; Srivastava et al. (2014). Chapter 3.
    """
    x, p = check_array("x", x), _drop_probability(p)
    if kept is None:
        return (1 - p) * x
    check_instance("kept", kept, ndarray, "an array of dtype bool (True where a unit is kept)")
    check_shape("kept", kept, x.shape)
    expect(kept.dtype == bool, "kept", "dtype bool (True where a unit is kept)", kept.dtype)
    return kept * x


def classic_dropout_grad(
    x: ndarray, p: float, kept: ndarray | None = None, *, grad_output: ndarray
) -> ndarray:
    """Return the gradient of ``classic_dropout``: the factor that x had, kept or 1 - p.

    >>> classic_dropout_grad(np.array([1.0, 2.0]), p=0.25, grad_output=np.ones(2))
    array([0.75, 0.75])
    """
    x, grad_output = check_array("x", x), check_array("grad_output", grad_output)
    check_shape("grad_output", grad_output, x.shape)
    return classic_dropout(grad_output, p, kept)


def classic_dropout_torch(x: Tensor, p: float, kept: Tensor | None = None) -> Tensor:
    """Silence units in training and make up for it in evaluation: the twin of ``classic_dropout``.

    >>> classic_dropout_torch(torch.tensor([1.0, 2.0]), p=0.25)
    tensor([0.7500, 1.5000])
    """
    p, x = _drop_probability(p), check_tensor("x", x)
    if kept is None:
        return x * (1 - p)
    check_instance("kept", kept, Tensor, "a tensor of dtype torch.bool (True where a unit is kept)")
    check_shape("kept", kept, tuple(x.shape))
    expect(kept.dtype == torch.bool, "kept", "dtype torch.bool (True where a unit is kept)", kept.dtype)
    return x * kept


def locked_dropout(x: ndarray, mask: ndarray) -> ndarray:
    """Silence the same features at every step of a sequence: y_t = mask * x_t, one mask for all t.

    Args:
        x: sequences, floating point, (B, T, F).
        mask: inverted dropout mask, (B, F): one for each sequence of the batch.

    Returns:
        the masked sequences, (B, T, F).

    Raises:
        ValueError: another shape, or what is not floating point.

    >>> locked_dropout(np.ones((1, 3, 2)), mask=np.array([[2.0, 0.0]]))  # (B, T, F), (B, F)
    array([[[2., 0.],
            [2., 0.],
            [2., 0.]]])

    Source: Gal & Ghahramani (2016), "A theoretically grounded application of dropout in recurrent neural
        networks"; the name is that of Merity et al. (2018), "Regularizing and optimizing LSTM language
        models". Chapter 3.
    """
    x, mask = check_array("x", x), check_array("mask", mask)
    check_shape("x", x, (None, None, None))
    check_shape("mask", mask, (x.shape[0], x.shape[2]))
    return mask[:, None, :] * x


def locked_dropout_grad(x: ndarray, mask: ndarray, grad_output: ndarray) -> ndarray:
    """Return the gradient of ``locked_dropout``: the same mask at every step, mask * grad_output_t.

    >>> locked_dropout_grad(np.ones((1, 2, 2)), np.array([[2.0, 0.0]]), np.ones((1, 2, 2)))
    array([[[2., 0.],
            [2., 0.]]])
    """
    x, grad_output = check_array("x", x), check_array("grad_output", grad_output)
    check_shape("grad_output", grad_output, x.shape)
    return locked_dropout(grad_output, mask)


def locked_dropout_torch(x: Tensor, mask: Tensor) -> Tensor:
    """Silence the same features at every step of a sequence: the twin of ``locked_dropout``.

    >>> locked_dropout_torch(torch.ones(1, 3, 2), mask=torch.tensor([[2.0, 0.0]]))
    tensor([[[2., 0.],
             [2., 0.],
             [2., 0.]]])
    """
    check_shape("x", check_tensor("x", x), (None, None, None))
    check_shape("mask", mask, (x.shape[0], x.shape[2]))
    return x * _same_dtype("mask", mask, x).unsqueeze(1)


def embedding_dropout(weight: ndarray, words: ndarray, row_mask: ndarray) -> ndarray:
    """Silence whole words: each row of the embedding has one mask entry, row_mask[word] * weight[word].

    A dropped word is dropped wherever it occurs in the batch.

    Args:
        weight: embedding, floating point, one row for each word of the vocabulary, (V, E).
        words: indices into the vocabulary, integers, any shape.
        row_mask: inverted dropout mask, (V,).

    Returns:
        the embedded words, shaped as ``words`` with a last axis of E.

    Raises:
        ValueError: another shape, words that are not integers, or what should be floating point and is not.
        IndexError: a word that the vocabulary does not have.

    >>> weight = np.array([[1.0, 1.0], [5.0, 5.0]])
    >>> embedding_dropout(weight, np.array([[1, 0, 1]]), row_mask=np.array([2.0, 0.0]))  # word 1 is dropped
    array([[[0., 0.],
            [2., 2.],
            [0., 0.]]])

    Source: Gal & Ghahramani (2016); Merity et al. (2018), section 4.3. Chapter 3.
    """
    weight, row_mask, words = (
        check_array("weight", weight),
        check_array("row_mask", row_mask),
        _words(words),
    )
    check_shape("weight", weight, (None, None))
    check_shape("row_mask", row_mask, (len(weight),))
    return (row_mask[:, None] * weight)[words]


def embedding_dropout_grad(
    weight: ndarray, words: ndarray, row_mask: ndarray, grad_output: ndarray
) -> ndarray:
    """Return the gradient of ``embedding_dropout``: a row adds up what all its occurrences get.

    >>> weight, words = np.ones((2, 1)), np.array([[1, 0, 1]])
    >>> embedding_dropout_grad(weight, words, np.array([2.0, 2.0]), np.ones((1, 3, 1)))  # word 1 occurs twice
    array([[2.],
           [4.]])
    """
    embedded = embedding_dropout(weight, words, row_mask)
    grad_output = check_array("grad_output", grad_output)
    check_shape("grad_output", grad_output, embedded.shape)
    grad = np.zeros(np.shape(weight))
    np.add.at(grad, _words(words), grad_output)
    return np.asarray(row_mask)[:, None] * grad


def embedding_dropout_torch(weight: Tensor, words: Tensor, row_mask: Tensor) -> Tensor:
    """Silence whole words: the twin of ``embedding_dropout``.

    >>> weight, words = torch.tensor([[1.0], [5.0]]), torch.tensor([[1, 0, 1]])
    >>> embedding_dropout_torch(weight, words, row_mask=torch.tensor([2.0, 0.0])).squeeze(2)
    tensor([[0., 2., 0.]])
    """
    check_shape("weight", check_tensor("weight", weight), (None, None))
    check_shape("row_mask", row_mask, (len(weight),))
    check_instance("words", words, Tensor, "a tensor of dtype torch.int64 or torch.int32")
    is_index = words.dtype in (torch.int64, torch.int32)
    expect(is_index, "words", "dtype torch.int64 or torch.int32", words.dtype)
    return functional.embedding(words, weight * _same_dtype("row_mask", row_mask, weight).unsqueeze(1))


def _sizes(shape):
    check_instance("shape", shape, Sequence, "a tuple of sizes")
    return tuple(check_integer("shape", size, low=1) for size in shape)


def _drop_probability(p):
    p = check_number("p", p)
    expect(0 <= p < 1, "p", "a probability to drop in [0, 1)", p)
    return p


def _words(words):
    is_array = isinstance(words, ndarray) and np.issubdtype(words.dtype, np.integer)
    expect(is_array, "words", "an array of integers", getattr(words, "dtype", type(words)))
    return words


def _same_dtype(name, tensor, like):
    check_tensor(name, tensor)
    expect(tensor.dtype == like.dtype, name, f"dtype {like.dtype}", tensor.dtype)
    return tensor


# (NumPy, PyTorch, arguments): a tuple of sizes stands for an array of that shape. The samplers have their own
# randomness and are compared in test_dropout.py.
PAIRS = [
    (dropout, dropout_torch, {"x": (2, 3, 4), "mask": (2, 3, 4)}),
    (classic_dropout, classic_dropout_torch, {"x": (5, 4), "p": 0.3}),
    (
        classic_dropout,
        classic_dropout_torch,
        {"x": (5, 4), "p": 0.3, "kept": lambda rng: rng.random((5, 4)) < 0.7},
    ),
    (locked_dropout, locked_dropout_torch, {"x": (2, 3, 4), "mask": (2, 4)}),
    (
        embedding_dropout,
        embedding_dropout_torch,
        {"weight": (5, 3), "words": lambda rng: rng.integers(0, 5, size=(2, 4)), "row_mask": (5,)},
    ),
]
