"""Forecasts in the data's own unit, and a model saved with the scale that they need."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from labcode._checks import check_instance, expect
from labcode._files import write_atomically
from labcode.data.dataset import Dataset
from labcode.data.scaling import Scaling
from labcode.data.series import read_series, without_missing
from labcode.training.evaluation import predict

FORMAT = 1


def forecast(model: nn.Module, scaling: Scaling | Dataset, latest: Any) -> float:
    """Return what comes next in a series, in its own unit: the target ``ahead`` steps after the last row.

    Args:
        model: trained on windows of the series, as :func:`labcode.data.windows` cuts them.
        scaling: how they were cut and scaled, or the dataset that knows it.
        latest: the newest rows, (T, F) or (T,) as the series was given, T at least the window; the last
            ``window`` of them are read. Missing values are filled if the series' were.

    Returns:
        The target's value, also where the model predicts its change.

    Raises:
        ValueError: a dataset without a scale, too few rows, other columns, or a missing value.

    Example:
        >>> from labcode.data import windows
        >>> from labcode.lstm import SequenceModel
        >>> data = windows(np.arange(100.0), window=5)
        >>> model = SequenceModel(1, 4, 1)
        >>> 90 < forecast(model, data, np.arange(100.0, 110.0)) < 130
        True

    Chapter 5.
    """
    scaling = scaling_of(scaling)
    rows, names, _ = read_series(latest, None)
    if scaling.missing == "last":
        rows = without_missing(rows, "last", names)
    columns = len(scaling.mean)
    expect(rows.shape[1] == columns, "latest", f"{columns} columns, as the series had", rows.shape[1])
    expect(len(rows) >= scaling.window, "latest", f"at least {scaling.window} rows", len(rows))
    rows = rows[-scaling.window :]
    expect(bool(np.isfinite(rows).all()), "latest", "no missing value in the last window", "NaN")
    output = predict(model, scaling.scale(rows)[None])
    expect(output.numel() == 1, "model", "one output", f"{output.numel()} outputs")
    return float(scaling.unscale(output.item(), rows[-1, scaling.target]))


def scaling_of(scaling: Scaling | Dataset) -> Scaling:
    """Return a scale, or that of a dataset.

    Raises:
        ValueError: a dataset that was not made by ``windows``, or something else.
    """
    if isinstance(scaling, Dataset):
        made = scaling.scaling is not None
        expect(made, "scaling", "a dataset made by labcode.data.windows", f"{scaling.name}, without a scale")
        assert scaling.scaling is not None
        return scaling.scaling
    check_instance("scaling", scaling, Scaling, "a Scaling, or a dataset made by labcode.data.windows")
    return scaling


def save_model(path: str | Path, model: nn.Module, scaling: Scaling | Dataset) -> None:
    """Write a model's weights and the scale of its data into one file, whole or not at all.

    Args:
        path: of the file, overwritten if it is there.
        model: the model.
        scaling: as in ``forecast``.

    Raises:
        ValueError: as ``scaling_of``.

    Chapter 5.
    """
    content = {"format": FORMAT, "scaling": scaling_of(scaling).as_dict(), "weights": model.state_dict()}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(Path(path), buffer.getvalue())


def load_model(path: str | Path, model: nn.Module) -> Scaling:
    """Put saved weights into a model of the same sizes, and return the scale that was saved with them.

    Args:
        path: of a file that ``save_model`` wrote; no code in it is run.
        model: changed in place; where it is (CPU, GPU) it stays.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it was not written by ``save_model``, or belongs to a model of other sizes.

    Chapter 5.
    """
    content = Path(path).read_bytes()
    try:
        saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        is_ours = isinstance(saved, dict) and saved.get("format") == FORMAT
    except Exception as error:  # whatever a foreign file makes the unpickler raise
        raise ValueError(f"path: expected a file that save_model wrote, received {path} ({error})") from None
    expect(is_ours, "path", "a file that save_model wrote", str(path))
    try:
        model.load_state_dict(saved["weights"])
    except RuntimeError as error:
        raise ValueError(
            f"model: expected the sizes of the one that was saved, received others ({error})"
        ) from None
    return Scaling(**saved["scaling"])
