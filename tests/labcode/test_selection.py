"""The one-standard-error rule and the winners of a search, against scikit-learn's recipe and by hand."""

import itertools
import math

import numpy as np
import pytest

from labcode.search.selection import one_standard_error, scores_by_budget, winners

STRENGTHS = [0.001, 0.01, 0.1, 1.0]


def test_the_strongest_within_one_error_of_the_lowest_is_chosen():
    means, errors = [0.52, 0.50, 0.53, 0.60], [0.1, 0.04, 0.01, 0.01]
    assert one_standard_error(STRENGTHS, means, errors) == 0.1
    assert one_standard_error(STRENGTHS, means, [0.1, 0.0, 0.1, 0.1]) == 0.01
    assert one_standard_error(STRENGTHS, means, [0.0, 0.2, 0.0, 0.0]) == 1.0
    assert one_standard_error(STRENGTHS, means, errors, more_is_weaker=True) == 0.001
    assert one_standard_error(STRENGTHS, [0.5, 0.25, 0.5, 0.5], [0, 0.25, 0, 0]) == 1.0, (
        "the bound is included"
    )
    assert one_standard_error(STRENGTHS, [0.5, 0.25, 0.3, math.inf], [0, 0.25, 0, math.nan]) == 0.1


def test_the_order_of_the_strengths_does_not_matter():
    means, errors = [0.52, 0.50, 0.53, 0.60], [0.1, 0.04, 0.01, 0.01]
    for order in itertools.permutations(range(4)):
        shuffled = [[values[place] for place in order] for values in (STRENGTHS, means, errors)]
        assert one_standard_error(*shuffled) == 0.1


def test_the_rule_agrees_with_scikit_learns_search():
    """GridSearchCV with a ``refit`` function, as scikit-learn's example of balancing complexity has it."""
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV

    rng, alphas = np.random.default_rng(0), np.geomspace(0.1, 1000, 13)
    x = rng.normal(size=(60, 20))
    y = x[:, :3].sum(axis=1) + 2 * rng.normal(size=60)

    def strongest(results):
        score = results["mean_test_score"]
        error = results["std_test_score"] / math.sqrt(10)
        near = score >= score.max() - error[score.argmax()]
        return int(np.flatnonzero(near)[-1])

    grid = GridSearchCV(
        Ridge(), {"alpha": alphas}, cv=10, scoring="neg_mean_squared_error", refit=strongest
    ).fit(x, y)
    results = grid.cv_results_
    errors = results["std_test_score"] / math.sqrt(10)
    chosen = one_standard_error(alphas, -results["mean_test_score"], errors)
    assert chosen == grid.best_params_["alpha"]
    assert chosen > alphas[results["mean_test_score"].argmax()]


def test_winners_are_the_lowest_so_far():
    assert winners([3.0, 2.0, 2.5, 2.0, 1.0]).tolist() == [0, 1, 1, 1, 4]
    assert winners([math.inf, 2.0]).tolist() == [-1, 1]
    assert winners([3.0, 1.0, 2.0], pruned=[False, True, False]).tolist() == [0, 0, 2]
    assert winners([3.0, 1.0], pruned=[True, False]).tolist() == [-1, 1]


@pytest.mark.parametrize(
    "call",
    [
        lambda: one_standard_error([], [], []),
        lambda: one_standard_error([1.0, 2.0], [0.5], [0.1]),
        lambda: one_standard_error([1.0, 1.0], [0.5, 0.6], [0.1, 0.1]),
        lambda: one_standard_error([1.0, 2.0], [math.nan, 0.6], [0.1, 0.1]),
        lambda: one_standard_error([1.0, 2.0], [math.inf, math.inf], [0.1, 0.1]),
        lambda: one_standard_error([1.0, 2.0], [0.5, 0.6], [-0.1, 0.1]),
        lambda: one_standard_error([1.0, 2.0], [0.5, 0.6], [math.nan, 0.1]),
        lambda: winners([]),
        lambda: winners([1.0, math.nan]),
        lambda: winners([1.0, 2.0], pruned=[True]),
    ],
)
def test_a_bad_argument_is_refused_in_words(call):
    with pytest.raises(ValueError, match=r"expected .*, received"):
        call()


def test_scores_are_losses_upside_down():
    rng = np.random.default_rng(0)
    for _ in range(50):
        means, errors = rng.integers(0, 6, 5) / 4, rng.integers(0, 3, 5) / 4
        strengths = rng.permutation(5) + 1
        for weaker in (False, True):
            chosen = one_standard_error(strengths, means, errors, more_is_weaker=weaker)
            upside_down = one_standard_error(strengths, -means, errors, more_is_weaker=weaker, mode="max")
            assert chosen == upside_down
            assert type(chosen) is int
        values = [*means, math.inf]
        pruned = [*(rng.random(5) < 0.3), False]
        down = winners(values, pruned=pruned)
        assert winners(np.negative(values), pruned=pruned, mode="max").tolist() == down.tolist()
        one = {
            "validation": [*means, None],
            "fresh": [*rng.random(5), None],
            "steps": [1] * 6,
            "pruned": pruned,
        }
        other = one | {
            name: [None if v is None else -v for v in one[name]] for name in ("validation", "fresh")
        }
        for low, high in zip(
            scores_by_budget([one], [1, 3, 6]), scores_by_budget([other], [1, 3, 6], mode="max"), strict=True
        ):
            np.testing.assert_array_equal(low, -high)


def test_categories_have_no_strength():
    with pytest.raises(ValueError, match=r"strengths: expected numbers \(categories have no order: choose"):
        one_standard_error(["h", "g"], [0.1, 0.2], [0.0, 0.0])
    with pytest.raises(ValueError, match=r"strengths: expected numbers"):
        one_standard_error([True, False], [0.1, 0.2], [0.0, 0.0])
    with pytest.raises(ValueError, match=r"means: expected no value that is infinitely good, received \[inf"):
        one_standard_error([1, 2], [math.inf, 0.2], [0.0, 0.0], mode="max")
    for function in (winners, lambda v, mode: one_standard_error([1, 2], v, v, mode=mode)):
        with pytest.raises(ValueError, match="mode: expected one of 'min', 'max'"):
            function([0.1, 0.2], mode="maximize")
