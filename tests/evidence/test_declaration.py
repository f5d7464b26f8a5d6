"""A declaration is read strictly, its hash covers every value, and every method does what it says."""

import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest
import torch
from evidence_tasks import CLASSES, TOY, Data
from torch import nn

from labcode.data import load_weather
from labcode.experiments import load_result, train_once
from labcode.experiments.declaration import EVIDENCE, blocks, find_declarations, read_declaration
from labcode.experiments.methods import METHODS, combine, scaled, training_options
from labcode.experiments.runs import Run, curve, make_run, train
from labcode.experiments.tasks import (
    TASKS,
    check_measures,
    find_task,
    item_measures,
    load,
    model_outputs,
)
from labcode.lstm import SequenceModel
from labcode.penalties import l1_penalty_torch, l2_penalty_torch
from labcode.training import evaluate
from tools.evidence import CURRENT, MISSING, state

STRENGTHS = {"strength": 0.3, "rate": 0.4, "limit": 0.3}
COMBINED = '[combinations.both]\nmethods = ["l2", "max_norm"]\nfactors = [0.5, 1.0]\n'


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a declaration from its text."""

    def read(text):
        path = tmp_path / "toy.toml"
        path.write_text(text, encoding="utf-8")
        return read_declaration(path)

    return read


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = 10", "", "none of ['seeds']"),
        ("seeds = 10", "seeds = 10\nsedes = 3", "also ['sedes']"),
        ("seeds = 10", "seeds = 9", "seeds: expected a whole number of at least 10, received 9"),
        ("seeds = 10", 'seeds = 4\nfew_seeds_because = "a run is slow"', "at least 5, received 4"),
        ("seeds = 10", "seeds = 10.0", "received 10.0"),
        ("epochs = 4", "epochs = 0", "epochs: expected a whole number of at least 1"),
        ("learning_rate = 0.05", "learning_rate = 0", "learning_rate: expected a number above 0"),
        ("learning_rate = 0.05", "learning_rate = inf", "learning_rate: expected a finite number"),
        ("patience = 1", "patience = -1", "patience: expected"),
        ("block = 1", "block = true", "block: expected"),
        ('title = "A toy"', 'title = " "', "title: expected some text"),
        ('title = "A toy"', 'title = "A toy"\nconfirm = 3', "confirm: expected a table"),
        ("[model]", '[confirm]\ntask = "weather"\n[model]', "confirm: expected the keys"),
        ("[model]", "[confirm]\ntask = 3\nblock = 1\n[model]", "confirm.task: expected some text"),
        ("[model]", '[confirm]\ntask = "weather"\nblock = 0\n[model]', "confirm.block: expected"),
        ("[model]", '[confirm]\ntask = "evidence_tasks:NOISE"\nblock = 1\n[model]', "another task than"),
        ("hidden_size = 8", "hidden_size = 0", "model.hidden_size: expected"),
        ("l2 = [1e-3, 1e-1, 10.0]", "l3 = [1e-3, 1e-1, 10.0]", "methods: expected one of 'l1'"),
        ("l2 = [1e-3, 1e-1, 10.0]", "l2 = [1e-3, 10.0]", "l2: expected a list of at least three"),
        ("l2 = [1e-3, 1e-1, 10.0]", "l2 = [1e-1, 1e-3, 10.0]", "l2: expected numbers in ascending order"),
        ("l2 = [1e-3, 1e-1, 10.0]", "l2 = [1e-3, 1e-3, 10.0]", "each once"),
        ("l2 = [1e-3, 1e-1, 10.0]", "l2 = [0, 1e-3, 10.0]", "l2: expected a strength above 0"),
        ("l2 = [1e-3, 1e-1, 10.0]", "zoneout = [0.1, 0.2, 1.0]", "zoneout: expected a rate in (0, 1)"),
        ("[methods]", "[methods", "toy.toml"),
        ("factors = [0.5, 1.0]", "factors = [0.0, 1.0]", "factors: expected numbers above 0"),
        ('methods = ["l2", "max_norm"]', 'methods = ["l2", "ar"]', "both.methods: expected one of 'l2'"),
        ('methods = ["l2", "max_norm"]', 'methods = ["l2", "l2"]', "two different methods"),
        ("[combinations.both]", "[combinations.l2]", "a name that is no method's"),
        ("factors = [0.5, 1.0]", "", "none of ['factors']"),
    ],
)
def test_a_faulty_declaration_is_refused_in_words(read, old, new, message):
    text = TOY + COMBINED
    read(text)
    assert text.count(old) == 1
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        read(text.replace(old, new))
    assert str(error.value).startswith("toy.toml: ")


def test_a_missing_declaration_is_said(tmp_path):
    with pytest.raises(ValueError, match="expected a declaration in evidence/"):
        read_declaration(tmp_path / "absent.toml")


def test_few_seeds_need_a_reason(read):
    assert read(TOY.replace("seeds = 10", 'seeds = 5\nfew_seeds_because = "one run takes 12 s"')).seeds == 5


def test_the_hash_ignores_comments_and_order(read):
    first = read(TOY + COMBINED).hash
    shuffled = TOY.replace("seeds = 10\n", "").replace("title", "seeds = 10 # ten\n\ntitle")
    assert read(shuffled + "# the end\n" + COMBINED).hash == first
    assert read((TOY + COMBINED).replace("1e-1", "0.10")).hash == first


def test_the_hash_reacts_to_every_value(read):
    text = TOY + COMBINED + '[confirm]\ntask = "weather"\nblock = 30\n'
    number = re.compile(r"(?<=[=\[ ])\d[\d.e-]*")
    changes = {text}
    for match in number.finditer(text):
        value = tomllib.loads(f"v = {match.group()}")["v"]
        other = value + 1 if isinstance(value, int) else value * 1.01
        changes.add(text[: match.start()] + repr(other) + text[match.end() :])
    changes.add(f'few_seeds_because = "slow"\n{text}')
    for old, new in (
        ("A toy", "A"),
        (":NOISE", ":SIGNAL"),
        ("weather", "other"),
        ("max_norm", "ar"),
        ("hidden_size", "num_layers"),
    ):
        changes.add(text.replace(old, new))
    changes.add(text.replace("combinations.both", "combinations.two"))
    assert len(changes) == 1 + 7 + 6 + 2 + 1 + 1 + 5 + 1
    assert len({read(changed).hash for changed in changes}) == len(changes)
    declared = read(text)
    assert replace(declared, name="other").hash != declared.hash


def test_the_courses_own_declarations_are_sound():
    for path in find_declarations().values():
        declared = read_declaration(path)
        assert all(find_task(task) for task in blocks(declared))
        assert declared.quick().seeds == 2


@pytest.mark.parametrize("path", find_declarations().values(), ids=find_declarations())
def test_a_result_belongs_to_its_declaration(path):
    """Run `python course.py evidence NAME` where this fails; a missing result is said by `--list`."""
    assert state(path.stem, read_declaration(path).hash, EVIDENCE / "results") in (CURRENT, MISSING)


# Methods


def task_for(method):
    """Return a task on which a method does something."""
    return f"evidence_tasks:{'TOKENS' if method == 'embedding_dropout' else 'SIGNAL'}"


def toy_run(methods, task="evidence_tasks:SIGNAL", **options):
    settings = {"task": task, "model": (("hidden_size", 6),), "seed": 0, "epochs": 2, "batch_size": 20}
    return Run(**(settings | {"learning_rate": 0.02, "methods": tuple(methods.items())} | options))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_changes_the_training_and_a_run_repeats_bit_for_bit(name):
    strength = STRENGTHS[METHODS[name].kind]
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with_it, again, without = (
        curve(toy_run(m, task_for(name))) for m in ({name: strength}, {name: strength}, {})
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert with_it["train"] == again["train"]
    assert with_it["validation"] == again["validation"]
    assert with_it["train"] != without["train"]
    stronger = scaled(name, strength, 2.0)
    assert (stronger < strength) == (METHODS[name].kind == "limit")


@pytest.mark.parametrize("name", METHODS)
def test_every_method_starts_from_the_same_weights(name):
    methods = {name: STRENGTHS[METHODS[name].kind]}
    frozen = {"learning_rate": 1e-30, "epochs": 1}
    if METHODS[name].kind == "limit":
        methods = {name: 1e6}
    weights = [train(toy_run(m, task_for(name), **frozen))[0].state_dict() for m in (methods, {})]
    for key in weights[0]:
        assert torch.allclose(weights[0][key], weights[1][key], rtol=0, atol=1e-20), key


def test_a_plain_run_is_that_of_train_once():
    weather = load_weather()
    _, history = train_once(weather, seed=3, hidden=8, epochs=2, progress=False)
    sizes = {"model": (("hidden_size", 8),), "batch_size": 32, "learning_rate": 3e-3, "seed": 3}
    found = curve(toy_run({}, "weather", **sizes))
    assert found["train"] == history.train_loss
    assert found["validation"] == history.validation_loss


@pytest.mark.parametrize(
    ("methods", "recorded"), [({}, ("capacity", "64")), ({"l2": 0.01}, ("sweep", "0.01"))]
)
def test_runs_follow_the_curves_that_chapter_1_recorded_with_its_own_loop(methods, recorded):
    declared = replace(read_declaration(EVIDENCE / "weather.toml"), epochs=3)
    part, setting = recorded
    expected = load_result("01_background")[part][setting]
    found = curve(make_run(declared, methods, 2))
    for split in ("train", "validation"):  # another processor rounds in another way
        np.testing.assert_allclose(found[split], expected[split][2][:3], rtol=2e-3)


def test_penalties_are_on_the_weights_of_the_lstm_alone():
    model = SequenceModel(2, 3, 1)
    lstm = model.lstm
    matrices = [lstm.weight_ih_l0, lstm.weight_hh_l0]
    options = training_options(combine({"l1": 0.1, "l2": 0.2}), model, 0.01)
    expected = sum(l1_penalty_torch(w, 0.1) + l2_penalty_torch(w, 0.2) for w in matrices)
    assert torch.allclose(options["penalty"](model), expected)
    assert isinstance(options["optimizer"], torch.optim.Adam)


@pytest.mark.parametrize(("method", "setting"), [("weight_decay", "weight_decay"), ("l1_proximal", "lam_l1")])
def test_decay_and_threshold_are_on_the_weights_of_the_lstm_alone(method, setting):
    model = SequenceModel(2, 3, 1, num_layers=2)
    optimizer = training_options(combine({method: 0.25}), model, 0.01)["optimizer"]
    names = {id(p): name for name, p in model.named_parameters()}
    strengths = {names[id(p)]: group[setting] for group in optimizer.param_groups for p in group["params"]}
    assert strengths == {name: 0.25 * name.startswith("lstm.weight") for name in names.values()}
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer.step()
    for name, p in model.named_parameters():
        if not name.startswith("lstm.weight"):
            assert torch.equal(p, before[name])
        elif method == "weight_decay":
            assert torch.allclose(p, before[name] * (1 - 0.01 * 0.25))


def test_proximal_l1_makes_exact_zeros_and_its_penalty_does_not():
    zeros = {}
    for method in ("l1", "l1_proximal"):
        model, _ = train(toy_run({method: 0.3}))
        zeros[method] = sum(int((w == 0).sum()) for w in (model.lstm.weight_ih_l0, model.lstm.weight_hh_l0))
    assert zeros["l1"] == 0
    assert zeros["l1_proximal"] > 20


def test_max_norm_holds_after_training():
    model, _ = train(toy_run({"max_norm": 0.3}))
    for w in (model.lstm.weight_ih_l0, model.lstm.weight_hh_l0):
        assert w.norm(dim=1).max() <= 0.3 + 1e-6


def test_methods_combine_or_are_refused():
    effects = combine({"output_dropout": 0.2, "zoneout": 0.1, "max_norm": 1.0, "ar": 1.0, "tar": 1.0})
    assert effects.model == {"output_dropout": 0.2, "zoneout_h": 0.1, "zoneout_c": 0.1}
    assert (len(effects.activation_penalties), len(effects.constraints)) == (2, 1)
    both = training_options(combine({"l1_proximal": 0.1, "weight_decay": 0.2}), SequenceModel(2, 3, 1), 0.1)
    assert both["optimizer"].param_groups[0]["lam_l1"] == 0.1
    assert both["optimizer"].param_groups[0]["weight_decay"] == 0.2
    assert both["optimizer"].defaults["decoupled_weight_decay"] is True
    with pytest.raises(ValueError, match="methods that set different things"):
        combine({"recurrent_dropout_h": 0.2, "recurrent_dropout_g": 0.2})
    with pytest.raises(ValueError, match="a module that holds an nn"):
        training_options(combine({"weight_decay": 0.1}), nn.Linear(2, 2), 0.1)


def test_half_as_strong_twice_is_the_whole():
    assert scaled("l2", 0.4, 0.5) == 0.2
    assert scaled("max_norm", 0.4, 0.5) == 0.8
    assert (1 - scaled("zoneout", 0.4, 0.5)) ** 2 == pytest.approx(0.6)
    assert scaled("zoneout", 0.4, 1.0) == pytest.approx(0.4)


# Tasks


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="expected one of 'weather'"):
        find_task("whether")
    with pytest.raises(ValueError, match="expected a module and a Task in it"):
        find_task("evidence_tasks:ABSENT")
    with pytest.raises(ValueError, match="task: expected a Task"):
        find_task("evidence_tasks:ITEMS")


def test_the_seed_draws_other_parts_where_the_task_allows_it_and_never_another_test_split():
    first, second = (load("evidence_tasks:NOISE", seed) for seed in (0, 1))
    for part in ("train", "validation"):
        assert not np.array_equal(getattr(first, part).x, getattr(second, part).x)
    assert np.array_equal(first.test.x, second.test.x)
    first, second = (load("weather", seed) for seed in (0, 1))
    assert np.array_equal(first.train.x, second.train.x)


def test_the_measures_of_the_items_are_those_of_training():
    for build, data in ((SequenceModel(2, 3, 2), Data(0, classes=2)), (SequenceModel(2, 3, 1), Data(0))):
        found = item_measures(data.task, model_outputs(build, data, "train"), data.train.y)
        expected = evaluate(build, data.train, data.task)
        assert found["loss"].mean() == pytest.approx(expected["loss"], rel=1e-5)
        if "accuracy" in expected:
            assert found["error"].mean() == pytest.approx(1 - expected["accuracy"])
    assert CLASSES.measures is item_measures
    with pytest.raises(ValueError, match="expected one of 'regression'"):
        item_measures("ranking", np.zeros((2, 1)), np.zeros((2, 1)))


@pytest.mark.parametrize("name", TASKS)
def test_every_task_gives_a_model_and_baselines_that_can_be_measured(name):
    task, data = TASKS[name], load(name, 0)
    predictions = {"model": task.outputs(task.build(data, hidden_size=3), data, "validation")}
    predictions |= {label: predict(data, "validation") for label, predict in task.baselines.items()}
    assert len(predictions) >= 3
    for found in predictions.values():
        check_measures(task.measures(data.task, found, data.validation.y), len(data.validation.y))


@pytest.mark.parametrize("name", find_declarations())
def test_no_strength_was_chosen_on_test_data_nor_on_those_of_the_confirmation(name):
    declared = read_declaration(find_declarations()[name])
    for seed in range(declared.choice_seeds):
        data = load(declared.task, seed)
        confirmed = load(declared.confirm.task, seed)
        of_one_source = confirmed.name.split("_")[0] == data.name.split("_")[0]
        for test in (data.test, *([confirmed.test] if of_one_source else [])):
            for chosen_on in (data.train, data.validation):
                if test.dates is None:
                    assert not set(chosen_on.groups) & set(test.groups)
                else:
                    assert chosen_on.dates.max() < test.dates.min()


def test_make_run_takes_the_declared_budget(read):
    run = make_run(read(TOY), {"l2": 0.1}, 4, early=True)
    assert (run.epochs, run.batch_size, run.learning_rate, run.patience) == (4, 20, 0.05, 1)
    assert (run.methods, run.model, run.seed) == ((("l2", 0.1),), (("hidden_size", 8),), 4)
    assert len({run.key, replace(run, seed=5).key, replace(run, patience=None).key}) == 3
