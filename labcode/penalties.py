"""Penalties: what is added to the loss so that large weights, or restless outputs, cost something.

Each penalty stands here twice, in NumPy (float64, with its gradient by hand) and in PyTorch (any device, any
floating dtype, differentiable). ``soft_threshold`` is the step that takes an L1 penalty to exact zeros, and
``group_soft_threshold`` its like for whole rows or columns.
``penalty_by_target`` adds a penalty up over the input weights, the recurrent weights or the biases of an
LSTM; biases are never penalized unless named. ``WeightRegularization`` does so for every LSTM of a model, as
``fit`` takes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn
from torch.nn import functional

from labcode._checks import (
    check_array,
    check_instance,
    check_lstms,
    check_number,
    check_one_of,
    check_shape,
    check_tensor,
    expect,
)
from labcode._targets import TARGETS, target_arrays
from labcode.constraints import constrain_


def l1_penalty(w: ndarray, lam: float) -> float:
    """Pull every weight towards zero with the same force, whatever its size: lam * sum |w|.

    Args:
        w: weights, floating point, any shape.
        lam: strength, at least 0. Keras's ``L1(l1)`` is ``lam = l1``.

    Returns:
        the penalty, a scalar.

    Raises:
        ValueError: weights that are not floating point, a strength below 0 or not finite.

    >>> l1_penalty(np.array([3.0, -1.0]), lam=0.5)
    np.float64(2.0)

    Source: Tibshirani (1996), "Regression shrinkage and selection via the lasso". Chapter 2.
    """
    lam, w = check_number("lam", lam, low=0.0), check_array("w", w)
    return lam * np.abs(w).sum()


def l1_penalty_grad(w: ndarray, lam: float) -> ndarray:
    """Return the gradient of ``l1_penalty``, lam * sign(w): the subgradient 0 is taken at w = 0.

    >>> l1_penalty_grad(np.array([3.0, -1.0, 0.0]), lam=0.5)
    array([ 0.5, -0.5,  0. ])
    """
    lam, w = check_number("lam", lam, low=0.0), check_array("w", w)
    return lam * np.sign(w)


def l1_penalty_torch(w: Tensor, lam: float) -> Tensor:
    """Pull every weight towards zero with the same force: the twin of ``l1_penalty``.

    >>> import torch
    >>> l1_penalty_torch(torch.tensor([3.0, -1.0]), lam=0.5)
    tensor(2.)
    """
    lam, w = check_number("lam", lam, low=0.0), check_tensor("w", w)
    return lam * w.abs().sum()


def l2_penalty(w: ndarray, lam: float) -> float:
    """Shrink every weight in proportion to its size: lam / 2 * sum w^2.

    Args:
        w: weights, floating point, any shape.
        lam: strength, at least 0. Keras's ``L2(l2)`` has no 1/2, so it is ``lam = 2 * l2``; the
            ``weight_decay`` of ``torch.optim.SGD`` is ``lam`` itself.

    Returns:
        the penalty, a scalar.

    Raises:
        ValueError: weights that are not floating point, a strength below 0 or not finite.

    >>> l2_penalty(np.array([3.0, -1.0]), lam=0.5)
    np.float64(2.5)

    Source: Krogh & Hertz (1991), "A simple weight decay can improve generalization". Chapter 2.
    """
    lam, w = check_number("lam", lam, low=0.0), check_array("w", w)
    return lam / 2 * np.square(w).sum()


def l2_penalty_grad(w: ndarray, lam: float) -> ndarray:
    """Return the gradient of ``l2_penalty``, lam * w.

    >>> l2_penalty_grad(np.array([3.0, -1.0]), lam=0.5)
    array([ 1.5, -0.5])
    """
    lam, w = check_number("lam", lam, low=0.0), check_array("w", w)
    return lam * w


def l2_penalty_torch(w: Tensor, lam: float) -> Tensor:
    """Shrink every weight in proportion to its size: the twin of ``l2_penalty``.

    >>> import torch
    >>> l2_penalty_torch(torch.tensor([3.0, -1.0]), lam=0.5)
    tensor(2.5000)
    """
    lam, w = check_number("lam", lam, low=0.0), check_tensor("w", w)
    return lam / 2 * w.square().sum()


def l1_l2_penalty(w: ndarray, lam1: float, lam2: float) -> float:
    """Make small weights vanish and shrink large ones: lam1 * sum |w| + lam2 / 2 * sum w^2.

    Args:
        w: weights, floating point, any shape.
        lam1: strength of the L1 part, at least 0.
        lam2: strength of the L2 part, at least 0. Keras's ``L1L2(l1, l2)`` is ``lam1 = l1, lam2 = 2 * l2``.

    Returns:
        the penalty, a scalar.

    Raises:
        ValueError: weights that are not floating point, a strength below 0 or not finite.

    >>> l1_l2_penalty(np.array([3.0, -1.0]), lam1=0.5, lam2=0.5)
    np.float64(4.5)

    Source: Zou & Hastie (2005), "Regularization and variable selection via the elastic net". Chapter 2.
    """
    lam1, lam2 = check_number("lam1", lam1, low=0.0), check_number("lam2", lam2, low=0.0)
    w = check_array("w", w)
    return lam1 * np.abs(w).sum() + lam2 / 2 * np.square(w).sum()


def l1_l2_penalty_grad(w: ndarray, lam1: float, lam2: float) -> ndarray:
    """Return the gradient of ``l1_l2_penalty``, lam1 * sign(w) + lam2 * w.

    >>> l1_l2_penalty_grad(np.array([3.0, -1.0]), lam1=0.5, lam2=0.5)
    array([ 2., -1.])
    """
    lam1, lam2 = check_number("lam1", lam1, low=0.0), check_number("lam2", lam2, low=0.0)
    w = check_array("w", w)
    return lam1 * np.sign(w) + lam2 * w


def l1_l2_penalty_torch(w: Tensor, lam1: float, lam2: float) -> Tensor:
    """Make small weights vanish and shrink large ones: the twin of ``l1_l2_penalty``.

    >>> import torch
    >>> l1_l2_penalty_torch(torch.tensor([3.0, -1.0]), lam1=0.5, lam2=0.5)
    tensor(4.5000)
    """
    lam1, lam2 = check_number("lam1", lam1, low=0.0), check_number("lam2", lam2, low=0.0)
    w = check_tensor("w", w)
    return lam1 * w.abs().sum() + lam2 / 2 * w.square().sum()


def orthogonal_penalty(w: ndarray, lam: float, mode: str = "rows") -> float:
    """Push the rows (or columns) of a matrix towards right angles: lam * mean over pairs of |u_i . u_j|.

    Here u_i = w_i / |w_i| is a row (or column) scaled to length 1, so that length costs nothing; a row of
    zeros stays zero.

    Args:
        w: weight matrix, floating point, with at least two rows (or columns).
        lam: strength, at least 0. Keras's ``OrthogonalRegularizer(factor)`` is ``lam = factor``.
        mode: "rows" or "columns".

    Returns:
        the penalty, a scalar.

    Raises:
        ValueError: no floating-point matrix, fewer than two vectors, another mode, a strength below 0 or not
            finite.

    >>> orthogonal_penalty(np.eye(3), lam=0.5)
    np.float64(0.0)
    >>> orthogonal_penalty(np.ones((3, 4)), lam=0.5)
    np.float64(0.5)

    Source: Vorontsov et al. (2017), "On orthogonality and learning recurrent networks with long term
        dependencies", for the aim; the formula is that of Keras. Chapter 2.
    """
    u, _ = _unit_vectors(w, mode)
    first, second = np.triu_indices(len(u), k=1)
    lam = check_number("lam", lam, low=0.0)
    return lam * np.abs((u @ u.T)[first, second]).mean()


def orthogonal_penalty_grad(w: ndarray, lam: float, mode: str = "rows") -> ndarray:
    """Return the gradient of ``orthogonal_penalty``: at right angles to each vector, as length is free.

    >>> orthogonal_penalty_grad(np.array([[1.0, 0.0], [1.0, 0.0]]), lam=0.5)
    array([[0., 0.],
           [0., 0.]])
    """
    u, norms = _unit_vectors(w, mode)
    signs = np.sign(u @ u.T) * (1 - np.eye(len(u)))
    lam = check_number("lam", lam, low=0.0)
    grad_u = lam * (signs @ u) / (len(u) * (len(u) - 1) / 2)
    grad_w = (grad_u - (grad_u * u).sum(axis=1, keepdims=True) * u) / norms
    return grad_w if mode == "rows" else grad_w.T


def orthogonal_penalty_torch(w: Tensor, lam: float, mode: str = "rows") -> Tensor:
    """Push the rows (or columns) of a matrix towards right angles: the twin of ``orthogonal_penalty``.

    >>> import torch
    >>> orthogonal_penalty_torch(torch.ones(3, 4), lam=0.5)
    tensor(0.5000)
    """
    check_shape("w", w, (None, None))
    rows = (
        check_tensor("w", w)
        if check_one_of("mode", mode, ("rows", "columns")) == "rows"
        else check_tensor("w", w).T
    )
    expect(len(rows) >= 2, "w", f"at least two {mode}", tuple(w.shape))
    u = functional.normalize(rows, dim=1)
    pairs = len(rows) * (len(rows) - 1) / 2
    lam = check_number("lam", lam, low=0.0)
    return lam * (u @ u.T).triu(1).abs().sum() / pairs


def soft_threshold(w: ndarray, threshold: float | ndarray) -> ndarray:
    """Move every weight towards zero by the threshold, and to exactly zero if it is no larger than that.

    sign(w) * max(|w| - threshold, 0) is the proximal step of L1: the v that minimizes
    |v - w|^2 / 2 + threshold * sum |v|.

    Args:
        w: weights, floating point, any shape.
        threshold: at least 0: the step size times the strength of the L1 penalty. An array of the shape of w
            where each weight has a step size of its own, as under Adam.

    Returns:
        the new weights, shaped as w.

    Raises:
        ValueError: weights that are not floating point, a threshold below 0, not finite or of another shape.

    >>> soft_threshold(np.array([3.0, -1.0, 0.5]), threshold=1.0)
    array([ 2., -0.,  0.])

    Source: Donoho (1995), "De-noising by soft-thresholding"; Parikh & Boyd (2014), "Proximal algorithms".
        Chapter 2.
    """
    w = check_array("w", w)
    threshold = _threshold(threshold, w, check_array)
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0.0)


def soft_threshold_grad(w: ndarray, threshold: float | ndarray, grad_output: ndarray) -> ndarray:
    """Return the gradient of ``soft_threshold``: grad_output where the weight survives, else 0.

    >>> soft_threshold_grad(np.array([3.0, -1.0, 0.5]), 1.0, np.ones(3))
    array([1., 0., 0.])
    """
    w, grad_output = check_array("w", w), check_array("grad_output", grad_output)
    check_shape("grad_output", grad_output, w.shape)
    threshold = _threshold(threshold, w, check_array)
    return grad_output * (np.abs(w) > threshold)


def soft_threshold_torch(w: Tensor, threshold: float | Tensor) -> Tensor:
    """Move every weight towards zero, the small ones to exactly zero: the twin of ``soft_threshold``.

    >>> import torch
    >>> soft_threshold_torch(torch.tensor([3.0, -1.0, 0.5]), threshold=1.0)
    tensor([2., 0., 0.])
    """
    threshold = _threshold(threshold, check_tensor("w", w), check_tensor)
    return w - w.clamp(-threshold, threshold)


def group_soft_threshold(w: ndarray, threshold: float, mode: str = "rows") -> ndarray:
    """Shorten every row (or column) by the threshold, and take it out whole if it is no longer than that.

    w_g * max(1 - threshold / |w_g|, 0) is the proximal step of the group lasso: the v that minimizes
    |v - w|^2 / 2 + threshold * sum over groups of |v_g|, where |v_g| is the norm, not its square.

    Args:
        w: weight matrix, floating point. Each row (or column) is a group, such as what leaves one unit.
        threshold: at least 0: the step size times the strength of the penalty.
        mode: "rows" or "columns".

    Returns:
        the new weights, shaped as w.

    Raises:
        ValueError: no floating-point matrix, another mode, a threshold below 0 or not finite.

    >>> group_soft_threshold(np.array([[3.0, 4.0], [0.3, 0.4]]), threshold=1.0)
    array([[2.4, 3.2],
           [0. , 0. ]])

    Source: Yuan & Lin (2006), "Model selection and estimation in regression with grouped variables"; for the
        units of an LSTM Wen et al. (2018), "Learning intrinsic sparse structures within LSTMs". Chapter 4.
    """
    rows, norms = _groups(w, mode)
    threshold = check_number("threshold", threshold, low=0.0)
    new = np.maximum(norms - threshold, 0.0) * rows / np.where(norms > 0, norms, 1.0)
    return new if mode == "rows" else new.T


def group_soft_threshold_grad(
    w: ndarray, threshold: float, mode: str = "rows", *, grad_output: ndarray
) -> ndarray:
    """Return the gradient of ``group_soft_threshold``: 0 for a group that is out.

    Along a group that stays in all of grad_output passes, at right angles to it 1 - threshold / |w_g| of it.

    >>> group_soft_threshold_grad(np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0, grad_output=np.ones((2, 2)))
    array([[0.968, 1.024],
           [0.   , 0.   ]])
    """
    w, grad_output = check_array("w", w), check_array("grad_output", grad_output)
    check_shape("grad_output", grad_output, w.shape)
    rows, norms = _groups(w, mode)
    grad_rows = grad_output if mode == "rows" else grad_output.T
    kept, norms = norms > check_number("threshold", threshold, low=0.0), np.where(norms > 0, norms, 1.0)
    along = (grad_rows * rows).sum(axis=1, keepdims=True) * rows / norms**2
    grad = np.where(kept, along + (1 - threshold / norms) * (grad_rows - along), 0.0)
    return grad if mode == "rows" else grad.T


def group_soft_threshold_torch(w: Tensor, threshold: float, mode: str = "rows") -> Tensor:
    """Shorten every row (or column), the short ones to exactly zero: the twin of ``group_soft_threshold``.

    >>> import torch
    >>> group_soft_threshold_torch(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), threshold=1.0)
    tensor([[2.4000, 3.2000],
            [0.0000, 0.0000]])
    """
    check_shape("w", check_tensor("w", w), (None, None))
    threshold = check_number("threshold", threshold, low=0.0)
    along = {"rows": 1, "columns": 0}[check_one_of("mode", mode, ("rows", "columns"))]
    norms = w.square().sum(dim=along, keepdim=True)
    kept = norms > threshold**2
    shrunk = w * (1 - threshold / norms.where(kept, norms.new_ones(())).sqrt())
    return shrunk.where(kept, shrunk.new_zeros(()))


def activation_penalty(output: ndarray, alpha: float, padding_mask: ndarray | None = None) -> float:
    """Keep what a layer puts out small (AR): alpha * mean of output^2.

    Args:
        output: what the last layer puts out, after its dropout, floating point, (B, T, H).
        alpha: strength, at least 0.
        padding_mask: bool, (B, T), True at real steps, which alone count; None takes every step as real.

    Returns:
        the penalty, a scalar: a mean over real steps of all sequences and over units, as in the authors'
        code, where none is padded; 0 where no step is real.

    Raises:
        ValueError: no floating-point (B, T, H), a strength below 0 or not finite, another padding mask.

    >>> activation_penalty(np.array([[[0.5], [-0.5]]]), alpha=2.0)
    np.float64(0.5)

    Source: Merity, McCann & Socher (2017), "Revisiting activation regularization for language RNNs".
        Chapter 3.
    """
    alpha, (output, real) = check_number("alpha", alpha, low=0.0), _real(output, padding_mask)
    return alpha * np.square(output[real]).sum() / _count(real, output)


def activation_penalty_grad(output: ndarray, alpha: float, padding_mask: ndarray | None = None) -> ndarray:
    """Return the gradient of ``activation_penalty``, 2 * alpha * output / size, 0 at padded steps.

    >>> activation_penalty_grad(np.array([[[0.5], [-0.5]]]), alpha=2.0).tolist()
    [[[1.0], [-1.0]]]
    """
    alpha, (output, real) = check_number("alpha", alpha, low=0.0), _real(output, padding_mask)
    return np.where(real[..., None], 2 * alpha * output / _count(real, output), 0.0)


def activation_penalty_torch(output: Tensor, alpha: float, padding_mask: Tensor | None = None) -> Tensor:
    """Keep what a layer puts out small: the twin of ``activation_penalty``.

    >>> import torch
    >>> activation_penalty_torch(torch.tensor([[[0.5], [-0.5]]]), alpha=2.0)
    tensor(0.5000)
    """
    check_shape("output", output, (None, None, None))
    alpha, output = check_number("alpha", alpha, low=0.0), check_tensor("output", output)
    if padding_mask is None:
        return alpha * output.square().mean()
    real = _check_padding(padding_mask, output, "torch.bool").unsqueeze(-1)
    return alpha * _where(real, output).square().sum() / (real.sum().clamp(min=1) * output.shape[2])


def temporal_activation_penalty(output: ndarray, beta: float, padding_mask: ndarray | None = None) -> float:
    """Keep what a layer puts out slow (TAR): beta * mean of (output_t - output_(t-1))^2.

    With a padding mask, t - 1 is the last real step before the real step t, however much padding is between.

    Args:
        output: what the last layer puts out, before its dropout, floating point, (B, T, H) with T >= 2.
        beta: strength, at least 0.
        padding_mask: bool, (B, T), True at real steps, which alone count; None takes every step as real.

    Returns:
        the penalty, a scalar: a mean over sequences, pairs of real steps and units, as in the authors' code,
        where none is padded; 0 where no sequence has two real steps.

    Raises:
        ValueError: no floating-point (B, T, H), fewer than two steps, a strength below 0 or not finite,
            another padding mask.

    >>> temporal_activation_penalty(np.array([[[0.5], [-0.5]]]), beta=2.0)
    np.float64(2.0)

    Source: Merity, McCann & Socher (2017). Chapter 3.
    """
    change, _, _ = _changes(output, padding_mask)
    return check_number("beta", beta, low=0.0) * np.square(change).sum() / max(change.size, 1)


def temporal_activation_penalty_grad(
    output: ndarray, beta: float, padding_mask: ndarray | None = None
) -> ndarray:
    """Return the gradient of ``temporal_activation_penalty``: each change pulls on the two steps it joins.

    >>> temporal_activation_penalty_grad(np.array([[[0.5], [-0.5]]]), beta=2.0).tolist()
    [[[4.0], [-4.0]]]
    """
    change, (sequence, step), before = _changes(output, padding_mask)
    beta = check_number("beta", beta, low=0.0)
    grad_change = 2 * beta * change / max(change.size, 1)
    grad = np.zeros(np.shape(output))
    grad[sequence, step] += grad_change
    grad[sequence, before] -= grad_change
    return grad


def temporal_activation_penalty_torch(
    output: Tensor, beta: float, padding_mask: Tensor | None = None
) -> Tensor:
    """Keep what a layer puts out slow: the twin of ``temporal_activation_penalty``.

    >>> import torch
    >>> temporal_activation_penalty_torch(torch.tensor([[[0.5], [-0.5]]]), beta=2.0)
    tensor(2.)
    """
    _check_steps(check_tensor("output", output))
    beta = check_number("beta", beta, low=0.0)
    if padding_mask is None:
        return beta * (output[:, 1:] - output[:, :-1]).square().mean()
    real = _check_padding(padding_mask, output, "torch.bool")
    steps = torch.arange(real.shape[1], device=real.device)
    last = (
        torch.where(real, steps, -1).cummax(dim=1).values[:, :-1, None]
    )  # the last real one before each step
    joined = real[:, 1:, None] & (last >= 0)
    output = _where(real.unsqueeze(-1), output)
    change = output[:, 1:] - output.gather(1, last.clamp(min=0).expand(-1, -1, output.shape[2]))
    return beta * (change * joined).square().sum() / (joined.sum().clamp(min=1) * output.shape[2])


def penalty_by_target(
    penalty: Callable, weights: Mapping | nn.LSTM, strengths: Mapping[str, float]
) -> float | Tensor:
    """Add up a penalty over the named parts of an LSTM, each with a strength of its own.

    Args:
        penalty: a penalty of this file, called as ``penalty(w, strength)``: ``l2_penalty`` for arrays,
            ``l2_penalty_torch`` for tensors.
        weights: as in ``target_arrays``.
        strengths: strength by target, such as ``{"input": 1e-4, "recurrent": 1e-3}``. What is not named is
            not penalized.

    Returns:
        the sum of the penalty over all arrays that the targets name, a scalar.

    Raises:
        ValueError: no target, an unknown one, or one that ``weights`` does not hold. Chapter 2.

    >>> weights = {"weight_ih_l0": np.ones((4, 2)), "weight_hh_l0": np.ones((4, 1))}
    >>> penalty_by_target(l2_penalty, weights, {"input": 0.5, "recurrent": 0.25})
    np.float64(2.5)
    """
    _check_strengths(strengths)
    expect(callable(penalty), "penalty", "a function of weights and a strength", type(penalty))
    return sum(
        penalty(array, strength)
        for target, strength in strengths.items()
        for array in target_arrays(weights, target).values()
    )


def penalty_grad_by_target(
    penalty_grad: Callable, weights: Mapping[str, ndarray], strengths: Mapping[str, float]
) -> dict[str, ndarray]:
    """Return the gradient of ``penalty_by_target`` under the weights' keys, 0 where nothing is penalized.

    Both biases of a layer receive the gradient of their sum.

    Args:
        penalty_grad: the gradient of a penalty of this file, such as ``l2_penalty_grad``.
        weights, strengths: as in ``penalty_by_target``.

    Returns:
        gradients, float64, under every key of ``weights``.

    Raises:
        ValueError: as ``penalty_by_target``. Chapter 2.

    >>> weights = {"weight_ih_l0": np.ones((4, 2)), "weight_hh_l0": np.ones((4, 1))}
    >>> penalty_grad_by_target(l2_penalty_grad, weights, {"recurrent": 0.25})["weight_hh_l0"].T
    array([[0.25, 0.25, 0.25, 0.25]])
    """
    _check_strengths(strengths)
    expect(callable(penalty_grad), "penalty_grad", "a function of weights and a strength", type(penalty_grad))
    check_instance("weights", weights, Mapping, "arrays by name")
    weights = {name: check_array(name, array) for name, array in weights.items()}
    grads = {name: np.zeros(array.shape) for name, array in weights.items()}
    for target, strength in strengths.items():
        for suffix, array in target_arrays(weights, target).items():
            grads |= {kind + suffix: penalty_grad(array, strength) for kind in TARGETS[target]}
    return grads


@dataclass(frozen=True, kw_only=True)
class WeightRegularization:
    """Penalties and constraints of an LSTM's weights by target: what Keras gives a layer as arguments.

    Its two methods are what ``fit`` takes as ``penalty`` and ``constraint``; both act on every LSTM of a
    model. Strengths follow labcode's conventions: ``l2_penalty_torch`` with lam is Keras's ``L2(lam / 2)``.

    Args:
        penalties: function of one weight tensor by target ("input", "recurrent", "bias"), such as
            ``{"input": partial(l2_penalty_torch, lam=1e-3)}``.
        constraints: projection of one weight tensor by target, such as
            ``{"recurrent": partial(max_norm_torch, limit=2.0)}``.

    Raises:
        ValueError: no mappings of functions, or an unknown target. Chapters 2 and 5.

    Example:
        >>> from functools import partial
        >>> l2 = partial(l2_penalty_torch, lam=0.5)
        >>> lstm = nn.LSTM(1, 1)
        >>> for weight in lstm.parameters():
        ...     _ = nn.init.constant_(weight, 2.0)
        >>> WeightRegularization(penalties={"recurrent": l2}).penalty(lstm).item()  # 4 weights of 2
        4.0
    """

    penalties: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    constraints: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)

    def __post_init__(self):
        for name in ("penalties", "constraints"):
            functions = getattr(self, name)
            check_instance(name, functions, Mapping, "functions by target")
            expect(all(map(callable, functions.values())), name, "functions by target", functions)
            for target in functions:
                check_one_of(f"target in {name}", target, tuple(TARGETS))

    def penalty(self, model: nn.Module) -> Tensor:
        """Return the sum of all penalties over every LSTM in a model, a scalar; 0 where there are none."""
        lstms = check_lstms("model", model)
        total = next(lstms[0].parameters()).new_zeros(())
        for lstm in lstms:
            for target, penalty in self.penalties.items():
                total = total + sum(map(penalty, target_arrays(lstm, target).values()))
        return total

    def constrain_(self, model: nn.Module) -> None:
        """Project the weights of every LSTM in a model in place, without gradient."""
        if self.constraints:
            constrain_(model, self.constraints)


def _check_strengths(strengths):
    is_mapping = isinstance(strengths, Mapping) and len(strengths) > 0
    expect(is_mapping, "strengths", "a strength for at least one target", strengths)


def _threshold(threshold, w, checked):
    """Return a threshold for all weights as a checked number; one for each weight, if of the shape of w."""
    if getattr(threshold, "ndim", 0) == 0:
        return check_number("threshold", threshold, low=0.0)
    threshold = checked("threshold", threshold)
    check_shape("threshold", threshold, tuple(w.shape))
    return threshold


def _check_padding(padding_mask, output, dtype="bool"):
    """Return a padding mask, checked: one truth value for each step of an output (B, T, H)."""
    check_shape("padding_mask", padding_mask, tuple(output.shape[:2]))
    received = getattr(padding_mask, "dtype", type(padding_mask))
    is_bool = str(received) == dtype
    expect(is_bool, "padding_mask", f"dtype {dtype} (True at real steps)", received)
    return padding_mask


def _where(real, output):
    """Return an output with zeros at padded steps, whatever stands there, and no gradient."""
    return output.where(real, output.new_zeros(()))


def _real(output, padding_mask):
    """Return an output (B, T, H) in float64, and which of its steps are real, (B, T)."""
    check_shape("output", output, (None, None, None))
    output = check_array("output", output)
    all_real = np.ones(output.shape[:2], bool)
    return output, all_real if padding_mask is None else _check_padding(padding_mask, output)


def _count(real, output):
    """Return how many entries stand at real steps, at least 1."""
    return max(real.sum() * output.shape[2], 1)


def _changes(output, padding_mask):
    """Return each change from a real step to the next, (N, H), where it ends, and the step it starts from."""
    _check_steps(output)
    output, real = _real(output, padding_mask)
    steps = np.where(real, np.arange(real.shape[1]), -1)
    last = np.maximum.accumulate(steps, axis=1)[:, :-1]  # the last real one before each step
    sequence, step = np.nonzero(real[:, 1:] & (last >= 0))
    before, step = last[sequence, step], step + 1
    return output[sequence, step] - output[sequence, before], (sequence, step), before


def _check_steps(output):
    check_shape("output", output, (None, None, None))
    expect(output.shape[1] >= 2, "output", "at least two steps, (B, T >= 2, H)", tuple(output.shape))


def _groups(w, mode):
    """Return the rows (or columns) of w as rows, and their lengths."""
    by_row = check_one_of("mode", mode, ("rows", "columns")) == "rows"
    rows = check_array("w", w) if by_row else check_array("w", w).T
    check_shape("w", rows, (None, None))
    return rows, np.linalg.norm(rows, axis=1, keepdims=True)


def _unit_vectors(w, mode):
    """Return the rows (or columns) of w as rows of length 1, and their lengths (1 for a row of zeros)."""
    rows = (
        check_array("w", w)
        if check_one_of("mode", mode, ("rows", "columns")) == "rows"
        else check_array("w", w).T
    )
    check_shape("w", rows, (None, None))
    expect(len(rows) >= 2, "w", f"at least two {mode}", np.shape(w))
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    norms[norms == 0] = 1.0
    return rows / norms, norms


_STEPS = np.array([[1, 1, 1, 1, 1], [0, 1, 0, 0, 1], [0, 0, 1, 0, 0]], bool)
_PADDED = {"padding_mask": lambda rng: _STEPS.copy()}

# (NumPy, PyTorch, arguments): a tuple of sizes stands for an array of that shape.
PAIRS = [
    (l1_penalty, l1_penalty_torch, {"w": (8, 3), "lam": 0.3}),
    (l2_penalty, l2_penalty_torch, {"w": (8, 3), "lam": 0.3}),
    (l1_l2_penalty, l1_l2_penalty_torch, {"w": (8, 3), "lam1": 0.3, "lam2": 0.7}),
    (orthogonal_penalty, orthogonal_penalty_torch, {"w": (8, 3), "lam": 0.3, "mode": "rows"}),
    (orthogonal_penalty, orthogonal_penalty_torch, {"w": (8, 3), "lam": 0.3, "mode": "columns"}),
    (soft_threshold, soft_threshold_torch, {"w": (8, 3), "threshold": 0.6}),
    (soft_threshold, soft_threshold_torch, {"w": (8, 3), "threshold": lambda rng: rng.random((8, 3))}),
    (group_soft_threshold, group_soft_threshold_torch, {"w": (8, 3), "threshold": 1.2, "mode": "rows"}),
    (group_soft_threshold, group_soft_threshold_torch, {"w": (8, 3), "threshold": 1.2, "mode": "columns"}),
    (activation_penalty, activation_penalty_torch, {"output": (2, 5, 3), "alpha": 0.3}),
    (temporal_activation_penalty, temporal_activation_penalty_torch, {"output": (2, 5, 3), "beta": 0.3}),
    (activation_penalty, activation_penalty_torch, {"output": (3, 5, 2), "alpha": 0.3} | _PADDED),
    (
        temporal_activation_penalty,
        temporal_activation_penalty_torch,
        {"output": (3, 5, 2), "beta": 0.3} | _PADDED,
    ),
]
