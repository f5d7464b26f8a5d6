"""Linear models against scikit-learn, and the diabetes data scaled as they say they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes as sklearn_diabetes
from sklearn.linear_model import Lasso, Ridge

from labcode.linear import LinearTask, best_within, descend, lasso, load_diabetes, ridge
from labcode.optimizers import proximal_sgd, sgd

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=20)


@pytest.fixture(scope="module")
def task():
    return load_diabetes()


def random_task(seed, rows=30, columns=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)) @ (np.eye(columns) + 0.2 * rng.normal(size=(columns, columns)))
    y = x @ rng.normal(size=columns) + rng.normal(size=rows)
    return LinearTask(x - x.mean(axis=0), y - y.mean(), tuple("abcd"[:columns]))


def test_a_weight_is_what_one_standard_deviation_of_its_column_adds(task):
    """scikit-learn scales the columns itself by default, to the length 1; ours begin with its raw numbers."""
    bunch = sklearn_diabetes()
    np.testing.assert_allclose(task.x, bunch.data * np.sqrt(len(bunch.data)), atol=1e-12)
    np.testing.assert_allclose(task.y, bunch.target - bunch.target.mean(), atol=1e-12)
    np.testing.assert_allclose(task.x.std(axis=0), 1)
    assert list(task.names) == bunch.feature_names
    two = load_diabetes(("s5", "bmi"))
    np.testing.assert_array_equal(two.x, task.x[:, [8, 2]])


@EXAMPLES
@given(seed=st.integers(0, 999), lam=st.floats(0.01, 5))
def test_solutions_are_those_of_scikit_learn(seed, lam):
    task = random_task(seed)
    theirs = Lasso(alpha=lam, tol=1e-12, max_iter=100_000, fit_intercept=False).fit(task.x, task.y).coef_
    np.testing.assert_allclose(lasso(task, lam), theirs, atol=1e-6)
    theirs = Ridge(alpha=lam * len(task.x), fit_intercept=False, tol=1e-12).fit(task.x, task.y).coef_
    np.testing.assert_allclose(ridge(task, lam), theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("lam", [0.1, 1.0, 10.0, 40.0])
def test_the_lasso_of_the_diabetes_data_has_the_zeros_of_scikit_learn(task, lam):
    theirs = Lasso(alpha=lam, tol=1e-12, max_iter=100_000).fit(task.x, task.y).coef_
    np.testing.assert_array_equal(lasso(task, lam) == 0, theirs == 0)


def test_without_a_penalty_both_are_least_squares(task):
    theirs = np.linalg.lstsq(task.x, task.y)[0]
    np.testing.assert_allclose(ridge(task, 0.0), theirs, rtol=1e-8)
    np.testing.assert_allclose(lasso(task, 0.0, tolerance=1e-10), theirs, rtol=1e-6)


@EXAMPLES
@given(seed=st.integers(0, 999))
def test_the_gradient_agrees_with_finite_differences(seed):
    task, w = random_task(seed), np.random.default_rng(seed).normal(size=4)
    steps = 1e-5 * np.eye(4)
    numeric = [(task.loss(w + step) - task.loss(w - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(task.gradient(w), numeric, rtol=1e-5, atol=1e-6)


@EXAMPLES
@given(seed=st.integers(0, 999), share=st.floats(0.05, 0.95), norm=st.sampled_from(["l1", "l2"]))
def test_the_constrained_optimum_is_on_the_rim_and_no_point_inside_is_better(seed, share, norm):
    task, order = random_task(seed, columns=2), {"l1": 1, "l2": 2}[norm]
    radius = share * np.linalg.norm(ridge(task, 0.0), order)
    w, strength = best_within(task, radius, norm)
    np.testing.assert_allclose(np.linalg.norm(w, order), radius, rtol=1e-6)
    assert strength > 0
    others = np.random.default_rng(seed).normal(size=(200, 2))
    others *= radius / np.linalg.norm(others, order, axis=1, keepdims=True)
    assert all(task.loss(other) >= task.loss(w) - 1e-9 for other in others)


def test_a_wide_constraint_does_not_bind(task):
    w, strength = best_within(task, 1e4, "l2")
    np.testing.assert_array_equal(w, ridge(task, 0.0))
    assert strength == 0


def test_descent_arrives_where_the_closed_forms_are(task):
    np.testing.assert_allclose(descend(task, sgd, 5000, lr=0.2, weight_decay=0.1)[-1], ridge(task, 0.1))
    path = descend(task, sgd, 5000, lr=0.2, penalty_grad=lambda w: 0.1 * w)
    np.testing.assert_allclose(path[-1], ridge(task, 0.1))
    sparse = descend(task, proximal_sgd, 5000, lr=0.2, lam_l1=1.0)[-1]
    np.testing.assert_allclose(sparse, lasso(task, 1.0), atol=1e-9)
    assert path.shape == (5000, 10)


@pytest.mark.parametrize(
    "call",
    [
        lambda task: load_diabetes(("bmi", "height")),
        lambda task: load_diabetes(()),
        lambda task: lasso(task, -1.0),
        lambda task: lasso(task.x, 1.0),
        lambda task: lasso(task, 0.001, sweeps=2),
        lambda task: ridge(task, float("nan")),
        lambda task: best_within(task, 0.0, "l1"),
        lambda task: best_within(task, 1.0, "l3"),
        lambda task: descend(task, sgd, 0, lr=0.1),
        lambda task: task.loss(np.ones(3)),
        lambda task: task.gradient(np.ones(10, int)),
        lambda task: LinearTask(task.x + 1, task.y, task.names),
        lambda task: LinearTask(task.x.copy(), task.y[:-1], task.names),
    ],
)
def test_bad_arguments_say_what_was_expected(task, call):
    with pytest.raises(ValueError, match=r"expected .*received"):
        call(task)


def test_a_task_shows_what_it_holds_and_cannot_be_changed(task):
    assert repr(task) == "LinearTask(442 rows of age, sex, bmi, bp, s1, s2, s3, s4, s5, s6)"
    with pytest.raises(ValueError, match="read-only"):
        task.x[0, 0] = 1.0


def with_a_constant_column(seed, place):
    """Return a task with a column of zeros among others, and the same task without it."""
    small = random_task(seed, columns=3)
    x = np.insert(small.x, place, 0.0, axis=1)
    return LinearTask(x, small.y.copy(), tuple("abcd")), small


@pytest.mark.parametrize("place", [0, 2, 3])
@pytest.mark.parametrize("lam", [0.0, 0.3])
def test_a_constant_column_gets_no_weight_and_changes_no_other(place, lam):
    task, small = with_a_constant_column(1, place)
    for solve in (lasso, ridge):
        w = solve(task, lam)
        assert abs(w[place]) <= 1e-12
        np.testing.assert_allclose(np.delete(w, place), solve(small, lam), rtol=1e-8, atol=1e-12)
    theirs = Lasso(alpha=0.3, tol=1e-12, max_iter=100_000, fit_intercept=False).fit(task.x, task.y).coef_
    np.testing.assert_allclose(lasso(task, 0.3), theirs, atol=1e-8)
    for norm in ("l1", "l2"):
        assert best_within(task, 0.1, norm)[0][place] == pytest.approx(0, abs=1e-12)


def test_the_lasso_is_zero_from_the_strongest_pull_on_and_not_below():
    task = random_task(0)
    strongest = np.abs(task.x.T @ task.y).max() / len(task.x)
    np.testing.assert_array_equal(lasso(task, strongest * (1 + 1e-12)), 0)
    assert np.count_nonzero(lasso(task, strongest * (1 - 1e-6))) == 1


@pytest.mark.parametrize(("norm", "order"), [("l1", 1), ("l2", 2)])
def test_a_radius_that_is_just_met_does_not_bind(norm, order):
    task, solve = random_task(0), {"l1": lasso, "l2": ridge}[norm]
    free = solve(task, 0.0)
    length = np.linalg.norm(free, order)
    assert best_within(task, length, norm)[1] == 0
    assert best_within(task, length * (1 - 1e-9), norm)[1] > 0


def test_solving_leaves_the_data_as_they_were():
    task = random_task(0)
    x, y = task.x.copy(), task.y.copy()
    for solve in (lasso, ridge):
        solve(task, 0.1)
    descend(task, sgd, 3, lr=0.1)
    np.testing.assert_array_equal(task.x, x)
    np.testing.assert_array_equal(task.y, y)
    with pytest.raises(ValueError, match="read-only"):
        task.y[0] = 1.0


def test_the_path_of_a_descent_keeps_every_step():
    task = random_task(0)
    path = descend(task, sgd, 3, lr=0.1)
    np.testing.assert_allclose(path[0], 0.1 * task.x.T @ task.y / len(task.x))
    np.testing.assert_allclose(path[1], path[0] - 0.1 * task.gradient(path[0]))
    assert path.shape == (3, 4)
