"""Runners of ``linear_l1_l2_paths.json``: linear models fitted by our gradient and proximal steps.

Every model is brought to one form, mean((y - X w - b)^2) / 2 + l1 * sum |w| + l2 / 2 * sum w^2.
"""

import re

import numpy as np
from conformance_optimizers import on_arrays, stepper
from conformance_runners import Runner, float_array
from sklearn.datasets import load_diabetes

from labcode import penalties


class LeastSquares:
    """The data term mean((y - X w - b)^2) / 2 with the best intercept b, as a function of w."""

    def __init__(self, x, y):
        self.means = x.mean(axis=0), y.mean()
        x, y = x - self.means[0], y - self.means[1]
        self.n, self.gram, self.cross = len(x), x.T @ x / len(x), x.T @ y / len(x)

    def grad(self, w):
        return self.gram @ w - self.cross

    def intercept(self, w):
        return self.means[1] - self.means[0] @ w


def minimize(data, l1, l2, implementation, w=None):
    """Take proximal steps with Nesterov's momentum until neither the weights nor their velocity change."""
    curvatures = np.linalg.eigvalsh(data.gram)[[0, -1]] + l2
    w = np.zeros(len(data.cross)) if w is None else w
    if curvatures[1] == 0:  # X is zero: nothing to fit
        return w
    root = np.sqrt(max(curvatures[0], 0.0) / curvatures[1])
    momentum = (1 - root) / (1 + root)
    step = stepper(
        implementation,
        "proximal_sgd",
        w,
        lr=1 / curvatures[1],
        lam_l1=l1,
        momentum=momentum,
        nesterov=bool(momentum > 0),
        weight_decay=l2,
    )
    still = 0
    for _ in range(100_000):
        before, w = w, step(data.grad(w))
        still = still + 1 if np.abs(w - before).max() <= 1e-13 * np.abs(w).max() else 0
        if still > 100 / (1 - momentum):
            return w
    raise AssertionError("no convergence")


def strengths(n, model, alpha=1.0, l1_ratio=0.5):
    """Return (l1, l2) for a model of scikit-learn, whose Ridge has no 1/(2n) before the data term."""
    return {
        "OLS": (0.0, 0.0),
        "Ridge": (0.0, alpha / n),
        "Lasso": (alpha, 0.0),
        "ElasticNet": (alpha * l1_ratio, alpha * (1 - l1_ratio)),
    }[model]


def diabetes(description):
    """Return the data that a case describes: load_diabetes, its columns with a sum of squares or of n."""
    x, y = load_diabetes(return_X_y=True)
    plain = (
        r"load_diabetes\(return_X_y=True\), columns .* scaled so that each has sum of squares 1(, centred)?"
    )
    if re.fullmatch(plain, description):
        return LeastSquares(x, y)
    assert description == "diabetes centred, X*sqrt(n)", f"unknown data {description}"
    return LeastSquares(np.sqrt(len(x)) * x, y)


def run_linear(case, implementation):
    inputs, settings = case["inputs"], dict(case["settings"])
    settings.pop("objective", None)
    data = diabetes(inputs["data"]) if "data" in inputs else None
    data = data or LeastSquares(float_array(inputs["X"]), float_array(inputs["y"]))
    coef = minimize(data, *strengths(data.n, **settings), implementation)
    return {
        "coef": coef,
        "intercept": data.intercept(coef),
        "predict": float_array(inputs.get("X_new", np.zeros((1, len(coef))))) @ coef + data.intercept(coef),
        "l2_norm": np.linalg.norm(coef),
        "exact_zeros": (coef == 0).sum(),
        "nonzero_idx": np.flatnonzero(coef),
    }


def run_path(case, implementation):
    """Fit along scikit-learn's path: from the least alpha that leaves nothing, down to a thousandth of it."""
    settings, data, coef, coefs = case["settings"], diabetes(case["inputs"]["data"]), None, []
    l1_ratio = {"lasso_path": 1.0, "enet_path": settings.get("l1_ratio", 0.5)}[settings["model"]]
    alpha_max = np.abs(data.cross).max() / l1_ratio
    alphas = alpha_max * np.geomspace(1, settings.get("eps", 1e-3), len(case["expected"]["alphas"]))
    for alpha in alphas:
        l1, l2 = strengths(data.n, "ElasticNet", alpha, l1_ratio)
        coef = minimize(data, l1, l2, implementation, coef)
        coefs.append(coef)
    nonzeros = [(coef != 0).sum() for coef in coefs]
    return {"alpha_max": alpha_max, "alphas": alphas, "coefs_by_alpha": coefs, "nonzeros": nonzeros}


def run_prox(case, implementation):
    z, threshold = float_array(case["inputs"]["z"]), case["settings"]["threshold"]
    prox = on_arrays(penalties, "soft_threshold", implementation)(z, threshold)
    return {"prox": prox, "exact_zeros": (prox == 0).sum()}


def run_identity(case, implementation):
    settings, data = dict(case["settings"]), diabetes(case["inputs"]["data"])
    rule = settings.pop("rule")
    if rule.startswith("ElasticNet(alpha=a,l1_ratio=0) == Ridge(alpha=n*a) =="):
        a, n = settings["a"], settings["n"]
        assert n == data.n
        ridge = minimize(data, *strengths(n, "Ridge", n * a), implementation)
        enet = minimize(data, *strengths(n, "ElasticNet", a, 0.0), implementation)
        return {"ridge": ridge, "enet": enet, "max_diff": np.abs(ridge - enet).max()}
    assert rule.startswith("Keras loss='mse' + l1=b on the kernel has the minimiser of Lasso(alpha=b/2)")
    return {"coef": minimize(data, *strengths(data.n, "Lasso", settings["b"] / 2), implementation)}


def run_exact_zeros(case, implementation):
    """Fit a Lasso by subgradient steps and by proximal steps, and count who arrives at exact zeros."""
    settings, data, results = case["settings"], diabetes(case["inputs"]["data"]), {}
    lasso = minimize(data, settings["alpha"], 0.0, implementation)
    for name in ("sgd", "adam", "prox"):
        w, l1 = np.zeros(len(lasso)), 0.0 if name == "prox" else settings["alpha"]
        options = {"lam_l1": settings["alpha"]} if name == "prox" else {}
        ours = {"prox": "proximal_sgd"}.get(name, name)
        step = stepper(implementation, ours, w, lr=settings["lr"], **options)
        for _ in range(settings["steps"]):
            w = step(data.grad(w) + penalties.l1_penalty_grad(w, l1))
        results[name] = {
            "coef": w,
            "exact_zeros": (w == 0).sum(),
            "below_1e_3": (np.abs(w) < 1e-3).sum(),
            "below_0_1": (np.abs(w) < 0.1).sum(),
            "max_abs_diff_to_lasso": np.abs(w - lasso).max(),
        }
    return results | {"lasso": {"coef": lasso, "exact_zeros": (lasso == 0).sum()}}


FILE = "linear_l1_l2_paths.json"
RUNNERS_LINEAR = {
    (FILE, "sklearn", "linear"): Runner(run_linear, "model alpha l1_ratio objective", "X y X_new data"),
    (FILE, "sklearn", "path"): Runner(run_path, "model l1_ratio eps", "data"),
    (FILE, "sklearn", "prox"): Runner(run_prox, "threshold", "z"),
    (FILE, "torch", "prox"): Runner(run_prox, "threshold", "z"),
    (FILE, "sklearn", "identity"): Runner(run_identity, "rule a n b", "data"),
    (FILE, "sklearn", "behaviour"): Runner(run_exact_zeros, "alpha steps lr", "data", atol=1e-8),
}
