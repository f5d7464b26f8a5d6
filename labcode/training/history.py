"""What a training run saw, epoch by epoch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from labcode._checks import expect


@dataclass(repr=False)
class History:
    """What a run of :func:`fit` saw, epoch by epoch; epochs count from 0.

    Attributes:
        objective: mean over the epoch's batches of what the optimizer minimized: in training mode (with
            dropout), penalty included, while the weights were changing.
        train_loss, validation_loss: mean loss of the data alone, in evaluation mode, with the weights at
            the end of the epoch; comparable with each other, unlike ``objective``. Empty if not measured.
        train_accuracy, validation_accuracy: share of right classes (classification only).
        metrics: the same for metrics of one's own, under names such as "validation_f1", which are also
            attributes: ``history.validation_f1``.
        best_epoch: the epoch early stopping holds for the best, by what it monitors, or else that of the
            lowest validation loss.
        stopped_epoch: epoch after which early stopping ended the run, None if it did not.
        kept_epoch: the epoch whose weights the model holds at the end: the best one, where its weights were
            put back, else the last; None after an interruption, which may fall into an epoch.
        interrupted: whether the run was interrupted by the keyboard.
        seconds: time spent in finished epochs; left out when two histories are compared.
    """

    objective: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None
    stopped_epoch: int | None = None
    kept_epoch: int | None = None
    interrupted: bool = False
    seconds: float = field(default=0.0, compare=False)

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {value:.4g}" for name, value in self.last.items())
        return f"History({self.epochs} epochs, best {self.best_epoch}; at the end {last or 'nothing'})"

    def __getattr__(self, name: str) -> list[float]:
        metrics = self.__dict__.get("metrics", {})
        if name not in metrics:
            raise AttributeError(f"a History without {name!r}")
        return metrics[name]

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.objective)

    @property
    def last(self) -> dict[str, float]:
        """What was measured after the last epoch, by name."""
        own = {name: values for name, values in vars(self).items() if isinstance(values, list)}
        return {name: values[-1] for name, values in (own | self.metrics).items() if values}

    def with_epoch(self, measured: Mapping[str, float]) -> "History":
        """Return a history with one more epoch, in which these values were measured."""
        own: dict[str, Any] = {}
        metrics = dict(self.metrics)
        for name, value in measured.items():
            lists, before = (own, vars(self)) if name in vars(self) else (metrics, metrics)
            lists[name] = [*before.get(name, []), value]
        return replace(self, **own, metrics=metrics, kept_epoch=self.epochs)

    @property
    def gap(self) -> np.ndarray:
        """The generalization gap by epoch: validation loss minus training loss, (epochs,).

        Raises:
            ValueError: one of the two was not measured.
        """
        train, validation = np.array(self.train_loss), np.array(self.validation_loss)
        measured = train.size > 0 and validation.size > 0
        expect(measured, "gap", "a run with validation data and measure_train=True", self)
        return validation - train

    def to_dict(self) -> dict:
        """Return plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "History":
        """Make a history from what :meth:`to_dict` returned, of this version or one without metrics.

        Raises:
            ValueError: another set of keys.
        """
        names = [entry.name for entry in fields(cls)]
        missing = set(names) - {"metrics", "kept_epoch"} - set(values)
        expect(not missing and set(values) <= set(names), "values", f"the keys {names}", list(values))
        return cls(**values)
