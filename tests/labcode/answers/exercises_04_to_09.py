"""Answers to exercises 4 to 9 as learners write them: task, answer, and the reason that it must get."""

import numpy as np


def _soft(w, t):
    return np.sign(w) * np.maximum(np.abs(w) - t, 0)


def _kept(trace, patience, restore, better):
    best, at, waited, epoch = np.inf, 0, 0, 0
    for epoch, loss in enumerate(trace):
        best, at, waited = (loss, epoch, 0) if better(loss, best) else (best, at, waited + 1)
        if waited >= patience:
            break
    return at if restore else epoch


def _beam(table, width, *, keep):
    """Beam search in which ``keep`` says, of finished and open ones, what stays."""
    kept = [("", 1.0)]
    while any(not text.endswith(".") for text, _ in kept):
        kept = keep(table, width, kept)
    return max(kept, key=lambda pair: pair[1])


def _longer(table, text, p):
    return [(text + token, p * q) for token, q in table[text].items()]


def _best(pairs, width):
    return sorted(pairs, key=lambda pair: -pair[1])[:width]


def _parted(kept):
    return [p for p in kept if p[0].endswith(".")], [p for p in kept if not p[0].endswith(".")]


def _finished_compete(table, width, kept):
    done, going = _parted(kept)
    return _best(done + [longer for pair in going for longer in _longer(table, *pair)], width)


def _width_shrinks(table, width, kept):
    done, going = _parted(kept)
    return done + _best([o for pair in going for o in _longer(table, *pair)], max(width - len(done), 1))


def _width_for_each(table, width, kept):
    done, going = _parted(kept)
    return done + [o for pair in going for o in _best(_longer(table, *pair), width)]


def _search(objective, low, high, shares):
    tried = [(objective(lam), lam) for lam in (low * (high / low) ** u for u in shares)]
    return min(tried)[::-1]


def _one_error(strengths, losses, error):
    means = losses.mean(axis=1)
    return strengths[means <= means.min() + error(losses[means.argmin()])].max()


def _rule(train, validation, baseline, *, rise=1.1, last=None):
    if validation[-1] > rise * min(validation):
        return "overfit"
    return "underfit" if (train[-1] if last is None else last) > baseline else "healthy"


WRONG = [
    ("soft_threshold", lambda w, t: np.sign(w) * np.maximum(np.abs(w) - t, 1e-13), ""),
    ("soft_threshold", lambda w, t: np.maximum(np.abs(w) - t, 0), "sign is lost"),
    ("soft_threshold", lambda w, t: w * np.maximum(1 - t, 0), ""),
    ("soft_threshold", lambda w, t: -_soft(w, t), "The sign is reversed"),
    ("soft_threshold", lambda w, t: _soft(w, t / 2), ""),
    ("soft_threshold", lambda w, t: _soft(w, 2 * t), ""),
    ("soft_threshold", lambda w, t: _soft(w, t**2), "numbers are wrong"),
    ("soft_threshold", lambda w, t: np.minimum(w + t, 0), "clipped"),
    ("soft_threshold", lambda w, t: w - t, ""),
    ("soft_threshold", lambda w, t: _soft(w, t).ravel(), "Its values are right"),
    ("soft_threshold", lambda w, t: _soft(w, t).sum(), "Its shape should be (4,)"),
    ("soft_threshold", lambda w, t: np.round(_soft(w, t)), "rounded to 0 decimals"),
    (
        "lasso_violation",
        lambda w, g, lam: np.where(
            np.abs(w) < 0.6, np.maximum(np.abs(g) - lam, 0), np.abs(g + lam * np.sign(w))
        ),
        "",
    ),
    (
        "lasso_violation",
        lambda w, g, lam: np.where(w == 0, np.maximum(g - lam, 0), np.abs(g + lam * np.sign(w))),
        "two ends",
    ),
    (
        "ridge_shares",
        lambda x, lam: (lambda v: v / (v + lam))(
            np.linalg.eigvalsh(np.cov(x.T, bias=True).reshape(x.shape[1], -1))
        ),
        "",
    ),
    (
        "ridge_shares",
        lambda x, lam: (lambda v: v / (v + lam))(np.linalg.eigvalsh(x.T @ x / (len(x) - 1))),
        "",
    ),
    ("kept_epoch", lambda t, n, r: _kept(t, n, r, lambda a, b: a < b - 0.05), ""),
    ("kept_epoch", lambda t, n, r: _kept(t, n + 1, r, lambda a, b: a < b), "one epoch too many"),
    (
        "from_keras_config",
        lambda c: {
            "l1": {
                p: c[k]["l1"]
                for k, p in (
                    ("kernel_regularizer", "input"),
                    ("recurrent_regularizer", "recurrent"),
                    ("bias_regularizer", "bias"),
                )
                if "l1" in c.get(k, {})
            },
            "l2": {
                p: 2 * c[k]["l2"]
                for k, p in (
                    ("kernel_regularizer", "input"),
                    ("recurrent_regularizer", "recurrent"),
                    ("bias_regularizer", "bias"),
                )
                if "l2" in c.get(k, {})
            },
            "input_dropout": c.get("dropout", 0.0),
            "recurrent_dropout": c.get("recurrent_dropout", c.get("dropout", 0.0)),
        },
        "only 'recurrent_dropout'",
    ),
    ("choose_and_report", lambda v, t: (lambda i: (i, t[i].mean()))(int((v + t).mean(axis=1).argmin())), ""),
    (
        "choose_and_report",
        lambda v, t: (lambda i: (i, t[i].mean()))(int(v.max(axis=1).argmin())),
        "`max` in place of `mean`",
    ),
    ("choose_and_report", lambda v, t: (lambda i: (i, t[i].mean()))(int(v[:, -1].argmin())), "last entry"),
    ("choose_and_report", lambda v, t: (lambda i: (i, t[i].mean()))(int(v[:, 0].argmin())), "first entry"),
    (
        "search_with_beam",
        lambda table, width: _beam(table, width, keep=_finished_compete),
        "may be pushed out",
    ),
    ("search_with_beam", lambda table, width: _beam(table, width, keep=_width_shrinks), "gets narrower"),
    (
        "search_with_beam",
        lambda table, width: _beam(table, width, keep=_width_for_each),
        "continuations of EACH",
    ),
    (
        "smoothed_targets",
        lambda y, k, e: (1 - e) * np.eye(y.max() + 1)[y] + e / (y.max() + 1),
        "Its shape should be",
    ),
    (
        "bits_per_character",
        lambda x: {"bits": np.median(x) / np.log(2), "perplexity": np.exp(np.median(x))},
        "`median` in place of `mean`",
    ),
    (
        "one_standard_error",
        lambda s, x: _one_error(s, x, lambda r: r.std(ddof=1) / np.sqrt(len(r) - 1)),
        "MINUS 1",
    ),
    (
        "one_standard_error",
        lambda s, x: _one_error(s, x, lambda r: 2 * r.std(ddof=1) / np.sqrt(len(r))),
        "TWO standard errors",
    ),
    ("samples_needed", lambda x, m: int(np.ceil((2 * np.std(x, ddof=1) / m) ** 2)), "a round figure"),
    ("rule_of_thumb", lambda t, v, b: _rule(t, v, b, rise=1.11), ""),
    ("rule_of_thumb", lambda t, v, b: _rule(t, v, b, last=min(t)), ""),
    (
        "random_search",
        lambda f, low, high, n, rng: _search(f, low, high, np.random.default_rng(5).random(n)),
        "plays no part",
    ),
    (
        "random_search",
        lambda f, low, high, n, rng: _search(f, low, high, np.linspace(0, 1, n)),
        "plays no part",
    ),
    (
        "random_search",
        lambda f, low, high, n, rng: _search(f, low, high, [0.3, 0.7] * (n // 2)),
        "no strength comes twice",
    ),
    (
        "random_search",
        lambda f, low, high, n, rng: _search(f, low, high, np.round(rng.random(n) * 5) / 5),
        "",
    ),
    (
        "find_faults",
        lambda port: {
            "penalty": getattr(port, "factor", 1) != 1,
            "recurrence": False,
            "evaluation": getattr(port, "drops_in_evaluation", False),
        },
        "",
    ),
]

RIGHT = [
    ("soft_threshold", lambda w, t: np.float32(w) - np.clip(np.float32(w), -t, t)),
    ("soft_threshold", lambda w, t: np.where(w > t, w - t, np.where(w < -t, w + t, 0)).tolist()),
    ("kept_epoch", lambda t, n, r: _kept(t, n, r, lambda a, b: a < b)),
    (
        "choose_and_report",
        lambda v, t: [int(v.sum(axis=1).argmin()), float(t.mean(1)[v.sum(axis=1).argmin()])],
    ),
    ("one_standard_error", lambda s, x: _one_error(s, x, lambda r: (r.var(ddof=1) / len(r)) ** 0.5)),
    ("rule_of_thumb", lambda t, v, b: _rule(t, v, b)),
    ("random_search", lambda f, low, high, n, rng: _search(f, low, high, [rng.uniform() for _ in range(n)])),
]
