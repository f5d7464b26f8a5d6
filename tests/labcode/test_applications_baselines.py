"""Baselines minimize and count what they say; metrics against two libraries and arithmetic by hand."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import CHRF
from sklearn.metrics import log_loss

from labcode.applications import APPLICATIONS, application, baselines, metrics, task_baselines
from labcode.applications.task_baselines import BASELINES, OF_TARGET, har_ridge, naive_bayes
from labcode.data import persistence_loss, stocks, text, translation, weather
from labcode.data.dataset import IGNORED, Dataset, Split

FAST = settings(deadline=None, derandomize=True, max_examples=25)
RNG = np.random.default_rng(0)
X, X_NEW = RNG.normal(size=(60, 5)) + 3, RNG.normal(size=(20, 5)) + 3
Y = (X @ RNG.normal(size=(5, 3)) + RNG.normal(size=(60, 3))).argmax(axis=1)
TASKS = [(name, {}) for name in APPLICATIONS]
TASKS += [("stocks", {"target": "raw_volatility"}), ("stocks", {"target": "sign"})]


def methods(name, options):
    return BASELINES[OF_TARGET[options["target"]] if options else name]


def logits_of(predict):
    """Return weights (F, C) and intercepts (C,) of a linear model, read off its predictions."""
    at_zero, *at_units = predict(np.vstack([np.zeros(X.shape[1]), np.eye(X.shape[1])]))
    return np.array(at_units) - at_zero, at_zero


@pytest.mark.parametrize("lam", [0.01, 1.0, 100.0])
def test_ridge_is_least_squares_with_a_row_more_for_each_weight(lam):
    """The rows sqrt(lam) * w = 0 add the penalty to the sum of squares; the intercept has none."""
    y = X @ RNG.normal(size=(5, 2)) + 1
    rows = np.vstack([np.column_stack([X, np.ones(60)]), np.sqrt(lam) * np.eye(5, 6)])
    solution = np.linalg.lstsq(rows, np.vstack([y, np.zeros((5, 2))]))[0]
    w, b = logits_of(lambda x: baselines.ridge_predictions(X, y, x, lam))
    np.testing.assert_allclose(np.vstack([w, b]), solution, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("lam", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_is_where_the_gradient_of_what_it_minimizes_is_zero(lam, classes):
    y = np.minimum(Y, classes - 1)

    def predict(x):
        return baselines.logistic_regression(X, y, x, classes=classes, lam=lam)

    w, _ = logits_of(predict)
    w -= w.mean(axis=1, keepdims=True)  # the shortest of the weights that predict the same
    surplus = np.exp(predict(X)) - np.eye(classes)[y]
    np.testing.assert_allclose(X.T @ surplus + lam * w, 0, atol=1e-6)
    np.testing.assert_allclose(surplus.sum(axis=0), 0, atol=1e-6)


def test_a_class_that_training_does_not_show_is_as_good_as_impossible():
    found = baselines.logistic_regression(X, Y, X_NEW, classes=5, lam=1.0)
    np.testing.assert_allclose(np.exp(found[:, :3]).sum(axis=1), 1)
    assert (np.exp(found[:, 3:]) < 1e-300).all()
    assert np.isfinite(found).all()
    data = text.load(train_size=100)
    few = dataclasses.replace(data, train=data.train.subset(data.train.y != 3))
    predicted = np.exp(naive_bayes(few, "test"))
    np.testing.assert_allclose(predicted.sum(axis=1), 1)
    assert (predicted[:, 3] < 1e-300).all()


def test_logistic_regression_survives_classes_that_a_line_separates():
    y = (X[:, 0] > 3).astype(int)
    found = baselines.logistic_regression(X, y, X, classes=2, lam=1e-4)
    assert (found.argmax(axis=1) == y).all()
    assert np.isfinite(found).all()


def test_naive_bayes_counts_groups_of_characters_by_class():
    """By counting: the groups that training shows, spaces at the ends among them, and each strength tried."""
    data = text.load(train_size=100)

    def groups(item):
        padded = f" {item} "
        return [padded[at : at + n] for n in (1, 2, 3) for at in range(len(padded) - n + 1)]

    counts = [Counter() for _ in data.classes]
    for item, label in zip(data.train.items, data.train.y, strict=True):
        counts[label].update(groups(item))
    known = {group for count in counts for group in count}

    def score(item, label, alpha):
        whole = np.log(counts[label].total() + alpha * len(known))
        fits = [np.log(counts[label][g] + alpha) - whole for g in groups(item) if g in known]
        return np.log(np.mean(data.train.y == label)) + sum(fits)

    best, few = np.inf, data.validation.subset(slice(0, 60))
    for alpha in (0.01, 0.03, 0.1, 0.3, 1.0):
        scores = np.array([[score(item, c, alpha) for c in range(8)] for item in few.items])
        loss = metrics.item_losses("classification", scores, few.y).mean()
        if loss < best:
            best, expected = loss, scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    found = naive_bayes(dataclasses.replace(data, validation=few), "validation")
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
    losses = [
        np.square(baselines.ridge_predictions(flat[0], data.train.y, flat[1], lam) - data.validation.y).mean()
        for lam in baselines.RIDGE_STRENGTHS
    ]
    predicted = baselines.ridge_on_windows(data, "validation")
    loss = metrics.item_losses("regression", predicted, data.validation.y).mean()
    assert loss == pytest.approx(min(losses), rel=1e-6)
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
def test_confusion_and_macro_f1_count_samples(data, classes):
    one_class = st.integers(0, classes - 1)
    pairs = data.draw(st.lists(st.tuples(one_class, one_class), min_size=1, max_size=30))
    predicted, y = map(np.array, zip(*pairs, strict=True))
    found = metrics.confusion_matrix(predicted, y, classes)
    expected = [[pairs.count((column, row)) for column in range(classes)] for row in range(classes)]
    np.testing.assert_array_equal(found, expected)
    f1 = [2 * found[c, c] / max((predicted == c).sum() + (y == c).sum(), 1) for c in range(classes)]
    assert metrics.macro_f1(predicted, y, classes) == pytest.approx(np.mean(f1))


def test_classification_losses_are_those_of_scikit_learn():
    logits = RNG.normal(size=(40, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = RNG.integers(3, size=40)
    expected = log_loss(y, p, labels=[0, 1, 2])
    assert metrics.item_losses("classification", logits, y).mean() == pytest.approx(expected)


SENTENCES = st.lists(st.text("aab .打开", max_size=12), min_size=4, max_size=4)


@FAST
@given(made=SENTENCES, right=SENTENCES, order=st.integers(1, 6), beta=st.sampled_from([0.5, 1, 2, 3]))
def test_chrf_is_that_of_sacrebleu(made, right, order, beta):
    expected = CHRF(char_order=order, beta=beta).corpus_score(made, [right]).score
    assert metrics.chrf(made, right, order=order, beta=beta) == pytest.approx(expected, abs=1e-9)


@FAST
@given(sentences=st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=4))
def test_chrf_of_the_references_themselves_is_100(sentences):
    assert metrics.chrf(sentences, sentences) == pytest.approx(100)
    assert metrics.chrf([" ".join(s) for s in sentences], sentences) == pytest.approx(100)


TWO, LOGITS = np.array([0, 1]), np.zeros((2, 2))
BARE = Dataset(*(Split(np.zeros((4, 3, 2), np.float32), np.zeros((4, 1), np.float32)) for _ in range(3)))
BARE = dataclasses.replace(BARE, name="interface_translation_fr_FR")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.chrf([], []), "hypotheses: expected at least one"),
        (lambda: metrics.chrf(["a"], []), "references: expected 1 of them, received 0"),
        (lambda: metrics.chrf(["a"], ["a"], order=0), "order: expected"),
        (lambda: metrics.confusion_matrix(np.array([2]), np.array([0]), 2), "predicted.*classes 0 to 1"),
        (
            lambda: metrics.confusion_matrix(TWO[:0], TWO[:0], 2),
            r"y: expected shape \(any,\), received \(0,\)",
        ),
        (lambda: metrics.confusion_matrix(LOGITS.astype(int), LOGITS.astype(int), 2), "y: expected shape"),
        (lambda: metrics.macro_f1(TWO * 1.0, TWO, 2), "predicted: expected class numbers.*float64"),
        (lambda: metrics.macro_f1(TWO, TWO == 1, 2), "y: expected class numbers.*bool"),
        (lambda: metrics.macro_f1(TWO, TWO - 1, 2), "y: expected classes 0 to 1"),
        (lambda: metrics.macro_f1([], [], 2), "y: expected shape"),
        (lambda: metrics.macro_f1(TWO[:1], TWO, 2), r"predicted: expected shape \(2,\)"),
        (lambda: metrics.item_losses("classification", LOGITS, TWO * 1.0), "y: expected class numbers"),
        (lambda: metrics.item_losses("classification", LOGITS, TWO + 1), "y: expected classes 0 to 1"),
        (
            lambda: metrics.item_losses("classification", LOGITS, np.full(2, -100)),
            "y: expected at least one real",
        ),
        (lambda: metrics.accuracy(LOGITS, np.full(2, IGNORED)), "y: expected at least one real target"),
        (lambda: baselines.ridge_predictions(X, X[:, :1], X_NEW, 0.0), "lam: expected a number above 0"),
        (lambda: baselines.ridge_predictions(X, X[:5, :1], X_NEW, 1.0), "y: expected shape"),
        (lambda: baselines.logistic_regression(X, Y[:3], X, classes=3, lam=1.0), "y: expected shape"),
        (lambda: baselines.logistic_regression(X, Y * 1.0, X, classes=3, lam=1.0), "y: expected class"),
        (lambda: baselines.logistic_regression(X, Y, X, classes=2, lam=1.0), "y: expected classes 0 to 1"),
        (lambda: baselines.logistic_regression(X, Y * 0, X, classes=2, lam=1.0), "2 classes"),
        (lambda: translation.copy(BARE, "test"), "test.items: expected English messages, received None"),
        (lambda: translation.references(BARE, "test"), "test.items: expected English messages"),
        (lambda: translation.memory(BARE, "test"), "train.items: expected English messages"),
        (lambda: naive_bayes(BARE, "test"), "split.items: expected texts, received None"),
        (lambda: task_baselines.logistic_on_means(BARE, "test"), "split.padding_mask: expected a mask"),
        (lambda: task_baselines.usual_temperature(BARE, "test"), "dataset.std: expected what"),
    ],
)
def test_a_mistake_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
