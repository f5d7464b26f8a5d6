"""The model card: its facts come from the data and the model, and what is missing is refused."""

import pytest
import torch

from labcode.data import load_weather
from labcode.lstm.sequence_model import SequenceModel
from labcode.training.model_card import model_card

WEATHER, MODEL = load_weather(), SequenceModel(6, 4, 1)
CARD = {
    "title": "A card",
    "training": "Adam",
    "tried": {"L2": "kept", "dropout": "not kept"},
    "chosen_by": "validation loss",
    "results": {"test": (0.9, (0.8, 1.0)), "persistence": (1.05, None)},
    "unit": "mean squared error",
    "limits": ["one city"],
}


def test_the_card_states_splits_parameters_and_what_was_tried_in_vain():
    card = model_card(WEATHER, MODEL, **CARD)
    for split in WEATHER.splits.values():
        assert f"{len(split.x)} samples, targets {split.dates[0]} to {split.dates[-1]}" in card
    assert WEATHER.licence in card
    assert f"{sum(p.numel() for p in MODEL.parameters())} parameters" in card
    assert "dropout: not kept" in card
    assert "test: 0.900, 95 % interval 0.800 to 1.000" in card
    assert "persistence: 1.050\n" in card
    assert card.startswith("# A card\n")
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert [h.removeprefix("## ").split(",")[0] for h in headings] == [
        "Purpose",
        "Data",
        "Model",
        "What was tried",
        "Chosen by",
        "Results",
        "Limits",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tried", {}),
        ("results", {}),
        ("results", {"test": (0.9, (0.95, 1.0))}),
        ("results", {"test": (float("nan"), None)}),
        ("results", {"test": 0.3}),
        ("results", {"test": (0.3, 0.1)}),
        ("results", {"test": (0.3, (0.2, 0.4, 0.5))}),
        ("results", {"test": "0.3"}),
        ("results", [0.3]),
        ("tried", ["L2"]),
        ("limits", []),
        ("limits", "none"),
    ],
)
def test_what_is_missing_or_impossible_is_refused(name, value):
    with pytest.raises(ValueError, match=r"expected .* received"):
        model_card(WEATHER, MODEL, **CARD | {name: value})


def test_a_dataset_and_a_module_are_needed():
    with pytest.raises(ValueError, match="dataset: expected a Dataset"):
        model_card({}, torch.nn.Linear(1, 1), **CARD)
    with pytest.raises(ValueError, match="model: expected a module"):
        model_card(WEATHER, "LSTM", **CARD)
