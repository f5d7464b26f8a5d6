"""Baselines and metrics against scikit-learn, sacrebleu's recorded scores, and arithmetic by hand."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import f1_score, log_loss
from sklearn.naive_bayes import MultinomialNB

from labcode.applications import APPLICATIONS, application, baselines, metrics
from labcode.applications.task_baselines import BASELINES, OF_TARGET, har_ridge
from labcode.data import persistence_loss, stocks, text, translation, weather
from labcode.data.dataset import IGNORED

FAST = settings(deadline=None, derandomize=True, max_examples=25)
CHRF = json.loads((Path(__file__).parent / "oracle_chrf.json").read_text(encoding="utf-8"))["cases"]
RNG = np.random.default_rng(0)
X, X_NEW = RNG.normal(size=(60, 5)) + 3, RNG.normal(size=(20, 5)) + 3
Y = (X @ RNG.normal(size=(5, 3)) + RNG.normal(size=(60, 3))).argmax(axis=1)
TASKS = [(name, {}) for name in APPLICATIONS]
TASKS += [("stocks", {"target": "raw_volatility"}), ("stocks", {"target": "sign"})]


def methods(name, options):
    return BASELINES[OF_TARGET[options["target"]] if options else name]


@pytest.mark.parametrize("lam", [0.01, 1.0, 100.0])
def test_ridge_is_that_of_scikit_learn(lam):
    y = X @ RNG.normal(size=(5, 2)) + 1
    expected = Ridge(alpha=lam).fit(X, y).predict(X_NEW)
    np.testing.assert_allclose(baselines.ridge(X, y, X_NEW, lam), expected, rtol=1e-9)


@pytest.mark.parametrize("lam", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_is_that_of_scikit_learn(lam, classes):
    """Scikit-learn has one weight vector for two classes: with ours, w and -w, half the penalty."""
    y = np.minimum(Y, classes - 1)
    strength = lam if classes > 2 else lam / 2
    oracle = LogisticRegression(C=1 / strength, tol=1e-10, max_iter=10_000).fit(X, y)
    found = baselines.logistic_regression(X, y, X_NEW, classes=classes, lam=lam)
    np.testing.assert_allclose(found, oracle.predict_log_proba(X_NEW), rtol=1e-5, atol=1e-5)


def test_logistic_regression_survives_classes_that_a_line_separates():
    y = (X[:, 0] > 3).astype(int)
    found = baselines.logistic_regression(X, y, X, classes=2, lam=1e-4)
    assert (found.argmax(axis=1) == y).all()
    assert np.isfinite(found).all()


@pytest.mark.parametrize("alpha", [0.05, 1.0])
def test_naive_bayes_is_that_of_scikit_learn(alpha):
    data = text.load(train_size=300)
    known, new = ([f" {item} " for item in split.items] for split in (data.train, data.test))
    counter = CountVectorizer(analyzer="char", ngram_range=(1, 3), lowercase=False)
    oracle = MultinomialNB(alpha=alpha).fit(counter.fit_transform(known), data.train.y)
    expected = oracle.predict_log_proba(counter.transform(new))
    found = baselines.ngram_naive_bayes(
        list(data.train.items), data.train.y, list(data.test.items), classes=8, alpha=alpha
    )
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(("name", "options"), TASKS)
def test_every_baseline_predicts_every_split_without_its_test_targets(name, options):
    data = application(name).load(**options)
    rng = np.random.default_rng(0)
    test = dataclasses.replace(data.test, y=rng.permutation(data.test.y))
    blind = dataclasses.replace(data, test=test)
    for method in methods(name, options).values():
        for split in ("validation", "test"):
            predicted = method(data, split)
            assert np.isfinite(metrics.item_losses(data.task, predicted, data.splits[split].y)).all()
        if method is not baselines.token_pairs:  # it reads the right token before, as a decoder does
            assert np.array_equal(predicted, method(blind, "test"))


@pytest.mark.parametrize(("name", "options"), TASKS)
def test_a_baseline_learns_from_the_training_part(name, options):
    """The last method of each task, fitted to targets that are shuffled, does worse."""
    data = application(name).load(**options)
    method = list(methods(name, options).values())[-1]
    if name == "translation":
        method = baselines.token_frequencies
        shuffled = np.where(data.train.y == IGNORED, IGNORED, 5)
    else:
        shuffled = np.random.default_rng(0).permutation(data.train.y)
    wrong = dataclasses.replace(data, train=dataclasses.replace(data.train, y=shuffled))
    right, worse = (
        metrics.item_losses(data.task, method(d, "test"), data.test.y).mean() for d in (data, wrong)
    )
    if options.get("target") == "sign":
        assert abs(right - worse) < 0.02, "there was something to learn in the returns"
    else:
        assert right < worse - 0.05


def test_the_strength_is_the_best_on_validation():
    data = weather.load()
    flat = [split.x.reshape(len(split.x), -1) for split in data.splits.values()]
    fitted = [Ridge(alpha=lam).fit(flat[0], data.train.y[:, 0]) for lam in baselines.RIDGE_STRENGTHS]
    losses = [np.square(model.predict(flat[1]) - data.validation.y[:, 0]).mean() for model in fitted]
    predicted = baselines.ridge_on_windows(data, "validation")
    loss = metrics.item_losses("regression", predicted, data.validation.y).mean()
    assert loss == pytest.approx(min(losses), rel=1e-4)
    assert 0 < int(np.argmin(losses)) < len(losses) - 1, "the grid ends too soon"


def test_persistence_is_that_of_the_first_chapter():
    data = weather.load()
    losses = metrics.item_losses("regression", baselines.no_change(data, "test"), data.test.y)
    assert losses.mean() == pytest.approx(persistence_loss(data.test), rel=1e-12)


def test_day_week_and_month_read_the_range_alone():
    data = stocks.load()
    x = data.test.x.copy()
    x[:, :, [0, 1, 3]] = 9.0
    other = dataclasses.replace(data, test=dataclasses.replace(data.test, x=x))
    assert np.array_equal(har_ridge(data, "test"), har_ridge(other, "test"))


def test_the_memory_finds_what_it_has_seen():
    data = translation.load(train_size=200)
    seen = dataclasses.replace(data, test=data.train)
    assert translation.memory(seen, "test") == translation.references(data, "train")
    assert translation.copy(data, "test") == data.test.items.tolist()


def test_item_losses_by_hand():
    y = np.array([[1, 0, IGNORED], [2, IGNORED, IGNORED]])
    logits = np.zeros((2, 3, 3))
    logits[0, 0, 1] = logits[1, 0, 0] = np.log(2)
    expected = [(-np.log(2 / 4) - np.log(1 / 3)) / 2, -np.log(1 / 4)]
    np.testing.assert_allclose(metrics.item_losses("sequence", logits, y), expected)
    assert metrics.accuracy(logits, y) == pytest.approx(2 / 3)
    np.testing.assert_allclose(
        metrics.item_losses("classification", logits[:, 0], np.array([1, 2])), [np.log(2), np.log(4)]
    )
    squares = metrics.item_losses("regression", np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]]))
    np.testing.assert_allclose(squares, [5.0])
    with pytest.raises(ValueError, match=r"prediction: expected shape \(2, 3, any\)"):
        metrics.item_losses("sequence", logits[:, 0], y)


@FAST
@given(data=st.data(), classes=st.integers(2, 5))
def test_confusion_and_macro_f1_are_those_of_scikit_learn(data, classes):
    one_class = st.integers(0, classes - 1)
    pairs = data.draw(st.lists(st.tuples(one_class, one_class), min_size=1, max_size=30))
    predicted, y = map(np.array, zip(*pairs, strict=True))
    labels = list(range(classes))
    found = metrics.confusion_matrix(predicted, y, classes)
    assert np.array_equal(found, sklearn_confusion(y, predicted, labels=labels))
    expected = f1_score(y, predicted, labels=labels, average="macro", zero_division=0)
    assert metrics.macro_f1(predicted, y, classes) == pytest.approx(expected)


def test_classification_losses_are_those_of_scikit_learn():
    logits = RNG.normal(size=(40, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = RNG.integers(3, size=40)
    expected = log_loss(y, p, labels=[0, 1, 2])
    assert metrics.item_losses("classification", logits, y).mean() == pytest.approx(expected)


@pytest.mark.parametrize("case", CHRF)
def test_chrf_is_that_of_sacrebleu(case):
    found = metrics.chrf(case["hypotheses"], case["references"], order=case["order"], beta=case["beta"])
    assert found == pytest.approx(case["score"], abs=1e-9)


@FAST
@given(sentences=st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=4))
def test_chrf_of_the_references_themselves_is_100(sentences):
    assert metrics.chrf(sentences, sentences) == pytest.approx(100)
    assert metrics.chrf([" ".join(s) for s in sentences], sentences) == pytest.approx(100)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.chrf([], []), "hypotheses: expected at least one"),
        (lambda: metrics.chrf(["a"], []), "references: expected 1 of them, received 0"),
        (lambda: metrics.chrf(["a"], ["a"], order=0), "order: expected"),
        (lambda: metrics.confusion_matrix(np.array([2]), np.array([0]), 2), "predicted.*classes 0 to 1"),
        (lambda: baselines.ridge(X, X[:, :1], X_NEW, 0.0), "lam: expected a number above 0"),
        (lambda: baselines.ridge(X, X[:5, :1], X_NEW, 1.0), "y: expected shape"),
        (lambda: baselines.ridge(X.astype(int), X[:, :1], X_NEW, 1.0), "x: expected a floating-point"),
        (lambda: baselines.logistic_regression(X, Y[:3], X, classes=3, lam=1.0), "y: expected shape"),
        (lambda: baselines.ngram_naive_bayes(["a"], Y[:1], ["a"], classes=3, alpha=0), "alpha: expected"),
    ],
)
def test_a_mistake_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
