"""Constraints: after each step of the optimizer the weights are moved back to the nearest allowed ones.

A norm constraint takes one norm over each vector that ``axis`` names. For the weights of an LSTM as they lie
here, (4H, in) with the gates i, f, g, o below each other (of a bias, (4H,), a row is a single entry):

============  ======================================  ===========================================
``axis``      one norm for each                       in Keras's layout, (in, 4H), that is
============  ======================================  ===========================================
``"row"``     gate of a unit: its incoming weights    ``axis=0``, the default
``"unit"``    unit: incoming weights of its 4 gates   none
``"matrix"``  matrix: all its weights                 ``axis=[0, 1]``
int, tuple    what is left when these axes are gone   the same, on the transposed matrix
============  ======================================  ===========================================

Vectors that are allowed already do not change in a single bit: Keras, which divides by 1e-7 + norm, shrinks
them a little at every step.
"""

from collections.abc import Callable, Mapping
from numbers import Integral

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn

from labcode._checks import (
    check_array,
    check_instance,
    check_lstms,
    check_number,
    check_shape,
    check_tensor,
    expect,
)
from labcode._targets import target_arrays

Axis = str | int | tuple[int, ...]


def max_norm(w: ndarray, limit: float, axis: Axis = "row") -> ndarray:
    """Shorten every vector that is longer than the limit to it: w * min(1, limit / |w|).

    Args:
        w: weights, floating point.
        limit: largest norm allowed, at least 0.
        axis: what one norm is taken over, as in the table above.

    Returns:
        the nearest weights whose vectors all have a norm of at most the limit, shaped as w.

    Raises:
        ValueError: weights that are not floating point or are empty, a limit below 0 or not finite, an axis
            that w does not have.

    >>> max_norm(np.array([[3.0, 4.0], [0.3, 0.4]]), limit=1.0)
    array([[0.6, 0.8],
           [0.3, 0.4]])

    Source: Hinton et al. (2012), "Improving neural networks by preventing co-adaptation of feature
        detectors". The name is older: Srebro, Rennie & Jaakkola (2004) bound the factors of a matrix by it.
        Chapter 3.
    """
    limit = check_number("limit", limit, low=0.0)
    return _with_norms(w, axis, lambda norms: np.minimum(norms, limit))


def max_norm_torch(w: Tensor, limit: float, axis: Axis = "row") -> Tensor:
    """Shorten every vector that is longer than the limit to it: the twin of ``max_norm``.

    >>> max_norm_torch(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), limit=1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    limit = check_number("limit", limit, low=0.0)
    return _with_norms_torch(w, axis, lambda norms: norms.clamp(max=limit))


def unit_norm(w: ndarray, axis: Axis = "row") -> ndarray:
    """Give every vector the norm 1: w / |w|. A vector of zeros, which has no direction, stays as it is.

    Args:
        w, axis: as in ``max_norm``.

    Returns:
        the nearest weights whose vectors have a norm of 1, shaped as w.

    Raises:
        ValueError: as in ``max_norm``.

    >>> unit_norm(np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0.6, 0.8],
           [0. , 0. ]])

    Source: Salimans & Kingma (2016), "Weight normalization", for the aim; the projection is that of Keras's
        ``UnitNorm``. Chapter 3.
    """
    return _with_norms(w, axis, np.ones_like)


def unit_norm_torch(w: Tensor, axis: Axis = "row") -> Tensor:
    """Give every vector the norm 1: the twin of ``unit_norm``.

    >>> unit_norm_torch(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    return _with_norms_torch(w, axis, torch.ones_like)


def min_max_norm(w: ndarray, low: float, high: float, rate: float = 1.0, axis: Axis = "row") -> ndarray:
    """Move every norm towards [low, high]: |w| becomes |w| + rate * (clip(|w|, low, high) - |w|).

    Args:
        w, axis: as in ``max_norm``.
        low, high: smallest and largest norm allowed, 0 <= low <= high.
        rate: share of the way to go, in [0, 1]; only with 1 is the result within the bounds.

    Returns:
        the weights with their new norms, shaped as w. A vector of zeros stays as it is.

    Raises:
        ValueError: as in ``max_norm``; bounds in the wrong order; a rate outside [0, 1].

    >>> min_max_norm(np.array([[3.0, 4.0], [0.3, 0.4]]), low=1.0, high=2.5)
    array([[1.5, 2. ],
           [0.6, 0.8]])

    Source: Keras's ``MinMaxNorm``. Chapter 3.
    """
    low, high, rate = _bounds(low, high, rate)
    return _with_norms(w, axis, lambda norms: norms + rate * (np.clip(norms, low, high) - norms))


def min_max_norm_torch(w: Tensor, low: float, high: float, rate: float = 1.0, axis: Axis = "row") -> Tensor:
    """Move every norm towards [low, high]: the twin of ``min_max_norm``.

    >>> min_max_norm_torch(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), low=1.0, high=2.5)
    tensor([[1.5000, 2.0000],
            [0.6000, 0.8000]])
    """
    low, high, rate = _bounds(low, high, rate)
    return _with_norms_torch(w, axis, lambda norms: norms.lerp(norms.clamp(low, high), rate))


def max_l21_norm(w: ndarray, limit: float, axis: Axis = "row") -> ndarray:
    """Shorten all vectors by one length, |w| to max(|w| - theta, 0), until their norms add up to the limit.

    The sum of norms is the l2,1 norm. Short vectors vanish whole, as single weights do under an L1 penalty.

    Args:
        w, axis: as in ``max_norm``.
        limit: largest sum of norms allowed, at least 0.

    Returns:
        the nearest weights whose norms add up to at most the limit, shaped as w.

    Raises:
        ValueError: as in ``max_norm``.

    >>> max_l21_norm(np.array([[3.0, 4.0], [0.3, 0.4]]), limit=2.5)
    array([[1.5, 2. ],
           [0. , 0. ]])

    Source: Duchi et al. (2008), "Efficient projections onto the l1-ball for learning in high dimensions",
        figure 1, on the norms. Chapter 3.
    """
    limit = check_number("limit", limit, low=0.0)

    def shortened(norms):
        if norms.sum() <= limit:
            return norms
        longest_first = np.sort(norms, axis=None)[::-1]
        excess = (np.cumsum(longest_first) - limit) / np.arange(1, norms.size + 1)
        theta = excess[longest_first >= excess][-1]
        return np.maximum(norms - theta, 0.0)

    return _with_norms(w, axis, shortened)


def max_l21_norm_torch(w: Tensor, limit: float, axis: Axis = "row") -> Tensor:
    """Shorten all vectors by one length until their norms add up: the twin of ``max_l21_norm``.

    >>> max_l21_norm_torch(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), limit=2.5)
    tensor([[1.5000, 2.0000],
            [0.0000, 0.0000]])
    """
    limit = check_number("limit", limit, low=0.0)

    def shortened(norms):
        sums = norms.flatten().sort(descending=True).values.cumsum(0)
        counts = torch.ones_like(sums).cumsum(0)
        return (norms - ((sums - limit) / counts).amax().clamp(min=0)).clamp(min=0)

    return _with_norms_torch(w, axis, shortened)


def non_neg(w: ndarray) -> ndarray:
    """Set negative weights to zero: max(w, 0).

    Args:
        w: weights, floating point, any shape.

    Returns:
        the nearest weights that are not negative, shaped as w.

    Raises:
        ValueError: weights that are not floating point.

    >>> non_neg(np.array([3.0, -1.0]))
    array([3., 0.])

    Source: Lee & Seung (1999), "Learning the parts of objects by non-negative matrix factorization", for the
        aim; Keras's ``NonNeg``. Chapter 3.
    """
    w = check_array("w", w)
    return np.where(w < 0, 0.0, w)


def non_neg_torch(w: Tensor) -> Tensor:
    """Set negative weights to zero: the twin of ``non_neg``.

    >>> non_neg_torch(torch.tensor([3.0, -1.0]))
    tensor([3., 0.])
    """
    return check_tensor("w", w).clamp(min=0)


def constrain(weights: Mapping, projections: Mapping[str, Callable]) -> dict:
    """Project the named parts of an LSTM, each onto a set of its own; call it after the optimizer's step.

    The LSTM adds its two biases, so the constraint holds for their sum and ``bias_ih`` takes up the change;
    ``bias_hh`` stays, be it frozen at zero or not.

    Args:
        weights: arrays or tensors under the names of ``torch.nn.LSTM``, as in ``target_arrays``.
        projections: projection by target, such as ``{"recurrent": lambda u: max_norm(u, 3.0, "unit")}``:
            functions of this file for arrays, their twins for tensors. What is not named is left alone.

    Returns:
        all weights under the same names, new where a target names them.

    Raises:
        ValueError: no target, an unknown one, or one that ``weights`` does not hold; a projection that
            changes the shape. Chapter 3.

    >>> weights = {"weight_ih_l0": np.ones((4, 1)), "weight_hh_l0": np.ones((4, 1))}
    >>> new = constrain(weights, {"recurrent": lambda u: max_norm(u, 0.5)})
    >>> {name: w.max() for name, w in new.items()}
    {'weight_ih_l0': np.float64(1.0), 'weight_hh_l0': np.float64(0.5)}
    """
    is_mapping = isinstance(projections, Mapping) and len(projections) > 0
    expect(is_mapping, "projections", "a projection for at least one target", projections)
    expect(all(map(callable, projections.values())), "projections", "functions by target", projections)
    check_instance("weights", weights, Mapping, "arrays or tensors by name")
    constrained = dict(weights)
    for target, projection in projections.items():
        for suffix, array in target_arrays(weights, target).items():
            projected = projection(array)
            check_shape(f"the projection of {target}", projected, tuple(array.shape))
            name = _TAKES_THE_CHANGE[target] + suffix
            constrained[name] = projected if target != "bias" else weights[name] + (projected - array)
    return constrained


def constrain_(module: nn.Module, projections: Mapping[str, Callable]) -> None:
    """Project the named parts of every LSTM in a module in place, as ``constrain`` does, without gradient.

    Args:
        module: an ``nn.LSTM``, or a model that holds at least one.
        projections: twins of this file by target, ``{"recurrent": lambda u: max_norm_torch(u, 3.0)}``.

    Raises:
        ValueError: a module without an LSTM, or with a pruned or parametrized one; else as in ``constrain``.

    >>> lstm = nn.LSTM(3, 2)
    >>> constrain_(lstm, {"recurrent": lambda u: max_norm_torch(u, 0.5)})
    >>> bool((lstm.weight_hh_l0.norm(dim=1) <= 0.5 + 1e-6).all())
    True

    Chapter 3.
    """
    lstms = check_lstms("module", module)
    names = [name for lstm in lstms for name, _ in lstm.named_parameters()]
    computed = [name for name in names if name.endswith("_orig") or name.startswith("parametrizations.")]
    expect(not computed, "module", "weights that are parameters (remove pruning first)", computed)
    with torch.no_grad():
        for parameters in (dict(lstm.named_parameters(recurse=False)) for lstm in lstms):
            for name, tensor in constrain(parameters, projections).items():
                if tensor is not parameters[name]:
                    parameters[name].copy_(tensor)


_TAKES_THE_CHANGE = {"input": "weight_ih", "recurrent": "weight_hh", "bias": "bias_ih"}


def _with_norms(w, axis, new_norms):
    """Rescale each vector of w to the norm that ``new_norms`` gives it; zeros stay zeros."""
    w = check_array("w", w)
    vectors, axes = _vectors(w, axis)
    norms = np.sqrt(np.square(vectors).sum(axis=axes, keepdims=True))
    scale = np.divide(new_norms(norms), norms, out=np.ones_like(norms), where=norms > 0)
    return (scale * vectors).reshape(w.shape)


def _with_norms_torch(w, axis, new_norms):
    vectors, axes = _vectors(check_tensor("w", w), axis)
    norms = torch.linalg.vector_norm(vectors, dim=axes, keepdim=True)
    safe = norms.masked_fill(norms == 0, 1)
    return (vectors * (new_norms(norms) / safe)).reshape(w.shape)


def _vectors(w, axis):
    """Return w, reshaped where the axis has a name, and the axes that one norm is taken over."""
    expect(w.ndim >= 1 and 0 not in w.shape, "w", "at least one weight on at least one axis", tuple(w.shape))
    wanted = f"'row', 'unit', 'matrix' or different axes of a {w.ndim}-dimensional array"
    expect(isinstance(axis, str | Integral | tuple), "axis", wanted, axis)
    if axis == "row":
        return w.reshape(len(w), -1), (1,)
    if axis == "unit":
        expect(len(w) % 4 == 0, "w", "4H rows, those of the gates i, f, g, o", tuple(w.shape))
        return w.reshape(4, len(w) // 4, -1), (0, 2)
    if axis == "matrix":
        return w, tuple(range(w.ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    are_axes = (
        all(isinstance(a, Integral) and not isinstance(a, bool) and -w.ndim <= a < w.ndim for a in axes)
        and len(axes) > 0
    )
    expect(are_axes and len({a % w.ndim for a in axes}) == len(axes), "axis", wanted, axis)
    return w, axes


def _bounds(low, high, rate):
    low, high = check_number("low", low, low=0.0), check_number("high", high, low=0.0)
    expect(low <= high, "high", f"at least low = {low:g}", high)
    return low, high, check_number("rate", rate, low=0.0, high=1.0)


# (NumPy, PyTorch, arguments): a tuple of sizes stands for an array of that shape.
PAIRS = [
    (max_norm, max_norm_torch, {"w": (8, 3), "limit": 1.5}),
    (max_norm, max_norm_torch, {"w": (8, 3), "limit": 1.5, "axis": 0}),
    (max_norm, max_norm_torch, {"w": (8,), "limit": 1.5, "axis": "unit"}),
    (unit_norm, unit_norm_torch, {"w": (8, 3), "axis": "unit"}),
    (unit_norm, unit_norm_torch, {"w": (8, 3), "axis": lambda rng: (0, 1)}),
    (min_max_norm, min_max_norm_torch, {"w": (8, 3), "low": 1.0, "high": 1.5}),
    (min_max_norm, min_max_norm_torch, {"w": (8, 3), "low": 2.0, "high": 2.5, "rate": 0.3, "axis": "unit"}),
    (max_l21_norm, max_l21_norm_torch, {"w": (8, 3), "limit": 4.0}),
    (max_l21_norm, max_l21_norm_torch, {"w": (8, 3), "limit": 40.0}),
    (max_l21_norm, max_l21_norm_torch, {"w": (8,), "limit": 2.0, "axis": "row"}),
    (max_l21_norm, max_l21_norm_torch, {"w": (8, 3), "limit": 2.0, "axis": "unit"}),
    (non_neg, non_neg_torch, {"w": (8, 3)}),
]
