"""The PyTorch LSTM: ``torch.nn.LSTM`` with every mask of ``recurrent_dropout.py``."""

from collections.abc import Mapping
from dataclasses import fields, replace

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from labcode._checks import check_instance, check_integer, check_tensor, expect
from labcode._masks import check_masks
from labcode.dropout import dropout_mask_torch
from labcode.lstm.layers import lstm_layers
from labcode.lstm.layouts import State, from_batch_first, to_batch_first
from labcode.lstm.scan import is_autocast_on
from labcode.recurrent_dropout import DropoutSettings


class RegularizedLSTM(nn.LSTM):
    """Run a ``torch.nn.LSTM`` with every dropout of the course: in its place, on any device.

    Its arguments and calls, its ``state_dict`` and its outputs are those of ``torch.nn.LSTM``. In training it
    draws masks anew for each call; in evaluation it is ``torch.nn.LSTM``, or zoneout's expectation. Without
    masks, with weight drop, with masks on h that the batch and the steps share, and with most masks on the
    input it runs on torch's fused kernel. Other masks, and padding, take a loop over the steps, slower for
    small layers; ``layers.py`` says which and why.

    What it shares with ``torch.nn.LSTM``, and where the two part:

    ==================================  ==================================================================
    ``PackedSequence``, one sequence    as ``torch.nn.LSTM``; with masks, packed sequences are padded inside
    (T, F), a batch of 0
    ``proj_size``                       0 alone: ``nn.Linear`` behind the LSTM does the same for its output
    second derivatives                  right, on the kernel and in the loop (there ``plain_loop.py``)
    autocast                            as ``torch.nn.LSTM``; the loop in the weights' dtype, its output in
                                        the input's
    half precision                      as ``torch.nn.LSTM``; the loop computes in single precision
    ``torch.compile``                   yes
    ``checkpoint`` (of activations)     with ``use_reentrant=False``; the same masks are drawn again
    ``torch.export``, ONNX, jit.trace   in evaluation, with any batch size; the loop with the steps that it
                                        was shown. Masks that are drawn are refused
    ``jit.script``                      refused: export or trace instead
    ``functional_call``, ``func.grad``  yes
    ``vmap``                            the loop; torch's kernel has no rule for it, as in ``torch.nn.LSTM``
    pruning, parametrizations, hooks    yes
    ``load(weights_only=True)``         of a ``state_dict``; of the whole module after ``add_safe_globals``
                                        with its class and ``DropoutSettings``
    ==================================  ==================================================================

    Args:
        input_size: features per step, F.
        hidden_size: units per layer and direction, H.
        num_layers: layers, each reading the output of the one below.
        bias: whether the gates have biases.
        batch_first: whether input and output are (B, T, .) instead of (T, B, .). ``padding_mask`` and
            ``masks`` are batch first always.
        dropout: rate between layers, in [0, 1].
        bidirectional: whether a second direction reads the sequence backwards (then D = 2, else 1).
        proj_size: 0.
        device, dtype: of the weights.
        input_dropout, recurrent_dropout, on, tied, per_step, zoneout_h, zoneout_c, weight_drop, share_mask:
            which masks are drawn, and their rates, as in ``DropoutSettings``. They and ``dropout`` can be
            assigned later, too.

    Raises:
        ValueError: a size that is not a whole number of at least 1, a ``proj_size`` above 0, or a setting
            that ``DropoutSettings`` refuses.

    Warns:
        UserWarning: ``dropout`` with a single layer, which has no layer above to drop for (as in torch).

    Source: Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000); the masks as in
        ``recurrent_dropout.py``. Chapters 1 and 3.

    >>> lstm = RegularizedLSTM(3, 4, batch_first=True, recurrent_dropout=0.2, zoneout_c=0.1)
    >>> lstm
    RegularizedLSTM(3, 4, batch_first=True, recurrent_dropout=0.2, zoneout_c=0.1)
    >>> output, (h_n, c_n) = lstm(torch.zeros(2, 5, 3))
    >>> output.shape, h_n.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    weight_ih_l0: Tensor  # made by torch.nn.LSTM, as are the others
    weight_hh_l0: Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
        *,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        on: str = "h",
        tied: bool = True,
        per_step: bool = False,
        zoneout_h: float = 0.0,
        zoneout_c: float = 0.0,
        weight_drop: float = 0.0,
        share_mask: str = "sample",
    ):
        self.settings = DropoutSettings(
            dropout=dropout,
            input_dropout=input_dropout,
            recurrent_dropout=recurrent_dropout,
            on=on,
            tied=tied,
            per_step=per_step,
            zoneout_h=zoneout_h,
            zoneout_c=zoneout_c,
            weight_drop=weight_drop,
            share_mask=share_mask,
        )
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
        flags = {"bias": bias, "batch_first": batch_first, "bidirectional": bidirectional}
        for name, flag in flags.items():
            expect(type(flag).__name__ == "bool", name, "True or False", flag)  # NumPy's, too
        instead = "0 (for a smaller output put an nn.Linear behind the LSTM, or use nn.LSTM)"
        expect(check_integer("proj_size", proj_size) == 0, "proj_size", instead, proj_size)
        is_dtype = dtype is None or (isinstance(dtype, torch.dtype) and dtype.is_floating_point)
        expect(is_dtype, "dtype", "a floating-point dtype or None", dtype)
        super().__init__(
            **{name: check_integer(name, size, low=1) for name, size in sizes.items()},
            **{name: bool(flag) for name, flag in flags.items()},
            dropout=float(dropout),
            device=device,
            dtype=dtype,
        )

    @property
    def num_directions(self) -> int:
        """2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    def forward(  # type: ignore[override] # torch has an overload each for tensors and packed sequences
        self,
        input: Tensor | PackedSequence,
        hx: State | None = None,
        *,
        padding_mask: Tensor | None = None,
        masks: Mapping[str, Tensor] | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor | PackedSequence, State]:
        """Return the outputs of the last layer and the final state.

        Args:
            input: sequences, (T, B, F), or (B, T, F) with ``batch_first``; one sequence, (T, F); or a
                ``PackedSequence``. Of the weights' dtype, unless autocast is on.
            hx: (h_0, c_0), each (layers * D, B, H), layer by layer, forward before reverse; without the axis
                of B for one sequence; None is zero.
            padding_mask: bool, (B, T), True at real steps; None takes every step as real. At a padded step
                the output repeats the last real one.
            masks: masks by name, layer and direction, such as ``{"h_l0": (B, H)}``, as in the table of
                ``recurrent_dropout.py``, of the weights' dtype. They replace all that would be drawn in
                training or expected in evaluation: what is not named is not masked.
            generator: source of the masks that are drawn in training; None is torch's default generator on
                the CPU (the one that ``torch.manual_seed`` sets), wherever the weights are.

        Returns:
            output, laid out as the input, with D*H in the place of F, and (h_n, c_n) shaped as hx.

        Raises:
            ValueError: a wrong shape or dtype, an empty sequence, an unknown mask; masks that would have to
                be drawn inside an exporter or a tracer.
        """
        x, real = self._batch_first(input)
        dtype = self._check_dtype("input", x, x)
        state = self._state(x, hx, is_batch=isinstance(input, PackedSequence) or input.ndim == 3)
        if padding_mask is not None:
            expect(real is None, "padding_mask", "None with a PackedSequence", padding_mask)
            real = self._real_steps(x, padding_mask)
        if masks is not None:
            self._check_masks(x, masks)
        else:
            masks = self._drawn(x, generator, dtype) if self.training else self._expected(x, dtype)
            if not masks and padding_mask is None:
                return super().forward(input, hx)
        output, state = self._run(x, state, masks, real)
        return from_batch_first(output, state, input, self.batch_first)

    def sample_masks(
        self, input: Tensor | PackedSequence, *, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Draw every mask that one forward pass of an input needs in training.

        Args:
            input: sequences as ``forward`` takes them: the masks are of their dtype and on their device.
            generator: as in ``forward``.

        Returns:
            masks by name, batch first, to be passed to ``forward`` or, as arrays, to ``lstm_forward``.

        Raises:
            ValueError: a wrong shape or dtype, no generator.
        """
        x, _ = self._batch_first(input)
        return self._drawn(x, generator, x.dtype)

    def expected_masks(self, input: Tensor | PackedSequence) -> dict[str, Tensor]:
        """Return the masks of evaluation: zoneout's rates, and no dropout, as ``sample_masks`` does."""
        x, _ = self._batch_first(input)
        return self._expected(x, x.dtype)

    def extra_repr(self) -> str:
        """Return what ``print`` shows: that of ``torch.nn.LSTM``, and settings other than the default."""
        shown = [f"{self.input_size}, {self.hidden_size}"]
        names = ("num_layers", "bias", "batch_first", "dropout", "bidirectional")
        defaults = dict(zip(names, (1, True, False, 0.0, False), strict=True)) | vars(DropoutSettings())
        for name, default in defaults.items():
            if getattr(self, name) != default:
                shown.append(f"{name}={getattr(self, name)!r}")
        return ", ".join(shown)

    def _batch_first(self, input):
        """Return sequences, checked, as (B, T, F), and where packed ones have real steps."""
        x, real = to_batch_first(input, self.batch_first)
        if torch.jit.is_tracing():  # sizes are tensors there
            return x, real
        fits = x.shape[1] >= 1 and x.shape[2] == self.input_size
        wanted = f"at least one step, each of {self.input_size} features, (..., {self.input_size})"
        expect(fits, "input", wanted, tuple(getattr(input, "shape", x.shape)))
        return x, real

    def _state(self, x, hx, *, is_batch):
        """Return (h_0, c_0), each (layers * D, B, H), checked; None stays None."""
        if hx is None:
            return None
        sizes = self.num_layers * self.num_directions, x.shape[0], self.hidden_size
        is_pair = isinstance(hx, tuple | list) and len(hx) == 2
        expect(is_pair, "hx", "a pair (h_0, c_0)", type(hx))
        if not torch.jit.is_tracing():
            for name, part in zip(("h_0", "c_0"), hx, strict=True):
                expected = sizes if is_batch else (sizes[0], sizes[2])
                received = tuple(getattr(part, "shape", ()))
                expect(received == tuple(expected), name, f"shape {tuple(expected)}", received)
                self._check_dtype(name, part, x)
        return tuple(hx) if is_batch else tuple(part.unsqueeze(1) for part in hx)

    def _real_steps(self, x, padding_mask):
        """Return a padding mask, checked, as (B, T)."""
        check_instance("padding_mask", padding_mask, Tensor, "a tensor of dtype torch.bool")
        is_bool = padding_mask.dtype == torch.bool
        expect(is_bool, "padding_mask", "dtype torch.bool (True at real steps)", padding_mask.dtype)
        if not torch.jit.is_tracing():
            received = tuple(padding_mask.shape)
            expect(received == tuple(x.shape[:2]), "padding_mask", f"shape {tuple(x.shape[:2])}", received)
        return padding_mask

    def _check_masks(self, x, masks):
        check_masks(masks, tuple(x.shape), self.hidden_size, self.num_layers, self.bidirectional)
        for name, mask in masks.items():
            self._check_dtype(name, mask, x)
            expect(not mask.requires_grad, name, "a mask that needs no gradient", "one that does")

    def _check_dtype(self, name, tensor, x):
        """Check that a tensor has the weights' dtype or, where autocast is on, another; return the first."""
        check_tensor(name, tensor)
        dtype = self.weight_ih_l0.dtype
        fits = tensor.dtype == dtype or is_autocast_on(x)
        expect(fits, name, f"the weights' dtype, {dtype}", tensor.dtype)
        return dtype

    def _drawn(self, x, generator, dtype):
        """Return the masks that are drawn for x, (B, T, F)."""
        generator = torch.default_generator if generator is None else generator
        masks: dict[str, Tensor] = {}
        expect(isinstance(generator, torch.Generator), "generator", "a torch.Generator or None", generator)
        for names, sizes, rate in self._plan(x):
            is_recorded = torch.jit.is_tracing() or torch.compiler.is_exporting()
            wanted = "evaluation mode, as what is drawn here would be the same in every call"
            expect(not is_recorded, "an exported or traced LSTM", wanted, "training mode")
            if names[0].startswith("zoneout"):
                mask = torch.rand(sizes, generator=generator, device=generator.device).lt_(rate)
            elif rate < 1 and 0 not in sizes:
                mask = dropout_mask_torch(sizes, rate, generator=generator, dtype=dtype)
            else:
                mask = x.new_zeros(sizes)
            masks |= dict.fromkeys(names, mask.to(x.device, dtype))
        return masks

    def _expected(self, x, dtype):
        """Return the masks of evaluation for x, (B, T, F)."""
        zoneout = [(names, rate) for names, _, rate in self._plan(x) if names[0].startswith("zoneout")]
        return {name: x.new_full((1, 1), rate, dtype=dtype) for names, rate in zoneout for name in names}

    def _plan(self, x):
        return self.settings.plan(tuple(x.shape), self.hidden_size, self.num_layers, self.bidirectional)

    def _run(self, x, state, masks, real):
        """Return the output (B, T, D*H) and the final state, in x's dtype."""
        weights = {
            names[0].removeprefix("weight_ih"): tensors
            for names, tensors in zip(self._all_weights, self.all_weights, strict=True)
        }

        def kernel(x_, state, weights):
            return self._kernel(x_.to(x.dtype), tuple(part.to(x.dtype) for part in state), weights)

        if state is None:
            sizes = self.num_layers * self.num_directions, x.shape[0], self.hidden_size
            state = x.new_zeros(2, *sizes).unbind()
        dtype = self.weight_ih_l0.dtype  # x's as well, unless autocast is on
        state, masks = (part.to(dtype) for part in state), {name: m.to(dtype) for name, m in masks.items()}
        output, state = lstm_layers(x.to(dtype), tuple(state), weights, masks, real, kernel)
        return output.to(x.dtype), tuple(part.to(x.dtype) for part in state)

    def _kernel(self, x, state, weights):
        """Run layers with the given weights, a list for each layer and direction, on torch's fused kernel."""
        output, h_n, c_n = torch.lstm(
            x,
            state,
            [tensor for tensors in weights for tensor in tensors],
            self.bias,
            len(weights) // self.num_directions,
            0.0,
            self.training,
            self.bidirectional,
            True,
        )
        return output, (h_n, c_n)


def _setting(name):
    """Return the property that reads one of an LSTM's settings, and checks what is assigned to it."""

    def assign(lstm, value):
        lstm.settings = replace(lstm.settings, **{name: value})

    return property(lambda lstm: getattr(lstm.settings, name), assign)


for _field in fields(DropoutSettings):
    setattr(RegularizedLSTM, _field.name, _setting(_field.name))
