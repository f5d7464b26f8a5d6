"""Linear models, small enough to be solved exactly: what a penalty does can be read off and checked.

The data term is mean((y - x w)^2) / 2 throughout, with centred columns and targets, so that no intercept is
needed. It is that of scikit-learn's ``Lasso``; its ``Ridge`` has no 1 / (2n), so ``Ridge(alpha)`` is
``ridge(task, alpha / n)`` here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from labcode._checks import (
    check_array,
    check_instance,
    check_integer,
    check_number,
    check_one_of,
    check_shape,
    expect,
)
from labcode.penalties import soft_threshold

DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


@dataclass(frozen=True, eq=False, repr=False)
class LinearTask:
    """A regression task with centred columns and targets, and its data loss mean((y - x w)^2) / 2.

    Attributes:
        x: inputs, (N, D) float64, each column with mean 0.
        y: targets, (N,) float64, with mean 0.
        names: of the D columns.

    Raises:
        ValueError: arrays that do not fit each other, or that are not centred.

    >>> task = LinearTask(np.array([[1.0], [-1.0]]), np.array([3.0, -3.0]), ("x",))
    >>> task.loss(np.array([1.0])), task.gradient(np.array([1.0]))
    (2.0, array([-2.]))
    """

    x: ndarray
    y: ndarray
    names: tuple[str, ...]

    def __post_init__(self):
        check_shape("x", check_array("x", self.x), (None, len(self.names)))
        check_shape("y", check_array("y", self.y), (len(self.x),))
        for name, array in (("x", self.x), ("y", self.y)):
            offset = np.abs(np.mean(array, axis=0)).max()
            expect(offset <= 1e-9 * np.abs(array).max(), name, "columns of mean 0", f"means up to {offset}")
            array.flags.writeable = False

    def __repr__(self) -> str:
        return f"LinearTask({len(self.x)} rows of {', '.join(self.names)})"

    def loss(self, w: ndarray) -> float:
        """Return mean((y - x w)^2) / 2 for weights w, (D,)."""
        return float(np.square(self.y - self.x @ self._weights(w)).mean() / 2)

    def gradient(self, w: ndarray) -> ndarray:
        """Return the gradient of ``loss`` at weights w, (D,): x^T (x w - y) / n."""
        return self.x.T @ (self.x @ self._weights(w) - self.y) / len(self.x)

    def _weights(self, w):
        w = check_array("w", w)
        check_shape("w", w, (len(self.names),))
        return w


def load_diabetes(columns: Sequence[str] = DIABETES) -> LinearTask:
    """Load the diabetes data: ten measurements of 442 patients, and the disease's progression a year later.

    Columns have mean 0 and standard deviation 1: a weight is what one standard deviation of its column adds
    to the progression. The target is centred and keeps its unit.

    Args:
        columns: which of the ten to keep, in this order.

    Returns:
        The task.

    Raises:
        ValueError: an unknown column or none.

    >>> load_diabetes(("bmi", "s5"))
    LinearTask(442 rows of bmi, s5)

    Source: Efron, Hastie, Johnstone & Tibshirani (2004), "Least angle regression", as scikit-learn ships it.
        Chapter 4.
    """
    from sklearn import datasets  # here, since whoever draws a linear task needs none of it

    known = isinstance(columns, tuple | list) and len(columns) > 0 and all(c in DIABETES for c in columns)
    expect(known, "columns", f"names among {', '.join(DIABETES)}", columns)
    table, progression = datasets.load_diabetes(return_X_y=True, scaled=False)
    x = table[:, [DIABETES.index(name) for name in columns]]
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return LinearTask(x - x.mean(axis=0), progression - progression.mean(), tuple(columns))


def lasso(task: LinearTask, lam: float, *, tolerance: float = 1e-12, sweeps: int = 10_000) -> ndarray:
    """Minimize the data loss + lam * sum |w| one weight at a time, each exactly: coordinate descent.

    With all others fixed, a weight's best value is the soft threshold of what it would be without the
    penalty. A weight that loses is set to zero, not merely close to it.

    Args:
        task: the data.
        lam: strength of L1 (``lam`` in ``l1_penalty``; scikit-learn's ``Lasso(alpha)`` is ``lam = alpha``).
        tolerance: stop when a sweep over all weights changes none by more than this share of the largest.
        sweeps: the most that are made.

    Returns:
        The weights, (D,).

    Raises:
        ValueError: no task, a strength below 0, or no convergence.

    >>> task = LinearTask(np.array([[1.0], [-1.0]]), np.array([3.0, -3.0]), ("x",))
    >>> lasso(task, lam=1.0)
    array([2.])

    Source: Friedman, Hastie & Tibshirani (2010), "Regularization paths for generalized linear models via
        coordinate descent". Chapter 4.
    """
    check_instance("task", task, LinearTask, "a LinearTask")
    lam, sweeps = check_number("lam", lam, low=0.0), check_integer("sweeps", sweeps, low=1)
    gram, cross = task.x.T @ task.x / len(task.x), task.x.T @ task.y / len(task.x)
    w = np.zeros(len(cross))
    for _ in range(sweeps):
        before = w.copy()
        for j in np.flatnonzero(np.diag(gram) > 0):
            pull = cross[j] - gram[j] @ w + gram[j, j] * w[j]
            w[j] = soft_threshold(pull, lam) / gram[j, j]
        if np.abs(w - before).max() <= tolerance * np.abs(w).max():
            return w
    raise ValueError(f"sweeps: expected enough to converge, received {sweeps}")


def ridge(task: LinearTask, lam: float) -> ndarray:
    """Minimize the data loss + lam / 2 * sum w^2 in closed form: (x^T x / n + lam I)^-1 x^T y / n.

    Args:
        task: the data.
        lam: strength of L2 (``lam`` in ``l2_penalty``), at least 0.

    Returns:
        The weights, (D,); for lam = 0 the shortest ones that fit best.

    Raises:
        ValueError: no task, or a strength below 0.

    >>> task = LinearTask(np.array([[1.0], [-1.0]]), np.array([3.0, -3.0]), ("x",))
    >>> ridge(task, lam=1.0)
    array([1.5])

    Source: Hoerl & Kennard (1970), "Ridge regression: biased estimation for nonorthogonal problems".
        Chapter 4.
    """
    check_instance("task", task, LinearTask, "a LinearTask")
    lam = check_number("lam", lam, low=0.0)
    gram, cross = task.x.T @ task.x / len(task.x), task.x.T @ task.y / len(task.x)
    if lam == 0:
        return np.linalg.lstsq(gram, cross)[0]
    return np.linalg.solve(gram + lam * np.eye(len(cross)), cross)


def descend(
    task: LinearTask, step: Callable, steps: int, *, penalty_grad: Callable | None = None, **options
) -> ndarray:
    """Go down from w = 0 with an optimizer and the gradient of all rows.

    Args:
        task: the data.
        step: an update of ``labcode.optimizers``, called as ``step(w, grad, state, **options)``.
        steps: how many, at least 1.
        penalty_grad: gradient of a penalty, a function of w, that joins the data's; none by default.
        options: step size and whatever else the update takes.

    Returns:
        The weights after each step, (steps, D).

    Raises:
        ValueError: no task, fewer than one step, or what the update refuses. Chapter 4.

    >>> from labcode.optimizers import sgd
    >>> task = LinearTask(np.array([[1.0], [-1.0]]), np.array([3.0, -3.0]), ("x",))
    >>> descend(task, sgd, steps=3, lr=0.5).T
    array([[1.5  , 2.25 , 2.625]])
    """
    check_instance("task", task, LinearTask, "a LinearTask")
    w, state, path = np.zeros(len(task.names)), None, []
    for _ in range(check_integer("steps", steps, low=1)):
        grad = task.gradient(w) + (0.0 if penalty_grad is None else penalty_grad(w))
        w, state = step(w, grad, state, **options)
        path.append(w)
    return np.array(path)


def best_within(task: LinearTask, radius: float, norm: str) -> tuple[ndarray, float]:
    """Minimize the data loss alone over a diamond or a disk around 0: a penalty written as a constraint.

    The penalized solution of some strength is the constrained one; that strength is found by bisection.

    Args:
        task: the data.
        radius: above 0: the largest sum |w| ("l1", the diamond) or sqrt(sum w^2) ("l2", the disk).
        norm: "l1" or "l2".

    Returns:
        The weights, (D,), and the strength: 0 where the constraint does not bind.

    Raises:
        ValueError: no task, a radius that is not above 0, or another norm.

    >>> task = LinearTask(np.array([[1.0], [-1.0]]), np.array([3.0, -3.0]), ("x",))
    >>> w, strength = best_within(task, radius=2.0, norm="l1")
    >>> w.round(6), round(strength, 6)
    (array([2.]), 1.0)

    Source: Boyd & Vandenberghe (2004), "Convex optimization", chapter 5. Chapter 4.
    """
    expect(check_number("radius", radius) > 0, "radius", "a number above 0", radius)
    solve, order = {"l1": (lasso, 1), "l2": (ridge, 2)}[check_one_of("norm", norm, ("l1", "l2"))]
    low, high = 0.0, 1.0
    if np.linalg.norm(solve(task, low), order) <= radius:
        return solve(task, low), low
    while np.linalg.norm(solve(task, high), order) > radius:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        outside = np.linalg.norm(solve(task, middle), order) > radius
        low, high = (middle, high) if outside else (low, middle)
    return solve(task, high), high
