"""Answers to exercises 1 to 3 as learners write them: task, answer, and the reason that it must get."""

import numpy as np
import torch

from labcode.early_stopping import EarlyStopping


def _names(weights, *, start="weight"):
    return [w for name, w in weights.items() if name.startswith(start)]


def _stops(losses, patience, better, *, first=0, start=np.inf):
    best, waited = start, first
    for epoch, loss in enumerate(losses):
        best, waited = (loss, 0) if better(loss, best) else (best, waited + 1)
        if waited >= patience:
            return epoch
    return None


def _mask(rng, batch, steps, units, p, *, scale=None, values=None):
    kept = (rng.random((batch, 1, units)) if values is None else values) >= p
    return np.repeat(kept * (1 / (1 - p) if scale is None else scale), steps, axis=1)


WRONG = [
    ("generalization_gap", lambda t, v: np.mean(np.subtract(v, t)), "Its shape should be (3,)"),
    ("generalization_gap", lambda t, v: np.subtract(v, t).max(), "Its shape should be (3,)"),
    ("generalization_gap", lambda t, v: np.divide(v, t), "numbers are wrong"),
    ("generalization_gap", lambda t, v: np.square(np.subtract(v, t)), "These are the squares"),
    ("generalization_gap", lambda t, v: np.maximum(np.subtract(v, t), 0), "it was clipped"),
    ("generalization_gap", lambda t, v: np.subtract(v, np.min(t)), "numbers are wrong"),
    ("generalization_gap", lambda t, v: np.subtract(v, t) / 2, "1/2 times"),
    ("generalization_gap", lambda t, v: np.subtract(v, t)[1:], "it is (2,)"),
    ("generalization_gap", lambda t, v: np.cumsum(np.subtract(v, t)), "cumulative sums"),
    ("generalization_gap", lambda t, v: np.round(np.subtract(v, t), 1), "rounded to 1 decimal"),
    ("generalization_gap", lambda t, v: 100 * np.subtract(v, t), "100 times"),
    ("generalization_gap", lambda t, v: [str(b - a) for a, b in zip(t, v, strict=True)], "Text came back"),
    ("generalization_gap", lambda t, v: np.log(v) - np.log(t), "Right are just the entries that should be 0"),
    ("l2_penalty", lambda w, lam: lam / 2 * sum(np.linalg.norm(a, 2) ** 2 for a in _names(w)), "too small"),
    ("l2_penalty", lambda w, lam: lam / 2 * sum(np.linalg.norm(a, 1) for a in _names(w)), ""),
    ("l2_penalty", lambda w, lam: lam / 2 * sum(np.abs(a).sum() for a in _names(w)), ""),
    ("l2_penalty", lambda w, lam: lam * sum(a.sum() for a in _names(w)), ""),
    ("l2_penalty", lambda w, lam: lam / 2 * sum(a.sum() for a in _names(w)) ** 2, ""),
    ("l2_penalty", lambda w, lam: lam / 2 * sum(np.linalg.norm(a) for a in _names(w)), ""),
    (
        "l2_penalty",
        lambda w, lam: lam / 2 * sum(np.mean(a**2) for a in _names(w)),
        "`mean` in place of `sum`",
    ),
    ("l2_penalty", lambda w, lam: lam / 2 * sum(np.sum(a**2) for a in _names(w, start="bias")), ""),
    ("l2_penalty", lambda w, lam: lam / 2 * sum(np.sum(a**2) for a in _names(w, start="weight_hh")), ""),
    (
        "l2_penalty",
        lambda w, lam: lam / 2 * sum(np.sum(a**2, axis=0) for a in _names(w)[:1]),
        "One number was expected",
    ),
    ("l2_penalty", lambda w, lam: lam**2 / 2 * sum(np.sum(a**2) for a in _names(w)), "lam times"),
    ("l2_penalty", lambda w, lam: -lam / 2 * sum(np.sum(a**2) for a in _names(w)), "The sign is reversed"),
    ("l2_penalty", lambda w, lam: lam / 2 * max(np.sum(a**2) for a in _names(w)), ""),
    (
        "l2_penalty",
        lambda w, lam: {k: lam / 2 * np.sum(a**2) for k, a in w.items()},
        "A dictionary came back",
    ),
    ("stopping_epoch", lambda losses, n: _stops(losses, n, lambda a, b: a < b - 0.05), "small improvement"),
    ("stopping_epoch", lambda losses, n: _stops(losses, n, lambda a, b: a < 0.99 * b), "small improvement"),
    ("stopping_epoch", lambda losses, n: _stops(losses, n, lambda a, b: a > b, start=-np.inf), ""),
    ("stopping_epoch", lambda losses, n: _stops(losses, n, lambda a, b: a < b, start=losses[-1]), ""),
    ("stopping_epoch", lambda losses, n: int(np.argmin(losses)) + n, ""),
    (
        "stopping_epoch",
        lambda losses, n: _stops(losses, n, lambda a, b: a < b) or len(losses) - 1,
        "where None is expected",
    ),
    ("stopping_epoch", lambda losses, n: (_stops(losses, n, lambda a, b: a < b) or -2) + 1, ""),
    ("stopping_epoch", lambda losses, n: str(_stops(losses, n, lambda a, b: a < b)), "Text came back"),
    ("stopping_epoch", lambda losses, n: n, ""),
    ("stopping_epoch", lambda losses, n: _stops(losses, 2, lambda a, b: a < b), "None came back"),
    ("stopping_epoch", lambda losses, n: _stops(sorted(losses), n, lambda a, b: a < b), ""),
    ("stopping_epoch", lambda losses, n: losses[_stops(losses, n, lambda a, b: a < b) or 0], ""),
    ("inverted_dropout", lambda x, kept, p, t: np.abs(x) * kept / (1 - p) if t else x, ""),
    ("inverted_dropout", lambda x, kept, p, t: x[kept] / (1 - p) if t else x, "Its shape should be (5,)"),
    ("inverted_dropout", lambda x, kept, p, t: x / (1 - p) if t else x, "left out"),
    ("inverted_dropout", lambda x, kept, p, t: x * kept / np.sqrt(1 - p) if t else x, ""),
    ("inverted_dropout", lambda x, kept, p, t: x * kept / (1 - p) if not t else x, ""),
    ("inverted_dropout", lambda x, kept, p, t: x * kept * (1 + p) if t else x, ""),
    ("inverted_dropout", lambda x, kept, p, t: np.where(kept, x / (1 - p), np.nan) if t else x, "NaN"),
    (
        "inverted_dropout",
        lambda x, kept, p, t: np.where(kept, x / (1 - p), x.mean()) if t else x,
        "entries that should be 0",
    ),
    (
        "inverted_dropout",
        lambda x, kept, p, t: np.where(kept, x / (1 - p), x) if t else x,
        "entries that should be 0",
    ),
    ("inverted_dropout", lambda x, kept, p, t: np.maximum(x * kept / (1 - p), 0) if t else x, ""),
    ("inverted_dropout", lambda x, kept, p, t: kept / (1 - p) if t else np.ones_like(x), ""),
    ("inverted_dropout", lambda x, kept, p, t: -x * kept / (1 - p) if t else x, ""),
    ("inverted_dropout", lambda x, kept, p, t: x * kept / (1 - p) if t else np.zeros_like(x), ""),
    (
        "locked_mask",
        lambda rng, b, s, u, p: _mask(rng, b, s, u, p, values=np.random.rand(b, 1, u)),  # noqa: NPY002
        "global generator",
    ),
    (
        "locked_mask",
        lambda rng, b, s, u, p: _mask(rng, b, s, u, p, values=torch.rand(b, 1, u).numpy()),
        "global generator",
    ),
    (
        "locked_mask",
        lambda rng, b, s, u, p: _mask(
            rng, b, s, u, p, values=((np.arange(u) + np.arange(b)[:, None, None]) % 10 + 0.5) / 10
        ),
        "two sequences share a mask",
    ),
    (
        "locked_mask",
        lambda rng, b, s, u, p: _mask(
            rng, b, s, u, p, values=np.stack([np.roll(d, i) for d in [rng.random((1, u))] for i in range(b)])
        ),
        "sequences drawn one by one",
    ),
    ("locked_mask", lambda rng, b, s, u, p: _mask(rng, b, s, u, p, scale=1 / (1 - p) ** 2), "values"),
    ("locked_mask", lambda rng, b, s, u, p: _mask(rng, b, s, u, p, scale=1 - p), "values"),
    ("locked_mask", lambda rng, b, s, u, p: _mask(rng, b, s, u, p)[:, 0], "shape"),
    ("locked_mask", lambda rng, b, s, u, p: _mask(rng, b, s, u, p).transpose(1, 0, 2), "shape"),
    ("locked_mask", lambda rng, b, s, u, p: _mask(rng, b, s, u, p) > 0, "is missing"),
    (
        "locked_mask",
        lambda rng, b, s, u, p: _mask(rng, b, s, u, p, values=rng.normal(size=(b, 1, u))),
        "share dropped",
    ),
    (
        "locked_mask",
        lambda rng, b, s, u, p: np.repeat(_mask(rng, b, s, u // 2 + 1, p), 2, 2)[..., :u],
        "units drawn one by one",
    ),
    ("locked_mask", lambda rng, b, s, u, p: rng.random((b, 1, u)).repeat(s, axis=1) / (1 - p), "values"),
]


def _by_torch(weights, lam):
    parameters = [torch.nn.Parameter(torch.tensor(w)) for w in _names(weights)]
    return lam / 2 * sum(w.square().sum() for w in parameters)


def _by_library(losses, patience):
    rule = EarlyStopping(patience=patience)
    return next((e for e, loss in enumerate(losses) if rule.update(e, loss, {})), None)


RIGHT = [
    ("generalization_gap", lambda t, v: np.subtract(v, t)),
    ("generalization_gap", lambda t, v: [b - a for a, b in zip(t, v, strict=True)]),
    ("generalization_gap", lambda t, v: tuple(-np.subtract(t, v))),
    ("generalization_gap", lambda t, v: torch.tensor(v) - torch.tensor(t, requires_grad=True)),
    ("generalization_gap", lambda t, v: np.float32(v) - np.float32(t)),
    ("generalization_gap", lambda t, v: np.diff([t, v], axis=0)[0]),
    ("l2_penalty", _by_torch),
    ("l2_penalty", lambda w, lam: lam * sum(np.vdot(a, a) for a in _names(w)) / 2),
    ("l2_penalty", lambda w, lam: 0.5 * lam * sum(np.linalg.norm(a) ** 2 for a in _names(w))),
    (
        "l2_penalty",
        lambda w, lam: np.array(lam / 2 * np.concatenate([a.ravel() ** 2 for a in _names(w)]).sum()),
    ),
    ("l2_penalty", lambda w, lam: sum(lam / 2 * float(x) ** 2 for a in _names(w) for x in a.flat)),
    ("l2_penalty", lambda w, lam: lam / 2 * sum(np.einsum("ij,ij", a, a) for a in _names(w))),
    ("stopping_epoch", _by_library),
    ("stopping_epoch", lambda losses, n: _stops(losses, n, lambda a, b: not a >= b)),
    (
        "stopping_epoch",
        lambda losses, n: next(
            (e for e in range(len(losses)) if e - int(np.argmin(losses[: e + 1])) >= n), None
        ),
    ),
    (
        "stopping_epoch",
        lambda losses, n: (lambda e: None if e is None else np.int64(e))(_by_library(losses, n)),
    ),
    (
        "stopping_epoch",
        lambda losses, n: (lambda e: None if e is None else torch.tensor(e))(_by_library(losses, n)),
    ),
    ("stopping_epoch", lambda losses, n: _stops(tuple(losses), n, lambda a, b: b - a > 0)),
    ("inverted_dropout", lambda x, kept, p, t: np.where(kept, x, 0) / (1 - p) if t else x.copy()),
    ("inverted_dropout", lambda x, kept, p, t: (x * kept / (1 - p)).tolist() if t else x.tolist()),
    ("inverted_dropout", lambda x, kept, p, t: torch.tensor(x) * torch.tensor(kept) / (1 - p) if t else x),
    ("inverted_dropout", lambda x, kept, p, t: np.float32(x) * kept / np.float32(1 - p) if t else x),
    ("inverted_dropout", lambda x, kept, p, t: x - x * ~kept + kept * x * p / (1 - p) if t else +x),
    ("inverted_dropout", lambda x, kept, p, t: np.multiply(x, kept / (1 - p)) if t else 1.0 * x),
    ("locked_mask", _mask),
    ("locked_mask", lambda rng, b, s, u, p: rng.binomial(1, 1 - p, (b, 1, u)) * np.ones((1, s, 1)) / (1 - p)),
    (
        "locked_mask",
        lambda rng, b, s, u, p: rng.choice([0, 1 / (1 - p)], (b, 1, u), p=[p, 1 - p]).repeat(s, 1),
    ),
    ("locked_mask", lambda rng, b, s, u, p: torch.tensor(_mask(rng, b, s, u, p), requires_grad=True)),
    ("locked_mask", lambda rng, b, s, u, p: _mask(rng, b, s, u, p).tolist()),
    ("locked_mask", lambda rng, b, s, u, p: _mask(rng, b, s, u, p).astype(np.float32)),
]
