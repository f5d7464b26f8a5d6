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

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import LRScheduler

from labcode._checks import check_integer, check_lstms, check_number, expect
from labcode.data.dataset import IGNORED
from labcode.early_stopping import EarlyStopping
from labcode.training.batches import evaluation_mode, prepare, prepare_inputs, prepare_targets, run
from labcode.training.checkpoint import Checkpoint, describe_run
from labcode.training.epochs import OnEpochEnd, run_epochs
from labcode.training.history import History

EVALUATION_BATCH = 256


def fit(
    model: nn.Module,
    train: Iterable,
    validation: Iterable | None = None,
    *,
    optimizer: torch.optim.Optimizer,
    epochs: int,
    generator: torch.Generator,
    task: str = "regression",
    batch_size: int = 32,
    penalty: Callable[[nn.Module], Tensor] | None = None,
    activation_penalty: Callable[[Tensor], Tensor] | None = None,
    clip_norm: float | None = None,
    constraint: Callable[[nn.Module], None] | None = None,
    early_stopping: EarlyStopping | None = None,
    on_epoch_end: OnEpochEnd | None = None,
    scheduler: LRScheduler | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    measure_train: bool = True,
    progress: bool | None = None,
) -> History:
    """Train a model in place, in shuffled batches, and return the history of its losses.

    Each step minimizes the batch's mean squared error (regression) or cross-entropy (classification; for
    sequences the mean over all real tokens of the batch) plus the penalties. Afterwards the model is in
    evaluation mode. An interruption by the keyboard is no error: the history so far comes back, marked as
    interrupted, and the model can be used.

    Args:
        model: called as ``model(x)`` or ``model(x, padding_mask)``, returns (N, outputs), or (N, L, classes)
            for sequences. If it has an attribute ``teacher_forcing`` that is true, it is also given the
            batch's y as ``targets``.
        train: ``(x, y)`` or ``(x, y, padding_mask)``, NumPy arrays or tensors: x (N, T, F) of floats, or
            (N, T) of whole numbers, the tokens; y (N, outputs) of floats for regression, (N,) of class
            numbers for classification, (N, L) of them for sequences, -100 where a target is padding;
            padding_mask (N, T) of booleans, True for a real step. They are moved once to the model's device
            and dtype.
        validation: the same for the validation split, measured after each epoch.
        optimizer: an optimizer of this model's parameters.
        epochs: passes through the training data, those before a resumption included.
        generator: shuffles the batches. Dropout draws from torch's global generator: see :func:`seeded`.
        task: "regression", "classification" or "sequence".
        batch_size: samples in a batch.
        penalty: function of the model's weights that returns a scalar tensor, added to each batch's loss.
        activation_penalty: function of what the model's LSTM puts out for a batch, (B, T, D*H), that returns
            a scalar tensor (AR, TAR), added to the batch's loss. If the model holds several ``nn.LSTM``, such
            as an encoder and a decoder, the penalties of all are added.
        clip_norm: largest norm of the whole gradient, None for no limit.
        constraint: function of the model that is called, without gradient, after each of the optimizer's
            steps, such as ``lambda model: constrain_(model, {"recurrent": unit_norm_torch})``.
        early_stopping: rule that monitors the validation loss; it is reset, and its best weights, where it
            keeps them, are put into the model at the end of a run that was not interrupted.
        on_epoch_end: function of (epoch, losses, model) that is called after each epoch, such as
            ``lambda epoch, losses, model: losses["validation_loss"] < 0.1``: epochs count from 0, the losses
            have the names that they have in the history, the model is in evaluation mode. True ends the
            training. It must draw no random numbers from torch's global generator if runs with and without
            it are to be the same. What it raises ends the training, too.
        scheduler: one of ``torch.optim.lr_scheduler``, of this optimizer, that takes a step after each epoch
            (a ``ReduceLROnPlateau`` by the validation loss); it is part of the checkpoint.
        checkpoint: file that receives the whole state after each epoch, in a folder that is made if needed.
        resume: go on from ``checkpoint``, bit for bit as if there had been no break (torch's global random
            state is put back, too); start anew if there is no such file. A finished run returns at once.
            With ``resume=False`` a file that exists is an error, so that no run is lost by mistake.
        measure_train: also measure the training loss in evaluation mode after each epoch.
        progress: show a progress bar; None for yes, unless the environment variable TQDM_DISABLE is set.

    Returns:
        The history.

    Raises:
        ValueError: an argument or data that do not fit (data are checked for NaN once, before training), or
            a checkpoint that is damaged or comes from a run with other settings.
        FileExistsError: the checkpoint exists and ``resume`` is False.
        FloatingPointError: a loss or a weight became NaN or infinite; the best weights are back in the model
            if ``early_stopping`` keeps them.

    Chapter: 1.2.
    """
    epochs, batch_size = (
        check_integer("epochs", epochs, low=1),
        check_integer("batch_size", batch_size, low=1),
    )
    _check_arguments(model, optimizer, generator, penalty, clip_norm)
    watched = [] if activation_penalty is None else _lstms(model)
    for lstm in watched:
        outputs = next(model.parameters()).new_zeros(1, 2, lstm.hidden_size)
        _expect_scalar("activation_penalty(outputs)", activation_penalty(outputs))
    expect(constraint is None or callable(constraint), "constraint", "a function of the model", constraint)
    _check_early_stopping(early_stopping, validation)
    fits = scheduler is None or getattr(scheduler, "optimizer", None) is optimizer
    expect(fits, "scheduler", "one of torch.optim.lr_scheduler, of this optimizer", scheduler)
    data = {"train": prepare("train", train, model, task)}
    if validation is not None:
        data["validation"] = prepare("validation", validation, model, task)
    keeper = None
    if checkpoint is not None:
        settings = {"task": task, "batch_size": batch_size, "clip_norm": clip_norm}
        settings |= {"measure_train": measure_train}
        settings |= {
            "activation_penalty": activation_penalty is not None,
            "constraint": constraint is not None,
        }
        settings |= describe_run(model, optimizer, generator, early_stopping, data)
        settings |= {"scheduler": None if scheduler is None else type(scheduler).__name__}
        keeper = Checkpoint(
            Path(checkpoint), settings, model, optimizer, generator, penalty, early_stopping, scheduler
        )
    step = {"optimizer": optimizer, "generator": generator, "task": task, "batch_size": batch_size}
    step |= {"penalty": penalty, "clip_norm": clip_norm, "constraint": constraint}
    step |= {"activation_penalty": activation_penalty, "watched": watched}
    measured = data if measure_train else {name: data[name] for name in data if name != "train"}
    return run_epochs(
        model,
        epochs,
        train_epoch=partial(_train_epoch, model, data["train"], **step),
        measure=lambda: (model, _measure(model, measured, task)),
        early_stopping=early_stopping,
        on_epoch_end=on_epoch_end,
        scheduler=scheduler,
        keeper=keeper,
        resume=resume,
        progress=progress,
    )


def evaluate(model: nn.Module, data: Iterable, task: str = "regression") -> dict[str, float]:
    """Measure a model's mean loss on data, in evaluation mode and without gradients.

    Args:
        model: called as ``model(x)`` or ``model(x, padding_mask)``; its mode is as before afterwards.
        data: ``(x, y)`` or ``(x, y, padding_mask)``, as for :func:`fit`.
        task: "regression" (mean squared error), "classification" (cross-entropy) or "sequence" (the same,
            the mean over all real tokens).

    Returns:
        "loss", and "accuracy" (the share of right classes or tokens) unless it is a regression.

    Raises:
        ValueError: data that do not fit the model or the task.

    Chapter: 1.2.
    """
    return _evaluate(model, prepare("data", data, model, task), task)


def predict(
    model: nn.Module,
    x: np.ndarray | Tensor,
    padding_mask: np.ndarray | Tensor | None = None,
    *,
    targets: np.ndarray | Tensor | None = None,
) -> Tensor:
    """Compute a model's outputs in evaluation mode (without dropout) and without gradients.

    Args:
        model: called as ``model(x)`` or ``model(x, padding_mask)``; its mode is as before afterwards.
        x: inputs, (N, T, F) of floats, or (N, T) of whole numbers, the tokens.
        padding_mask: (N, T) of booleans, True for a real step, or None.
        targets: (N, L) of whole numbers, for a model with teacher forcing; None for others.

    Returns:
        The outputs, (N, outputs) or (N, L, classes), on the CPU.

    Raises:
        ValueError: inputs of another shape or kind, empty, or not finite.

    Chapter: 1.2.
    """
    x, *mask = prepare_inputs(x, padding_mask, model)
    forced = getattr(model, "teacher_forcing", False)
    expect(forced == (targets is not None), "targets", "targets if the model has teacher forcing", targets)
    y = prepare_targets(targets, model) if forced else x
    expect(len(y) == len(x), "targets", f"{len(x)} of them, as many as samples", len(y))
    with evaluation_mode(model):
        batches = zip(*(tensor.split(EVALUATION_BATCH) for tensor in (x, y, *mask)), strict=True)
        return torch.cat([run(model, x, y, mask) for x, y, *mask in batches]).cpu()


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


def _train_epoch(
    model: nn.Module,
    tensors: Sequence[Tensor],
    *,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    task: str,
    batch_size: int,
    penalty: Callable[[nn.Module], Tensor] | None,
    activation_penalty: Callable[[Tensor], Tensor] | None,
    watched: Sequence[nn.LSTM],
    clip_norm: float | None,
    constraint: Callable[[nn.Module], None] | None,
) -> float:
    model.train()
    x = tensors[0]
    order = torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)
    total, weights = _sum_of_losses(next(model.parameters())), 0
    batches = zip(*(tensor[order].split(batch_size) for tensor in tensors), strict=True)
    with _recorded_outputs(watched) as outputs:
        for x, y, *mask in batches:
            optimizer.zero_grad()
            objective = _loss(task, run(model, x, y, mask), y)
            if penalty is not None:
                objective = objective + penalty(model)
            while outputs:
                objective = objective + activation_penalty(outputs.pop())
            objective.backward()
            if clip_norm is not None:
                clip_grad_norm_(model.parameters(), clip_norm)
            optimizer.step()
            if constraint is not None:
                with torch.no_grad():
                    constraint(model)
            weight = _weight(task, y)
            total += objective.detach() * weight
            weights += weight
    return total.item() / int(weights)


@contextmanager
def _recorded_outputs(lstms: Sequence[nn.LSTM]) -> Iterator[list[Tensor]]:
    """Put what the LSTMs return as their output (B, T, D*H) into the list, at each call inside the block."""
    recorded: list[Tensor] = []
    handles = [
        lstm.register_forward_hook(lambda module, inputs, returned: recorded.append(returned[0]))
        for lstm in lstms
    ]
    try:
        yield recorded
    finally:
        for handle in handles:
            handle.remove()


def _lstms(model: nn.Module) -> list[nn.LSTM]:
    """Return the LSTMs that a model holds, whose outputs an activation penalty sees."""
    lstms = check_lstms("model", model)
    batch_first = [lstm.batch_first for lstm in lstms]
    expect(all(batch_first), "model", "LSTMs with batch_first=True, for activation_penalty", batch_first)
    return lstms


def _loss(task: str, prediction: Tensor, y: Tensor) -> Tensor:
    if task == "sequence":
        prediction, y = prediction.flatten(0, 1), y.flatten()
    loss = functional.mse_loss if task == "regression" else functional.cross_entropy
    return loss(prediction, y)


def _weight(task: str, y: Tensor) -> int | Tensor:
    """Return how many losses a batch's mean loss is the mean of: samples, or real tokens."""
    return (y != IGNORED).sum() if task == "sequence" else len(y)


def _sum_of_losses(like: Tensor) -> Tensor:
    """Start a sum on the device, so that the loop never waits for it, in at least float32."""
    return like.new_zeros((), dtype=torch.promote_types(like.dtype, torch.float32))


def _measure(model: nn.Module, data: dict[str, Sequence[Tensor]], task: str) -> dict[str, float]:
    return {
        f"{split}_{metric}": value
        for split, tensors in data.items()
        for metric, value in _evaluate(model, tensors, task).items()
    }


def _evaluate(model: nn.Module, tensors: Sequence[Tensor], task: str) -> dict[str, float]:
    like = next(model.parameters())
    loss, right, weights = _sum_of_losses(like), _sum_of_losses(like), 0
    with evaluation_mode(model):
        for x, y, *mask in zip(*(tensor.split(EVALUATION_BATCH) for tensor in tensors), strict=True):
            prediction, weight = run(model, x, y, mask), _weight(task, y)
            loss += _loss(task, prediction, y) * weight
            weights += weight
            if task != "regression":
                right += (prediction.argmax(dim=-1) == y).sum()
    n = int(weights)
    metrics = {"loss": loss.item() / n}
    return metrics | {"accuracy": right.item() / n} if task != "regression" else metrics


def _check_arguments(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    penalty: Callable[[nn.Module], Tensor] | None,
    clip_norm: float | None,
) -> None:
    trainable = {id(p): name for name, p in model.named_parameters() if p.requires_grad}
    expect(len(trainable) > 0, "model", "a model with trainable parameters", model)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    missing = [name for key, name in trainable.items() if key not in held]
    foreign = len(held - {id(p) for p in model.parameters()})
    expected = "an optimizer of all trainable parameters of this model and no others"
    received = f"one that lacks {missing} and holds {foreign} others (was the model made anew after it?)"
    if missing or foreign:
        raise ValueError(f"optimizer: expected {expected}, received {received}")
    expect(isinstance(generator, torch.Generator), "generator", "a torch.Generator", generator)
    if clip_norm is not None:
        expect(check_number("clip_norm", clip_norm, low=0.0) > 0, "clip_norm", "a number above 0", clip_norm)
    if penalty is not None:
        with torch.no_grad():
            value = penalty(model)
        _expect_scalar("penalty(model)", value)


def _expect_scalar(name: str, value: object) -> None:
    scalar = isinstance(value, Tensor) and value.ndim == 0
    expect(scalar, name, "a scalar tensor (of the PyTorch twin, not of the NumPy one)", value)


def _check_early_stopping(early_stopping: EarlyStopping | None, validation: Iterable | None) -> None:
    if early_stopping is not None:
        expect(validation is not None, "validation", "data for early stopping to monitor", validation)
        expect(early_stopping.mode == "min", "early_stopping.mode", "'min', for a loss", early_stopping.mode)
