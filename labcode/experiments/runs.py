"""One run: one model, trained with some methods at some strengths, from one seed; the same every time."""

import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from labcode.data.dataset import Dataset
from labcode.early_stopping import EarlyStopping
from labcode.experiments.declaration import Declaration, canonical_hash
from labcode.experiments.methods import combine
from labcode.experiments.seeded_training import train_model
from labcode.experiments.tasks import find_task, load
from labcode.training import seeded
from labcode.training.history import History

_ALONE = threading.RLock()  # a Dask worker may have several threads; a run may be part of another


@dataclass(frozen=True, kw_only=True)
class Run:
    """All that decides what a training comes to.

    Attributes:
        task: name of the task.
        model: sizes of the model, as pairs of name and number.
        methods: pairs of method and strength; empty for an unregularized run.
        seed: draws weights, batches, masks and, where the task allows it, training and validation parts.
        epochs, batch_size, learning_rate: the budget.
        patience: of early stopping, whose best weights are kept; None trains for all epochs.
    """

    task: str
    model: tuple[tuple[str, int], ...]
    methods: tuple[tuple[str, float], ...]
    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int | None = None

    @property
    def key(self) -> str:
        """Hash of all of it, and of torch's version, under which the store keeps the run."""
        return canonical_hash(["run", asdict(self), torch.__version__])[:32]


def make_run(
    declaration: Declaration, methods: Mapping[str, float], seed: int, *, task: str | None = None, early=False
) -> Run:
    """Return a run of a declared experiment, on its task unless another is named."""
    return Run(
        task=declaration.task if task is None else task,
        model=tuple(declaration.model.items()),
        methods=tuple(methods.items()),
        seed=seed,
        epochs=declaration.epochs,
        batch_size=declaration.batch_size,
        learning_rate=declaration.learning_rate,
        patience=declaration.patience if early else None,
    )


def train(
    run: Run, *, dataset: Dataset | None = None, build: Callable[..., nn.Module] | None = None, **options
) -> tuple[nn.Module, History]:
    """Train the run's model; the test split is not touched. Random states outside stay as they were.

    The seed draws the first weights, then the masks: with other methods, both are drawn from the same state.

    Args:
        run: what to train.
        dataset: what to learn in place of the task's own data.
        build: what makes the model in place of the task's ``build``.
        options: anything else that ``labcode.training.fit`` takes, such as ``on_epoch_end``.
    """
    if run.patience is not None:
        options["early_stopping"] = EarlyStopping(patience=run.patience, restore_best_weights=True)
    with alone(), seeded(run.seed):
        return train_model(
            load(run.task, run.seed) if dataset is None else dataset,
            seed=run.seed,
            build=find_task(run.task).build if build is None else build,
            model_options=dict(run.model),
            methods=dict(run.methods),
            learning_rate=run.learning_rate,
            epochs=run.epochs,
            batch_size=run.batch_size,
            progress=False,
            **options,
        )


def curve(run: Run) -> dict:
    """Train and return what the choice of a strength needs: the losses by epoch, measured in evaluation.

    A run whose losses or weights stop being finite has no curve, but says so under "failed": its strength
    is never chosen.
    """
    began = time.process_time()
    try:
        _, history = train(run)
    except FloatingPointError as error:
        return _record(began, failed=str(error))
    return _record(began, train=history.train_loss, validation=history.validation_loss)


def curve_and_weights(run: Run) -> dict:
    """Train, and return the curve together with the weights that the model ends with, as arrays."""
    began = time.process_time()
    model, history = train(run)
    weights = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    curves = {"train": history.train_loss, "validation": history.validation_loss}
    return _record(began, weights=weights, **curves)


def kept_epoch(validation: list[float], patience: int) -> int:
    """Return the epoch whose weights early stopping would have kept, from a whole curve."""
    stopping = EarlyStopping(patience=patience)
    for epoch, loss in enumerate(validation):
        if stopping.update(epoch, loss):
            break
    assert stopping.best_epoch is not None
    return stopping.best_epoch


def with_weights(run: Run, weights: dict[str, np.ndarray]) -> nn.Module:
    """Make the run's model with weights that another process has trained."""
    options = dict(run.model) | combine(dict(run.methods)).model
    with alone(), seeded(run.seed):
        model = find_task(run.task).build(load(run.task, run.seed), **options)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return model


def processor() -> str:
    """Return the processor's name, family, model and the instructions that torch uses.

    Runs are the same bit for bit only where all of it is the same: a name such as "AMD EPYC" stands for many.
    """
    capability = torch.backends.cpu.get_cpu_capability()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.processor() or platform.machine()}, {capability}"
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    numbers = [f"{key.split()[-1]} {found[key]}" for key in ("cpu family", "model") if key in found]
    return ", ".join([found.get("model name", platform.machine()), *numbers, capability])


@contextmanager
def alone() -> Iterator[None]:
    """Compute with one thread, and alone in this process: torch's settings and random state are shared.

    Several runs share the cores as processes; with one thread each, sums keep their order.
    """
    with _ALONE:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _record(began: float, **found: object) -> dict:
    return {**found, "seconds": round(time.process_time() - began, 3), "processor": processor()}
