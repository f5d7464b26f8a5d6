"""The tasks that train, judged on behaviour; guesses before a run, harder variants, and links."""

import ast
import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from answers import training_tasks
from test_check import feedback

from labcode import check
from labcode.check import course_map, exercise_05_steps, exercise_05_training
from labcode.check import feedback as told
from labcode.check.core.limits import SECONDS
from labcode.check.harder import HARDER
from labcode.check.training_task import Demand, TrainingChecker
from labcode.keras_interop import import_keras

TASKS = [getattr(check, n) for n in check.__all__ if isinstance(getattr(check, n), TrainingChecker)]
SOURCES = Path(__file__).parents[2] / "source" / "exercises"


@pytest.fixture(autouse=True)
def _no_hurry():
    """What trains may take its time on a slow machine."""
    check.limit(None)
    yield
    check.limit(SECONDS)


FEW = 2  # records of a task in every run; each trains a model


def _marked(records):
    """Return the records as parameters: the first few of each task slow, the others long."""
    seen = Counter()
    for number, record in enumerate(records):
        seen[record[0]] += 1
        mark = pytest.mark.slow if seen[record[0]] <= FEW else pytest.mark.long
        yield pytest.param(*record, id=f"{record[0]}-{number}", marks=[pytest.mark.slow, mark])


@pytest.mark.parametrize(("task", "answer", "reason"), _marked(training_tasks.WRONG))
def test_a_wrong_run_is_refused_and_told_why(task, answer, reason):
    checker = getattr(check, task)
    verdict = checker.judge(checker.collect(answer, seed=0))
    assert not verdict.right
    text = verdict.text.replace("\n", " ")
    assert any(part in text for part in reason.split("|")), text


@pytest.mark.parametrize(("task", "answer"), _marked(training_tasks.RIGHT))
def test_a_right_run_is_praised_however_it_is_written(task, answer):
    checker = getattr(check, task)
    verdict = checker.judge(checker.collect(answer, seed=0))
    assert verdict.right, verdict.text


def test_there_are_five_and_each_has_records():
    assert len(TASKS) == 5
    for checker in TASKS:
        assert sum(record[0] == checker.name for record in training_tasks.WRONG) >= 12
        assert sum(record[0] == checker.name for record in training_tasks.RIGHT) >= 6


@pytest.mark.parametrize("checker", TASKS, ids=lambda checker: checker.name)
def test_data_of_a_run_are_judged_in_another_process(checker):
    """Nothing but plain data crosses: a fact that is no number or text would be refused there."""
    collected = checker.collect(lambda *given: None)
    again = type(collected).from_json(collected.to_json())
    assert "returned None" in checker.judge(again).text


def test_a_run_repeats_its_random_numbers_on_one_thread_and_leaves_them_as_they_were():
    def draw(name):
        return random.random(), torch.rand(1).item(), torch.get_num_threads()

    case = check.repair_run.cases[0]
    parts = {"setup": lambda name: (name,), "measure": lambda drawn, given: {"drawn": drawn}, "demands": ()}
    checker = TrainingChecker("n", draw, (case,), (), "", **parts)
    kept = torch.get_rng_state(), torch.get_num_threads()
    first = checker.collect(draw).outcomes[0].value["drawn"]
    random.random()  # a run does not depend on where the state is
    state = random.getstate()
    assert checker.collect(draw).outcomes[0].value["drawn"] == first
    assert first[-1] == 1
    assert random.getstate() == state
    assert torch.get_rng_state().equal(kept[0])
    assert torch.get_num_threads() == kept[1]


def test_what_is_not_recognized_is_answered_by_each_demand_that_fails():
    case = check.repair_run.cases[0]
    demands = tuple(
        Demand(f"{name} {{x}}", lambda facts, name=name: facts["x"] == name, f"not {name}") for name in "ab"
    )
    checker = TrainingChecker(
        "n",
        lambda x: 1,
        (case,),
        (),
        "",
        setup=lambda name: (name,),
        measure=lambda result, given: {"x": result},
        demands=demands,
    )
    verdict = checker.judge(checker.collect(lambda x: "a"))
    assert verdict.text == "✓ a a\n✗ b a\n→ not b"
    assert verdict.share == 0.5
    assert "→ not a\n→ not b" in checker.judge(checker.collect(lambda x: "c")).text


@pytest.mark.slow
def test_the_loop_of_exercise_5_is_keras_own_fit():
    """With the second bias at 0 and frozen; Keras starts from the same weights."""
    keras = import_keras()
    model, _, batches, validation, l2, clip, patience = exercise_05_training.handout()
    with torch.no_grad():
        model.lstm.bias_hh_l0.zero_()
    model.lstm.bias_hh_l0.requires_grad_(False)
    rule = keras.regularizers.L2(l2)
    theirs = keras.Sequential(
        [
            keras.Input(batches[0][0].shape[1:]),
            keras.layers.LSTM(16, kernel_regularizer=rule, recurrent_regularizer=rule),
            keras.layers.Dense(1),
        ]
    )
    w, u, b = (p.detach().numpy() for p in list(model.lstm.parameters())[:3])
    theirs.set_weights([w.T, u.T, b, *(p.detach().numpy().T for p in model.head.parameters())])
    stopper = keras.callbacks.EarlyStopping(monitor="val_mse", patience=patience, restore_best_weights=True)
    theirs.compile(
        keras.optimizers.Adam(5e-3, epsilon=1e-8, global_clipnorm=clip), loss="mse", metrics=["mse"]
    )
    x, y = (torch.cat(parts).numpy() for parts in zip(*batches, strict=True))
    options = {"batch_size": len(batches[0][0]), "shuffle": False, "verbose": 0, "callbacks": [stopper]}
    pair = tuple(part.numpy() for part in validation)
    seen = theirs.fit(x, y, epochs=50, validation_data=pair, **options)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=5e-3)
    ours = training_tasks._keras(model, optimizer, batches, validation, l2, clip, patience)
    assert len(seen.history["val_mse"]) < 50
    with torch.no_grad():
        np.testing.assert_allclose(ours(validation[0]).numpy(), theirs.predict(pair[0], verbose=0), atol=2e-3)


def test_two_mistakes_in_one_step_are_both_named():
    model, _, batches, _, l2, clip, _ = exercise_05_training.handout()
    wrong = ("factor one half", "each clipped alone")
    state, steps, before = exercise_05_training._state(model), [], {}
    for x, y in batches:
        before = exercise_05_steps.gradient(model, x, y, before, l2, clip, wrong)
        steps.append((state, before))
    assert exercise_05_steps.explained(steps, batches, l2, clip) == wrong


# Predict, then run.


@pytest.mark.parametrize(
    ("guess", "options", "result", "said"),
    [
        (64, (), 8, "You said 64 rows; it is 8 rows. Because."),
        (8, (), 8, "Right, it is 8 rows. Because."),
        (7.5, (), 8, "Right, it is 8 rows. Because."),
        (None, (), 8, "It is 8 rows. Because."),
        ("64", (), 8, "It is 8 rows. Because."),
        (True, (), 1, "It is 1 rows. Because."),
        (float("nan"), (), 8, "You said nan rows; it is 8 rows. Because."),
        ("up", ("up", "down"), "down", "You said up rows; it is down rows. Because."),
        ("up", ("up", "down"), "up", "Right, it is up rows. Because."),
        ([], ("up", "down"), "up", "It is up rows. Because."),
    ],
)
def test_a_guess_is_met_by_the_result_and_never_stops_a_run(capsys, guess, options, result, said):
    prediction = check.predict(guess, options=options, unit="rows")
    first = capsys.readouterr().out
    assert bool(first) == (prediction.guess is None)
    prediction.meet(result, "Because.", within=0.5)
    assert capsys.readouterr().out == f"{said}\n"


def test_a_result_that_nobody_could_have_guessed_is_an_error_of_ours():
    with pytest.raises(ValueError, match="one of"):
        check.predict(None, options=("up", "down")).meet("left", "")
    with pytest.raises(ValueError, match="a number"):
        check.predict(None).meet("left", "")


@pytest.mark.parametrize(
    "page", ["ex01_background", "ex03_algorithms", "ex05_practice", "ex07_tools", "ex09_2_diagnosing"]
)
def test_each_guess_of_an_exercise_is_committed_before_its_result_and_met(page):
    text = (SOURCES / f"{page}.py").read_text("utf-8")
    guesses = re.findall(r"^(\w+) = predict\(None", text, re.MULTILINE)
    assert guesses
    for name in guesses:
        assert text.index(f"{name} = predict") < text.index(f"{name}.meet(")
        between = text[text.index(f"{name} = predict") : text.index(f"{name}.meet(")]
        assert "# %%" in between, "the guess has a cell of its own"


# A harder variant, and where to go.


def test_harder_variants_are_for_tasks_that_are_there_and_their_checks_are_python(capsys):
    tasks = {task for exercise in course_map.EXERCISES for task in exercise.tasks}
    assert set(HARDER) <= tasks
    assert all(set(exercise.tasks) & set(HARDER) for exercise in course_map.EXERCISES)
    for text in HARDER.values():
        for code in re.findall(r"`(assert [^`]+)`", text):
            ast.parse(code)
    for number in (1, 3, 5, 7, 9):
        pages = [e for e in course_map.EXERCISES if e.page.startswith(f"ex{number:02}")]
        assert {task for page in pages for task in page.tasks} <= set(HARDER)


def test_a_harder_variant_is_shown_after_success_alone(capsys):
    check.generalization_gap(lambda train, validation: np.subtract(validation, train))
    assert "Harder: let it take" in capsys.readouterr().out
    assert "Harder" not in feedback(check.generalization_gap, np.subtract)


def test_where_nothing_is_kept_the_third_wrong_try_offers_a_link_that_is_valid_there(tmp_path, monkeypatch):
    (tmp_path / "exercises").mkdir()
    monkeypatch.chdir(tmp_path / "exercises")
    monkeypatch.setattr(told, "_wrong", type(told._wrong)())
    messages = [feedback(check.generalization_gap, np.subtract) for _ in range(3)]
    assert ["solution" in message for message in messages] == [False, False, True]
    assert "../solutions/ex01_background.ipynb" in messages[2]
    assert "../../solutions" not in messages[2]
    check.generalization_gap(lambda train, validation: np.subtract(validation, train))
    assert "solution" not in feedback(check.generalization_gap, np.subtract)
