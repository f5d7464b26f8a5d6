"""What the functions compute with: floating-point arrays on the NumPy side, tensors in PyTorch."""

import numpy as np
from numpy import ndarray
from torch import Tensor

from labcode.validate import expect


def floating_array(name: str, array: object) -> ndarray:
    """Return a floating-point array in float64.

    Raises:
        ValueError: integers or anything else, and a tensor that requires a gradient.
    """
    try:
        converted = np.asarray(array)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected a floating-point array, received {type(array)}") from error
    is_floating = np.issubdtype(converted.dtype, np.floating)
    expect(is_floating, name, "a floating-point array", converted.dtype)
    return converted.astype(np.float64, copy=False)


def floating_tensor(name: str, tensor: object) -> Tensor:
    """Return a floating-point tensor as it is.

    Raises:
        ValueError: integers or anything else, and an array.
    """
    is_tensor = isinstance(tensor, Tensor)
    received = tensor.dtype if is_tensor else type(tensor)
    expect(is_tensor and tensor.is_floating_point(), name, "a floating-point tensor", received)
    return tensor
