"""Early stopping by any measured value, the epoch that is kept, and what a diagnosis makes of it."""

from types import SimpleNamespace

import numpy as np
import pytest
from torch.optim.lr_scheduler import ReduceLROnPlateau
from training_runs import CLASSES, Model, Run, interrupt_at, make_data, overfitting, same

from labcode.early_stopping import EarlyStopping
from labcode.keras_interop import import_keras
from labcode.training import evaluate
from labcode.training.diagnose import diagnose, measures

OTHERS = make_data(30, 5, classes=2)
OPTIONS = {"model": lambda: Model(outputs=2, p=0.0), "train": CLASSES, "validation": OTHERS, "lr": 0.03}
OPTIONS |= {"task": "classification", "epochs": 25, "metrics": {"sure": lambda p, t: p.softmax(1).std()}}


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [
        ("validation_accuracy", "max"),
        ("validation_sure", "max"),
        ("validation_sure", "min"),
        ("train_loss", "min"),
        ("objective", "min"),
    ],
)
@pytest.mark.parametrize("patience", [2, 99])
def test_fit_stops_and_keeps_as_keras_does(monitor, mode, patience):
    """Keras's callback, given the curve of a whole run, restores the epoch that fit keeps."""
    curve = getattr(Run(**OPTIONS).fit(), monitor)
    settings = {"monitor": monitor, "patience": patience, "mode": mode, "restore_best_weights": True}
    theirs, held = import_keras().callbacks.EarlyStopping(**settings), []
    model = SimpleNamespace(stop_training=False, get_weights=lambda: len(held), set_weights=held.append)
    theirs.set_model(model)
    theirs.on_train_begin()
    for epoch, value in enumerate(curve):
        theirs.on_epoch_end(epoch, {monitor: value})
        if model.stop_training:
            break
    run = Run(**OPTIONS, early_stopping=EarlyStopping(**settings))
    history = run.fit()
    assert getattr(history, monitor) == curve[: epoch + 1]
    assert history.stopped_epoch == (epoch if model.stop_training else None)
    assert history.best_epoch == history.kept_epoch == theirs.best_epoch
    found = evaluate(run.model, OTHERS, "classification", metrics=OPTIONS["metrics"])
    for name, value in found.items():
        assert getattr(history, f"validation_{name}")[history.kept_epoch] == value


MISTAKES = {
    "unknown": ({"monitor": "val_loss"}, {}, "early_stopping.monitor: expected .* validation_accuracy"),
    "not measured": ({"monitor": "train_loss"}, {"measure_train": False}, "early_stopping.monitor"),
    "wrong way": ({"monitor": "validation_accuracy", "mode": "min"}, {}, "mode: expected 'max', for valid"),
    "loss up": ({"mode": "max"}, {}, "early_stopping.mode: expected 'min', for validation_loss"),
}


@pytest.mark.parametrize(("rule", "change", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_monitor_that_does_not_fit_is_named_before_training(rule, change, message):
    run = Run(**OPTIONS)
    before = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    with pytest.raises(ValueError, match=f"(?s){message}"):
        run.fit(early_stopping=EarlyStopping(**rule), **change)
    assert same(before, run.model.state_dict())


def test_a_plateau_is_one_of_what_early_stopping_monitors():
    """The scheduler's own rule, in a plain loop over the recorded curve, ends at the same learning rate."""
    for rule in (None, EarlyStopping(monitor="validation_sure", mode="max", patience=99)):
        run, mode = Run(**OPTIONS), "min" if rule is None else "max"
        scheduler = ReduceLROnPlateau(run.optimizer, mode, patience=0, threshold=0.02)
        history = run.fit(scheduler=scheduler, early_stopping=rule)
        other = Run(**OPTIONS).optimizer
        again = ReduceLROnPlateau(other, mode, patience=0, threshold=0.02)
        for value in history.validation_loss if rule is None else history.validation_sure:
            again.step(value)
        assert run.optimizer.param_groups[0]["lr"] == other.param_groups[0]["lr"] < 0.03
        with pytest.raises(ValueError, match=r"scheduler\.mode: expected"):
            run.fit(
                scheduler=ReduceLROnPlateau(run.optimizer, "max" if rule is None else "min"),
                early_stopping=rule,
            )
    with pytest.raises(ValueError, match="scheduler: expected a ReduceLROnPlateau for what is measured"):
        run.fit(scheduler=ReduceLROnPlateau(run.optimizer), validation=None)


def test_the_monitor_is_part_of_what_a_checkpoint_compares(tmp_path):
    options = OPTIONS | {"checkpoint": tmp_path / "run.pt", "epochs": 2}
    Run(**options, early_stopping=EarlyStopping(patience=9, monitor="validation_accuracy")).fit()
    with pytest.raises(ValueError, match=r"early_stopping.mode: expected 'max', as the run began"):
        Run(**options, early_stopping=EarlyStopping(patience=9), resume=True).fit()
    other = EarlyStopping(patience=9, monitor="train_accuracy")
    with pytest.raises(ValueError, match=r"early_stopping.monitor: expected 'validation_accuracy', as the"):
        Run(**options, early_stopping=other, resume=True).fit()


# The epoch that is kept


def test_the_kept_epoch_is_the_one_whose_weights_the_model_holds(tmp_path):
    def keeps(patience, restore=True, **options):
        rule = EarlyStopping(patience=patience, restore_best_weights=restore)
        run = overfitting(early_stopping=rule, **options)
        history = run.fit()
        loss = evaluate(run.model, run.options["validation"])["loss"]
        assert loss == history.validation_loss[history.kept_epoch]
        return history

    stopped = keeps(2)
    assert stopped.kept_epoch == stopped.best_epoch == stopped.stopped_epoch - 2
    ran_out = keeps(99)
    assert ran_out.stopped_epoch is None
    assert ran_out.kept_epoch == ran_out.best_epoch < 39
    assert keeps(2, restore=False).kept_epoch == stopped.stopped_epoch
    path = {"checkpoint": tmp_path / "run.pt", "resume": True}
    assert keeps(99, **path) == keeps(99, **path) == ran_out  # the second returns at once
    assert overfitting().fit().kept_epoch == 39
    assert Run(penalty=interrupt_at(7)).fit().kept_epoch is None


def test_a_run_whose_best_weights_were_put_back_is_not_called_overfit():
    """The case of the issue: epochs ran out before patience did."""
    history = overfitting(early_stopping=EarlyStopping(patience=99, restore_best_weights=True)).fit()
    assert measures(history)["rise"] == measures(history)["progress"] == 0
    plain = overfitting().fit()
    assert measures(plain)["rise"] == plain.validation_loss[-1] / min(plain.validation_loss) - 1
    assert diagnose(plain).case == "overfit"
    assert "risen" not in str(diagnose(history))


def test_numbers_of_numpys_are_numbers(tmp_path):
    """Each argument that is a number, a flag or a name."""
    numbers = {"epochs": np.int64(3), "batch_size": np.uint8(16), "clip_norm": np.float32(0.5)}
    numbers |= {"measure_train": np.True_, "resume": np.False_, "progress": np.False_}
    numbers |= {"task": np.str_("regression"), "loss": np.str_("mse"), "checkpoint": tmp_path / "run.pt"}
    rule = {"patience": np.int8(2), "min_delta": np.float16(0), "baseline": np.float32(9.0)}
    rule |= {"restore_best_weights": np.True_, "start_from_epoch": np.int32(1), "mode": np.str_("min")}
    rule |= {"monitor": np.str_("validation_loss")}
    plain = {"epochs": 3, "clip_norm": 0.5}
    history = Run(**numbers, early_stopping=EarlyStopping(**rule)).fit()
    python = {name: getattr(value, "item", lambda v=value: v)() for name, value in rule.items()}
    assert history == Run(**plain, early_stopping=EarlyStopping(**python)).fit()
    resumed = Run(**numbers | {"resume": np.True_}, early_stopping=EarlyStopping(**rule)).fit()
    assert resumed == history
