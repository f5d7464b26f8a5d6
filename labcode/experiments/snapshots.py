"""One training that keeps the weights of every epoch, so that one run answers for many rules of stopping."""

import copy
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor, nn

from labcode._checks import check_integer, check_one_of, expect
from labcode.data.dataset import Dataset
from labcode.experiments.runs import Run, alone, kept_epoch, train
from labcode.experiments.tasks import find_task
from labcode.training.history import History


@dataclass(frozen=True)
class Trained:
    """A training, with the weights of all of its epochs.

    Attributes:
        run: what was trained.
        model: the model, with the weights that ``at`` put into it last.
        history: losses by epoch.
        snapshots: weights by epoch.
    """

    run: Run
    model: nn.Module
    history: History
    snapshots: list[dict[str, Tensor]]

    def at(self, epoch: int) -> nn.Module:
        """Return the model with the weights that it had after an epoch, -1 for the last."""
        last = len(self.snapshots) - 1
        expect(-1 <= check_integer("epoch", epoch, low=-1) <= last, "epoch", f"-1 to {last}", epoch)
        self.model.load_state_dict(self.snapshots[epoch])
        return self.model

    def kept(self, patience: int) -> int:
        """Return the epoch whose weights early stopping would have kept."""
        return kept_epoch(self.history.validation_loss, patience)

    def item_losses(self, dataset: Dataset, split: str) -> np.ndarray:
        """Return the loss of each item of a split, (N,), with the weights that are in the model now.

        Args:
            dataset: gives the split; not necessarily the one that was learned from.
            split: "train", "validation" or "test".
        """
        check_one_of("split", split, ("train", "validation", "test"))
        task = find_task(self.run.task)
        with alone():
            outputs = task.outputs(self.model, dataset, split)
        return task.measures(dataset.task, outputs, getattr(dataset, split).y)["loss"]


def train_and_keep(
    run: Run, dataset: Dataset | None = None, *, build=None, measure_train: bool = True
) -> Trained:
    """Train for the whole budget, and keep the weights of every epoch; the test split is not touched.

    Two runs of one seed start from the same weights and see the same batches: they are a pair.

    Args:
        run: what to train; its patience is not used.
        dataset: what to learn in place of the task's own data, such as the same with noisier targets.
        build: function of (dataset, sizes and options by keyword) that makes the model in place of the
            task's own.
        measure_train: as in ``labcode.training.fit``: without it there are no training losses.

    Returns:
        The training.

    Raises:
        FloatingPointError: a loss or a weight became NaN or infinite.
    """
    snapshots: list[dict[str, Tensor]] = []

    def keep(epoch: int, losses: dict[str, float], model: nn.Module) -> None:
        snapshots.append(copy.deepcopy(model.state_dict()))

    options = {"dataset": dataset, "build": build, "measure_train": measure_train, "on_epoch_end": keep}
    model, history = train(replace(run, patience=None), **options)
    return Trained(run, model, history, snapshots)
