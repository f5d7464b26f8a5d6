"""Exercise 9, part 1, as learners write it: other right answers, and wrong ones with their messages.

``test_check.py`` holds every switch of every checker against its own message.
"""

import math
import random

import numpy as np
import pytest
from scipy import stats
from test_check import feedback

from labcode import check
from labcode.check import exercise_09_choice, exercise_09_search
from labcode.check.core import Checker
from labcode.search import selection


def compare_by_loops(a, b):
    budget, best = min(sum(a[1]), sum(b[1])), []
    for losses, steps in (a, b):
        spent, lowest = 0, math.inf
        for loss, cost in zip(losses, steps, strict=True):
            spent += cost
            if spent <= budget and loss < lowest:
                lowest = loss
        best.append(lowest)
    return np.float64(best[0] - best[1])


def search_with_its_own_generator(objective, low, high, trials, rng):
    own, best = random.Random(int(rng.integers(1000))), (math.inf, None)
    for _ in range(trials):
        lam = math.exp(own.uniform(math.log(low), math.log(high)))
        best = min(best, (objective(lam), lam))
    return [best[1], best[0]]


def rule_of_labcode(strengths, losses):
    errors = stats.sem(losses, axis=1)
    return selection.one_standard_error(strengths, losses.mean(axis=1), errors)


def nested_by_loops(validation, fresh):
    chosen, promised = [], []
    for low, true in zip(validation.tolist(), fresh.tolist(), strict=True):
        chosen.append(true[low.index(min(low))])
        promised.append(min(low))
    return [sum(chosen) / len(chosen), sum(chosen) / len(chosen) - sum(promised) / len(promised)]


RIGHT = [
    ("log_uniform", lambda u, low, high: stats.loguniform(low, high).ppf(u)),
    ("log_uniform", lambda u, low, high: 10 ** (np.log10(low) + u * np.log10(high / low))),
    ("compare_searches", compare_by_loops),
    ("random_search", search_with_its_own_generator),
    ("one_standard_error", rule_of_labcode),
    ("nested_estimate", nested_by_loops),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_other_right_answers_pass(name, answer, capsys):
    getattr(check, name)(answer)
    assert f"{name}: right" in capsys.readouterr().out


def in_a_linear_range(objective, low, high, trials, rng):
    return min(((lam, objective(lam)) for lam in rng.uniform(low, high, trials)), key=lambda pair: pair[1])


def with_a_new_generator(objective, low, high, trials, rng):
    best = (math.inf, 0.0)
    for _ in range(trials):
        lam = low * (high / low) ** np.random.default_rng(0).random()
        best = min(best, (objective(lam), lam))
    return best[::-1]


def winner_once_more(objective, low, high, trials, rng):
    strengths = low * (high / low) ** rng.random(trials)
    best = strengths[np.argmin([objective(lam) for lam in strengths])]
    return best, objective(best)


def last_one(objective, low, high, trials, rng):
    for lam in low * (high / low) ** rng.random(trials):
        loss = objective(lam)
    return lam, loss


def loss_first(objective, low, high, trials, rng):
    return min((objective(lam), lam) for lam in low * (high / low) ** rng.random(trials))


def rule(strengths, losses, *, error=lambda best: stats.sem(best), pick=max):
    means = losses.mean(axis=1)
    best = means.argmin()
    return pick(
        s for s, mean in zip(strengths, means, strict=True) if mean <= means[best] + error(losses[best])
    )


def one_choice(validation, fresh):
    best = validation.mean(axis=0).argmin()
    return fresh[:, best].mean(), fresh[:, best].mean() - validation[:, best].mean()


def own_score(validation, fresh):
    chosen = [table[v.argmin()] for v, table in zip(validation, fresh, strict=True)]
    return validation.min(axis=1).mean(), np.mean(chosen) - validation.min(axis=1).mean()


def chosen_on_fresh(validation, fresh):
    chosen = [table[f.argmin()] for f, table in zip(fresh, validation, strict=True)]
    return fresh.min(axis=1).mean(), fresh.min(axis=1).mean() - np.mean(chosen)


WRONG = [
    ("log_uniform", lambda u, low, high: low + (high - low) * u, "LINEAR scale"),
    ("log_uniform", lambda u, low, high: np.log10(low) + u * np.log10(high / low), "return exponents"),
    ("log_uniform", lambda u, low, high: np.exp(np.log10(low) + u * np.log10(high / low)), "base e"),
    ("compare_searches", lambda a, b: min(a[0]) - min(b[0]), "OWN budget"),
    (
        "compare_searches",
        lambda a, b: min(a[0][: min(len(a[0]), len(b[0]))]) - min(b[0][: min(len(a[0]), len(b[0]))]),
        "number of TRIALS",
    ),
    ("compare_searches", lambda a, b: compare_by_loops(b, a), "a minus b"),
    ("random_search", in_a_linear_range, "LINEAR scale"),
    ("random_search", with_a_new_generator, "made anew"),
    ("random_search", winner_once_more, "spends trials + 1"),
    ("random_search", last_one, "LAST trial"),
    ("random_search", loss_first, "(loss, strength)"),
    ("one_standard_error", lambda s, losses: rule(s, losses, pick=min), "WEAKEST"),
    (
        "one_standard_error",
        lambda s, losses: rule(s, losses, error=lambda best: best.std(ddof=1)),
        "DEVIATION",
    ),
    ("one_standard_error", lambda s, losses: s[losses.mean(axis=1).argmin()], "where the rule begins"),
    (
        "one_standard_error",
        lambda s, losses: rule(s, losses, error=lambda best: stats.sem(best, ddof=0)),
        "ddof=1",
    ),
    ("nested_estimate", own_score, "luck included"),
    ("nested_estimate", chosen_on_fresh, "no longer fresh"),
    ("nested_estimate", one_choice, "each split makes its own choice"),
    ("nested_estimate", lambda v, f: (nested_by_loops(v, f)[0], -nested_by_loops(v, f)[1]), "wrong sign"),
]


@pytest.mark.parametrize(("name", "answer", "fragment"), WRONG)
def test_wrong_answers_as_learners_write_them(name, answer, fragment):
    message = feedback(getattr(check, name), answer)
    assert fragment in message.replace("\n", " "), message


def test_the_bound_itself_is_within_one_standard_error():
    def strict(strengths, losses):
        means = losses.mean(axis=1)
        best = means.argmin()
        near = means < means[best] + stats.sem(losses[best])
        return strengths[near].max()

    message = feedback(check.one_standard_error, strict).replace("\n", " ")
    assert "'Within one standard error' includes it" in message


def test_a_search_that_only_looks_right_by_luck_is_not_named():
    message = feedback(check.random_search, lambda objective, low, high, trials, rng: (0.01, objective(0.01)))
    assert "→ calls of the objective (budget 60): 60 is expected; it is 1." in message
    assert not any(m.message[:40] in message for m in check.random_search.misconceptions)


def test_every_task_of_the_exercise_is_here():
    modules = (exercise_09_search, exercise_09_choice)
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Checker)]
    assert len(found) == 5
    assert sum(len(checker.misconceptions) for checker in found) >= 26
