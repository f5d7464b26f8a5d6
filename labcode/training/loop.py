"""One training loop for every task, with early stopping, checkpoints and a history.

Example::

    with seeded(0):
        model = SequenceModel(6, 64, 1)
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        generator = torch.Generator().manual_seed(0)
        history = fit(
            model, data.train, data.validation, optimizer=optimizer, epochs=40, generator=generator
        )
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from labcode._checks import check_integer, check_one_of, expect
from labcode.data.dataset import IGNORED
from labcode.early_stopping import EarlyStopping
from labcode.training.activations import ActivationPenalty
from labcode.training.batches import prepare
from labcode.training.checkpoint import Checkpoint, describe_run
from labcode.training.epochs import OnEpochEnd, check_monitor, run_epochs
from labcode.training.evaluation import measure_splits
from labcode.training.history import History
from labcode.training.losses import LossFunction, Metrics, check_metrics, find_loss
from labcode.training.steps import Steps, check_model


def fit(
    model: nn.Module,
    train: Iterable,
    validation: Iterable | None = None,
    *,
    # the run
    optimizer: torch.optim.Optimizer,
    epochs: int,
    generator: torch.Generator,
    task: str = "regression",
    batch_size: int = 32,
    # what is minimized, and what is measured
    loss: str | LossFunction | None = None,
    metrics: Metrics | None = None,
    measure_train: bool = True,
    penalty: Callable[[nn.Module], Tensor] | None = None,
    activation_penalty: Callable[..., Tensor] | None = None,
    # in each step
    clip_norm: float | None = None,
    constraint: Callable[[nn.Module], None] | None = None,
    # after each epoch
    early_stopping: EarlyStopping | None = None,
    scheduler: LRScheduler | None = None,
    on_epoch_end: OnEpochEnd | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: bool | None = None,
) -> History:
    """Train a model in place, in shuffled batches, and return the history of its losses.

    Each step minimizes the batch's mean loss plus the penalties. Padded steps count in no loss, penalty or
    metric: what stands there becomes 0 before the model reads it, so it need not even be finite. Afterwards
    the model is in evaluation mode. An interruption by the keyboard is no error: the history so far comes
    back, marked as interrupted, and the model can be used.

    Data larger than memory, mixed precision, gradients accumulated over batches, several devices, an
    optimizer that needs a closure, and weights of single samples want a loop of one's own:
    examples/own_loop.py and examples/lightning_module.py show two.

    Args:
        model: called as ``model(x)`` or ``model(x, padding_mask)``, returns (N, outputs), or (N, T, outputs)
            for a target at each step, or (N, L, classes) for sequences. If it has an attribute
            ``teacher_forcing`` that is true, it is also given the batch's y as ``targets``.
        train: ``(x, y)`` or ``(x, y, padding_mask)``, NumPy arrays or tensors: x (N, T, F) of floats, or
            (N, T) of whole numbers, the tokens; y (N, outputs) or (N, T, outputs) of floats for regression,
            (N,) of class numbers for classification, (N, L) of them for sequences, -100 where a target is
            padding (and, unless the model has teacher forcing, where a step of x is); padding_mask (N, T)
            of booleans, True for a real step. They are moved once to the model's device and dtype.
        validation: the same for the validation split, measured after each epoch.
        optimizer: an optimizer of this model's parameters.
        epochs: passes through the training data, those before a resumption included.
        generator: shuffles the batches. Dropout draws from torch's global generator: see :func:`seeded`.
        task: "regression", "classification" or "sequence".
        batch_size: samples in a batch.
        loss: "mse" (if None), "mae" or "huber" for a regression, "cross_entropy" for classes; or a function
            of (prediction, target) that returns the mean, or a number for each entry. Where there are steps
            it is given the real ones alone, (entries, outputs) or (entries, classes) and (entries,), of the
            whole batch. So classes are weighted by ``torch.nn.CrossEntropyLoss(weight=...)`` and labels
            smoothed by ``partial(smoothed_cross_entropy_torch, epsilon=0.1)``; one output with
            ``torch.nn.BCEWithLogitsLoss()`` is a regression of 0 and 1. The history's losses are this loss.
        metrics: functions of (prediction, target) by name that return a number, such as
            ``{"error": lambda p, t: (p - t).abs().mean()}``: given all predictions and targets of a split, on
            the CPU, in evaluation mode, real steps as above. The history has them as ``train_error`` and
            ``validation_error``.
        measure_train: also measure loss and metrics of the training split after each epoch.
        penalty: function of the model's weights that returns a scalar tensor, added to each batch's loss.
        activation_penalty: function of what the model's LSTM puts out for a batch, (B, T, D*H), that returns
            a scalar tensor (AR, TAR), added to the batch's loss. It is also given ``padding_mask=``, (B, T)
            or None, if it takes one, which it has to where steps are padded:
            ``partial(activation_penalty_torch, alpha=2.0)`` does. If the model holds several ``nn.LSTM``,
            such as an encoder and a decoder, the penalties of all are added.
        clip_norm: largest norm of the whole gradient, None for no limit.
        constraint: function of the model that is called, without gradient, after each of the optimizer's
            steps, such as ``lambda model: constrain_(model, {"recurrent": unit_norm_torch})``.
        early_stopping: rule for what its ``monitor`` names, any of the history's curves, such as
            "validation_loss"; it is reset, and its best weights, where it keeps them, are put into the model
            at the end of a run that was not interrupted.
        scheduler: one of ``torch.optim.lr_scheduler``, of this optimizer, that takes a step after each epoch
            (a ``ReduceLROnPlateau`` by what early stopping monitors, without it by the validation loss).
        on_epoch_end: function of (epoch, losses, model) that is called after each epoch, such as
            ``lambda epoch, losses, model: losses["validation_loss"] < 0.1``: epochs count from 0, the losses
            have the names that they have in the history, the model is in evaluation mode. True ends the
            training. It must draw no random numbers from torch's global generator if runs with and without
            it are to be the same. What it raises ends the training, too.
        checkpoint: file that receives the whole state after each epoch, in a folder that is made if needed.
        resume: go on from ``checkpoint``, bit for bit as if there had been no break (torch's global random
            state is put back, too); start anew if there is no such file. A finished run returns at once.
            With ``resume=False`` a file that exists is an error, so that no run is lost by mistake.
        progress: show a progress bar; None for yes, unless the environment variable TQDM_DISABLE is set.

    Returns:
        The history.

    Raises:
        ValueError: an argument or data that do not fit (data are checked for NaN once, before training), or
            a checkpoint that is damaged or comes from a run with other settings.
        FileExistsError: the checkpoint exists and ``resume`` is False.
        FloatingPointError: a loss or a weight became NaN or infinite; the best weights are back in the model
            if ``early_stopping`` keeps them.

    >>> from labcode.lstm import SequenceModel
    >>> x, model = torch.randn(40, 5, 3), SequenceModel(3, 4, 1)
    >>> history = fit(
    ...     model,
    ...     (x[:30], x[:30, -1, :1]),
    ...     (x[30:], x[30:, -1, :1]),
    ...     optimizer=torch.optim.Adam(model.parameters()),
    ...     epochs=2,
    ...     generator=torch.Generator().manual_seed(0),
    ...     loss="huber",
    ...     metrics={"worst": lambda prediction, target: (prediction - target).abs().max()},
    ...     progress=False,
    ... )
    >>> len(history.validation_loss), len(history.metrics["validation_worst"])
    (2, 2)

    Chapter: 1.2.
    """
    check_model(model, optimizer)
    found, metrics = find_loss(task, loss), check_metrics(metrics)
    check_one_of("measure_train", measure_train, (True, False))
    check_one_of("resume", resume, (True, False))
    fits = scheduler is None or getattr(scheduler, "optimizer", None) is optimizer
    expect(fits, "scheduler", "one of torch.optim.lr_scheduler, of this optimizer", scheduler)
    penalized = None if activation_penalty is None else ActivationPenalty(activation_penalty, model)
    data = {"train": prepare("train", train, model, found)}
    if validation is not None:
        data["validation"] = prepare("validation", validation, model, found)
    if penalized is not None:
        penalized.check_padding(_is_padded(task, *data["train"]))
    steps = Steps(model, optimizer, generator, found, batch_size, penalty, penalized, clip_norm, constraint)
    measured = data if measure_train else {name: data[name] for name in data if name != "train"}
    kinds = ["loss", *(["accuracy"] if task != "regression" else []), *metrics]
    names = ["objective", *(f"{split}_{kind}" for split in measured for kind in kinds)]
    check_monitor(early_stopping, scheduler, names)
    measure = partial(measure_splits, model, measured, found, metrics)
    keeper = None
    if checkpoint is not None:
        settings: dict[str, object] = {"task": task, "loss": found.name or "a function"}
        settings |= {"metrics": list(metrics), "batch_size": steps.batch_size, "clip_norm": steps.clip_norm}
        settings |= {"measure_train": bool(measure_train), "constraint": constraint is not None}
        settings |= {"activation_penalty": activation_penalty is not None}
        settings |= {"scheduler": None if scheduler is None else type(scheduler).__name__}
        settings |= describe_run(model, optimizer, generator, early_stopping, data)
        again = measure if metrics or found.name is None else None
        held = (penalty, early_stopping, scheduler, again)
        keeper = Checkpoint(Path(checkpoint), settings, model, optimizer, generator, *held)
    return run_epochs(
        model,
        check_integer("epochs", epochs, low=1),
        train_epoch=partial(steps.epoch, data["train"]),
        measure=lambda: (model, measure()),
        early_stopping=early_stopping,
        on_epoch_end=on_epoch_end,
        scheduler=scheduler,
        keeper=keeper,
        resume=resume,
        progress=progress,
    )


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Make what torch draws inside the block (first weights, dropout) reproducible, and nothing outside it.

    The global random states of the CPU and of CUDA devices are put back when the block ends.

    Args:
        seed: a whole number of at least 0.

    Raises:
        ValueError: another seed.

    Chapter: 1.2.
    """
    seed = check_integer("seed", seed)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def _is_padded(task: str, x: Tensor, y: Tensor, *mask: Tensor) -> bool:
    """Say whether any step of the data is padding."""
    steps = [*mask, y != IGNORED] if task == "sequence" else mask
    return not all(bool(real.all()) for real in steps)
