"""What the outputs of a model's LSTMs cost (AR, TAR), over real steps alone."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from labcode._checks import check_lstms, expect
from labcode.data.dataset import IGNORED

PADDED = (
    "a function of (outputs, padding_mask), since steps are padded: "
    "lambda outputs, padding_mask=None: activation_penalty_torch(outputs, alpha, padding_mask)"
)


class ActivationPenalty:
    """Listen to every LSTM of a model, and add up what its outputs cost.

    Which steps are real an LSTM knows that was given a ``padding_mask``, or packed sequences. For one that
    was not, the batch's padding mask says it or, for the decoder of a model with teacher forcing, the targets
    do.

    Args:
        function: ``activation_penalty`` of :func:`labcode.training.fit`.
        model: holds the LSTMs.

    Raises:
        ValueError: no LSTM, one that is not batch first, or a function that does not fit.
    """

    def __init__(self, function: Callable[..., Tensor], model: nn.Module):
        expect(callable(function), "activation_penalty", "a function of outputs", function)
        self.function, self.takes_mask = function, _takes(function, "padding_mask")
        self.forced = getattr(model, "teacher_forcing", False)
        self.lstms = check_lstms("model", model)
        layouts = [lstm.batch_first for lstm in self.lstms]
        expect(all(layouts), "model", "LSTMs with batch_first=True, for activation_penalty", layouts)
        self.recorded: list[tuple[Tensor | PackedSequence, Tensor | None]] = []
        for lstm in self.lstms:
            outputs = next(model.parameters()).new_zeros(1, 2, lstm.hidden_size)
            given = {"padding_mask": outputs[:, :, 0] == 0} if self.takes_mask else {}
            expect_scalar("activation_penalty(outputs)", function(outputs, **given))

    def check_padding(self, padded: bool) -> None:
        """Check that where the data have padded steps the function can leave them out."""
        expect(self.takes_mask or not padded, "activation_penalty", PADDED, self.function)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Record what the LSTMs return and the padding masks that they are given, inside the block."""
        hooks = [
            lstm.register_forward_hook(
                partial(self._record, inspect.signature(lstm.forward)), with_kwargs=True
            )
            for lstm in self.lstms
        ]
        try:
            yield
        finally:
            self.recorded.clear()
            for hook in hooks:
                hook.remove()

    def added_to(self, objective: Tensor, y: Tensor, mask: Sequence[Tensor], task: str) -> Tensor:
        """Return an objective and the penalties of all that was recorded since the last call.

        Args:
            objective: the batch's loss.
            y: its targets.
            mask: nothing, or its padding mask.
            task: the task.
        """
        while self.recorded:
            output, real = self.recorded.pop()
            if isinstance(output, PackedSequence):
                output, lengths = pad_packed_sequence(output, batch_first=True)
                real = (torch.arange(output.shape[1], device=lengths.device) < lengths[:, None]).to(
                    output.device
                )
                real = None if bool((lengths == output.shape[1]).all()) else real
            elif real is None:
                real = self._real_steps(output, y, mask, task)
            if self.takes_mask:
                objective = objective + self.function(output, padding_mask=real)
            else:  # a mask of the data is one without padding here: that was checked at first
                expect(real is None or bool(mask), "activation_penalty", PADDED, self.function)
                objective = objective + self.function(output)
        return objective

    def _record(self, signature, lstm, inputs, options, returned) -> None:
        given = signature.bind(*inputs, **options).arguments.get("padding_mask")
        self.recorded.append((returned[0], given))

    def _real_steps(self, output: Tensor, y: Tensor, mask: Sequence[Tensor], task: str) -> Tensor | None:
        targets = [y != IGNORED] if task == "sequence" else []
        known = [*targets, *mask] if self.forced else [*mask, *targets]
        found = next((real for real in known if real.shape == output.shape[:2]), None)
        expected = "LSTMs that are given their padding_mask, where their steps are not those of x"
        expect(found is not None or not mask, "model", expected, f"an output {tuple(output.shape)}")
        return found


def expect_scalar(name: str, value: object) -> None:
    """Raise ``ValueError`` unless a penalty is a scalar tensor."""
    scalar = isinstance(value, Tensor) and value.ndim == 0
    expect(scalar, name, "a scalar tensor (of the PyTorch twin, not of the NumPy one)", value)


def _takes(function: Callable, name: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C
        return True
    return any(p.name == name or p.kind is p.VAR_KEYWORD for p in parameters)
