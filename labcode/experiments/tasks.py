"""The tasks that experiments can be declared on: what to learn, with which model, and what has to be beaten.

A new task is one entry in ``TASKS``. A declaration may also name one that lives elsewhere, as
``"module:NAME"``, where NAME is a ``Task``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module

import numpy as np
from torch import nn

from labcode._checks import check_instance, check_one_of, expect
from labcode.applications.metrics import item_losses
from labcode.applications.models import build_model
from labcode.applications.task_baselines import BASELINES, OF_TARGET
from labcode.data import speech, stocks, text, translation, weather
from labcode.data.dataset import IGNORED, Dataset
from labcode.experiments.further_measures import calibration_measures, translation_measures
from labcode.training import predict


def model_outputs(model: nn.Module, dataset: Dataset, split: str) -> np.ndarray:
    """Return what a model puts out for a split, in evaluation mode, as an array."""
    x, _, *padding_mask = getattr(dataset, split)
    return predict(model, x, *padding_mask).numpy()


def item_measures(kind: str, outputs: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Measure each item of a split on its own.

    Args:
        kind: "regression", "classification" or "sequence".
        outputs: predictions or logits, as in ``labcode.applications.metrics.item_losses``.
        y: targets, as there.

    Returns:
        "loss", (N,) float64; for a classification also "error", 0 or 1, whose mean is 1 - accuracy; for a
        sequence "error" is the share of wrong tokens.

    Raises:
        ValueError: another kind, or shapes that do not fit.
    """
    measures = {"loss": item_losses(kind, outputs, y)}
    if kind == "classification":
        measures["error"] = (np.argmax(outputs, axis=1) != y).astype(np.float64)
    if kind == "sequence":
        real = y != IGNORED
        measures["error"] = ((outputs.argmax(axis=2) != y) & real).sum(axis=1) / real.sum(axis=1)
    return measures


def forced_outputs(model: nn.Module, dataset: Dataset, split: str) -> np.ndarray:
    """Return the logits of a split's target tokens, each given the right ones before it, as an array."""
    x, y, *padding_mask = getattr(dataset, split)
    return predict(model, x, *padding_mask, targets=y).numpy()


@dataclass(frozen=True, kw_only=True)
class Task:
    """All that the protocol needs to know of a task.

    Attributes:
        load: function of the seed that returns a dataset: ``train``, ``validation`` and ``test``, each of
            which unpacks into what ``fit`` takes and has ``y``; and ``task``, "regression" or another kind
            that ``fit`` knows. The test split is the same for every seed, or each of ten seeds has its own.
        build: function of (dataset, sizes and options by keyword) that returns a model.
        baselines: functions of (dataset, name of the split) that return predictions as a model would.
        resampled: whether the seed draws the parts again.
        outputs: function of (model, dataset, name of the split) that returns predictions, an array.
        measures: function of (kind, predictions, y) that returns numbers of each item, "loss" among them.
        further: function of (model, dataset, predictions) that returns more about the test items, or None.
    """

    load: Callable[[int], Dataset]
    build: Callable[..., nn.Module]
    baselines: Mapping[str, Callable[[Dataset, str], np.ndarray]] = field(default_factory=dict)
    resampled: bool = False
    outputs: Callable[[nn.Module, Dataset, str], np.ndarray] = model_outputs
    measures: Callable[[str, np.ndarray, np.ndarray], dict[str, np.ndarray]] = item_measures
    further: Callable[[nn.Module, Dataset, np.ndarray], dict[str, np.ndarray]] | None = None


def _stocks(target: str, part: str = "first", **options) -> Task:
    return Task(
        load=lambda seed: stocks.load(part=part, target=target, **options),
        build=build_model,
        baselines=BASELINES[OF_TARGET[target]],
    )


def _translation(part: str, language: str = "zh_CN", **options) -> Task:
    return Task(
        load=lambda seed: translation.load(seed, part, language=language, **options),
        build=build_model,
        baselines=BASELINES["translation"],
        resampled=True,
        outputs=forced_outputs,
        further=translation_measures,
    )


def _redrawn(application: str, loader: Callable[..., Dataset], **options) -> Task:
    """Return a classification whose test part is drawn anew by the seed, too."""
    return Task(
        load=lambda seed: loader(seed, redraw_test=True, **options),
        build=build_model,
        baselines=BASELINES[application],
        resampled=True,
        further=calibration_measures,
    )


TASKS = {
    "weather": Task(load=weather.load, build=build_model, baselines=BASELINES["weather"]),
    "weather_new_york": Task(
        load=lambda seed: weather.load(part="second"), build=build_model, baselines=BASELINES["weather"]
    ),
    "speech": Task(load=speech.load, build=build_model, baselines=BASELINES["speech"], resampled=True),
    "speech_vowels": Task(
        load=lambda seed: speech.load(seed, "second"),
        build=build_model,
        baselines=BASELINES["speech"],
        resampled=True,
    ),
    "text": Task(load=text.load, build=build_model, baselines=BASELINES["text"], resampled=True),
    "text_long": Task(
        load=lambda seed: text.load(seed, kind="long"),
        build=build_model,
        baselines=BASELINES["text"],
        resampled=True,
    ),
    "stocks": _stocks("volatility", "first"),
    "stocks_second": _stocks("volatility", "second"),
    "stocks_sign": _stocks("sign", "first"),
    "stocks_sign_second": _stocks("sign", "second"),
    "stocks_raw": _stocks("raw_volatility", "first"),
    "translation": _translation("first"),
    "translation_second": _translation("second"),
    "translation_french": _translation("first", "fr_FR"),
    "weather_2014": Task(
        load=lambda seed: weather.load(test_year=2014), build=build_model, baselines=BASELINES["weather"]
    ),
    "new_york_weeks": Task(
        load=lambda seed: weather.load(seed, "second", redraw_weeks=True),
        build=build_model,
        baselines=BASELINES["weather"],
        resampled=True,
    ),
    "speech_redrawn": _redrawn("speech", speech.load),
    "vowels_redrawn": _redrawn("speech", speech.load, part="second"),
    "text_redrawn": _redrawn("text", text.load),
    "text_long_redrawn": _redrawn("text", text.load, kind="long"),
    "translation_redrawn": _translation("first", redraw_test=True),
    **{f"stocks_{year}": _stocks("volatility", test_year=year) for year in (2006, 2008, 2010, 2012)},
    **{f"stocks_sign_{year}": _stocks("sign", test_year=year) for year in (2006, 2010)},
}


def find_task(name: str) -> Task:
    """Return a task by its name in ``TASKS``, or by "module:NAME".

    Raises:
        ValueError: there is none.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        return TASKS[check_one_of("task", name, tuple(TASKS))]
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"task: expected a module and a Task in it, received {name!r} ({error})") from error
    check_instance("task", found, Task, "a Task")
    return found


@lru_cache(maxsize=2)
def load(name: str, seed: int) -> Dataset:
    """Load a task's dataset for a seed, once in each process for the runs that follow each other."""
    task = find_task(name)
    return task.load(seed if task.resampled else 0)


def check_measures(measures: Mapping[str, np.ndarray], items: int) -> None:
    """Check what a task's ``measures`` returned.

    Raises:
        ValueError: no "loss", or not one finite number for each item.
    """
    expect("loss" in measures, "measures", "a loss among them", sorted(measures))
    for name, values in measures.items():
        fits = np.shape(values) == (items,) and bool(np.isfinite(values).all())
        expect(fits, f"test {name}", f"{items} finite numbers, one for each item", values)
