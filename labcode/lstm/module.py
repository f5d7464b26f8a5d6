"""The PyTorch LSTM: ``torch.nn.LSTM`` with every mask of ``recurrent_dropout.py``."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from labcode._checks import check_integer, check_one_of, check_shape, check_tensor, expect
from labcode._masks import check_masks
from labcode.dropout import dropout_mask_torch
from labcode.lstm.layers import lstm_layers
from labcode.recurrent_dropout import DropoutSettings


class RegularizedLSTM(nn.LSTM):
    """Run an LSTM over a batch of sequences, batch first, on any device, with every dropout of the course.

    In training it draws masks anew for each call. In evaluation it is ``torch.nn.LSTM``, or zoneout's
    expectation. Its ``state_dict`` is that of ``torch.nn.LSTM``: masks are never part of it. Without masks,
    with weight drop, with masks on h that the batch and the steps share, and with most masks on the input it
    runs on torch's fused kernel. Other masks, and padding, take a loop over the steps, slower for small
    layers and differentiable once; ``layers.py`` says which and why.

    Args:
        input_size: features per step, F.
        hidden_size: units per layer and direction, H.
        num_layers: layers, each reading the output of the one below.
        bias: whether the gates have biases.
        bidirectional: whether a second direction reads the sequence backwards (then D = 2, else 1).
        dropout, input_dropout, recurrent_dropout, on, tied, per_step, zoneout_h, zoneout_c, weight_drop,
            share_mask: which masks are drawn, and their rates, as in ``DropoutSettings``.

    Raises:
        ValueError: a size that is not a whole number of at least 1, or a setting that ``DropoutSettings``
            refuses.

    Warns:
        UserWarning: ``dropout`` with a single layer, which has no layer above to drop for (as in torch).

    Source: Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000); the masks as in
        ``recurrent_dropout.py``. Chapters 1 and 3.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        bidirectional: bool = False,
        dropout: float = 0.0,
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
        settings = DropoutSettings(
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
        super().__init__(
            **{name: check_integer(name, size, low=1) for name, size in sizes.items()},
            bias=check_one_of("bias", bias, (True, False)),
            batch_first=True,
            dropout=dropout,
            bidirectional=check_one_of("bidirectional", bidirectional, (True, False)),
        )
        self.settings = settings

    @property
    def num_directions(self) -> int:
        """2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    def forward(
        self,
        x: Tensor,
        state: tuple[Tensor, Tensor] | None = None,
        *,
        padding_mask: Tensor | None = None,
        masks: Mapping[str, Tensor] | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the outputs of the last layer and the final state.

        Args:
            x: sequences, (B, T, F), of the weights' dtype.
            state: (h_0, c_0), each (layers * D, B, H), layer by layer, forward before reverse; None is zero.
            padding_mask: bool, (B, T), True at real steps; None takes every step as real.
            masks: masks by name, layer and direction, such as ``{"h_l0": (B, H)}``, as in the table of
                ``recurrent_dropout.py``, of the weights' dtype. They replace all that would be drawn in
                training or expected in evaluation: what is not named is not masked.
            generator: source of the masks that are drawn in training; None is torch's default generator on
                the CPU (the one that ``torch.manual_seed`` sets), wherever the weights are.

        Returns:
            output (B, T, D*H) and (h_n, c_n) shaped as the state.

        Raises:
            ValueError: a wrong shape or dtype, an empty sequence, an unknown mask.
        """
        self._check(x, state, padding_mask, masks)
        if masks is None:
            masks = self.sample_masks(x, generator=generator) if self.training else self.expected_masks(x)
        if state is None:
            state = x.new_zeros(2, self.num_layers * self.num_directions, len(x), self.hidden_size).unbind()
        if padding_mask is None and not masks:
            return self._kernel(x, state, self.all_weights)
        suffixes = (names[0].removeprefix("weight_ih") for names in self._all_weights)
        weights = dict(zip(suffixes, self.all_weights, strict=True))
        return lstm_layers(x, state, weights, masks, padding_mask, self._kernel)

    def sample_masks(self, x: Tensor, *, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Draw every mask that one forward pass of x needs in training.

        Args:
            x: sequences, (B, T, F): the masks are of their dtype and on their device.
            generator: as in ``forward``.

        Returns:
            masks by name, to be passed to ``forward`` or, as arrays, to ``lstm_forward``.

        Raises:
            ValueError: a wrong shape or dtype, no generator.
        """
        generator, masks = torch.default_generator if generator is None else generator, {}
        expect(isinstance(generator, torch.Generator), "generator", "a torch.Generator or None", generator)
        for names, sizes, rate in self._plan(x):
            if names[0].startswith("zoneout"):
                mask = torch.rand(sizes, generator=generator, device=generator.device).lt_(rate).to(x)
            elif rate < 1:
                mask = dropout_mask_torch(sizes, rate, generator=generator, dtype=x.dtype).to(x)
            else:
                mask = x.new_zeros(sizes)
            masks |= dict.fromkeys(names, mask)
        return masks

    def expected_masks(self, x: Tensor) -> dict[str, Tensor]:
        """Return the masks of evaluation: zoneout's rates, and no dropout, for x as in ``sample_masks``."""
        return {
            name: x.new_full((1, 1), rate)
            for names, _, rate in self._plan(x)
            for name in names
            if name.startswith("zoneout")
        }

    def extra_repr(self) -> str:
        """Return what ``print`` shows: that of ``torch.nn.LSTM``, and settings other than the default."""
        shown = [super().extra_repr()]
        for name, default in vars(DropoutSettings()).items():
            value = getattr(self.settings, name)
            if name != "dropout" and value != default:
                shown.append(f"{name}={value!r}")
        return ", ".join(shown)

    def _plan(self, x):
        check_shape("x", check_tensor("x", x), (None, None, self.input_size))
        return self.settings.plan(tuple(x.shape), self.hidden_size, self.num_layers, self.bidirectional)

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

    def _check(self, x, state, padding_mask, masks):
        dtype = self.weight_ih_l0.dtype
        check_shape("x", x, (None, None, self.input_size))
        expect(x.dtype == dtype, "x", f"the weights' dtype, {dtype}", x.dtype)
        if state is not None:
            is_pair = isinstance(state, tuple | list) and len(state) == 2
            expect(is_pair, "state", "a pair (h_0, c_0)", type(state))
            for name, tensor in zip(("h_0", "c_0"), state, strict=True):
                check_shape(name, tensor, (self.num_layers * self.num_directions, len(x), self.hidden_size))
                expect(tensor.dtype == dtype, name, f"the weights' dtype, {dtype}", tensor.dtype)
        if padding_mask is not None:
            check_shape("padding_mask", padding_mask, tuple(x.shape[:2]))
            is_bool = padding_mask.dtype == torch.bool
            expect(is_bool, "padding_mask", "dtype torch.bool (True at real steps)", padding_mask.dtype)
        if masks is not None:
            check_masks(masks, tuple(x.shape), self.hidden_size, self.num_layers, self.bidirectional)
            for name, mask in masks.items():
                expect(mask.dtype == dtype, name, f"the weights' dtype, {dtype}", mask.dtype)
                expect(not mask.requires_grad, name, "a mask that needs no gradient", "one that does")
