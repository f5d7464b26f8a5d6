"""Optimizers: one step from a gradient to new weights, and the three ways in which a penalty enters it.

``sgd``, ``adam`` and ``adamw`` are the updates of ``torch.optim``, their twin, in NumPy: (w, grad, state) in,
(new w, new state) out. To shrink the weights a step can be

- coupled: the L2 gradient joins the loss's, grad + weight_decay * w, and momentum or Adam's scaling acts on
  both (``torch.optim.SGD``, ``torch.optim.Adam``);
- decoupled: the weights shrink by themselves, (1 - lr * weight_decay) * w (AdamW; in Keras every optimizer);
- proximal: after the step each weight moves towards zero by a fixed length and stops there (L1: exact zeros).

Keras's Adam adds its epsilon (1e-7) before the bias correction of v, torch's (1e-8) after it: Keras's epsilon
at step t is ``eps = epsilon / sqrt(1 - beta2**t)`` here.
"""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from labcode._checks import (
    check_array,
    check_integer,
    check_number,
    check_one_of,
    check_shape,
    check_tensor,
    expect,
)
from labcode.penalties import soft_threshold, soft_threshold_torch


def sgd(
    w: ndarray,
    grad: ndarray,
    state: ndarray | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
) -> tuple[ndarray, ndarray]:
    """Take one step down the gradient, or with momentum down its running sum: w - lr * velocity.

    velocity = momentum * velocity + (1 - dampening) * grad, at the first step grad itself. With Nesterov's
    momentum the step is down grad + momentum * velocity.

    Args:
        w: weights, floating point, any shape.
        grad: gradient of the loss, shaped as w.
        state: velocity, as the step before returned it; None at the first.
        lr: step size, at least 0.
        momentum, dampening: share of the velocity kept, of the gradient left out; in [0, 1).
        nesterov: whether to look ahead; needs a momentum and no dampening.
        weight_decay: strength of L2 (``lam`` in ``l2_penalty``), at least 0.
        decoupled_weight_decay: whether it shrinks the weights instead of joining the gradient, which
            ``torch.optim.SGD`` never does and Keras's ``SGD`` always.

    Returns:
        new weights and new velocity, shaped as w.

    Raises:
        ValueError: arrays that are not floating point or not of one shape, a setting out of range.

    >>> w, velocity = sgd(np.array([1.0]), np.array([0.5]), lr=0.5, momentum=0.5)
    >>> w, velocity
    (array([0.75]), array([0.5]))

    Source: Polyak (1964), "Some methods of speeding up the convergence of iteration methods"; Sutskever et
        al. (2013), "On the importance of initialization and momentum in deep learning". Chapter 2.
    """
    w, grad, velocity = _float64_alike(w, grad, state=state)
    lr, momentum, dampening = (
        _at_least_zero("lr", lr),
        _share("momentum", momentum),
        _share("dampening", dampening),
    )
    allowed = not check_one_of("nesterov", nesterov, (True, False)) or (momentum > 0 and dampening == 0)
    expect(allowed, "nesterov", "False without momentum or with dampening", nesterov)
    w, grad = _decay(w, grad, lr, weight_decay, decoupled_weight_decay)
    velocity = grad if velocity is None else momentum * velocity + (1 - dampening) * grad
    return w - lr * (grad + momentum * velocity if nesterov else velocity), velocity


def adam(
    w: ndarray,
    grad: ndarray,
    state: tuple[ndarray, ndarray, int] | None = None,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
) -> tuple[ndarray, tuple[ndarray, ndarray, int]]:
    """Take one step in units of each weight's own gradient: w - lr * m / (sqrt(v) + eps).

    m and v are running means of grad and grad^2, corrected for their start at 0. A coupled decay is divided
    by sqrt(v) as well: weights with large gradients then hardly shrink.

    Args:
        w, grad: as in ``sgd``.
        state: running sums behind m and v, shaped as w, and the steps so far; None at the first.
        lr: step size, at least 0.
        betas: shares of m and of v kept, in [0, 1).
        eps: keeps the quotient finite, at least 0.
        weight_decay: strength of L2 (``lam`` in ``l2_penalty``), at least 0.
        decoupled_weight_decay: whether it shrinks the weights instead of joining the gradient: AdamW.

    Returns:
        new weights, shaped as w, and new state.

    Raises:
        ValueError: arrays that are not floating point or not of one shape, a setting out of range.

    >>> w, state = adam(np.array([1.0, 1.0]), np.array([0.5, -50.0]), lr=0.25, eps=0.0)
    >>> w  # the first step is lr long, whatever the gradient
    array([0.75, 1.25])

    Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization". Chapter 2.
    """
    is_state = state is None or (isinstance(state, tuple | list) and len(state) == 3)
    expect(is_state, "state", "what the step before returned: (m, v, steps)", type(state))
    m, v, t = (None, None, 0) if state is None else state
    (w, grad, m, v), t = _float64_alike(w, grad, m=m, v=v), check_integer("steps", t)
    (beta1, beta2), lr, eps = _betas(betas), _at_least_zero("lr", lr), _at_least_zero("eps", eps)
    w, grad = _decay(w, grad, lr, weight_decay, decoupled_weight_decay)
    m = beta1 * (0.0 if m is None else m) + (1 - beta1) * grad
    v = beta2 * (0.0 if v is None else v) + (1 - beta2) * np.square(grad)
    state = (m, v, t + 1)
    return w - _adam_step_sizes(state, lr, beta2, eps) * m / (1 - beta1 ** (t + 1)), state


def adamw(
    w: ndarray,
    grad: ndarray,
    state: tuple[ndarray, ndarray, int] | None = None,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
) -> tuple[ndarray, tuple[ndarray, ndarray, int]]:
    """Take one step of ``adam`` with decoupled decay: every weight shrinks by the share lr * weight_decay.

    Args, Returns and Raises are those of ``adam``.

    >>> w, state = adamw(np.array([2.0]), np.array([0.0]), lr=0.5, weight_decay=0.5)
    >>> w  # without a gradient the weight still shrinks by 1 - lr * weight_decay
    array([1.5])

    Source: Loshchilov & Hutter (2019), "Decoupled weight decay regularization". Chapter 2.
    """
    settings: dict[str, Any] = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    return adam(w, grad, state, **settings, decoupled_weight_decay=True)


def proximal_sgd(
    w: ndarray,
    grad: ndarray,
    state: ndarray | None = None,
    *,
    lr: float,
    lam_l1: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[ndarray, ndarray]:
    """Take a step of ``sgd`` for the loss, then the proximal step for lam_l1 * sum |w|: exact zeros.

    The threshold is step size times strength. Momentum turns a steady gradient into steps of
    lr / (1 - momentum), so the threshold takes that step size too; with lr alone L1 would weaken.

    Args:
        w, grad, state, lr, momentum, nesterov, weight_decay: as in ``sgd``; grad without the L1 penalty.
        lam_l1: strength of L1 (``lam`` in ``l1_penalty``), at least 0.

    Returns:
        new weights and new velocity, shaped as w.

    Raises:
        ValueError: as in ``sgd``; a strength below 0 or not finite.

    >>> w, velocity = proximal_sgd(np.array([1.0, 0.1]), np.zeros(2), lr=0.5, lam_l1=0.5)
    >>> w
    array([0.75, 0.  ])

    Source: Daubechies, Defrise & De Mol (2004), "An iterative thresholding algorithm for linear inverse
        problems with a sparsity constraint"; Parikh & Boyd (2014), "Proximal algorithms". Chapter 2.
    """
    lam_l1 = _at_least_zero("lam_l1", lam_l1)
    settings: dict[str, Any] = {"momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
    w, velocity = sgd(w, grad, state, lr=lr, **settings)
    return soft_threshold(w, lam_l1 * lr / (1 - momentum)), velocity


def proximal_adam(
    w: ndarray,
    grad: ndarray,
    state: tuple[ndarray, ndarray, int] | None = None,
    *,
    lam_l1: float,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
) -> tuple[ndarray, tuple[ndarray, ndarray, int]]:
    """Take a step of ``adam`` for the loss, then the proximal step for lam_l1 * sum |w|: exact zeros.

    Each weight has a step size of its own, lr / (sqrt(v) + eps), and so its own threshold. One threshold for
    all, lr * lam_l1, would change the strength of the penalty from weight to weight. A weight whose gradient
    is exactly 0, such as the embedding of a word that the batch has not, takes no proximal step: there
    lr / eps would be the step size, and one step enough to delete it.

    Args:
        w, grad, state, lr, betas, eps, weight_decay, decoupled_weight_decay: as in ``adam``; grad without the
            L1 penalty.
        lam_l1: strength of L1 (``lam`` in ``l1_penalty``), at least 0.

    Returns:
        new weights, shaped as w, and new state.

    Raises:
        ValueError: as in ``adam``; a strength below 0 or not finite.

    >>> w, state = proximal_adam(np.array([1.0]), np.array([0.5]), lr=0.25, lam_l1=0.5, eps=0.0)
    >>> w  # a step of 0.25 down the gradient, and one of lam_l1 * lr / 0.5 towards 0
    array([0.5])

    Source: Yun, Lozano & Yang (2021), "Adaptive proximal gradient methods for structured neural networks".
        Chapter 2.
    """
    lam_l1 = _at_least_zero("lam_l1", lam_l1)
    settings: dict[str, Any] = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    w, state = adam(w, grad, state, **settings, decoupled_weight_decay=decoupled_weight_decay)
    step_sizes = np.where(np.asarray(grad) == 0, 0.0, _adam_step_sizes(state, lr, betas[1], eps))
    return soft_threshold(w, lam_l1 * step_sizes), state


class ProximalSGD(torch.optim.SGD):
    """``torch.optim.SGD`` with the proximal step for L1 after its own: the twin of ``proximal_sgd``.

    Args:
        params: parameters, or groups of them with their own settings, such as
            ``[{"params": [lstm.weight_hh_l0], "lam_l1": 1e-3}, {"params": biases, "lam_l1": 0.0}]``.
        lr, lam_l1, momentum, nesterov, weight_decay: as in ``proximal_sgd``, for groups that state none.

    Raises:
        ValueError: as in ``proximal_sgd``.
        TypeError, ValueError: what ``torch.optim.SGD`` raises where ``params`` are no parameters.

    >>> w = torch.nn.Parameter(torch.tensor([1.0, 0.1]))
    >>> w.grad = torch.zeros(2)
    >>> ProximalSGD([w], lr=0.5, lam_l1=0.5).step()
    >>> w.data
    tensor([0.7500, 0.0000])

    Chapter 2.
    """

    def __init__(self, params, lr: float, *, lam_l1: float, momentum=0.0, nesterov=False, weight_decay=0.0):
        settings = {"lr": lr, "weight_decay": weight_decay}
        lr, weight_decay = (_at_least_zero(name, value) for name, value in settings.items())
        allowed = not check_one_of("nesterov", nesterov, (True, False)) or _share("momentum", momentum) > 0
        expect(allowed, "nesterov", "False without momentum", nesterov)
        momentum = _share("momentum", momentum)
        super().__init__(params, lr, momentum, nesterov=nesterov, weight_decay=weight_decay)
        _add_lam_l1(self, lam_l1)

    @torch.no_grad()
    def step(self, closure: Callable | None = None):
        """Take one step for the loss, then one for the penalty; return what the closure returns, if any."""
        loss = super().step(closure)
        for w, group in _trained(self):
            threshold = group["lam_l1"] * group["lr"] / (1 - group["momentum"])
            w.copy_(soft_threshold_torch(w, threshold))
        return loss


class ProximalAdam(torch.optim.Adam):
    """``torch.optim.Adam`` with the proximal step for L1 after its own: the twin of ``proximal_adam``.

    Args:
        params: as in ``ProximalSGD``.
        lr, lam_l1, betas, eps, weight_decay, decoupled_weight_decay: as in ``proximal_adam``, for groups that
            state none.

    Raises:
        ValueError: as in ``proximal_adam``.
        TypeError, ValueError: what ``torch.optim.Adam`` raises where ``params`` are no parameters.

    >>> w = torch.nn.Parameter(torch.tensor([1.0, 0.1]))
    >>> w.grad = torch.tensor([0.5, 0.5])
    >>> ProximalAdam([w], lr=0.25, lam_l1=0.5).step()
    >>> w.data
    tensor([0.5000, 0.0000])

    Chapter 2.
    """

    def __init__(
        self,
        params,
        lr: float = 1e-3,
        *,
        lam_l1: float,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        decoupled_weight_decay=False,
    ):
        settings = {"lr": lr, "eps": eps, "weight_decay": weight_decay}
        lr, eps, weight_decay = (_at_least_zero(name, value) for name, value in settings.items())
        betas = tuple(_betas(betas))
        check_one_of("decoupled_weight_decay", decoupled_weight_decay, (True, False))
        super().__init__(params, lr, betas, eps, weight_decay, decoupled_weight_decay=decoupled_weight_decay)
        _add_lam_l1(self, lam_l1)

    @torch.no_grad()
    def step(self, closure: Callable | None = None):
        """Take one step for the loss, then one for the penalty; return what the closure returns, if any."""
        loss = super().step(closure)
        for w, group in _trained(self):
            state = self.state[w]
            v = state["exp_avg_sq"] / (1 - group["betas"][1] ** float(state["step"]))
            threshold = group["lam_l1"] * group["lr"] / (v.sqrt() + group["eps"])
            w.copy_(soft_threshold_torch(w, threshold.masked_fill(w.grad == 0, 0)))
        return loss


def clip_by_value(grad: ndarray, limit: float) -> ndarray:
    """Cut every entry of a gradient off at the limit, min(max(grad, -limit), limit); its direction may turn.

    Args:
        grad: gradient, floating point, any shape.
        limit: largest absolute value allowed, above 0.

    Returns:
        the clipped gradient, shaped as grad.

    Raises:
        ValueError: a gradient that is not floating point, a limit that is not above 0.

    >>> clip_by_value(np.array([3.0, -4.0, 0.5]), limit=1.0)
    array([ 1. , -1. ,  0.5])

    Source: Graves (2013), "Generating sequences with recurrent neural networks". Chapter 3.
    """
    grad, limit = check_array("grad", grad), _above_zero("limit", limit)
    return np.clip(grad, -limit, limit)


def clip_by_value_torch(grad: Tensor, limit: float) -> Tensor:
    """Cut every entry of a gradient off at the limit: the twin of ``clip_by_value``.

    >>> clip_by_value_torch(torch.tensor([3.0, -4.0, 0.5]), limit=1.0)
    tensor([ 1.0000, -1.0000,  0.5000])
    """
    grad, limit = check_tensor("grad", grad), _above_zero("limit", limit)
    return grad.clamp(-limit, limit)


def clip_by_norm(grad: ndarray, max_norm: float, norm_type: float = 2.0) -> ndarray:
    """Shorten one gradient to the limit and keep its direction: grad * min(1, max_norm / |grad|).

    Args:
        grad: gradient of one weight array, floating point, any shape.
        max_norm: largest norm allowed, above 0.
        norm_type: which norm, as in ``clip_by_global_norm``.

    Returns:
        the clipped gradient, shaped as grad; not changed in a single bit if it is short enough.

    Raises:
        ValueError: a gradient that is not floating point, a limit that is not above 0.

    >>> clip_by_norm(np.array([3.0, -4.0]), max_norm=2.5)
    array([ 1.5, -2. ])

    Source: Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks".
        Chapter 3.
    """
    return clip_by_global_norm([grad], max_norm, norm_type=norm_type)[0][0]


def clip_by_norm_torch(grad: Tensor, max_norm: float, norm_type: float = 2.0) -> Tensor:
    """Shorten one gradient to the limit and keep its direction: the twin of ``clip_by_norm``.

    >>> clip_by_norm_torch(torch.tensor([3.0, -4.0]), max_norm=2.5)
    tensor([ 1.5000, -2.0000])
    """
    return clip_by_global_norm_torch([grad], max_norm, norm_type=norm_type)[0][0]


def clip_by_global_norm(
    grads: Sequence[ndarray], max_norm: float, eps: float = 0.0, norm_type: float = 2.0
) -> tuple[list[ndarray], float]:
    """Shorten the gradient of all weights together to the limit, g * min(1, max_norm / (norm + eps)).

    The norm is taken over all arrays at once, so the direction of the whole step is kept; ``clip_by_norm``
    for each array would turn it.

    Args:
        grads: gradients, one for each weight array, floating point.
        max_norm: largest norm allowed, above 0.
        eps: added to the norm, at least 0: 1e-6 in ``torch.nn.utils.clip_grad_norm_``.
        norm_type: p of the norm (sum |g|^p)^(1/p), above 0: 2 for the length, 1 for the sum of absolute
            values, infinity for the largest of them.

    Returns:
        the clipped gradients, and the norm before clipping.

    Raises:
        ValueError: no gradient, one that is not floating point, a limit or a norm_type that is not above 0.

    >>> clip_by_global_norm([np.array([3.0]), np.array([-4.0])], max_norm=2.5)
    ([array([1.5]), array([-2.])], 5.0)
    >>> clip_by_global_norm([np.array([3.0, -4.0])], max_norm=1.0, norm_type=np.inf)
    ([array([ 0.75, -1.  ])], 4.0)

    Source: Pascanu, Mikolov & Bengio (2013). Chapter 3.
    """
    max_norm, eps = _above_zero("max_norm", max_norm), _at_least_zero("eps", eps)
    norm_type = _norm_type(norm_type)
    _expect_gradients(grads)
    grads = [check_array("grads", grad) for grad in grads]
    sizes = np.abs(np.concatenate([grad.ravel() for grad in grads]))
    norm = float(sizes.max() if norm_type == np.inf else (sizes**norm_type).sum() ** (1 / norm_type))
    scale = 1.0 if norm + eps <= max_norm else max_norm / (norm + eps)
    return [scale * grad for grad in grads], norm


def clip_by_global_norm_torch(
    grads: Sequence[Tensor], max_norm: float, eps: float = 0.0, norm_type: float = 2.0
) -> tuple[list[Tensor], Tensor]:
    """Shorten the gradient of all weights together to the limit: the twin of ``clip_by_global_norm``.

    >>> clip_by_global_norm_torch([torch.tensor([3.0]), torch.tensor([-4.0])], max_norm=2.5)
    ([tensor([1.5000]), tensor([-2.])], tensor(5.))
    """
    max_norm, eps = _above_zero("max_norm", max_norm), _at_least_zero("eps", eps)
    norm_type = _norm_type(norm_type)
    _expect_gradients(grads)
    norms = [torch.linalg.vector_norm(check_tensor("grad", grad), norm_type) for grad in grads]
    norm = torch.linalg.vector_norm(torch.stack(norms), norm_type)
    scale = (max_norm / (norm + eps)).clamp(max=1)
    return [grad * scale for grad in grads], norm


def _decay(w, grad, lr, weight_decay, decoupled):
    """Return the weights and the gradient that the step starts from: only one of the two has changed."""
    weight_decay = _at_least_zero("weight_decay", weight_decay)
    if check_one_of("decoupled_weight_decay", decoupled, (True, False)):
        return (1 - lr * weight_decay) * w, grad
    return w, grad + weight_decay * w


def _adam_step_sizes(state, lr, beta2, eps):
    """Return lr / (sqrt(v) + eps), one step size for each weight."""
    _, v, t = state
    return lr / (np.sqrt(v / (1 - beta2**t)) + eps)


def _add_lam_l1(optimizer, lam_l1):
    """Make lam_l1 a setting of every group, like lr; groups added later take the default."""
    optimizer.defaults["lam_l1"] = _at_least_zero("lam_l1", lam_l1)
    for group in optimizer.param_groups:
        group.setdefault("lam_l1", lam_l1)


def _trained(optimizer):
    """Return the parameters that took the step and pay for their size, each with its group."""
    paying = [group for group in optimizer.param_groups if _at_least_zero("lam_l1", group["lam_l1"]) > 0]
    return [(w, group) for group in paying for w in group["params"] if w.grad is not None]


def _at_least_zero(name, value):
    return check_number(name, value, low=0.0)


def _above_zero(name, value):
    value = check_number(name, value)
    expect(value > 0, name, "a number above 0", value)
    return value


def _norm_type(value):
    """Return the p of a norm, infinity included, as a float."""
    is_infinite = isinstance(value, Real) and value == math.inf
    return math.inf if is_infinite else _above_zero("norm_type", value)


def _share(name, value):
    value = check_number(name, value)
    expect(0 <= value < 1, name, "a number in [0, 1)", value)
    return value


def _betas(betas):
    is_pair = isinstance(betas, tuple | list) and len(betas) == 2
    expect(is_pair, "betas", "a pair of numbers in [0, 1)", betas)
    return [_share("betas", beta) for beta in betas]


def _expect_gradients(grads):
    is_list = isinstance(grads, Sequence) and len(grads) > 0
    expect(is_list, "grads", "at least one gradient, in a list or tuple", grads)


def _float64_alike(w, grad, **state):
    """Return the arrays in float64, checked to be of one shape; a state may be None and stays so."""
    past = [None if array is None else check_array(name, array) for name, array in state.items()]
    w, found = check_array("w", w), [check_array("grad", grad), *past]
    for name, array in zip(("grad", *state), found, strict=True):
        if array is not None:
            check_shape(name, array, w.shape)
    return [w, *found]


# (NumPy, PyTorch, arguments): a tuple of sizes stands for an array of that shape. The optimizers, whose twins
# are torch.optim's or extend them, and the global norm of several arrays are compared in test_optimizers.py.
PAIRS = [
    (clip_by_value, clip_by_value_torch, {"grad": (8, 3), "limit": 0.4}),
    (clip_by_norm, clip_by_norm_torch, {"grad": (8, 3), "max_norm": 0.4}),
    (clip_by_norm, clip_by_norm_torch, {"grad": (8, 3), "max_norm": 40.0}),
    (clip_by_norm, clip_by_norm_torch, {"grad": (8, 3), "max_norm": 0.4, "norm_type": 1.0}),
    (clip_by_norm, clip_by_norm_torch, {"grad": (8, 3), "max_norm": 0.4, "norm_type": 3.0}),
]
