"""The protocol on tasks whose truth is known: what it chooses, what it may look at, and what it concludes."""

import ast
import importlib
import json
import math
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evidence_tasks import TEST_ITEMS, TOY, lines
from hypothesis import given
from hypothesis import strategies as st

import labcode.experiments
from labcode.early_stopping import EarlyStopping
from labcode.experiments import paired_interval
from labcode.experiments.choice import choose, edges, validation_losses
from labcode.experiments.declaration import VARIANTS, read_declaration
from labcode.experiments.evaluation import evaluate_test
from labcode.experiments.execute import Engine
from labcode.experiments.intervals import (
    bootstrap_means,
    bootstrap_p,
    holm,
    interval_of,
    resample_weights,
)
from labcode.experiments.protocol import Experiment
from labcode.experiments.runs import curve_and_weights, kept_epoch, make_run, train, with_weights
from labcode.experiments.store import Store
from labcode.experiments.summary import make_result, table
from labcode.experiments.tasks import find_task, load
from labcode.training import evaluate
from tools import commands
from tools.evidence import MISSING, STALE, main, perform, state
from tools.process import CourseError

FEW = TOY.replace("seeds = 10", 'seeds = 5\nfew_seeds_because = "tests are to be fast"')
HERE = Engine(backend="sequential")
BOTH = '[combinations.both]\nmethods = ["l2", "max_norm"]\nfactors = [0.5, 1.0]\n'


CONFIRM = '[confirm]\ntask = "evidence_tasks:SIGNAL"\nblock = 3\n'


def declare(folder, text=TOY):
    """Write a declaration into a folder, and read it."""
    path = Path(folder) / "toy.toml"
    path.write_text(text, encoding="utf-8")
    return read_declaration(path)


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """An experiment on pure noise, with a confirmation and a combination: (declaration, outcome, folder)."""
    folder = tmp_path_factory.mktemp("noise")
    text = FEW.replace("epochs = 4", "epochs = 6") + BOTH + CONFIRM
    declared = declare(folder, text)
    return declared, Experiment(declared, folder / "runs", HERE).run(), folder


@pytest.fixture(scope="module")
def result(noise):
    declared, outcome, _ = noise
    return json.loads(json.dumps(make_result(declared, outcome, draws=500), allow_nan=False))


# Choice


def test_the_strength_is_the_one_of_lowest_mean_validation_loss(noise):
    declared, outcome, _ = noise
    for label, grid in declared.methods.items():
        for variant in ("last", "early"):
            means = {}
            for strength in grid:
                losses = []
                for seed in range(declared.seeds):
                    found = outcome.curves[make_run(declared, {label: strength}, seed)]["validation"]
                    stopping = EarlyStopping(patience=declared.patience)
                    stopped = [epoch for epoch, loss in enumerate(found) if stopping.update(epoch, loss)]
                    seen = found[: stopped[0] + 1] if stopped else found
                    losses.append(found[-1] if variant == "last" else min(seen))
                means[strength] = sum(losses) / len(losses)
            choice = outcome.choices[label][variant]
            assert choice.strength == min(means, key=means.get)
            assert choice.validation == pytest.approx(means)


def test_a_combination_starts_from_what_was_chosen_for_its_parts(noise):
    _, outcome, _ = noise
    for variant in ("last", "early"):
        both, l2 = outcome.choices["both"][variant], outcome.choices["l2"][variant]
        assert both.methods["l2"] == l2.strength * both.strength
        limit = outcome.choices["max_norm"][variant].strength
        assert both.methods["max_norm"] == limit / both.strength


@pytest.mark.parametrize(
    ("losses", "none", "best", "edge"),
    [
        ({1: 1.0, 2: 0.9, 3: 1.1}, 1.2, 2, False),
        ({1: 1.0, 2: 0.9, 3: 0.8}, 1.2, 3, True),
        ({1: 0.7, 2: 0.9, 3: 0.8}, 1.2, 1, True),
        ({1: 1.3, 2: 1.4, 3: 1.5}, 1.2, 1, False),  # no regularization at all is the optimum
        ({1: 1.3, 2: 1.4, 3: 1.25}, 1.2, 3, True),
        ({1: math.inf, 2: 0.9, 3: math.inf}, 1.2, 2, False),
    ],
)
@pytest.mark.parametrize("more_is_weaker", [False, True])
def test_an_optimum_at_an_edge_is_seen(losses, none, best, edge, more_is_weaker):
    sign = -1 if more_is_weaker else 1  # turn the grid round
    grid = {sign * s: {"l2": float(s)} for s in losses}
    spread = np.linspace(-0.01, 0.01, 10)
    by_seed = {sign * s: loss + spread for s, loss in losses.items()}
    choice = choose(grid, by_seed, none + spread[::-1], more_is_weaker=more_is_weaker)
    assert (choice.strength, choice.edge, choice.helps) == (sign * best, edge, losses[best] < none)


def test_a_weak_edge_within_the_noise_is_none():
    rng = np.random.default_rng(0)
    none = 1 + 0.1 * rng.normal(size=10)
    losses = {s: none - 0.001 * (4 - s) + 0.01 * rng.normal(size=10) for s in (1, 2, 3)}
    losses[1] = none + np.linspace(-0.02, 0.018, 10)
    losses[2] = losses[3] = none + 0.5
    assert not choose({s: {"l2": s} for s in losses}, losses, none).edge


def test_a_failed_run_is_never_chosen():
    failed = [{"validation": [1.0, 2.0]}, {"failed": "nan"}]
    assert validation_losses(failed, "early", 1).tolist() == [1.0, math.inf]
    with pytest.raises(ValueError, match="a strength at which all runs stay finite"):
        choose({1.0: {"l2": 1.0}}, {1.0: np.array([1.0, math.inf])}, np.array([1.0, 1.0]))


@given(st.lists(st.floats(0, 10), min_size=1, max_size=12), st.integers(0, 4))
def test_the_kept_epoch_is_the_best_before_the_stop(validation, patience):
    best, wait = 0, 0
    for epoch in range(1, len(validation)):
        wait += 1
        if validation[epoch] < validation[best]:
            best, wait = epoch, 0
        elif wait >= patience:
            break
    assert kept_epoch(validation, patience) == best


# The test split


def test_only_what_judges_asks_for_the_test_split():
    asking = {}
    for path in Path(labcode.experiments.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "test"]
        found += [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            for argument in node.args
            if isinstance(argument, ast.Constant) and argument.value == "test"
            if not (isinstance(node.func, ast.Name) and node.func.id == "expect")
        ]
        if found:
            asking[path.name] = len(found)
    own_parts = {"faulty_runs.py": 2}  # cuts parts out of training and validation data, and calls one so
    tuned = {"tested_run.py": 2, "further_measures.py": 3}  # what judges a tuned experiment's runs
    tuned["record_arrays.py"] = 1  # says which items were tested, when all is judged
    assert asking == {"evaluation.py": 2} | own_parts | tuned


def test_the_test_split_is_not_touched_before_all_is_chosen(tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    load.cache_clear()
    text = FEW.replace(":NOISE", ":POISONED")
    experiment = Experiment(declare(tmp_path, text), tmp_path / "runs", HERE)
    monkeypatch.setattr(experiment, "_test", lambda *_: {})
    monkeypatch.setattr(experiment, "_baselines", lambda *_: {})
    choices = experiment.run().choices
    assert set(choices) == {"none", "l2", "max_norm"}
    assert lines(tmp_path / "log") == []
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"data x|expected finite|x: expected"):
        Experiment(experiment.declaration, tmp_path / "runs", HERE).run()


def test_each_chosen_run_is_evaluated_once_even_if_all_is_done_again(tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    load.cache_clear()
    text = FEW.replace("epochs = 4", "epochs = 1")
    declared = declare(tmp_path, text)
    first = Experiment(declared, tmp_path / "runs", HERE).run()
    seen = len(lines(tmp_path / "log"))
    evaluations = 5 * (3 * 2 + 1)  # seeds, times methods in two variants and one baseline
    assert seen == 2 * evaluations  # once to predict, once to compare
    again = Experiment(declared, tmp_path / "runs", HERE).run()
    assert len(lines(tmp_path / "log")) == seen
    assert again.tested == first.tested
    changed = declare(tmp_path, text.replace("patience = 1", "patience = 2"))
    Experiment(changed, tmp_path / "runs", HERE).run()
    assert len(lines(tmp_path / "log")) == 2 * seen


def test_a_second_evaluation_is_refused(tmp_path):
    task, dataset = find_task("evidence_tasks:NOISE"), load("evidence_tasks:NOISE", 0)
    store = Store(tmp_path)
    predict = task.baselines["zero"]
    with pytest.raises(ValueError, match="a run that this process has claimed"):
        evaluate_test(store, "key", task, dataset, predict, {})
    assert store.claim("key")
    evaluate_test(store, "key", task, dataset, predict, {"baseline": "zero"})
    assert len(store.read("key")["test"]["loss"]) == TEST_ITEMS
    with pytest.raises(ValueError, match="expected a first evaluation of the test split, received 'a second"):
        evaluate_test(store, "key", task, dataset, predict, {})


def test_measures_that_are_no_numbers_are_refused(tmp_path):
    task, dataset = find_task("evidence_tasks:NOISE"), load("evidence_tasks:NOISE", 0)
    store = Store(tmp_path)
    for faulty in (
        {"error": np.zeros(TEST_ITEMS)},
        {"loss": np.zeros(3)},
        {"loss": np.full(TEST_ITEMS, np.nan)},
    ):
        broken = replace(task, measures=lambda *_, faulty=faulty: faulty)
        store.claim("key")
        with pytest.raises(ValueError, match=r"expected .* received"):
            evaluate_test(store, "key", broken, dataset, task.baselines["zero"], {})
        store.release()
    assert "key" not in store


@pytest.mark.parametrize("task", ["evidence_tasks:NOISE", "evidence_tasks:SIGNAL"])
def test_what_is_evaluated_is_the_epoch_that_the_curve_says(noise, task):
    declared, outcome, _ = noise
    epochs = set()
    for variant in ("last", "early"):
        for seed in range(3):
            run = make_run(declared, {}, seed, task=task, early=variant == "early")
            model = with_weights(run, curve_and_weights(run)["weights"])
            record, data = outcome.tested[task]["none"][variant][seed], load(task, seed)
            validation = evaluate(model, data.validation)["loss"]
            assert validation == pytest.approx(record["curves"]["validation"][record["epoch"]], rel=1e-6)
            test = evaluate(model, data.test)["loss"]
            assert np.mean(record["test"]["loss"]) == pytest.approx(test, rel=1e-5)
            epochs.add(record["epoch"])
    assert len(epochs) > 1 or task != declared.task


def test_a_training_that_does_not_repeat_is_an_error(noise, tmp_path):
    declared, outcome, _ = noise
    experiment = Experiment(declared, tmp_path, HERE)
    run = make_run(declared, {}, 0, early=True)
    experiment.curves = dict(outcome.curves)
    result = curve_and_weights(run)
    assert experiment._is_reproduced(run, result)
    other = result | {"train": [result["train"][0] + 1e-7, *result["train"][1:]]}
    with pytest.raises(RuntimeError, match="expected the curve of its first training"):
        experiment._is_reproduced(run, other)
    assert experiment._is_reproduced(run, other | {"processor": "another"}) is False
    assert experiment._is_reproduced(replace(run, task="weather"), other) is None


# Conclusions


def test_a_method_that_helps_is_found_and_one_that_does_nothing_is_not(result):
    against = result["summary"]["methods"]["l2"]["last"]["against"]["none_last"]
    for measure in ("loss", "gap"):
        assert against[measure]["interval"][1] < 0
        assert against[measure]["p_adjusted"] < 0.05
    null = result["summary"]["methods"]["max_norm"]["last"]["against"]["none_last"]["loss"]
    assert (null["mean"], null["interval"], null["p"], null["p_adjusted"]) == (0.0, [0.0, 0.0], 1.0, 1.0)
    assert result["chosen"]["l2"]["last"]["helps"]
    assert (
        not result["chosen"]["max_norm"]["last"]["edge"]
        or result["chosen"]["max_norm"]["last"]["strength"] == 1e3
    )


def test_every_comparison_is_there(noise, result):
    declared, _, _ = noise
    for part in ("summary", "confirmation"):
        methods = result[part]["methods"]
        assert list(methods) == list(declared.labels)
        for label, by_variant in methods.items():
            for variant, found in by_variant.items():
                itself = {name for name, best in result["references"].items() if best == label}
                wanted = {*result["references"], "zero"} - {n for n in itself if n.endswith(variant)}
                assert set(found["against"]) == wanted
                assert set(found["against"]["zero"]) == {"loss"}
                gap = np.array(found["test"]["loss"]["by_seed"]) - found["train"]["by_seed"]
                np.testing.assert_allclose(found["gap"]["by_seed"], gap, atol=2e-4)
        assert result[part]["baselines"]["zero"]["loss"] > 0
    loss = {v: result["summary"]["methods"]["l2"][v]["test"]["loss"]["by_seed"] for v in ("last", "early")}
    none = result["summary"]["methods"]["none"]["early"]["test"]["loss"]["by_seed"]
    entry = result["summary"]["methods"]["l2"]["last"]["against"]["none_early"]["loss"]
    np.testing.assert_allclose(entry["by_seed"], np.subtract(loss["last"], none), atol=2e-4)
    assert entry["mean"] == pytest.approx(np.mean(entry["by_seed"]), abs=1e-4)


def test_the_confirmation_carries_the_chosen_strengths_over(noise):
    declared, outcome, _ = noise
    for label, by_variant in outcome.tested[declared.confirm.task].items():
        for variant, records in by_variant.items():
            assert [record["seed"] for record in records] == list(range(declared.seeds))
            for record in records:
                assert record["task"] == "evidence_tasks:SIGNAL"
                assert record["methods"] == outcome.choices[label][variant].methods
                assert record["reproduced"] is None


def test_the_result_holds_every_curve_and_how_it_was_made(noise, result):
    declared, outcome, _ = noise
    assert len(result["runs"]) == len(outcome.curves)
    assert 5 * (1 + 3 + 3 + 2) <= len(outcome.curves) <= 5 * (1 + 3 + 3 + 4)
    assert all(len(run["validation"]) == declared.epochs for run in result["runs"])
    assert result["hash"] == declared.hash
    assert result["reproduced"] == {"same": 5 * 4 * 2, "different": 0}
    assert result["processor"]
    assert len(table(result)) == 1 + 4 * 2 + 1
    tuned = {f"{m} ({v})" for m in ("l2", "max_norm", "both") for v in ("last", "early")}
    assert set(edges(outcome.choices)) <= tuned
    assert result["references"].keys() == {f"{r}_{v}" for r in ("none", "best_single") for v in VARIANTS}


# Intervals


def simulate(rng, *, seeds=10, items=100, seed_part=0.3, item_part=1.0, own_part=0.5, effect=0.0):
    """Draw differences with seed effects, item effects and noise of each pair's own."""
    by_seed, by_item = rng.normal(size=(seeds, 1)), rng.normal(size=(1, items))
    return effect + seed_part * by_seed + item_part * by_item + own_part * rng.normal(size=(seeds, items))


def test_intervals_cover_seeds_and_items_where_seeds_alone_do_not():
    rng, repetitions = np.random.default_rng(0), 400
    both = resample_weights(10, 100, rng=rng, draws=500)
    alone = resample_weights(10, 1, rng=rng, draws=500)
    covered, narrow, alarms = 0, 0, 0
    for _ in range(repetitions):
        differences = simulate(rng, seed_part=0.1, effect=0.2)
        low, high = interval_of(bootstrap_means(differences, both))
        covered += low <= 0.2 <= high
        low, high = interval_of(bootstrap_means(differences.mean(axis=1, keepdims=True), alone))
        narrow += low <= 0.2 <= high
        alarms += bootstrap_p(bootstrap_means(differences - 0.2, both)) < 0.05
    assert 0.92 <= covered / repetitions <= 0.98
    assert narrow / repetitions < 0.6
    assert alarms / repetitions == pytest.approx(1 - covered / repetitions, abs=0.015)


@pytest.mark.parametrize("block", [1, 7])
def test_shared_weights_give_the_interval_of_single_resamples(block):
    differences = simulate(np.random.default_rng(0), items=30)
    expected = paired_interval(differences, rng=np.random.default_rng(3), block=block, draws=200)
    weights = resample_weights(10, 30, rng=np.random.default_rng(3), block=block, draws=200)
    assert interval_of(bootstrap_means(differences, weights)) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match=r"expected shape \(10, 30\)"):
        bootstrap_means(differences.T, weights)


def test_holm_by_hand():
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(adjusted) == ["a", "b", "c", "d"]
    assert holm({}) == {}
    assert holm({"a": 0.7, "b": 0.6}) == {"a": 1.0, "b": 1.0}
    with pytest.raises(ValueError, match=r"p of a: expected a finite number in \[0, 1\], received 1.5"):
        holm({"a": 1.5})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.999))
def test_holm_rejects_what_the_step_down_test_rejects(values, level):
    ordered, rejected = sorted(range(len(values)), key=values.__getitem__), set()
    for rank, index in enumerate(ordered):
        if values[index] * (len(values) - rank) > level:
            break
        rejected.add(index)
    adjusted = holm({str(index): p for index, p in enumerate(values)})
    assert {index for index in ordered if adjusted[str(index)] <= level} == rejected


def test_the_p_value_counts_the_resamples_beyond_zero():
    assert bootstrap_p(np.linspace(-1, -0.1, 99)) == 1 / 100
    assert bootstrap_p(np.r_[np.full(97, -1.0), 0.5, 0.5]) == pytest.approx(5 / 100)
    assert bootstrap_p(np.zeros(10)) == 1.0
    with pytest.raises(ValueError, match=r"means: expected shape \(any,\)"):
        bootstrap_p(np.zeros((2, 2)))


# The command


def test_the_command_runs_lists_and_notices_changes(tmp_path, capsys):
    text = FEW.replace("epochs = 4", "epochs = 2")
    declared = declare(tmp_path, text)
    assert main(["--list"], tmp_path) == 0
    assert capsys.readouterr().out == f"toy: {MISSING}\n"
    arguments = ["--backend", "sequential"]
    assert main(arguments, tmp_path) == 0
    result = json.loads((tmp_path / "results" / "toy.json").read_text())
    said = capsys.readouterr().out
    at_edge = any(c["edge"] for by_variant in result["chosen"].values() for c in by_variant.values())
    assert ("lies at an edge, widen the grid: " in said) == at_edge
    assert main([*arguments, "--strict", "toy"], tmp_path) == int(at_edge)
    capsys.readouterr()
    assert main([], tmp_path) == 0
    assert "Every experiment has its result." in capsys.readouterr().out
    assert main([*arguments, "--all"], tmp_path) == 0
    assert "toy: " in capsys.readouterr().out
    changed = declare(tmp_path, text.replace("batch_size = 20", "batch_size = 10"))
    results = tmp_path / "results"
    assert state("toy", declared.hash, results) != state("toy", changed.hash, results) == STALE


def test_an_unknown_experiment_is_said_with_the_known_ones(tmp_path):
    declare(tmp_path)
    with pytest.raises(CourseError, match=r"No experiment is named tuy; there are toy\."):
        main(["tuy"], tmp_path)


def test_course_py_passes_its_arguments_on(monkeypatch):
    seen = []
    monkeypatch.setattr(commands, "ensure", lambda environment, **options: seen.append(options["extras"]))
    monkeypatch.setattr(commands, "run_inside", lambda environment, *call: seen.append(call) or 3)
    given = ["--quick", "--jobs", "2", "--backend", "dask", "--scheduler", "tcp://there:1", "weather"]
    assert commands.main(["evidence", *given]) == 3
    assert commands.main(["evidence", "--list"]) == 3
    assert commands.main(["evidence", "--recompute", "--folder", "own", "toy"]) == 3
    module = "tools.evidence"
    own = ["--recompute", "--folder", str(Path("own").resolve()), "toy"]
    assert seen == [{"distributed"}, (module, given), set(), (module, ["--list"]), set(), (module, own)]
    assert importlib.import_module(module).main


OWN_TASK = """
from dataclasses import replace

from evidence_tasks import NOISE

MINE = replace(NOISE)
"""


def test_an_experiment_of_ones_own_lives_in_its_own_folder(tmp_path, monkeypatch, capsys):
    """A declaration, and the task that it names, outside the course; workers find it, too."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    own = tmp_path / "mine"
    own.mkdir()
    (own / "own_task_of_a_learner.py").write_text(OWN_TASK, encoding="utf-8")
    text = FEW.replace("epochs = 4", "epochs = 1").replace(
        "evidence_tasks:NOISE", "own_task_of_a_learner:MINE"
    )
    assert "own_task_of_a_learner:MINE" in text
    declare(own, text)
    assert main(["--folder", str(own), "--jobs", "2"], tmp_path) == 0
    assert json.loads((own / "results" / "toy.json").read_text())["summary"]["methods"]["l2"]
    assert (own / "runs").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert os.environ["PYTHONPATH"].split(os.pathsep)[0] == str(own)
    capsys.readouterr()
    assert main(["--folder", str(own), "--list"], tmp_path) == 0
    assert capsys.readouterr().out == "toy: has its result\n"
    with pytest.raises(CourseError, match="There is no folder"):
        main(["--folder", str(own / "nothing")], tmp_path)


def test_quick_leaves_results_and_stores_alone(tmp_path, capsys, monkeypatch):
    declare(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    assert main(["--quick", "--backend", "sequential"], tmp_path) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "toy.toml"]
    assert "these numbers mean nothing" in capsys.readouterr().out
    (result,) = (tmp_path / "elsewhere").glob("*/results/toy.json")
    assert json.loads(result.read_text())["declaration"]["seeds"] == 2


def test_a_result_is_the_same_however_it_was_computed(tmp_path):
    small, results = declare(tmp_path).quick(), []
    for name, engine in (("here", HERE), ("there", Engine(jobs=2))):
        results.append(perform(small, tmp_path / name, tmp_path / name, engine, draws=50))
        del results[-1]["training_seconds"]
        for run in results[-1]["runs"]:
            del run["seconds"]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "threads"}, "backend: expected one of"),
        ({"jobs": 0}, "jobs: expected a whole number of at least 1"),
        ({"backend": "dask"}, "scheduler: expected an address"),
        ({"scheduler": "tcp://here"}, "none without"),
    ],
)
def test_an_engine_that_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Engine(**options)


def test_training_again_gives_the_same_weights(noise):
    declared, _, _ = noise
    run = make_run(declared, {"l2": 0.1}, 2)
    first, second = (train(run)[0].state_dict() for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)
