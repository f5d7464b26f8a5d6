"""A tuned experiment on tasks whose truth is known: what it tries, may look at, and records."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from evidence_tasks import ITEMS, PLAN, TEST_ITEMS, lines, plan_of

import labcode.experiments.tuned as tuned
from labcode.early_stopping import EarlyStopping
from labcode.experiments.execute import Engine
from labcode.experiments.runs import Run, train
from labcode.experiments.tasks import load
from labcode.experiments.tested_run import curve_and_states
from labcode.experiments.tuned import TunedExperiment
from labcode.training import predict

HERE = Engine(backend="sequential")
NOISE, SIGNAL = "evidence_tasks:NOISE", "evidence_tasks:SIGNAL"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """An experiment that was run to its end: (experiment, outcome, folder)."""
    folder = tmp_path_factory.mktemp("tuned")
    experiment = TunedExperiment(plan_of(folder), folder / "runs", HERE)
    return experiment, experiment.run(), folder


def losses_of(trials, variant, patience):
    """Return the mean loss of each trial, by a rule written here once more."""
    found = []
    for trial in trials[:, :, 1]:
        by_seed = []
        for curve in trial:
            best = 0
            for epoch in range(1, len(curve)):
                if curve[epoch] < curve[best]:
                    best = epoch
                elif epoch - best >= patience:
                    break
            by_seed.append(curve[-1] if variant == "last" else curve[best])
        found.append(np.mean(by_seed))
    return found


def test_none_is_tuned_with_as_many_trainings_as_every_method(tmp_path):
    experiment = TunedExperiment(plan_of(tmp_path), tmp_path / "runs", HERE)
    counted = Counter()
    keep = experiment._keep

    def count(run, result):
        counted[run.task, "+".join(name for name, _ in run.methods) or "none"] += 1
        keep(run, result)

    experiment._keep = count
    experiment.choose()
    assert {counted[NOISE, label] for label in ("none", "l2", "max_norm", "l2+max_norm")} == {3 * 3}
    assert {counted[SIGNAL, label] for label in ("none", "l2")} == {2 * 3}


def test_what_was_chosen_has_the_lowest_validation_loss_of_all_that_was_tried(done):
    experiment, outcome, _ = done
    for place in experiment.plan.places:
        for label in place.labels:
            trials = outcome.arrays[f"{place.task}/{label}/trials"]
            assert trials.shape == (place.trials, 3, 2, place.epochs)
            seconds = outcome.arrays[f"{place.task}/{label}/seconds"]
            assert seconds.shape == (place.trials, 3)
            assert (seconds > 0).all()
            for variant in ("last", "early"):
                means = losses_of(trials, variant, experiment.plan.patience)
                chosen = outcome.about["chosen"][place.task][label][variant]
                assert chosen["trial"] == int(np.argmin(means))
                assert chosen["means"] == pytest.approx(means, abs=1e-4)
                tried = outcome.about["tried"][place.task][label][chosen["trial"]]
                assert tried == {name: chosen[name] for name in ("learning_rate", "strength")}


def test_no_test_split_is_touched_before_all_is_chosen(tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    load.cache_clear()
    experiment = TunedExperiment(plan_of(tmp_path), tmp_path / "runs", HERE)
    with pytest.raises(ValueError, match="choices first"):
        experiment.evaluate()
    experiment.choose()
    assert lines(tmp_path / "log") == []
    experiment.evaluate()
    assert ["test"] in lines(tmp_path / "log")


def test_a_test_split_that_cannot_be_opened_does_not_keep_anything_from_being_chosen(tmp_path):
    text = PLAN.replace(NOISE, "evidence_tasks:CLOSED")
    experiment = TunedExperiment(plan_of(tmp_path, text), tmp_path / "runs", HERE)
    experiment.choose()
    with pytest.raises(AssertionError, match="nobody may look"):
        experiment.evaluate()


def test_a_record_is_what_another_training_with_early_stopping_gives(done):
    _, outcome, _ = done
    chosen = outcome.about["chosen"][SIGNAL]["l2"]
    for variant in ("last", "early"):
        trial = chosen[variant]
        for seed in (0, 9):
            run = Run(
                task=SIGNAL,
                model=(("hidden_size", 6),),
                methods=(("l2", trial["strength"]),),
                seed=seed,
                epochs=4,
                batch_size=20,
                learning_rate=trial["learning_rate"],
            )
            rule = EarlyStopping(patience=1, restore_best_weights=True) if variant == "early" else None
            model, history = train(run, early_stopping=rule)
            test = load(SIGNAL, seed).test
            losses = np.square(predict(model, test.x).numpy() - test.y)[:, 0]
            name = f"{SIGNAL}/l2/{variant}"
            assert outcome.arrays[f"{name}/loss"][seed] == pytest.approx(losses, rel=1e-5)
            epoch = history.best_epoch if variant == "early" else 3
            assert outcome.arrays[f"{name}/epoch"][seed] == epoch
            assert outcome.arrays[f"{name}/validation"][seed] == pytest.approx(history.validation_loss[epoch])
            assert outcome.arrays[f"{name}/train"][seed] == pytest.approx(history.train_loss[epoch])


def test_a_transfer_is_what_the_earlier_place_chose_and_stands_apart(done):
    experiment, outcome, _ = done
    assert not any("transfer" in name for name in outcome.arrays if name.startswith(NOISE))
    for label in ("none", "l2"):
        before, own = (experiment.choices[task][label]["early"].trial for task in (NOISE, SIGNAL))
        assert before != own
        run = experiment._run(experiment.plan.places[1], before, 4, patience=1)
        curve = outcome.arrays[f"{SIGNAL}/{label}/transfer/curves"][4, 1]
        expected = train(run)[1].validation_loss
        assert curve[: len(expected)] == pytest.approx(expected)
        assert np.isnan(curve[len(expected) :]).all()
        assert outcome.about["chosen"][SIGNAL][label]["early"]["strength"] == own.strength


def test_later_places_may_use_the_choices_of_an_earlier_one_and_train_none_of_their_own(tmp_path):
    text = PLAN.replace("trials = 2\ntransfer_of", "choices_of")
    experiment = TunedExperiment(plan_of(tmp_path, text), tmp_path / "runs", HERE)
    outcome = experiment.run()
    assert f"{SIGNAL}/l2/trials" not in outcome.arrays
    chosen = outcome.about["chosen"]
    assert chosen[SIGNAL]["l2"] == chosen[NOISE]["l2"]
    assert chosen[SIGNAL]["l2"]["early"]["chosen_at"] == NOISE


def test_seeds_are_paired_and_nothing_but_the_label_differs(done):
    experiment, _, _ = done
    place = experiment.plan.places[0]
    wanted = experiment._wanted(place)
    runs = [experiment._run(place, wanted[label, "early"][0], 7) for label in place.labels]
    assert {replace(run, methods=(), learning_rate=0.0) for run in runs} == {
        replace(runs[0], methods=(), learning_rate=0.0)
    }


def test_what_was_stopped_goes_on_and_comes_to_the_same(done, tmp_path, monkeypatch):
    _, expected, _ = done
    calls = {"curve": [], "_train": []}

    def breaking(name, limit):
        work = getattr(tuned, name)

        def one(run, **options):
            calls[name].append(run.key)
            if len(calls[name]) == limit:
                raise KeyboardInterrupt
            return work(run, **options)

        return one

    for name in calls:
        monkeypatch.setattr(tuned, name, breaking(name, 20))
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            TunedExperiment(plan_of(tmp_path), tmp_path / "runs", HERE).run()
    outcome = TunedExperiment(plan_of(tmp_path), tmp_path / "runs", HERE).run()
    for name, keys in calls.items():
        again = [key for key, times in Counter(keys).items() if times > 1]
        assert len(again) == 1, name  # only what was broken off is done twice
    assert outcome.arrays.keys() == expected.arrays.keys()
    same = {n: np.array_equal(outcome.arrays[n], a, equal_nan=True) for n, a in expected.arrays.items()}
    assert all(equal or name.endswith("/seconds") for name, equal in same.items())


def test_a_second_look_at_a_test_split_is_refused(done):
    experiment, _, folder = done
    run = experiment._run(experiment.plan.places[0], experiment.choices[NOISE]["none"]["last"].trial, 0)
    job = tuned.Judged(run, ("last",))
    with pytest.raises(ValueError, match="a first look at the test split"):
        experiment._judge(job, {})
    before = sorted((folder / "runs").rglob("*.json"))
    TunedExperiment(experiment.plan, folder / "runs", HERE).run()
    assert sorted((folder / "runs").rglob("*.json")) == before


def test_another_processor_is_a_note_and_no_error(done):
    experiment, outcome, _ = done
    assert set(outcome.about["reproduced"]) <= {"same", "first"}
    trial = experiment.choices[NOISE]["none"]["last"].trial
    run = experiment._run(experiment.plan.places[0], trial, 0)
    first = experiment.trained[run.key]
    moved = {"train": first["train"], "validation": [loss + 1e-9 for loss in first["validation"]]}
    assert experiment._reproduced(run, first) == "same"
    assert experiment._reproduced(run, moved | {"processor": "another"}) == "other processor"
    assert experiment._reproduced(run, moved | {"processor": first["processor"]}) == "different"
    shorter = {name: first[name][:2] for name in ("train", "validation")}
    assert experiment._reproduced(replace(run, patience=1), shorter | {"processor": "another"}) == "same"


def test_the_record_says_whether_early_stopping_ended_before_the_cap(done):
    experiment, outcome, _ = done
    for place in experiment.plan.places:
        for label in place.labels:
            curves = outcome.arrays[f"{place.task}/{label}/early/curves"][:, 1]
            capped = outcome.arrays[f"{place.task}/{label}/early/capped"]
            epochs = outcome.arrays[f"{place.task}/{label}/early/epoch"]
            assert capped.dtype == np.uint8
            for curve, is_capped, epoch in zip(curves, capped, epochs, strict=True):
                lasted = np.isfinite(curve).sum()
                if lasted < place.epochs:
                    assert not is_capped
                    assert epoch == lasted - 2  # patience 1
                elif is_capped:
                    assert epoch == place.epochs - 1
    none = {v: outcome.arrays[f"{NOISE}/none/{v}/epoch"] for v in ("early", "patience1")}
    assert (none["patience1"] <= none["early"]).all()


def test_items_that_all_seeds_share_have_one_row_and_redrawn_ones_a_row_for_each_seed(tmp_path, done):
    _, outcome, _ = done
    assert outcome.arrays[f"{NOISE}/items"].tolist() == [list(range(TEST_ITEMS))]
    assert outcome.arrays[f"{NOISE}/l2/early/loss"].shape == (10, TEST_ITEMS)
    text = (
        PLAN.partition("[[places]]")[0]
        + '[[places]]\ntask = "evidence_tasks:FOLDS"\nepochs = 1\ntrials = 1\n'
    )
    redrawn = TunedExperiment(plan_of(tmp_path, text), tmp_path / "runs", HERE).run()
    items = redrawn.arrays["evidence_tasks:FOLDS/items"]
    assert items.shape == redrawn.arrays["evidence_tasks:FOLDS/none/early/loss"].shape == (10, 10)
    assert len(np.unique(items)) == 100
    assert all(array.dtype in (np.float32, np.uint8, np.int16, np.int32) for array in redrawn.arrays.values())


def test_a_training_that_stops_being_finite_ends_there(monkeypatch):
    run = Run(
        task=NOISE,
        model=(("hidden_size", 6),),
        methods=(),
        seed=0,
        epochs=5,
        batch_size=ITEMS,
        learning_rate=0.01,
    )
    whole = curve_and_states(run, ("last",), 5)

    def broken(run, on_epoch_end):
        def until(epoch, losses, model):
            if epoch == 3:
                raise FloatingPointError("nan")
            on_epoch_end(epoch, losses, model)

        return train(run, on_epoch_end=until)

    monkeypatch.setattr("labcode.experiments.tested_run.train", broken)
    found = curve_and_states(run, ("last", "early"), 5)
    assert found["failed"] == "nan"
    assert found["validation"] == whole["validation"][:3]
    assert found["epochs"]["last"] == 2


def test_the_quick_version_tries_everything_once(tmp_path):
    plan = plan_of(tmp_path).quick()
    outcome = TunedExperiment(plan, tmp_path / "runs", HERE).run()
    assert outcome.arrays[f"{NOISE}/both/early/loss"].shape == (2, TEST_ITEMS)
    assert outcome.about["trainings"] <= 2 * 2 * 6
