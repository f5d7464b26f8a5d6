"""What a batch costs: the loss of a task, one by name or one's own, over real steps alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from labcode._checks import check_instance, check_one_of, expect
from labcode.data.dataset import IGNORED, TASK_KINDS

LossFunction = Callable[[Tensor, Tensor], Tensor]
Metrics = Mapping[str, Callable[[Tensor, Tensor], float]]

LOSSES: dict[str, dict[str, LossFunction]] = {
    "regression": {"mse": functional.mse_loss, "mae": functional.l1_loss, "huber": functional.huber_loss},
    "classification": {"cross_entropy": functional.cross_entropy},
    "sequence": {"cross_entropy": functional.cross_entropy},
}
"""The losses that have a name, by task; the first is the task's own."""


@dataclass(frozen=True)
class Loss:
    """A loss as ``fit`` and ``evaluate`` use it; make one with :func:`find_loss`.

    Attributes:
        task: "regression", "classification" or "sequence".
        name: its name in ``LOSSES``, None for one's own.
        function: function of (prediction, target) that returns a scalar, or a number for each entry.
    """

    task: str
    name: str | None
    function: LossFunction

    def __call__(self, prediction: Tensor, y: Tensor, mask: Sequence[Tensor], count: int) -> Tensor:
        """Return the loss of a batch's real steps, a scalar; 0 where there are none.

        Args:
            prediction: what the model put out for the batch.
            y: its targets.
            mask: nothing, or its padding mask.
            count: how many entries are real, as :func:`in_batches` counts them.
        """
        prediction = full_precision(prediction)
        if count == 0:
            return prediction[:0].sum()
        if self.name == "cross_entropy" and self.task == "sequence":  # leaves -100 out by itself
            return self.function(prediction.flatten(0, 1), y.flatten())
        value = self.function(*select_real(self.task, prediction, y, mask, count))
        return value.mean() if value.ndim else value

    def check(self, prediction: Tensor, y: Tensor, mask: Sequence[Tensor]) -> None:
        """Try one's own loss on a few predictions, so that a mistake is found before any training.

        Raises:
            ValueError: it fails on them, returns no tensor of numbers, or has no gradient.
        """
        count = sum(count_real(self.task, y, mask))
        if self.name is not None or count == 0:
            return
        prediction, y = select_real(self.task, full_precision(prediction), y, mask, count)
        given = f"a prediction {tuple(prediction.shape)} and a target {tuple(y.shape)} of {y.dtype}"
        with torch.enable_grad():
            try:
                value = self.function(prediction.clone().requires_grad_(), y)
            except Exception as error:
                expected = f"a function of (prediction, target) that takes {given}"
                raise ValueError(f"loss: expected {expected}, received one that fails ({error})") from error
        is_loss = isinstance(value, Tensor) and value.is_floating_point()
        expect(is_loss, f"loss(prediction, target) of {given}", "a tensor, a number or one an entry", value)
        expected = "a tensor with a gradient (what has none, such as an accuracy, belongs into metrics=)"
        expect(value.requires_grad, "loss(prediction, target)", expected, value)


def find_loss(task: str, loss: str | LossFunction | None = None) -> Loss:
    """Return the loss of a task, by default its own.

    Raises:
        ValueError: an unknown task, a name that the task has not, or something that is no function.
    """
    known = LOSSES[str(check_one_of("task", task, TASK_KINDS))]
    if loss is None or isinstance(loss, str):
        name = next(iter(known)) if loss is None else loss
        check_one_of("loss", name, tuple(known))
        return Loss(task, name, known[name])
    expected = "a function of (prediction, target), such as torch.nn.HuberLoss(), or a name"
    expect(callable(loss) and not isinstance(loss, type), "loss", expected, loss)
    return Loss(task, None, loss)


def check_metrics(metrics: Metrics | None) -> Metrics:
    """Return metrics by name, none for None.

    Raises:
        ValueError: another kind of thing, or a name that is taken.
    """
    metrics = {} if metrics is None else metrics
    check_instance("metrics", metrics, Mapping, "functions of (prediction, target) by name")
    for name, function in metrics.items():
        fits = isinstance(name, str) and name not in ("", "loss", "accuracy")
        expect(fits, "metrics", "names other than 'loss' and 'accuracy', which are measured anyway", name)
        expect(callable(function), f"metrics[{name!r}]", "a function of (prediction, target)", function)
    return metrics


def full_precision(prediction: Tensor) -> Tensor:
    """Return predictions in at least float32: bfloat16 would round a loss by up to 0.7 %."""
    return prediction.to(torch.promote_types(prediction.dtype, torch.float32))


def real_steps(task: str, y: Tensor, mask: Sequence[Tensor]) -> Tensor | None:
    """Return where the two first axes of y have real entries, bool; None where each sample has one target.

    Of sequences of classes those are real that are not -100; of a regression with a target for each step, y
    (B, T, outputs), those that the padding mask (B, T) says.
    """
    if task == "sequence":
        return y != IGNORED
    by_step = task == "regression" and y.ndim == 3 and bool(mask) and y.shape[:2] == mask[0].shape
    return mask[0] if by_step else None


def count_real(task: str, y: Tensor, mask: Sequence[Tensor]) -> list[int]:
    """Return how many real entries each sample has; Python waits once for all of them."""
    real = real_steps(task, y, mask)
    return [1] * len(y) if real is None else real.sum(dim=1).tolist()


def select_real(
    task: str, prediction: Tensor, y: Tensor, mask: Sequence[Tensor], count: int
) -> tuple[Tensor, Tensor]:
    """Return predictions and targets of the real steps, (count, ...) each; all, as they are, without steps.

    The count is known beforehand, so that a GPU need not be waited for.
    """
    real = real_steps(task, y, mask)
    if real is None:
        return prediction, y
    chosen = real.flatten().int().argsort(descending=True, stable=True)[:count]
    return prediction.flatten(0, 1)[chosen], y.flatten(0, 1)[chosen]


def in_batches(
    tensors: Sequence[Tensor], size: int, task: str
) -> Iterator[tuple[Tensor, Tensor, list[Tensor], int]]:
    """Yield x, y, the padding mask (in a list, empty without one) and how many entries are real, by batch."""
    _, y, *mask = tensors
    counts = count_real(task, y, mask)
    batches = zip(*(tensor.split(size) for tensor in tensors), strict=True)
    for number, (x, y, *mask) in enumerate(batches):
        yield x, y, mask, sum(counts[number * size : (number + 1) * size])
