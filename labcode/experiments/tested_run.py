"""One training of what was chosen, with the weights of the epochs that are to be judged on the test split."""

import copy
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from labcode._checks import check_one_of, expect
from labcode.data.dataset import Dataset
from labcode.early_stopping import EarlyStopping
from labcode.experiments.runs import Run, kept_epoch, processor, train, with_weights
from labcode.experiments.tasks import Task, check_measures, find_task, load

EAGER, EAGER_MARK = 1, "patience1"
MARKS = ("last", "early", EAGER_MARK)  # the last epoch; what early stopping keeps, and would with patience 1


def marked_epoch(validation: list[float], mark: str, patience: int) -> int:
    """Return the epoch that a mark stands for, from a run's curve."""
    if check_one_of("mark", mark, MARKS) == "last":
        return len(validation) - 1
    return kept_epoch(validation, patience if mark == "early" else EAGER)


def has_stopped(validation: list[float], patience: int) -> bool:
    """Say whether early stopping ended, or would have ended, within a curve."""
    stopping = EarlyStopping(patience=patience)
    return any(stopping.update(epoch, loss) for epoch, loss in enumerate(validation))


def curve_and_states(run: Run, marks: tuple[str, ...], patience: int) -> dict:
    """Train, and return the curve together with the weights at each mark, as arrays.

    A run that stops being finite ends before that epoch, and says so under "failed".

    Args:
        run: what to train; with a patience it ends early.
        marks: which epochs' weights to keep.
        patience: of early stopping, for a run that goes on to its last epoch.

    Raises:
        FloatingPointError: the first epoch is not finite.
    """
    began, states = time.process_time(), []
    found: dict[str, Any] = {}
    curves: dict[str, list[float]] = {"train": [], "validation": []}

    def keep(epoch, losses, model):
        states.append(copy.deepcopy(model.state_dict()))
        for name, curve in curves.items():
            curve.append(losses[f"{name}_loss"])

    try:
        train(run, on_epoch_end=keep)
    except FloatingPointError as error:
        if not states:
            raise
        found["failed"] = str(error)
    epochs = {mark: marked_epoch(curves["validation"], mark, patience) for mark in marks}
    weights = {
        mark: {name: tensor.numpy() for name, tensor in states[e].items()} for mark, e in epochs.items()
    }
    seconds = round(time.process_time() - began, 3)
    found |= {"epochs": epochs, "weights": weights, "seconds": seconds, "processor": processor()}
    return found | curves


def judged(run: Run, weights: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, dict[str, list]]:
    """Measure the test split at each mark, once, and return the numbers, ready for JSON.

    Args:
        run: the run.
        weights: by mark.

    Raises:
        ValueError: what the task measures is not one finite number for each item.
    """
    task, dataset = find_task(run.task), load(run.task, run.seed)
    return {mark: _judged(task, dataset, with_weights(run, dict(found))) for mark, found in weights.items()}


def _judged(task: Task, dataset: Dataset, model) -> dict[str, list]:
    outputs, y = task.outputs(model, dataset, "test"), dataset.test.y
    measures = task.measures(dataset.task, outputs, y)
    check_measures(measures, len(y))
    if task.further is not None:
        further = task.further(model, dataset, outputs)
        for name, values in further.items():
            expect(np.isfinite(values).all(), f"test {name}", "finite numbers", values)
        measures |= further
    return {name: np.asarray(values).tolist() for name, values in measures.items()}
