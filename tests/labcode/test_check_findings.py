"""What is said where no misconception fits: what was done to the answer, by its name, and nothing false."""

import re
from pathlib import Path

import numpy as np
import pytest
from answer_mutants import BEHAVIOUR, solutions
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from labcode.check.core import Case, Checker, NotYet, variants
from labcode.check.core.relations import FORMS
from labcode.check.solutions import solution_of
from tools import short_solutions

ROOT = Path(__file__).parents[2]


def _mean_square(x, p, *, unused=False):
    """A task whose arguments and steps give names to what is wrong."""
    return np.mean(x**2) / (1 - p)


def _cells(x, p):
    return (x - x.mean(axis=0)) / x.std(axis=0) * np.sqrt(x**2)


def _shrunk(x, p):
    return np.sign(x) * np.maximum(np.abs(x) - p, 0)


def _count(x, p):
    return int(np.sum(np.abs(x) > p))


def _first_above(x, p):
    return next((i for i, value in enumerate(x) if value >= p), None)


RNG = np.random.default_rng(0)
VECTORS = tuple(
    Case(f"case {n}", (RNG.normal(size=n).round(2) + 1.0, p)) for n, p in ((4, 0.25), (7, 0.5), (5, 0.0))
)
MATRICES = tuple(Case(f"case {n}", (RNG.normal(size=(n, 3)).round(2) + 1.0, 0.5)) for n in (4, 6))
SHRUNK = (
    Case("mixed", (np.array([1.0, -2.0, 0.25, 3.0]), 0.5)),
    Case("positive", (np.array([1.0, 2.0, 4.0]), 0.75)),
)
STEPS = (
    Case("soon", (np.array([0.0, 1.0, 2.0]), 1.0)),
    Case("late", (np.arange(9.0), 6.5)),
    Case("never", (np.zeros(3), 1.0)),
)


def reason(solution, cases, answer) -> str:
    """What follows the arrows of a wrong answer's message."""
    with pytest.raises(NotYet) as caught:
        Checker("task", solution, cases, (), "")(answer)
    return " ".join(str(caught.value).partition("→ ")[2].split())


REASONS = [
    (_mean_square, VECTORS, lambda x, p: 2 * _mean_square(x, p), "Every value is 2 times"),
    (_mean_square, VECTORS, lambda x, p: _mean_square(x, p) / 2, "Every value is 1/2 times"),
    (_mean_square, VECTORS, lambda x, p: _mean_square(x, p) * np.log(2), "Every value is ln 2 times"),
    (_mean_square, VECTORS, lambda x, p: _mean_square(x, p) * len(x), "the length n of x times"),
    (_mean_square, VECTORS, lambda x, p: _mean_square(x, p) / len(x), "1/n, n being the length of x"),
    (_mean_square, VECTORS, lambda x, p: _mean_square(x, p) / (1 - p), "Every value is 1/(1 - p) times"),
    (_mean_square, VECTORS, lambda x, p: (x**2).sum() / (len(x) - 1) / (1 - p), "look at ddof"),
    (_mean_square, VECTORS, lambda x, p: 100 * _mean_square(x, p), "percent"),
    (_mean_square, VECTORS, lambda x, p: -_mean_square(x, p), "The sign is reversed"),
    (_mean_square, VECTORS, lambda x, p: 1.23 * _mean_square(x, p), "Every value is 1.23 times"),
    (_mean_square, VECTORS, lambda x, p: _mean_square(x, p) + 0.5, "too large by 0.5"),
    (_mean_square, VECTORS, lambda x, p: np.float16(_mean_square(x, p)), "half precision"),
    (_mean_square, VECTORS, lambda x, p: np.median(x**2) / (1 - p), "`median` in place of `mean`"),
    (_mean_square, VECTORS, lambda x, p: np.mean(x**2), "Every value is (1 - p) times"),
    (_mean_square, VECTORS, lambda x, p: np.mean(np.abs(x)) / (1 - p), "absolute value in place of a power"),
    (_mean_square, VECTORS, lambda x, p: f"{_mean_square(x, p)}", "Text came back"),
    (_mean_square, VECTORS, lambda x, p: x**2, "One number was expected"),
    (_mean_square, VECTORS, lambda x, p: x.max(), "What comes back is the largest of x"),
    (_shrunk, SHRUNK, lambda x, p: x, "What comes back is x, unchanged"),
    (_mean_square, VECTORS, lambda x, p: 7.0, "The same comes back in every case"),
    (_cells, MATRICES, lambda x, p: _cells(x, p).T, "Transposed, it is right"),
    (_cells, MATRICES, lambda x, p: _cells(x, p)[::-1], "The order is reversed"),
    (_cells, MATRICES, lambda x, p: np.sort(_cells(x, p)), "come sorted"),
    (_cells, MATRICES, lambda x, p: np.roll(_cells(x, p), 1, axis=0), "one place too late"),
    (_cells, MATRICES, lambda x, p: np.maximum(_cells(x, p), 0), "it was clipped"),
    (_cells, MATRICES, lambda x, p: _cells(x, p).round(1), "rounded to 1 decimal"),
    (_cells, MATRICES, lambda x, p: _cells(x, p).mean(axis=0), "the mean of what is expected along axis 0"),
    (_cells, MATRICES, lambda x, p: _cells(x, p)[:, 0], "the first entry along axis 1 alone"),
    (_cells, MATRICES, lambda x, p: _cells(x, p)[1:], "The first entry is missing"),
    (
        _cells,
        MATRICES,
        lambda x, p: (x - x.mean(axis=0)) / x.std(axis=0, ddof=1) * np.abs(x),
        "look at ddof",
    ),
    (
        _cells,
        MATRICES,
        lambda x, p: (x - x.mean()) / x.std(axis=0) * np.abs(x),
        "all axes at once",
    ),
    (_cells, MATRICES, lambda x, p: np.where(_cells(x, p) < 0, 9.0, _cells(x, p)), "that should be negative"),
    (_shrunk, SHRUNK, lambda x, p: np.maximum(x - p, 0), "clipped"),
    (_shrunk, SHRUNK, lambda x, p: np.abs(_shrunk(x, p)), "the sign is lost"),
    (
        _shrunk,
        SHRUNK,
        lambda x, p: np.sign(x) * (np.abs(x) - p),
        "Wrong are just the entries that should be 0",
    ),
    (_count, VECTORS, lambda x, p: _count(x, p) + 1, "too large by 1"),
    (
        _first_above,
        STEPS,
        lambda x, p: None if (i := _first_above(x, p)) is None else i + 1,
        "too large by 1",
    ),
    (
        _first_above,
        STEPS,
        lambda x, p: next((i for i, v in enumerate(x) if v > p), None),
        "`>` in place of `>=`",
    ),
    (_first_above, STEPS, lambda x, p: _first_above(x, p) or -1, "-1 came back where None is expected"),
]


@pytest.mark.parametrize(("solution", "cases", "answer", "said"), REASONS, ids=[r[3] for r in REASONS])
def test_what_was_done_to_the_answer_is_named(solution, cases, answer, said):
    assert said in reason(solution, cases, answer)


PARTS = (Case("a", (2.0, 3.0)), Case("b", (0.5, 8.0)), Case("c", (1.5, -1.0)))


@pytest.mark.parametrize(
    ("right", "answer", "said"),
    [
        (lambda x, y: {"s": x + y, "p": x * y}, lambda x, y: {"s": x + y, "p": -x * y}, "Part 'p': The sign"),
        (lambda x, y: (x + y, x * y), lambda x, y: (x + y, 2 * x * y), "Part 1: Every value is 2 times"),
        (lambda x, y: (x + y, "A"), lambda x, y: [x + y, " a"], "capital letters"),
        (lambda x, y: "up" if x < y else "down", lambda x, y: "UP" if x < y else "DOWN", "capital letters"),
        (lambda x, y: x < y, lambda x, y: x >= y, "the opposite of what is expected"),
        (lambda x, y: ["a"] * (x > 1) + ["b", "c"], lambda x, y: ["b"], "missing"),
        (lambda x, y: ["a"] * (x > 1) + ["b"], lambda x, y: ["b"] + ["a"] * (x > 1), "order is reversed"),
        (lambda x, y: {"s": x}, lambda x, y: {"s": x, "t": y}, "Not asked for: 't'"),
        (lambda x, y: {"s": x, "t": y}, lambda x, y: {"S": x, "t": y}, "Missing: 's'. Not asked for: 'S'"),
    ],
)
def test_the_part_that_is_wrong_is_named_and_what_is_wrong_with_it(right, answer, said):
    assert said in reason(right, PARTS, answer)


def test_two_relations_that_fit_equally_are_both_given_as_guesses():
    cases = (Case("pair", (np.array([1.0, 5.0]),)),)
    said = reason(lambda x: float(x.sum()), cases, lambda x: 2 * x.sum())
    assert "take them as guesses" in said
    assert "Every value is 2 times" in said
    assert "the length n of x times" in said


@settings(deadline=None, derandomize=True, max_examples=150)
@given(data=st.data(), seed=st.integers(0, 1000), name=st.sampled_from(sorted(FORMS)))
def test_every_form_is_recognized_and_what_is_said_is_true(data, seed, name):
    rng = np.random.default_rng(seed)
    shapes = data.draw(st.lists(st.sampled_from([(5,), (4, 3), (2, 4, 4)]), min_size=2, max_size=3))
    cases = tuple(Case(str(i), (rng.normal(size=shape) * 3,)) for i, shape in enumerate(shapes))
    form = FORMS[name]
    with np.errstate(all="ignore"):
        results = [form(case.args[0]) for case in cases]
    assume(
        all(
            r is not None and np.shape(r) == case.args[0].shape
            for r, case in zip(results, cases, strict=True)
        )
    )
    assume(all(np.isfinite(r).all() for r in results))
    assume(any(not np.allclose(r, case.args[0]) for r, case in zip(results, cases, strict=True)))
    answers = iter(results)
    said = reason(lambda x: x, cases, lambda x: next(answers))
    assert name in said or "guesses" in said
    for sentence, other in FORMS.items():
        if sentence in said:
            with np.errstate(all="ignore"):
                assert all(
                    np.allclose(other(case.args[0]), r) for r, case in zip(results, cases, strict=True)
                )


@settings(deadline=None, derandomize=True, max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_of_random_numbers_no_relation_is_claimed(seed):
    noise = np.random.default_rng(seed)
    said = reason(_mean_square, VECTORS, lambda x, p: _mean_square(x, p) * (1 + 10 ** noise.uniform(-2, 2)))
    assert re.search(r"too (large|small)( in \d+ of|: by)|just those cases", said), said


def test_variants_are_made_of_the_exercise_s_own_solution():
    """A build writes them; one that is stale, or missing, is found."""
    assert short_solutions.mend(ROOT, write=False) == []
    for task in sorted(set(solutions()) - set(BEHAVIOUR)):
        assert solution_of(task).__code__.co_varnames == solutions()[task][1][task].__code__.co_varnames


def test_a_short_solution_that_differs_from_its_source_is_stale_until_a_build_writes_it(tmp_path):
    (tmp_path / "source" / "exercises").mkdir(parents=True)
    (tmp_path / short_solutions.FOLDER).mkdir(parents=True)
    source = tmp_path / "source" / "exercises" / "ex01_toy.py"
    body = "    # BEGIN SOLUTION\n    return np.abs(x)\n    # END SOLUTION\n"
    source.write_text(
        f"import numpy as np\nimport torch\n\n\ndef size(x):\n{body}\n\n# %%\nsize(1)\n", "utf-8"
    )
    written = short_solutions.FOLDER / "ex01.py"
    assert short_solutions.mend(tmp_path, write=False) == [written]
    assert short_solutions.mend(tmp_path, write=True) == [written]
    assert short_solutions.mend(tmp_path, write=False) == []
    text = (tmp_path / written).read_text("utf-8")
    assert text.endswith("import numpy as np\n\n\ndef size(x):\n    return np.abs(x)\n")
    source.write_text(source.read_text("utf-8").replace("np.abs(x)", "np.square(x)"), "utf-8")
    assert short_solutions.mend(tmp_path, write=False) == [written]
    source.write_text(source.read_text("utf-8").replace("np.square(x)", "torch.square(x)"), "utf-8")
    assert short_solutions.short_solutions(tmp_path) == {}


def test_a_variant_that_never_ends_is_tried_once(monkeypatch):
    monkeypatch.setattr(variants, "SECONDS", 0.2)

    def endless():
        while True:
            pass

    tried = []

    def counted(solution):
        tried.append(solution)
        return (("a loop", lambda *args: endless()),)

    monkeypatch.setattr(variants, "variants", counted)
    monkeypatch.setattr(variants, "_endless", set())
    checker = Checker("task", _mean_square, VECTORS, (), "")
    assert variants.variant(checker, [0.0] * len(VECTORS), 0) == []
    assert len(variants._endless) == 1
