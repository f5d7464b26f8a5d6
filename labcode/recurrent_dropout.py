"""Where a mask goes in an LSTM: each regularizer of the recurrence as one equation.

Step by step, an LSTM with every mask m (a dropout mask, already scaled by 1/(1-p), so that its mean is 1) and
every zoneout mask z (unscaled: 1 keeps the previous value) computes

    z     = W (m_x ⊙ x) + (m_U ⊙ U) (m_h ⊙ h) + b
    i, f, o = σ(z),  g = tanh(z)
    c'    = m_c ⊙ (f ⊙ c + i ⊙ (m_g ⊙ g))
    h'    = o ⊙ tanh(c')
    c     ← z_c ⊙ c + (1 - z_c) ⊙ c'
    h     ← z_h ⊙ h + (1 - z_h) ⊙ h'

``lstm_forward`` and ``RegularizedLSTM`` take the masks by these names, each followed by the layer and
direction, as in ``h_l0`` and ``h_l1_reverse``:

    name         symbol  shape                                drawn for
    x            m_x     (B, F), (B, T, F), (4, B, T, F)      input_dropout; from layer 1 on, dropout
    h            m_h     (B, H), (B, T, H), (4, B, T, H)      recurrent_dropout, on="h"
    g            m_g     (B, H), (B, T, H)                    recurrent_dropout, on="g"
    c            m_c     (B, H), (B, T, H)                    recurrent_dropout, on="c"
    weight_hh    m_U     (4H, H)                              weight_drop
    zoneout_h    z_h     (B, H), (B, T, H)                    zoneout_h
    zoneout_c    z_c     (B, H), (B, T, H)                    zoneout_c

F is what the layer reads: the features, or D*H above the first layer. A mask of two axes is constant over
time. The leading 4 gives each gate (i, f, g, o) its own. B, T or the width may be 1: the mask is then shared
along that axis, so that (1, H) serves the whole batch and (4, B, 1, H) is constant over time. What is not
named is not masked. A zoneout mask filled with its rate is zoneout's expectation, as used in evaluation.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor
from torch.nn import functional

from labcode._checks import (
    check_array,
    check_instance,
    check_integer,
    check_number,
    check_one_of,
    check_shape,
    check_tensor,
    expect,
)
from labcode._masks import _layer_suffixes, _masked_product, _masked_product_grad, check_mask
from labcode.dropout import dropout_mask


def variational_dropout(v: ndarray, w: ndarray, mask: ndarray) -> ndarray:
    """Drop what the gates read, W (m ⊙ v): the same units at every step, if the mask is.

    In the LSTM, z = W (m_x ⊙ x) + U (m_h ⊙ h) + b. One mask for the four gates is the tied form, a mask for
    each gate the untied one: W_k (m_k ⊙ v) for k in i, f, g, o.

    Args:
        v: input x or state h, floating point, (B, F) or (B, T, F).
        w: W or U, (4H, F), gates i, f, g, o.
        mask: as v, or with a leading 4; sizes of 1 are shared. Scaled by 1/(1-p).

    Returns:
        the share of v in the gates, (B, 4H) or (B, T, 4H).

    Raises:
        ValueError: a wrong shape or dtype.

    >>> variational_dropout(np.array([[1.0, 1.0]]), np.ones((4, 2)), mask=np.array([[2.0, 0.0]]))
    array([[2., 2., 2., 2.]])

    Source: Gal & Ghahramani (2016), "A theoretically grounded application of dropout in recurrent neural
        networks". Chapter 3.
    """
    v, w, mask = _float64(v=v, w=w, mask=mask)
    _is_per_gate(v, w, mask)
    return _masked_product(v, w, mask)


def variational_dropout_grad(v: ndarray, w: ndarray, mask: ndarray, grad_output: ndarray) -> ndarray:
    """Return the gradient with respect to v, m ⊙ (Wᵀ grad_output), summed over the gates.

    >>> v, w, mask = np.ones((1, 2)), np.ones((4, 2)), np.array([[2.0, 0.0]])
    >>> variational_dropout_grad(v, w, mask, grad_output=np.ones((1, 4)))
    array([[8., 0.]])
    """
    v, w, mask, grad_output = _float64(v=v, w=w, mask=mask, grad_output=grad_output)
    _is_per_gate(v, w, mask)
    check_shape("grad_output", grad_output, (*v.shape[:-1], len(w)))
    return _masked_product_grad(w, mask, grad_output)


def variational_dropout_torch(v: Tensor, w: Tensor, mask: Tensor) -> Tensor:
    """Drop what the gates read, W (m ⊙ v): the twin of ``variational_dropout``.

    >>> variational_dropout_torch(torch.ones(1, 2), torch.ones(4, 2), mask=torch.tensor([[2.0, 0.0]]))
    tensor([[2., 2., 2., 2.]])
    """
    _expect_floating(v=v, w=w, mask=mask)
    if _is_per_gate(v, w, mask):
        parts = zip(mask, w.chunk(4), strict=True)
        return torch.cat([functional.linear(m * v, w_k) for m, w_k in parts], dim=-1)
    return functional.linear(mask * v, w)


def non_recurrent_dropout(x: ndarray, mask: ndarray) -> ndarray:
    """Drop what a layer reads from below, m ⊙ x, and nothing that moves through time.

    In the LSTM, z = W (m ⊙ x) + U h + b, with a new mask at each step; x is the input or, between layers, the
    output h of the layer below.

    Args:
        x: what the layer reads, floating point, (B, T, F).
        mask: (B, T, F); sizes of 1 are shared. Scaled by 1/(1-p).

    Returns:
        m ⊙ x, (B, T, F).

    Raises:
        ValueError: a wrong shape or dtype.

    >>> x, mask = np.ones((1, 2, 2)), np.array([[[2.0, 0.0], [0.0, 2.0]]])
    >>> non_recurrent_dropout(x, mask)  # another mask at each step
    array([[[2., 0.],
            [0., 2.]]])

    Source: Zaremba, Sutskever & Vinyals (2014), "Recurrent neural network regularization". Chapter 3.
    """
    x, mask = _float64(x=x, mask=mask)
    check_shape("x", x, (None, None, None))
    check_mask("mask", mask, x.shape)
    return mask * x


def non_recurrent_dropout_torch(x: Tensor, mask: Tensor) -> Tensor:
    """Drop what a layer reads from below: the twin of ``non_recurrent_dropout``.

    >>> x, mask = torch.ones(1, 2, 2), torch.tensor([[[2.0, 0.0], [0.0, 2.0]]])
    >>> non_recurrent_dropout_torch(x, mask)
    tensor([[[2., 0.],
             [0., 2.]]])
    """
    _expect_floating(x=x, mask=mask)
    check_shape("x", x, (None, None, None))
    check_mask("mask", mask, tuple(x.shape))
    return mask * x


def candidate_dropout(c: ndarray, f: ndarray, i: ndarray, g: ndarray, mask: ndarray) -> ndarray:
    """Drop what would be written into the cell, never what it remembers: c' = f ⊙ c + i ⊙ (m ⊙ g).

    Args:
        c: cell before the step, floating point, (B, H).
        f, i, g: forget gate, input gate and candidate, (B, H).
        mask: (B, H), drawn for each step or once for the sequence; sizes of 1 are shared. Scaled by 1/(1-p).

    Returns:
        the new cell, (B, H).

    Raises:
        ValueError: a wrong shape or dtype.

    >>> c, f, i, g = (np.full((1, 2), value) for value in (4.0, 0.5, 0.5, 1.0))
    >>> candidate_dropout(c, f, i, g, mask=np.array([[2.0, 0.0]]))  # the memory stays
    array([[3., 2.]])

    Source: Semeniuta, Severyn & Barth (2016), "Recurrent dropout without memory loss". Chapter 3.
    """
    c, f, i, g, mask = _float64(c=c, f=f, i=i, g=g, mask=mask)
    _expect_cell(c, mask, f=f, i=i, g=g)
    return f * c + i * (mask * g)


def candidate_dropout_torch(c: Tensor, f: Tensor, i: Tensor, g: Tensor, mask: Tensor) -> Tensor:
    """Drop what would be written into the cell: the twin of ``candidate_dropout``.

    >>> c, f, i, g = (torch.full((1, 2), value) for value in (4.0, 0.5, 0.5, 1.0))
    >>> candidate_dropout_torch(c, f, i, g, mask=torch.tensor([[2.0, 0.0]]))
    tensor([[3., 2.]])
    """
    _expect_floating(c=c, f=f, i=i, g=g, mask=mask)
    _expect_cell(c, mask, f=f, i=i, g=g)
    return torch.addcmul(f * c, i, mask * g)


def cell_dropout(c: ndarray, f: ndarray, i: ndarray, g: ndarray, mask: ndarray) -> ndarray:
    """Drop the cell itself, memory included: c' = m ⊙ (f ⊙ c + i ⊙ g).

    Args:
        c: cell before the step, floating point, (B, H).
        f, i, g: forget gate, input gate and candidate, (B, H).
        mask: (B, H), the same at every step; sizes of 1 are shared. Scaled by 1/(1-p), which is applied anew
            at every step: a cell that is kept grows by it.

    Returns:
        the new cell, (B, H).

    Raises:
        ValueError: a wrong shape or dtype.

    >>> c, f, i, g = (np.full((1, 2), value) for value in (4.0, 0.5, 0.5, 1.0))
    >>> cell_dropout(c, f, i, g, mask=np.array([[2.0, 0.0]]))  # the memory goes, too
    array([[5., 0.]])

    Source: Moon et al. (2015), "RnnDrop: a novel dropout for RNNs in ASR". Chapter 3.
    """
    c, f, i, g, mask = _float64(c=c, f=f, i=i, g=g, mask=mask)
    _expect_cell(c, mask, f=f, i=i, g=g)
    return mask * (f * c + i * g)


def cell_dropout_torch(c: Tensor, f: Tensor, i: Tensor, g: Tensor, mask: Tensor) -> Tensor:
    """Drop the cell itself, memory included: the twin of ``cell_dropout``.

    >>> c, f, i, g = (torch.full((1, 2), value) for value in (4.0, 0.5, 0.5, 1.0))
    >>> cell_dropout_torch(c, f, i, g, mask=torch.tensor([[2.0, 0.0]]))
    tensor([[5., 0.]])
    """
    _expect_floating(c=c, f=f, i=i, g=g, mask=mask)
    _expect_cell(c, mask, f=f, i=i, g=g)
    return mask * torch.addcmul(f * c, i, g)


def weight_drop(u: ndarray, mask: ndarray) -> ndarray:
    """Drop single recurrent weights, m ⊙ U, for a whole forward pass (DropConnect).

    In the LSTM, z = W x + (m ⊙ U) h + b, with one mask for every step and every sequence of the batch.

    Args:
        u: recurrent weights U, floating point, (4H, H).
        mask: (4H, H), scaled by 1/(1-p).

    Returns:
        the recurrent weights of this pass, (4H, H).

    Raises:
        ValueError: a wrong shape or dtype.

    >>> weight_drop(np.full((4, 1), 3.0), mask=np.array([[2.0], [0.0], [2.0], [2.0]])).T
    array([[6., 0., 6., 6.]])

    Source: Merity, Keskar & Socher (2018), "Regularizing and optimizing LSTM language models", after
        Wan et al. (2013). Chapter 3.
    """
    u, mask = _float64(u=u, mask=mask)
    check_shape("u", u, (None, None))
    check_shape("mask", mask, u.shape)
    return mask * u


def weight_drop_torch(u: Tensor, mask: Tensor) -> Tensor:
    """Drop single recurrent weights for a whole forward pass: the twin of ``weight_drop``.

    >>> weight_drop_torch(torch.full((4, 1), 3.0), mask=torch.tensor([[2.0], [0.0], [2.0], [2.0]])).T
    tensor([[6., 0., 6., 6.]])
    """
    _expect_floating(u=u, mask=mask)
    check_shape("u", u, (None, None))
    check_shape("mask", mask, tuple(u.shape))
    return mask * u


def zoneout(previous: ndarray, new: ndarray, mask: ndarray) -> ndarray:
    """Let units keep their previous value instead of the new one: z ⊙ previous + (1 - z) ⊙ new.

    In the LSTM, for h and c alike, after h' = o ⊙ tanh(c') has read the new cell; what the LSTM returns is
    the zoned-out h. Nothing is scaled: in evaluation z is the rate, zoneout's expectation.

    Args:
        previous, new: h or c before and after the step, floating point, (B, H).
        mask: (B, H), 1 where the previous value is kept, else 0, or rates between; sizes of 1 are shared.

    Returns:
        the state after the step, (B, H).

    Raises:
        ValueError: a wrong shape or dtype.

    >>> zoneout(np.array([[1.0, 1.0]]), np.array([[5.0, 5.0]]), mask=np.array([[1.0, 0.0]]))  # 1 keeps
    array([[1., 5.]])

    Source: Krueger et al. (2017), "Zoneout: regularizing RNNs by randomly preserving hidden activations".
        Chapter 3.
    """
    previous, new, mask = _float64(previous=previous, new=new, mask=mask)
    _expect_cell(previous, mask, new=new)
    return mask * previous + (1 - mask) * new


def zoneout_torch(previous: Tensor, new: Tensor, mask: Tensor) -> Tensor:
    """Let units keep their previous value instead of the new one: the twin of ``zoneout``.

    >>> zoneout_torch(torch.tensor([[1.0, 1.0]]), torch.tensor([[5.0, 5.0]]), mask=torch.tensor([[1.0, 0.0]]))
    tensor([[1., 5.]])
    """
    _expect_floating(previous=previous, new=new, mask=mask)
    _expect_cell(previous, mask, new=new)
    return torch.lerp(new, previous, mask)


@dataclass(frozen=True, kw_only=True)
class DropoutSettings:
    """Say which masks an LSTM draws in training, and how often each of them drops.

    Args:
        dropout: rate between layers, in [0, 1], as in ``torch.nn.LSTM``: a new mask at each step.
        input_dropout: rate on the input of the first layer, in [0, 1).
        recurrent_dropout: rate inside the recurrence, in [0, 1).
        on: where that is: "h" (Gal & Ghahramani), "g" (Semeniuta et al.) or "c" (Moon et al.).
        tied: whether the four gates share the masks on the input and on h.
        per_step: whether the masks of ``input_dropout`` and ``recurrent_dropout`` are new at each step rather
            than locked for the sequence.
        zoneout_h, zoneout_c: share of units that keep their previous h or c, in [0, 1], new at each step.
        weight_drop: rate on the recurrent weights U, in [0, 1), once for each forward pass.
        share_mask: "sample" for a mask for each sequence, "batch" for one that the whole batch shares.

    Raises:
        ValueError: a rate outside its range, another ``on`` or ``share_mask``, untied masks on g or c.

    >>> DropoutSettings(recurrent_dropout=0.25, on="c").recurrent_dropout
    0.25

    Chapter 3.
    """

    dropout: float = 0.0
    input_dropout: float = 0.0
    recurrent_dropout: float = 0.0
    on: str = "h"
    tied: bool = True
    per_step: bool = False
    zoneout_h: float = 0.0
    zoneout_c: float = 0.0
    weight_drop: float = 0.0
    share_mask: str = "sample"

    def __post_init__(self):
        for name in ("dropout", "zoneout_h", "zoneout_c"):
            check_number(name, getattr(self, name), low=0.0, high=1.0)
        for name in ("input_dropout", "recurrent_dropout", "weight_drop"):
            rate = check_number(name, getattr(self, name))
            expect(0 <= rate < 1, name, "a probability to drop in [0, 1)", rate)
        check_one_of("on", self.on, ("h", "g", "c"))
        check_one_of("share_mask", self.share_mask, ("sample", "batch"))
        check_one_of("tied", self.tied, (True, False))
        check_one_of("per_step", self.per_step, (True, False))
        expect(
            self.tied or self.on == "h", "tied", f"True with on={self.on!r}, which is no gate's", self.tied
        )

    def plan(
        self, x_shape: tuple, hidden_size: int, num_layers: int, bidirectional: bool
    ) -> Iterator[tuple[list[str], tuple, float]]:
        """Yield (names, shape, rate) of every mask to draw; both directions read one masked input."""
        batch, steps, input_size = x_shape
        batch, gates = batch if self.share_mask == "sample" else 1, () if self.tied else (4,)
        drawn = steps if self.per_step else 1
        for layer in range(num_layers):
            suffixes = _layer_suffixes(layer, bidirectional)
            masks = [(suffixes, "x", (*gates, batch, drawn, input_size), self.input_dropout)]
            if layer > 0:
                masks = [(suffixes, "x", (batch, steps, len(suffixes) * hidden_size), self.dropout)]
            for suffix in suffixes:
                masks += [
                    ([suffix], self.on, (*gates, batch, drawn, hidden_size), self.recurrent_dropout),
                    ([suffix], "weight_hh", (4 * hidden_size, hidden_size), self.weight_drop),
                    ([suffix], "zoneout_h", (batch, steps, hidden_size), self.zoneout_h),
                    ([suffix], "zoneout_c", (batch, steps, hidden_size), self.zoneout_c),
                ]
            yield from (([kind + s for s in on], sizes, rate) for on, kind, sizes, rate in masks if rate > 0)


def sample_masks(
    settings: DropoutSettings,
    x_shape: tuple[int, int, int],
    hidden_size: int,
    num_layers: int = 1,
    *,
    bidirectional: bool = False,
    rng: np.random.Generator,
) -> dict[str, ndarray]:
    """Draw every mask that an LSTM needs for one forward pass in training.

    Args:
        settings: which masks, and their rates.
        x_shape: (B, T, F) of the input.
        hidden_size, num_layers, bidirectional: of the LSTM.
        rng: source of randomness.

    Returns:
        masks, float64, under the names of this module's table; both directions of a layer share that on x.

    Raises:
        ValueError: no ``rng``.

    Warns:
        UserWarning: ``dropout`` with a single layer, which has no layer above to drop for.

    >>> settings, rng = DropoutSettings(recurrent_dropout=0.25), np.random.default_rng(0)
    >>> masks = sample_masks(settings, (2, 5, 3), hidden_size=4, rng=rng)
    >>> {name: mask.shape for name, mask in masks.items()}
    {'h_l0': (2, 1, 4)}

    Chapter 3.
    """
    check_instance("rng", rng, np.random.Generator, "a NumPy Generator")
    check_instance("settings", settings, DropoutSettings, "a DropoutSettings")
    is_triple = isinstance(x_shape, Sequence) and len(x_shape) == 3
    expect(is_triple, "x_shape", "the sizes (B, T, F)", x_shape)
    x_shape = tuple(check_integer("x_shape", size, low=1) for size in x_shape)
    hidden_size = check_integer("hidden_size", hidden_size, low=1)
    num_layers = check_integer("num_layers", num_layers, low=1)
    check_one_of("bidirectional", bidirectional, (True, False))
    if settings.dropout > 0 and num_layers == 1:
        warnings.warn("dropout is between layers: a single layer drops nothing", UserWarning, stacklevel=2)
    masks: dict[str, ndarray] = {}
    for names, sizes, rate in settings.plan(x_shape, hidden_size, num_layers, bidirectional):
        if names[0].startswith("zoneout"):
            mask = (rng.random(sizes) < rate).astype(np.float64)
        else:
            mask = dropout_mask(sizes, rate, rng=rng) if rate < 1 else np.zeros(sizes)
        masks |= dict.fromkeys(names, mask)
    return masks


def _is_per_gate(v, w, mask):
    """Check what ``variational_dropout`` takes; return whether each gate has a mask of its own."""
    check_shape("w", w, (None, v.shape[-1] if v.ndim else None))
    expect(w.shape[0] % 4 == 0, "w", "rows for four gates", tuple(w.shape))
    check_mask("mask", mask, tuple(v.shape), per_gate=True)
    return mask.ndim > v.ndim


def _expect_cell(c, mask, **others):
    check_shape("c", c, (None, None))
    for name, array in others.items():
        check_shape(name, array, tuple(c.shape))
    check_mask("mask", mask, tuple(c.shape))


def _float64(**arrays):
    return [check_array(name, array) for name, array in arrays.items()]


def _expect_floating(**tensors):
    dtypes = {check_tensor(name, tensor).dtype for name, tensor in tensors.items()}
    expect(len(dtypes) == 1, ", ".join(tensors), "floating-point tensors of one dtype", dtypes)


_CELL = {"c": (2, 3), "f": (2, 3), "i": (2, 3), "g": (2, 3), "mask": (2, 3)}

# (NumPy, PyTorch, arguments): a tuple of sizes stands for an array of that shape.
PAIRS = [
    (variational_dropout, variational_dropout_torch, {"v": (2, 3), "w": (8, 3), "mask": (2, 3)}),
    (variational_dropout, variational_dropout_torch, {"v": (2, 3), "w": (8, 3), "mask": (4, 2, 3)}),
    (variational_dropout, variational_dropout_torch, {"v": (2, 5, 3), "w": (8, 3), "mask": (2, 1, 3)}),
    (variational_dropout, variational_dropout_torch, {"v": (2, 5, 3), "w": (8, 3), "mask": (4, 1, 5, 3)}),
    (non_recurrent_dropout, non_recurrent_dropout_torch, {"x": (2, 5, 3), "mask": (2, 5, 3)}),
    (candidate_dropout, candidate_dropout_torch, _CELL),
    (cell_dropout, cell_dropout_torch, _CELL),
    (weight_drop, weight_drop_torch, {"u": (8, 2), "mask": (8, 2)}),
    (zoneout, zoneout_torch, {"previous": (2, 3), "new": (2, 3), "mask": (2, 3)}),
]
