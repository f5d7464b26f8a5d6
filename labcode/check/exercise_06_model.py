"""Checker of exercise 6, a model to regularize: its score comes from days that the learner does not get."""

import copy
import itertools
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from labcode.check.core import Case, Checker, Misconception, NotYet, Verdict
from labcode.check.training_task import repeatable

SEEDS, HIDDEN = (0, 1, 2), 64
_LOOKS = itertools.count(1)  # how often the held-out days have been looked at in this session


@cache
def _data():
    """Return one year of Seattle's weather to learn, one to choose on, and the days that are held out."""
    from labcode.data import weather

    whole = weather.load()
    return whole.train.last(0.5), whole.validation, whole.test


def handout():
    """Return what the learner gets: the training and the validation part, each unpacks into x and y."""
    return _data()[:2]


@cache
def _bar() -> float:
    """Return the held-out loss of ridge, which has learned the same year."""
    from dataclasses import replace

    from labcode.applications.task_baselines import BASELINES
    from labcode.data import weather

    train, validation, held_out = _data()
    dataset = replace(weather.load(), train=train, validation=validation, test=held_out)
    return float(np.square(BASELINES["weather"]["ridge"](dataset, "test") - held_out.y).mean())


def _record(model) -> dict:
    """Return a model as plain data: its forecasts of all three parts, its size, the mode it came in."""
    from labcode.training import predict

    training = bool(model.training)
    forecasts = [predict(model, part.x).numpy() for part in _data()]
    return {"units": int(model.lstm.hidden_size), "training": training, "forecasts": forecasts}


def _score(record: dict) -> dict[str, float]:
    """Return a record's losses on the three parts, its size and its mode.

    Raises:
        NotYet: the forecasts are not finite, or not one for each day.
    """
    losses = {}
    for name, part, forecast in zip(
        ("train", "validation", "held_out"), _data(), record["forecasts"], strict=True
    ):
        if forecast.shape != part.y.shape:
            raise NotYet(f"✗ the model should forecast {part.y.shape} values; these are {forecast.shape}.")
        if not np.isfinite(forecast).all():
            raise NotYet("✗ the model's forecasts are not finite: its weights grew without limit.")
        losses[name] = float(np.square(forecast - part.y).mean())
    return losses | {"units": record["units"], "training": record["training"]}


def _train(train, validation, seed, *, cure=True, epochs=60, extra="", lam=0.03, hidden=HIDDEN, mode=False):
    """A model of 64 units with L2 on W and U, stopped early; the switches undo or spoil that."""
    import torch

    from labcode.data.dataset import Split
    from labcode.early_stopping import EarlyStopping
    from labcode.lstm.sequence_model import SequenceModel
    from labcode.penalties import l2_penalty_torch, penalty_by_target
    from labcode.training import fit, seeded

    if extra:
        more = validation if extra == "validation" else _data()[2]
        train = Split(np.concatenate([train.x, more.x]), np.concatenate([train.y, more.y]))
    strengths = {"input": lam, "recurrent": lam}
    options: dict[str, Any] = {}
    if cure:
        options["early_stopping"] = EarlyStopping(patience=5, restore_best_weights=True)
        options["penalty"] = lambda model: penalty_by_target(
            l2_penalty_torch, dict(model.lstm.named_parameters()), strengths
        )
    with seeded(seed):
        model = SequenceModel(6, hidden, 1)
        fit(
            model,
            train,
            validation,
            optimizer=torch.optim.Adam(model.parameters(), lr=3e-3),
            epochs=epochs,
            generator=torch.Generator().manual_seed(seed),
            measure_train=False,
            progress=False,
            **options,
        )
    return model.train(mode)


@dataclass(frozen=True, eq=False)
class ModelFault(Misconception):
    """What may be wrong with a trained model: what it looks like in the scores, beside the switches."""

    shows: Callable[[dict], bool] = lambda score: False


class ModelChecker(Checker):
    """Trains by the learner's function, once for each seed, and scores the models on the held-out days."""

    def outputs(self, switches):
        """Return the scores of the solution with the given mistakes switched on, for one seed."""
        return [_score(_record(self.solution(*handout(), SEEDS[0], **switches)))]

    def diagnose(self, results):
        """Return the first fault that the scores show, if any."""
        mean = _mean(results)
        faults = (m for m in self.misconceptions if isinstance(m, ModelFault))
        return tuple(itertools.islice((fault for fault in faults if fault.shows(mean)), 1))

    def _given(self, case):
        return (*copy.deepcopy(handout()), *case.args)

    def _run(self, fn: Callable, case: Case) -> dict:
        with repeatable():
            model = fn(*self._given(case))
        if not hasattr(model, "lstm"):
            raise NotYet(
                f"✗ {self.name} returned a value of type {type(model).__name__}. Return the trained "
                "SequenceModel: does the function end with `return model`?"
            )
        return _record(model)

    def _call(self, case):
        return f"{self.name}(train, validation, seed={case.args[0]})"

    def _judge(self, outcomes):
        hindrance = self._hindrance(outcomes, [0.0])
        try:
            scores = [] if hindrance else [_score(outcome.value) for outcome in outcomes]
        except NotYet as message:
            hindrance = str(message)
        if hindrance:
            return Verdict(False, 0.0, hindrance)
        mean, found = _mean(scores), self.diagnose(scores)
        lines = [
            f"{name:<11} {mean[key]:.3f}"
            for name, key in (("training", "train"), ("validation", "validation"), ("held out", "held_out"))
        ]
        lines[-1] += f"   (to beat: ridge, {_bar():.3f}; look no. {next(_LOOKS)} at these days)"
        right = not found and mean["held_out"] < _bar()
        said = [textwrap.fill(f"→ {m.message}", 100) for m in found]
        said += [f"{self.name}: right. {self.praise}"] if right else []
        mark = "✓" if right else "✗"
        text = "\n".join([f"{mark} mean squared errors, mean of three seeds:", *lines, *said])
        return Verdict(right, float(right), text, tuple(m.name for m in found))


def _mean(scores: list[dict]) -> dict[str, float]:
    return {key: float(np.mean([score[key] for score in scores])) for key in scores[0]}


regularized_model = ModelChecker(
    name="regularized_model",
    solution=_train,
    cases=tuple(Case(f"a year of weather, seed {seed}", (seed,)) for seed in SEEDS),
    seconds=600.0,
    misconceptions=(
        ModelFault(
            "handed over in training mode",
            {"mode": True},
            "The model is still in training mode: with dropout in it, every call would give another "
            "forecast. Call model.eval() before you return it (`fit` does).",
            shows=lambda score: score["training"] > 0,
        ),
        ModelFault(
            "another size",
            {"hidden": 8},
            "That is another model: 64 units were given. Fewer units are a cure, too, but here the cure "
            "shall be a regularizer.",
            shows=lambda score: score["units"] != HIDDEN,
        ),
        ModelFault(
            "trained on held-out days",
            {"extra": "held out", "cure": False, "epochs": 30},
            "Too good to be true: nobody forecasts this weather so well. Has it seen the days that are held "
            "out? What it scores on them then says nothing.",
            shows=lambda score: score["held_out"] < 0.75,
        ),
        ModelFault(
            "trained on the validation part",
            {"extra": "validation", "cure": False, "epochs": 30},
            "The validation loss is far below the held-out one: the model has LEARNED the validation part. "
            "Then nothing is left that could stop or choose. Train on `train` alone.",
            shows=lambda score: score["validation"] < 0.7 * score["held_out"],
        ),
        ModelFault(
            "too strong",
            {"lam": 100.0},
            "The training loss is about as high as that of 'no change': the regularizer is so strong that "
            "nothing was learned. Divide its strength by ten and look again.",
            shows=lambda score: score["train"] > 0.9,
        ),
        ModelFault(
            "still overfits",
            {"cure": False, "epochs": 40},
            "It still overfits: the training loss is far below the held-out one, and ridge is better. Stop "
            "early and keep the best weights, or raise the strength of what you added.",
            shows=lambda score: score["held_out"] >= _bar() and score["train"] < 0.6 * score["held_out"],
        ),
    ),
    praise="Each further try makes these days a little less held out: choose on validation data.",
)
