"""Epoch after epoch: what every training does around its steps, whatever a step is.

``run_epochs`` measures, asks early stopping and ``on_epoch_end``, writes checkpoints and the history, and
answers an interruption. ``fit`` gives it the epochs of shuffled batches, a language model those of a text.
"""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from torch import nn
from torch.nn.utils import get_total_norm
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from tqdm.auto import tqdm

from labcode._checks import expect
from labcode.early_stopping import EarlyStopping, usual_mode
from labcode.training.checkpoint import Checkpoint
from labcode.training.history import History

OnEpochEnd = Callable[[int, dict[str, float], nn.Module], bool | None]


def run_epochs(
    model: nn.Module,
    epochs: int,
    *,
    train_epoch: Callable[[], float],
    measure: Callable[[], tuple[nn.Module, Mapping[str, float]]],
    early_stopping: EarlyStopping | None = None,
    on_epoch_end: OnEpochEnd | None = None,
    scheduler: LRScheduler | None = None,
    keeper: Checkpoint | None = None,
    resume: bool = False,
    progress: bool | None = None,
) -> History:
    """Train a model in place for some epochs, and return the history of its losses.

    Args:
        model: the model; afterwards it is in evaluation mode.
        epochs: how many, those before a resumption included.
        train_epoch: trains the model once through its data, and returns the mean of what it minimized.
        measure: returns the model that an epoch has come to (the same, or an average of it) and its losses
            and metrics by their names in the history.
        early_stopping, on_epoch_end, scheduler, resume, progress: as in ``labcode.training.fit``.
        keeper: writes and reads the checkpoint; None for none.

    Raises:
        ValueError: an argument that does not fit.
        FileExistsError: the checkpoint exists and ``resume`` is False.
        FloatingPointError: a loss or a weight became NaN or infinite.
    """
    expected = "a function of (epoch, losses, model)"
    expect(on_epoch_end is None or callable(on_epoch_end), "on_epoch_end", expected, on_epoch_end)
    history = _begin(keeper, early_stopping, epochs, resume)
    first = epochs if history.stopped_epoch is not None else history.epochs
    if progress is None:
        progress = os.environ.get("TQDM_DISABLE", "") in ("", "0")
    bar = {"desc": "epochs", "initial": first, "total": epochs, "mininterval": 0.1, "disable": not progress}
    try:
        with tqdm(range(first, epochs), **bar) as shown:
            for epoch in shown:
                began = time.perf_counter()
                losses = {"objective": train_epoch()}
                reached, measured = measure()
                losses |= measured
                if broken := _not_finite(losses, reached):
                    raise _divergence(epoch, broken, _restore_best(model, early_stopping))
                check_monitor(early_stopping, scheduler, list(losses))
                _schedule(scheduler, losses, early_stopping)
                history = _close_epoch(history, losses, reached, early_stopping, began)
                if _asks_to_stop(on_epoch_end, epoch, losses, reached):
                    history = replace(history, stopped_epoch=epoch)
                if keeper is not None:
                    keeper.save(history.to_dict())
                shown.set_postfix(losses, refresh=False)
                if history.stopped_epoch is not None:
                    break
    except KeyboardInterrupt:
        history = replace(history, interrupted=True, kept_epoch=None)
        hint = "call fit again with resume=True." if keeper else "fit can, with checkpoint=FILE."
        print(f"Interrupted after {history.epochs} of {epochs} epochs. To go on: {hint}")
    else:
        if _restore_best(model, early_stopping) and early_stopping is not None:
            history = replace(history, kept_epoch=early_stopping.best_epoch)
    finally:
        model.eval()
    return history


def check_monitor(
    early_stopping: EarlyStopping | None, scheduler: LRScheduler | None, names: Sequence[str]
) -> None:
    """Check that what early stopping and a ReduceLROnPlateau monitor is measured, and which way is up.

    Args:
        early_stopping, scheduler: as in ``labcode.training.fit``.
        names: what is measured, by its names in the history.

    Raises:
        ValueError: something else is monitored, or in the wrong direction.
    """
    monitor, mode = _monitored(early_stopping)
    measured = f"what is measured: one of {', '.join(names)}"
    if early_stopping is not None:
        expect(monitor in names, "early_stopping.monitor", measured, monitor)
        usual = usual_mode(monitor) or mode
        expect(mode == usual, "early_stopping.mode", f"{usual!r}, for {monitor}", mode)
    if isinstance(scheduler, ReduceLROnPlateau):
        expect(monitor in names, "scheduler", f"a ReduceLROnPlateau for {measured}", monitor)
        expect(scheduler.mode == mode, "scheduler.mode", f"{mode!r}, for {monitor}", scheduler.mode)


def _monitored(early_stopping: EarlyStopping | None) -> tuple[str, str]:
    """Return what is monitored, by name, and its mode."""
    if early_stopping is None:
        return "validation_loss", "min"
    return early_stopping.monitor, early_stopping.mode


def _begin(
    keeper: Checkpoint | None, early_stopping: EarlyStopping | None, epochs: int, resume: bool
) -> History:
    if early_stopping is not None:
        early_stopping.reset()
    if keeper is None:
        expect(not resume, "checkpoint", "a file to resume from", None)
        return History()
    if not keeper.path.exists():
        keeper.path.parent.mkdir(parents=True, exist_ok=True)
        return History()
    if not resume:
        raise FileExistsError(
            f"checkpoint {keeper.path}: expected a new file, received one of an earlier run; go on with it "
            "(resume=True), delete it, or choose another name"
        )
    history = History.from_dict(keeper.load())
    done = history.epochs
    expect(done <= epochs, "epochs", f"at least {done}, which checkpoint {keeper.path} has behind it", epochs)
    return history


def _close_epoch(
    history: History,
    losses: dict[str, float],
    model: nn.Module,
    early_stopping: EarlyStopping | None,
    began: float,
) -> History:
    """Ask early stopping and make a new history, so that an interruption never leaves half an epoch in it."""
    history = history.with_epoch(losses)
    best_epoch = stopped_epoch = None
    if early_stopping is not None:
        weights = model.state_dict() if early_stopping.restore_best_weights else None
        early_stopping.update(history.epochs - 1, losses[early_stopping.monitor], weights)
        best_epoch, stopped_epoch = early_stopping.best_epoch, early_stopping.stopped_epoch
    elif history.validation_loss:
        best_epoch = int(np.argmin(history.validation_loss))
    seconds = history.seconds + time.perf_counter() - began
    return replace(history, best_epoch=best_epoch, stopped_epoch=stopped_epoch, seconds=seconds)


def _schedule(
    scheduler: LRScheduler | None, losses: Mapping[str, float], early_stopping: EarlyStopping | None
) -> None:
    if isinstance(scheduler, ReduceLROnPlateau):
        scheduler.step(losses[_monitored(early_stopping)[0]])
    elif scheduler is not None:
        scheduler.step()


def _asks_to_stop(
    on_epoch_end: OnEpochEnd | None, epoch: int, losses: Mapping[str, float], model: nn.Module
) -> bool:
    """Call ``on_epoch_end`` with the model in evaluation mode."""
    if on_epoch_end is None:
        return False
    model.eval()
    answer = on_epoch_end(epoch, dict(losses), model)
    fits = answer is None or isinstance(answer, (bool, np.bool_))
    expect(fits, "on_epoch_end", "a function that returns True to stop, else False or None", answer)
    return bool(answer)


def _restore_best(model: nn.Module, early_stopping: EarlyStopping | None) -> bool:
    """Put the best weights into the model, if early stopping holds some; say whether it does."""
    weights = None if early_stopping is None else early_stopping.weights_to_restore()
    if weights is not None:
        model.load_state_dict(weights)
    return weights is not None


def _not_finite(losses: Mapping[str, float], model: nn.Module) -> dict[str, float]:
    """Return the losses that are NaN or infinite, and the largest weight if it is; a metric may be NaN."""
    losses = {name: value for name, value in losses.items() if usual_mode(name) == "min"}
    largest = get_total_norm([p.detach() for p in model.parameters()], norm_type=math.inf).item()
    values = losses | {"largest weight": largest}
    return {name: value for name, value in values.items() if not math.isfinite(value)}


def _divergence(epoch: int, broken: Mapping[str, float], restored: bool) -> FloatingPointError:
    received = ", ".join(f"{name} = {value}" for name, value in broken.items())
    weights = "The best weights are back in the model" if restored else "These weights are lost"
    return FloatingPointError(
        f"epoch {epoch}: expected finite losses and weights, received {received}. The usual causes: a "
        "learning rate that is too large, or exploding gradients (clip_norm=1.0 limits them). "
        f"{weights}; to train on, make the {'optimizer' if restored else 'model and its optimizer'} anew."
    )
