"""A model card: what was made, from which data, chosen by what, how good it is, and where it ends."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from labcode._checks import check_instance, check_number, expect
from labcode.data.dataset import Dataset


def model_card(
    dataset: Dataset,
    model: nn.Module,
    *,
    title: str,
    training: str,
    tried: Mapping[str, str],
    chosen_by: str,
    results: Mapping[str, tuple[float, tuple[float, float] | None]],
    unit: str,
    limits: Sequence[str],
) -> str:
    """Write a model card in Markdown, its facts read off the dataset and the model.

    Args:
        dataset: what the model was trained on; its splits, dates and licence are stated.
        model: the model that is handed over; its parameters are counted.
        title: the card's heading.
        training: how it was trained, one sentence.
        tried: what was tried, and what became of it, by name; what was tried in vain belongs here, too.
        chosen_by: the rule of the choice and the data it read.
        results: mean and interval by what was measured; None where there is no interval.
        unit: the unit of the results.
        limits: what the model cannot do, and what was not tested; at least one sentence.

    Returns:
        the card, ready to be printed or shown.

    Raises:
        ValueError: nothing tried, no result, no limit, or an interval that does not hold its mean.

    Source: Mitchell et al. (2019), "Model cards for model reporting". Chapter 5.
    """
    check_instance("dataset", dataset, Dataset, "a Dataset")
    check_instance("model", model, nn.Module, "a module")
    check_instance("tried", tried, Mapping, "outcomes by name")
    check_instance("results", results, Mapping, "means and intervals by name")
    expect(len(tried) > 0, "tried", "at least one thing that was tried", tried)
    expect(len(results) > 0, "results", "at least one result", results)
    expect(
        len(limits) > 0 and not isinstance(limits, str), "limits", "at least one sentence, in a list", limits
    )
    parameters = sum(parameter.numel() for parameter in model.parameters())
    sections = {
        "Purpose": [f"Question: {dataset.title}", f"Predicts: {dataset.target_name}"],
        "Data": [dataset.name + f", {dataset.licence}", *_splits(dataset)],
        "Model": [f"{type(model).__name__} with {parameters} parameters", *_layers(model), training],
        "What was tried": [f"{name}: {outcome}" for name, outcome in tried.items()],
        "Chosen by": [chosen_by],
        f"Results, {unit}": [_result(name, result) for name, result in results.items()],
        "Limits": list(limits),
    }
    lines = [f"# {title}"]
    for heading, items in sections.items():
        lines += ["", f"## {heading}", "", *(f"- {item}" for item in items)]
    return "\n".join(lines)


def _splits(dataset: Dataset) -> list[str]:
    """Say for each split how many samples it has, and from when to when."""
    said = []
    for name, split in dataset.splits.items():
        dates = "" if split.dates is None else f", targets {split.dates[0]} to {split.dates[-1]}"
        said.append(f"{name}: {len(split.x)} samples{dates}")
    return said


def _layers(model: nn.Module) -> list[str]:
    return [f"{name}: {layer}" for name, layer in model.named_children()]


def _result(name: str, result: tuple[float, tuple[float, float] | None]) -> str:
    mean, interval = _pair(name, result, "a mean and its interval, (0.3, (0.2, 0.4)) or (0.3, None)")
    mean = check_number(name, mean)
    if interval is None:
        return f"{name}: {mean:.3f}"
    low, high = (check_number(name, end) for end in _pair(name, interval, "an interval of two numbers"))
    expect(low <= mean <= high, name, "an interval around the mean", (low, mean, high))
    return f"{name}: {mean:.3f}, 95 % interval {low:.3f} to {high:.3f}"


def _pair(name: str, value: Any, expected: str) -> Sequence:
    is_pair = isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) and len(value) == 2
    expect(is_pair, f"results[{name!r}]", expected, value)
    return value
