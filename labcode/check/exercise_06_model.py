"""Checker of exercise 6, a model to regularize: its score comes from days that the learner does not get."""

import itertools
import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from labcode.check.core import Case, Checker, Misconception, NotYet, attempt

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


def _score(model) -> dict[str, float]:
    """Return the losses on all three parts, in evaluation mode, and how the model was handed over."""
    from labcode.training import predict

    training = bool(model.training)
    losses = {
        name: float(np.square(predict(model, part.x).numpy() - part.y).mean())
        for name, part in zip(("train", "validation", "held_out"), _data(), strict=True)
    }
    return losses | {"units": model.lstm.hidden_size, "training": training}


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
    strengths, options = {"input": lam, "recurrent": lam}, {}
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

    def __call__(self, fn: Callable) -> None:
        """Print the scores; raise ``NotYet`` with the likely reason where they are not good enough.

        Raises:
            NotYet: the function is blank, stops with an error, returns no model, or one that is no better
                than ridge on the held-out days.
        """
        if not callable(fn):
            raise NotYet(f"✗ hand over the function itself, check.{self.name}({self.name}).")
        scores = [self._trained(fn, seed) for seed in SEEDS]
        mean = _mean(scores)
        lines = [
            f"{name:<11} {mean[key]:.3f}"
            for name, key in (("training", "train"), ("validation", "validation"), ("held out", "held_out"))
        ]
        lines[-1] += f"   (to beat: ridge, {_bar():.3f}; look no. {next(_LOOKS)} at these days)"
        found = self.diagnose(scores)
        if found or mean["held_out"] >= _bar():
            reasons = [textwrap.fill(f"→ {m.message}", 100) for m in found]
            raise NotYet("\n".join(["✗ mean squared errors, mean of three seeds:", *lines, *reasons]))
        print("\n".join(["✓ mean squared errors, mean of three seeds:", *lines]))
        print(f"{self.name}: right. {self.praise}")

    def outputs(self, switches):
        """Return the scores of the solution with the given mistakes switched on, for one seed."""
        return [_score(self.solution(*handout(), SEEDS[0], **switches))]

    def diagnose(self, results):
        """Return the first fault that the scores show, if any."""
        mean = _mean(results)
        return tuple(itertools.islice((m for m in self.misconceptions if m.shows(mean)), 1))

    def _trained(self, fn: Callable, seed: int) -> dict[str, float]:
        call = f"{self.name}(train, validation, seed={seed})"
        model = attempt(self.name, lambda: fn(*handout(), seed), call)
        if not hasattr(model, "lstm"):
            raise NotYet(
                f"✗ {self.name} returned a value of type {type(model).__name__}. Return the trained "
                "SequenceModel: does the function end with `return model`?"
            )
        score = _score(model)
        if not math.isfinite(score["train"]):
            raise NotYet("✗ the model's forecasts are not finite: its weights grew without limit.")
        return score


def _mean(scores: list[dict]) -> dict[str, float]:
    return {key: float(np.mean([score[key] for score in scores])) for key in scores[0]}


regularized_model = ModelChecker(
    name="regularized_model",
    solution=_train,
    cases=(Case("a year of weather", ()),),
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
