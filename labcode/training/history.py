"""What a training run saw, epoch by epoch."""

from dataclasses import asdict, dataclass, field, fields

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
        best_epoch: the epoch early stopping holds for the best, or else that of the lowest validation loss.
        stopped_epoch: epoch after which early stopping ended the run, None if it did not.
        interrupted: whether the run was interrupted by the keyboard.
        seconds: time spent in finished epochs; left out when two histories are compared.
    """

    objective: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    stopped_epoch: int | None = None
    interrupted: bool = False
    seconds: float = field(default=0.0, compare=False)

    def __repr__(self) -> str:
        lists = {name: values for name, values in self.to_dict().items() if isinstance(values, list)}
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in lists.items() if values)
        return (
            f"History({len(self.objective)} epochs, best {self.best_epoch}; at the end {last or 'nothing'})"
        )

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
        """Make a history from what :meth:`to_dict` returned.

        Raises:
            ValueError: another set of keys.
        """
        names = [entry.name for entry in fields(cls)]
        expect(set(values) == set(names), "values", f"the keys {names}", list(values))
        return cls(**values)
