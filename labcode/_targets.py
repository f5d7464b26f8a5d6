"""Which weights of an LSTM a penalty or a constraint is for, by name: input, recurrent or bias."""

from collections.abc import Mapping

from numpy import ndarray
from torch import Tensor, nn

from labcode._checks import (
    check_array,
    check_instance,
    check_one_of,
    check_shape,
    check_tensor,
    expect,
)

TARGETS = {"input": ("weight_ih",), "recurrent": ("weight_hh",), "bias": ("bias_ih", "bias_hh")}


def target_arrays(weights: Mapping | nn.LSTM, target: str) -> dict:
    """Pick what a target names in an LSTM, by layer and direction.

    Args:
        weights: arrays or tensors under the names of ``torch.nn.LSTM``, as in ``lstm_forward`` or
            ``dict(lstm.named_parameters())``; or an ``nn.LSTM``, pruned or parametrized as it may be.
        target: "input" (W, every ``weight_ih``), "recurrent" (U, every ``weight_hh``) or "bias" (b, the sum
            ``bias_ih + bias_hh``: two names for what acts as one bias).

    Returns:
        the arrays or tensors under their suffixes, such as ``_l0`` and ``_l0_reverse``.

    Raises:
        ValueError: another target, or nothing in ``weights`` that it names. Chapter 2.

    >>> import torch
    >>> lstm = torch.nn.LSTM(3, 2)
    >>> list(target_arrays(dict(lstm.named_parameters()), "recurrent"))
    ['_l0']
    """
    if isinstance(weights, nn.LSTM):
        weights = {name: getattr(weights, name) for names in weights._all_weights for name in names}
    check_instance("weights", weights, Mapping, "arrays or tensors by name, or an nn.LSTM")
    kind, *others = TARGETS[check_one_of("target", target, tuple(TARGETS))]
    replaced = [name for name in weights if "_orig" in name or "parametrizations." in name]
    usable = "the weights that the LSTM uses (pass a pruned or parametrized nn.LSTM itself)"
    expect(not replaced, "weights", usable, replaced)
    found = {name.removeprefix(kind): array for name, array in weights.items() if name.startswith(kind)}
    expect(len(found) > 0, "weights", f"keys that start with {kind}", sorted(weights))
    for suffix, array in found.items():
        _check_alike({name + suffix: weights.get(name + suffix) for name in (kind, *others)}, array)
    for other in others:
        found = {suffix: array + weights[other + suffix] for suffix, array in found.items()}
    return found


def _check_alike(arrays, first):
    """Check that arrays are floating point, of the library and of the shape of the first."""
    library, checked = (Tensor, check_tensor) if isinstance(first, Tensor) else (ndarray, check_array)
    for name, array in arrays.items():
        check_instance(name, array, library, f"a {library.__name__}")
        check_shape(name, checked(name, array), tuple(first.shape))
