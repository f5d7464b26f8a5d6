"""Early stopping: end the training once a monitored value has stopped improving. No framework needed."""

import copy
import math
import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any

from labcode._checks import check_given, check_instance, check_integer, check_number, check_one_of, expect

_STATE = ("best", "best_epoch", "wait", "stopped_epoch", "best_weights")


class EarlyStopping:
    """Stop training when a monitored value has gone ``patience`` epochs without an improvement.

    An epoch improves if ``value < best - min_delta`` (mode "min") or ``value > best + min_delta`` (mode
    "max"); equality is no improvement. The rule is that of Keras 3.15, compared in float64:

    - the first finite value is always an improvement, and the first epoch never stops the training, so that
      ``patience=0`` and ``patience=1`` behave alike;
    - with a baseline, ``wait`` returns to 0 only for an improvement that beats the baseline by ``min_delta``;
    - epochs before ``start_from_epoch`` are passed over;
    - with ``restore_best_weights`` the best weights are handed back at the end of every training,
      whether or not it was stopped early.

    It departs from Keras in one point: NaN and infinity are never an improvement. Such an epoch counts as
    one without, and a warning says so once.

    Args:
        patience: epochs without an improvement after which to stop, a whole number of at least 0.
        min_delta: smallest change that counts, in the unit of the value, at least 0.
        mode: "min" for a loss, "max" for an accuracy or a score; None for what the monitor's name says, where
            it ends in "loss" or "accuracy".
        baseline: value to beat, or None.
        restore_best_weights: whether to keep a copy of the weights of the best epoch.
        start_from_epoch: first epoch that is monitored (epochs count from 0).
        monitor: name of what ``labcode.training.fit`` hands to ``update``: any curve of its history, such as
            "validation_loss", "validation_accuracy" or, of a metric of one's own, "validation_f1". In a loop
            of one's own it is the caller who hands over the value.

    Attributes:
        best: best value so far, None before the first.
        best_epoch: its epoch, None before the first.
        wait: epochs since the last improvement that counted.
        stopped_epoch: epoch of the latest advice to stop, None before.
        best_weights: copy of the weights of the best epoch, None without ``restore_best_weights``.

    Raises:
        ValueError: an argument outside its range, or not finite; no mode for a monitor that needs one.

    >>> stopping = EarlyStopping(patience=2)
    >>> [stopping.update(epoch, loss) for epoch, loss in enumerate([0.9, 0.5, 0.6, 0.7])]
    [False, False, False, True]
    >>> stopping.best_epoch
    1
    >>> EarlyStopping(patience=2, monitor="validation_accuracy").mode
    'max'

    Source: Goodfellow, Bengio & Courville (2016), "Deep Learning", algorithm 7.1, for patience; Prechelt
        (1998), "Early Stopping - But When?", compares rules of other kinds. Chapters 1 and 3.
    """

    def __init__(
        self,
        *,
        patience: int = 0,
        min_delta: float = 0.0,
        mode: str | None = None,
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
        monitor: str = "validation_loss",
    ):
        self.patience = check_integer("patience", patience)
        self.min_delta = check_number("min_delta", min_delta, low=0.0)
        usual, self.monitor = usual_mode(monitor), str(monitor)
        expected = f"'min' or 'max', as {monitor!r} does not say it"
        mode = check_given("mode", usual if mode is None else mode, expected)
        self.mode = check_one_of("mode", mode, ("min", "max"))
        self.baseline = None if baseline is None else check_number("baseline", baseline)
        self.restore_best_weights = check_one_of("restore_best_weights", restore_best_weights, (True, False))
        self.start_from_epoch = check_integer("start_from_epoch", start_from_epoch)
        self.reset()

    def reset(self) -> None:
        """Forget everything seen, ready for another training."""
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.wait = 0
        self.stopped_epoch: int | None = None
        self.best_weights: Any = None
        self._warned = False

    def update(self, epoch: int, value: float, weights: object = None) -> bool:
        """Take in the value monitored after an epoch and say whether to stop now.

        Args:
            epoch: number of the epoch that has just ended, counted from 0.
            value: the monitored value, a Python or NumPy number (of a tensor, pass ``tensor.item()``).
            weights: the weights at the end of this epoch, anything that ``copy.deepcopy`` takes, such as a
                ``state_dict``. Copied if they are the best; needed with ``restore_best_weights`` only.

        Returns:
            True if training should stop.

        Raises:
            ValueError: a value that is no number, or no weights where they are to be restored.
        """
        epoch = check_integer("epoch", epoch)
        expect(isinstance(value, Real) and not isinstance(value, bool), "value", "a number", value)
        needs_weights = self.restore_best_weights and weights is None
        expect(not needs_weights, "weights", "the weights of this epoch (restore_best_weights=True)", weights)
        if epoch < self.start_from_epoch:
            return False

        value = float(value)
        self.wait += 1
        if self._improves(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = copy.deepcopy(weights)
            if self._improves(value, self.baseline):
                self.wait = 0
            return False

        if not math.isfinite(value):
            self._warn(epoch, value)
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            return True
        return False

    def weights_to_restore(self) -> Any:
        """Return a copy of the weights to end the training with, or None to keep the present ones."""
        return copy.deepcopy(self.best_weights)

    def state_dict(self) -> dict:
        """Return what a checkpoint needs: plain numbers and a copy of the best weights."""
        return {name: copy.deepcopy(getattr(self, name)) for name in _STATE}

    def load_state_dict(self, state: dict) -> None:
        """Go on from a state that ``state_dict`` returned.

        Raises:
            ValueError: another set of keys.
        """
        check_instance("state", state, Mapping, "what state_dict returned")
        expect(set(state) == set(_STATE), "state", f"the keys {sorted(_STATE)}", list(state))
        for name in _STATE:
            setattr(self, name, copy.deepcopy(state[name]))

    def _improves(self, value: float, reference: float | None) -> bool:
        if not math.isfinite(value):
            return False
        if reference is None:
            return True
        if self.mode == "min":
            return value + self.min_delta < reference
        return value - self.min_delta > reference

    def _warn(self, epoch: int, value: float) -> None:
        if not self._warned:
            self._warned = True
            message = f"the monitored value is {value} in epoch {epoch}: it counts as no improvement"
            warnings.warn(f"EarlyStopping: {message}", stacklevel=3)


def usual_mode(monitor: str) -> str | None:
    """Return the mode that a name gives away: "min" for losses, "max" for an accuracy, None for others.

    Raises:
        ValueError: no name.

    >>> usual_mode("validation_loss"), usual_mode("train_accuracy"), usual_mode("validation_f1")
    ('min', 'max', None)
    """
    expect(isinstance(monitor, str) and monitor != "", "monitor", "the name of what is measured", monitor)
    if monitor == "objective" or monitor.endswith("loss"):
        return "min"
    return "max" if monitor.endswith("accuracy") else None
