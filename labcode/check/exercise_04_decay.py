"""Checkers of exercise 4: Ridge along the directions of the data, strengths that agree, AdamW."""

import numpy as np

from labcode.check import random_cases
from labcode.check.core import Case, Checker, Misconception
from labcode.check.random_cases import drawn


def _shares(x, lam, *, mean=True, root=False, lost=False, factor=1.0, descending=False):
    """Eigenvalues of x^T x / n over themselves plus lam, in ascending order of the eigenvalues."""
    x = np.asarray(x, dtype=float)
    values = np.linalg.eigvalsh(x.T @ x) / (len(x) if mean else 1)
    values = np.sqrt(values) if root else values
    shares = (factor * lam if lost else values) / (values + factor * lam)
    return shares[::-1] if descending else shares


_X = np.array([[2.0, 0.0], [0.0, 1.0], [-2.0, 0.0], [0.0, -1.0]])
_MIXED = np.array([[1.0, 2.0, 0.5], [2.0, 0.5, -1.0], [-1.0, 1.0, 0.0], [0.5, -2.0, 2.0], [-2.5, -1.5, -1.5]])

ridge_shares = Checker(
    name="ridge_shares",
    solution=_shares,
    cases=(
        Case("directions along the columns", (_X, 0.5)),
        Case("correlated columns", (_MIXED, 0.25)),
        Case("a strong penalty", (_MIXED, 8.0)),
        *drawn(random_cases.ridge_shares, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "not divided by n",
            {"mean": False},
            "The eigenvalues are those of x.T @ x. The data term is a MEAN over rows, so divide by len(x): "
            "else lam would lose its effect as rows are added.",
        ),
        Misconception(
            "sigma not squared",
            {"root": True},
            "You use sigma where sigma squared belongs, perhaps singular values. The share is sigma^2 / "
            "(sigma^2 + lam), with the mean square of the data along each direction.",
        ),
        Misconception(
            "the share that is lost",
            {"lost": True},
            "That is lam / (sigma^2 + lam), the share that is LOST. Asked is what is left; both add up to 1.",
        ),
        Misconception(
            "lambda halved",
            {"factor": 0.5},
            "lam is halved. The penalty lam/2 * w^2 has the slope lam * w: the 1/2 is used up by the "
            "derivative.",
        ),
        Misconception(
            "lambda doubled",
            {"factor": 2.0},
            "lam is doubled: that belongs to a penalty lam * w^2 without the 1/2.",
        ),
        Misconception(
            "descending order",
            {"descending": True},
            "The shares are right, in the wrong order: start with the direction in which the data vary "
            "least.",
        ),
    ),
    praise="L2 gives up what the data hardly determine, and keeps the rest.",
    draw=random_cases.ridge_shares,
)


def _strengths(lam, n, lr, *, keras=0.5, sgd=1.0, sgd_step=False, ridge=0.5, rows=True, step=True, share=1.0):
    """Settings with the minimum of mean squared error + lam / 2 * sum w^2, and AdamW's share per step."""
    return {
        "keras_l2": keras * lam,
        "sgd_weight_decay": sgd * lam * (lr if sgd_step else 1),
        "ridge_alpha": ridge * lam * (n if rows else 1),
        "adamw_share": share * lam * (lr if step else 1),
    }


same_strengths = Checker(
    name="same_strengths",
    solution=_strengths,
    cases=(
        Case("λ = 0.1, 100 rows", (0.1, 100, 0.01)),
        Case("another step size and more rows", (0.3, 442, 0.05)),
        *drawn(random_cases.same_strengths, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "keras: the same number",
            {"keras": 1.0},
            "keras_l2 is twice too large: Keras's penalty is x * w^2 without the 1/2, so it pulls with 2x * "
            "w.",
        ),
        Misconception(
            "keras: wrong direction",
            {"keras": 2.0},
            "keras_l2 goes the wrong way: Keras's formula lacks the 1/2 and pulls harder, so its number "
            "must be SMALLER: lam / 2.",
        ),
        Misconception(
            "sgd: halved",
            {"sgd": 0.5},
            "sgd_weight_decay is halved. PyTorch adds weight_decay * w to the gradient, and lam * w is the "
            "slope of lam/2 * w^2: the same number.",
        ),
        Misconception(
            "sgd: times the step size",
            {"sgd_step": True},
            "sgd_weight_decay holds the step size. PyTorch multiplies the whole gradient, decay included, "
            "by lr itself.",
        ),
        Misconception(
            "ridge: rows forgotten",
            {"rows": False},
            "ridge_alpha lacks the number of rows: Ridge adds up the squared errors and does not divide by "
            "n, so its penalty must be n times as strong.",
        ),
        Misconception(
            "ridge: factor 1/2 forgotten",
            {"ridge": 1.0},
            "ridge_alpha is twice too large: n times (mean + lam/2 * w^2) is sum + n * lam/2 * w^2, and "
            "alpha stands in the place of n * lam/2.",
        ),
        Misconception(
            "adamw: step size forgotten",
            {"step": False},
            "adamw_share lacks the step size: AdamW shrinks by lr * weight_decay in each step.",
        ),
        Misconception(
            "adamw: halved",
            {"share": 0.5},
            "adamw_share is halved. AdamW has no penalty to differentiate: it shrinks by lr * weight_decay.",
        ),
    ),
    praise="Whenever you copy a λ, copy its formula, its data term and its optimizer.",
    draw=random_cases.same_strengths,
)


def _adamw(
    w,
    grad,
    m,
    v,
    t,
    lr,
    lam,
    *,
    coupled=False,
    step=True,
    scaled=False,
    corrected=True,
    late=False,
    squared=True,
):
    """One step of AdamW with the usual betas: new weights, m and v."""
    w, grad, m, v = (np.asarray(array, dtype=float) for array in (w, grad, m, v))
    grad = grad + lam * w if coupled else grad
    m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * (grad**2 if squared else np.abs(grad))
    mean, square = (m / (1 - 0.9**t), v / (1 - 0.999**t)) if corrected else (m, v)
    left = 1 - (lr if step else 1) * lam
    if coupled or scaled:
        left = 1.0
    mean = mean + lam * w if scaled else mean
    move = lr * mean / (np.sqrt(square) + 1e-8)
    return ((w - move) * left if late else w * left - move), m, v


_START = (np.array([1.0, -2.0, 0.5]), np.array([0.5, -0.01, 2.0]), np.zeros(3), np.zeros(3), 1, 0.1, 0.5)
_LATER = (
    np.array([1.0, -2.0]),
    np.array([0.2, 0.0]),
    np.array([0.1, -0.3]),
    np.array([0.02, 0.5]),
    7,
    0.01,
    0.1,
)

adamw_step = Checker(
    name="adamw_step",
    solution=_adamw,
    cases=(
        Case("the first step", _START),
        Case("a later step", _LATER),
        Case("no decay: plain Adam", (*_LATER[:6], 0.0)),
        Case("a gradient as small as ε", (np.array([0.5]), np.array([1e-7]), *np.zeros((2, 1)), 1, 0.1, 0.5)),
        *drawn(random_cases.adamw_step, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "decay in the gradient",
            {"coupled": True},
            "The decay lam * w joins the gradient and goes into m and v. That is Adam with L2: the decay is "
            "then divided by the root of v, and weights with large gradients hardly shrink. AdamW keeps m "
            "and v free of it.",
        ),
        Misconception(
            "decay without the step size",
            {"step": False},
            "The weights shrink by lam in each step. They should shrink by lr * lam, so that a schedule of "
            "the step size acts on both parts.",
        ),
        Misconception(
            "decay divided by the root of v",
            {"scaled": True},
            "m and v are free of the decay, but the decay is still divided by the root of v with the rest. "
            "Take it from w by itself: (1 - lr * lam) * w.",
        ),
        Misconception(
            "no bias correction",
            {"corrected": False},
            "m and v start at zero and are too small in the first steps. Divide by 1 - 0.9**t and 1 - "
            "0.999**t (but return them undivided).",
        ),
        Misconception(
            "decay after the step",
            {"late": True},
            "You shrink the weights AFTER the step, so the step shrinks as well. AdamW multiplies the old w "
            "by 1 - lr * lam.",
        ),
        Misconception(
            "v without the square",
            {"squared": False},
            "v is the running mean of |grad|. It should be that of grad**2: the root is taken later.",
        ),
    ),
    praise="Every weight shrinks by the same share, whatever the size of its gradients.",
    draw=random_cases.adamw_step,
)
