# %% [markdown]
# # Chapter 5, part 2: A project, from data to a model card
#
# *About 60 minutes: 25 of reading, 30 of thinking and trying; the cells run in about one. Needs: [part 1](05_1-2_keras.ipynb),
# and the interval over seeds of [chapter 1](01_background.ipynb#Ten-minutes-of-statistics). This part belongs to
# section 5 of the article, and goes beyond it.*
#
# **After this chapter you can**
#
# - run a project in an order that keeps its result honest: baseline, diagnosis, one change at a time, choice, one test;
# - say before the first run what will decide, and throw away what does not help;
# - hand over a model with its card, and in another library with the same forecasts;
# - do all of this with a CSV file of your own.

# %% [markdown]
# ## 5.3 A project from data to a model card
#
# The task is that of chapter 1: will tomorrow in Seattle be warmer or colder than today? Ten seeds of fifteen settings are more
# than a notebook should train, so `python evidence/05_project.py` has done it; single runs are made here again.
#
# **Step 1: the baselines.** Persistence predicts no change. *Ridge* is a linear model of all 84 numbers of the window with an L2
# penalty, its strength chosen on the validation year.

# %%
import numpy as np

from labcode.applications.baselines import no_change, ridge_on_windows
from labcode.data import load_weather

weather = load_weather()
unit = f"mean squared error [({weather.target_std:.2f} °C)²]"
rules = {"persistence": no_change, "ridge": ridge_on_windows}
baseline = {
    name: float(np.square(rule(weather, "validation") - weather.validation.y).mean())
    for name, rule in rules.items()
}
print({name: round(loss, 3) for name, loss in baseline.items()})

# %% tags=["guard"]
assert 0.8 < baseline["ridge"] / baseline["persistence"] < 0.9

# %% [markdown]
# Ridge is the one to beat: its loss is about 15 % below that of persistence. A network that beats persistence and loses to a linear
# model is a waste of time.
#
# **Step 2: the diagnosis.** An LSTM of 32 units, 40 epochs, nothing else.

# %%
from labcode import plots
from labcode.experiments import train_once

options = {"seed": 0, "hidden": 32, "epochs": 40, "progress": False}
_, plain = train_once(weather, **options)
line = {"baseline": baseline["ridge"], "baseline_label": "ridge", "unit": unit}
_ = plots.learning_curves(plain.train_loss, plain.validation_loss, **line)

# %% tags=["guard"]
assert plain.gap[-1] > 0.3
assert min(plain.validation_loss) < baseline["ridge"] < plain.validation_loss[-1]

# %% [markdown]
# The model overfits, and its best epoch is better than ridge: there is something to save. First stop in time, which costs nothing,
# then make the good moment better.

# %%
from labcode.early_stopping import EarlyStopping

rule = EarlyStopping(patience=6, restore_best_weights=True)
_, stopped = train_once(weather, early_stopping=rule, **options)
print(f"stopped after epoch {stopped.stopped_epoch}, kept epoch {stopped.best_epoch}")
same = stopped.validation_loss == plain.validation_loss[: len(stopped.validation_loss)]
print("the same run, only shorter:", same)

# %% tags=["guard"]
assert same

# %% [markdown]
# Early stopping changes nothing about a run but its end, so every later comparison includes it.
#
# **Try it yourself.** Set `patience` to 1, then to 20, in the cell above. Which epoch is kept, and how many more are run for it?

# %% [markdown]
# ### The rule, before the runs
#
# Now regularizers, **one at a time**, on top of what was kept before: L2 on $W$ and $U$, dropout in front of the head, recurrent
# dropout as in Keras, max-norm on $U$. Two things are fixed before anything runs:
#
# - a strength is chosen by the lowest **mean validation loss over 10 seeds**, at the epoch that early stopping keeps;
# - a regularizer stays only if this mean falls by more than **one standard error** of the paired differences.
#
# **Question.** Why not simply keep whatever has the lower mean?

# %%
from labcode.experiments import load_result

result = load_result("05_project")
l2 = result["stages"][0]
print(result["settings"])
for stage in result["stages"]:
    print(f"{stage['name']:<18}", ", ".join(stage["tried"]))

# %% [markdown]
# Of several strengths one has the lowest mean, by luck alone, even where none does anything. A rule with a margin throws most of
# that away, and the model stays simple.
#
# **Step 3: L2.** Means over ten seeds, at the strength that was chosen: on the left the curves over all 40 epochs, on the right what
# early stopping keeps at each strength.

# %%
curves, kept = {}, {0.0: l2["before"]}
for strength, sweep in result["sweep"].items():
    both = (np.mean(sweep[part], axis=0) for part in ("train", "validation"))
    curves[float(strength)] = tuple(both)
kept |= {float(strength): losses for strength, losses in l2["tried"].items()}
references = {"reference": baseline["ridge"], "unit": unit}
_ = plots.strength_choice(curves, kept, l2["best"], **references)

# %% tags=["guard"]
means = {strength: float(np.mean(losses)) for strength, losses in kept.items()}
gaps = [float(pair[1][-1] - pair[0][-1]) for pair in curves.values()]
assert min(means, key=means.get) == l2["best"]
assert min(curves) < l2["best"] < max(curves)
assert gaps == sorted(gaps, reverse=True)

# %% [markdown]
# The slider moves through the strengths. **Try this:**
#
# 1. Start at 0 and move to the right. Where do the curves stop moving apart?
# 2. At which strength does the training loss itself become a problem?

# %%
from labcode.widgets import StrengthExplorer

StrengthExplorer(curves, kept, value=max(kept), **references).widget()

# %% [markdown]
# The gap narrows with every step of λ, and from the best one on the curves hardly part any more. The price is the training loss,
# which ends higher and higher: with the strongest penalty the model can no longer learn what there is, and is no better than without
# any. The best strength lies inside the grid, in a flat valley; at an edge we would have to widen the grid.
#
# **Step 4: all four**, each with its best strength, against what was kept before it.
#
# **Question.** L2 came first. How many of the other three will help *in addition*, by our rule?

# %%
from labcode.check import guess

in_addition = guess(
    "After L2 and early stopping: how many of three others still help?", unit="of 3"
)

# %%
from labcode.experiments import paired_interval

differences, intervals = {}, {}
for stage in result["stages"]:
    name = f"{stage['name'].replace('_', ' ')}, {stage['best']:g}"
    differences[name] = np.subtract(stage["tried"][f"{stage['best']:g}"], stage["before"])
    rng = np.random.default_rng(0)
    intervals[name] = paired_interval(differences[name][:, None], rng=rng)
_ = plots.paired_differences(differences, intervals, unit="validation loss")
for stage in result["stages"]:
    ratio = stage["mean_difference"] / (stage["standard_error"] or 1.0)
    verdict = "kept" if stage["kept"] else "not kept"
    print(f"{stage['name']:<18} {ratio:+.1f} standard errors: {verdict}")
in_addition.met(sum(stage["kept"] for stage in result["stages"][1:]))

# %% tags=["guard"]
for stage in result["stages"]:
    assert stage["kept"] == (stage["mean_difference"] < -stage["standard_error"])
assert result["chosen"] == {"l2": l2["best"]}
assert [high < 0 for _, high in intervals.values()] == [True, False, False, False]
never_reached = result["stages"][-1]["tried"]
assert never_reached["1.5"] == never_reached["2"] == result["stages"][-1]["before"]

# %% [markdown]
# None: **two kinds of dropout and a limit were tried in vain.** That does not say that dropout is useless; after L2 and early stopping
# this small model has little overfitting left for it to cure. And max-norm: the losses with limits 1.5 and 2 are those without,
# in all digits, so no unit ever reached them. An honest report lists all of it.
#
# **Question.** How many validation figures have been looked at so far? What does that mean for the figure of the chosen one?

# %%
tried = sum(len(stage["tried"]) for stage in result["stages"])
print(f"{tried} settings with regularizers and one without, each with", end=" ")
print(result["settings"]["seeds"], "seeds")

# %% [markdown]
# The lowest of so many is a little too low, as the best of many dice is. For this there is a year that nobody has looked at.

# %% [markdown]
# ### One test
#
# **Step 5.** The test year, 2015, for three models that were fixed before: no regularization, early stopping alone, the chosen one.
# The intervals are over seeds and over blocks of 30 days.
#
# **Question.** On the validation year L2 took something off the loss of early stopping. How much of that is left on the test year?

# %%
options_left = ("less than half", "at least half")
left_of_gain = guess(
    "How much of L2's validation gain is left on the test year?", options=options_left
)

# %%
test = {name: float(np.mean(losses)) for name, losses in result["test"].items()}
against = result["against_early_stopping"]["chosen"]
for name, loss in test.items():
    print(f"{name:<18} {loss:.3f}")
print(f"persistence        {result['persistence']['test']:.3f}")
low, high = against["interval"]
print(f"chosen minus early stopping: validation {l2['mean_difference']:+.4f}")
print(f"    test {against['mean']:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}")
left_of_gain.met(options_left[int(against["mean"] <= l2["mean_difference"] / 2)])

# %% tags=["guard"]
assert test["chosen"] < test["early stopping"]
assert test["early stopping"] < result["persistence"]["test"] < test["no regularization"]
assert against["interval"][0] < against["mean"] < against["interval"][1] < 0

# %% [markdown]
# About all of it. The interval lies below 0, but its upper end almost touches it: L2 helps here, by how much is uncertain. The large
# step was another one, from no regularization to stopping in time; without it the LSTM is on average *worse* than persistence. And
# ridge?

# %%
errors = {
    name: np.square(rule(weather, "test") - weather.test.y) for name, rule in rules.items()
}
ridge_test = float(errors["ridge"].mean())
print(f"ridge {ridge_test:.3f}, chosen LSTM {test['chosen']:.3f}")
for name, loss in (("ridge", ridge_test), ("LSTM", test["chosen"])):
    print(f"{name:<6} root mean squared error {weather.target_std * loss**0.5:.2f} °C")

# %% tags=["guard"]
assert test["chosen"] < ridge_test

# %% [markdown]
# The LSTM is ahead, and in degrees the difference is small. (An interval of this difference was not computed.) Whether it is worth a
# network, those who use the forecast must say; the card has to make it possible to ask.

# %% [markdown]
# ### Handing over
#
# **Step 6.** The model that is handed over is trained with the chosen settings and seed 0: the strength enters by a penalty of $W$ and
# $U$, the stopping by `train_once`.

# %%
from functools import partial

from labcode.penalties import WeightRegularization, l2_penalty_torch

strength = result["chosen"]["l2"]
l2_of_strength = partial(l2_penalty_torch, lam=strength)
chosen = WeightRegularization(
    penalties={"input": l2_of_strength, "recurrent": l2_of_strength}
)
rule = EarlyStopping(patience=6, restore_best_weights=True)
model, history = train_once(weather, penalty=chosen.penalty, early_stopping=rule, **options)
validation = history.validation_loss[history.best_epoch]
low, high = min(kept[l2["best"]]), max(kept[l2["best"]])
print(f"validation loss {validation:.3f}; the ten seeds had {low:.3f} to {high:.3f}")

# %% tags=["guard"]
assert validation < baseline["ridge"]

# %% [markdown]
# Whoever receives it works with Keras. `to_keras` makes the LSTM, with weights and penalties; a dense layer is the head. An export
# ends with a comparison: the same forecasts on every day of the validation year.

# %%
from labcode.keras_interop import import_keras, to_keras
from labcode.training import predict

keras = import_keras()
layers = [keras.Input((14, 6)), to_keras(model.lstm, chosen), keras.layers.Dense(1)]
exported = keras.Sequential(layers)
head = model.head.weight.detach().numpy().T, model.head.bias.detach().numpy()
exported.layers[-1].set_weights(head)
ours = predict(model, weather.validation.x).numpy()
theirs = exported.predict(weather.validation.x, verbose=0)
np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5)
in_keras = exported.layers[0].kernel_regularizer.get_config()["l2"]
print(f"{len(ours)} forecasts agree; labcode lam={strength:g} is Keras L2({in_keras:g})")

# %% tags=["guard"]
assert abs(2 * in_keras - strength) < 1e-9

# %% [markdown]
# What is left is the *model card*: what someone needs to know who was not there. Most of it is read off the data and the model. The
# rest are sentences, and those on what was tried in vain and on limits are the ones that are usually missing.
#
# **Question.** Which limits of this model would you name? Ours are in the next cell.

# %%
LIMITS = [
    "One city, four years, one split by time: other places and years were not tested.",
    "The target is the change by tomorrow; two days ahead were not tried.",
    "The gain over early stopping alone is small, and its interval nearly reaches 0.",
    "The interval covers ten seeds and the days of one test year, no change of climate.",
]
outcome = {
    f"{stage['name']} in {list(map(float, stage['tried']))}": "kept"
    if stage["kept"]
    else "not kept"
    for stage in result["stages"]
}

# %% [markdown]
# What was tried in vain is listed, so that the next one need not try it again, and can count how much was tried.

# %%
from labcode.training.model_card import model_card

ends = result["against_persistence"]["chosen"]
how = f"Adam, 0.003, batches of 32, L2 on W and U with lam {strength:g}, early stopping"
results = {
    "test, mean of 10 seeds": (test["chosen"], None),
    "test, ridge": (ridge_test, None),
    "test, minus persistence": (ends["mean"], ends["interval"]),
    "test, minus early stopping alone": (against["mean"], against["interval"]),
}
facts = {"title": "Tomorrow's change of temperature in Seattle", "training": how}
facts |= {"tried": outcome, "results": results, "unit": unit, "limits": LIMITS}
facts["chosen_by"] = "the lowest mean validation loss of 10 seeds, by over a standard error"
card = model_card(weather, model, **facts)
print(card)

# %% tags=["guard"]
assert card.count("not kept") == sum(not stage["kept"] for stage in result["stages"])

# %% [markdown]
# The differences carry their intervals, and what matters, ridge and early stopping alone, stands beside the flattering persistence.

# %% [markdown] tags=["day"]
# ### Your own data, from a CSV to a model card
#
# The same steps with a file. Ours is the course's file for Seattle, read as if it were a stranger's; we forecast tomorrow's
# *wind*. `windows` wants numbers in the order of time and dates that NumPy can read, so most of the work with a new file is a
# line such as the one that mends its dates.

# %%
import csv
import gzip

from labcode.data import windows
from labcode.data.dataset import DATA

with gzip.open(DATA / "seattle_weather.csv.gz", "rt") as file:  # yours: open("my.csv")
    rows = list(csv.DictReader(file))
print(rows[0])
series = [float(row["wind"] or "nan") for row in rows]
dates = [row["date"].replace("/", "-") for row in rows]
own = windows(series, window=14, dates=dates, missing="last", name="wind")
print(own)

# %% [markdown]
# A missing day or number is refused unless you say what becomes of it; here the last value is repeated. The target is the *change*
# by the next step, as in chapter 1.
#
# **Question.** The first windows of the validation split begin in the training time. Is that a leak?

# %%
from labcode.data import persistence_loss

for name in ("train", "validation", "test"):
    split = getattr(own, name)
    print(f"{name:<11} {len(split.x):5d} windows, targets {split.dates[0]} to", end=" ")
    print(f"{split.dates[-1]}, no change: {persistence_loss(split):.3f}")

# %% tags=["guard"]
assert own.train.dates[-1] < own.validation.dates[0] < own.test.dates[0]

# %% [markdown]
# No: in use, too, the model will read days that it was trained on. What counts is the *target*: it lies in one split only, and the
# scales come from the training time. Now one function that trains a small model with a strength and a seed.

# %%
import torch

from labcode.lstm import SequenceModel
from labcode.training import evaluate, fit, forecast, save_model, seeded


def train_own(lam, seed):
    """Return a small model for our own data, and its history."""
    l2 = partial(l2_penalty_torch, lam=lam)
    on_both = WeightRegularization(penalties={"input": l2, "recurrent": l2})
    with seeded(seed):
        model = SequenceModel(own.train.x.shape[2], 8, 1)
    how = {"optimizer": torch.optim.Adam(model.parameters(), lr=1e-2), "epochs": 15}
    how["generator"] = torch.Generator().manual_seed(seed)
    how["early_stopping"] = EarlyStopping(patience=4, restore_best_weights=True)
    history = fit(
        model, own.train, own.validation, penalty=on_both.penalty, progress=False, **how
    )
    return model, history


# %% [markdown]
# Diagnosis, one change, the rule of the project (with three seeds, so that the notebook stays short), and a choice:

# %%
from labcode.training.diagnose import diagnose

runs = {lam: [train_own(lam, seed) for seed in range(3)] for lam in (0.0, 0.01)}
simple = [persistence_loss(split) for split in (own.train, own.validation)]
print(diagnose(runs[0.0][0][1], baseline=simple))
found = {
    lam: np.array([min(history.validation_loss) for _, history in made])
    for lam, made in runs.items()
}
gained = found[0.01] - found[0.0]
stays = gained.mean() < -gained.std(ddof=1) / 3**0.5
print(f"\nL2 {gained.mean():+.4f} on average: {'kept' if stays else 'not kept'}")
lam = 0.01 if stays else 0.0

# %% [markdown]
# Whatever it says on your machine: three seeds decide little, and the rule was there before the runs. One test, a forecast in m/s
# for the day after the last, a file, and the card.

# %%
import tempfile
from pathlib import Path

final, _ = runs[lam][0]
losses = {"LSTM": (evaluate(final, own.test)["loss"], None)}
losses["no change"] = (persistence_loss(own.test), None)
print(f"the day after {dates[-1]}: {forecast(final, own, series):.1f} m/s")
save_model(Path(tempfile.mkdtemp()) / "own.pt", final, own)  # yours: a path to keep
facts = {"title": "Tomorrow's wind", "training": "Adam, early stopping"}
facts |= {"tried": {"L2 on W and U, lam 0.01": "kept" if stays else "not kept"}}
facts |= {"chosen_by": "mean validation loss of 3 seeds, by over a standard error"}
facts |= {"results": losses, "unit": "variances of the training targets"}
print(model_card(own, final, limits=["One station, one test period, one seed."], **facts))


# %% [markdown]
# **Try it yourself.** Put your own file in: change `open`, the two column names and, if need be, the line of the dates. Look first at
# the loss of "no change": does the model beat it? For a script with a search in it, see
# `examples/your_own_series.py`.

# %% [markdown]
# ## What to remember
#
# - Baseline and diagnosis first: they say whether there is anything to gain, and what kind of regularizer to ask.
# - One change at a time, on top of what was kept; the rule is fixed before the runs, with a margin.
# - Validation data choose, and pay for it by being a little too good. Test data are read once.
# - What did not help is a result. It belongs in the report and on the card.
# - Exporting a model ends with a check: same inputs, same forecasts.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** Recurrent dropout had a lower mean and was not kept. Was that a mistake?
#
# - [ ] Yes: a lower mean is a lower mean.
#   > Of these ten seeds. Other ten might have it the other way round.
# - [x] No: it was within one standard error.
#   > A difference of this size comes out of chance often enough, and several strengths were tried.
# - [ ] No: dropout does not suit time series.
#   > Nothing here says so; L2 and early stopping had left little to cure.
#
# **2.** Had the test year shown no gain by L2, which model would you hand over?
#
# - [x] The chosen one, with that figure on its card.
#   > Choosing again after a look at the test year makes it a second validation year.
# - [ ] The one with early stopping alone.
#   > Then the test year has chosen, and its figure is flattered.
# - [ ] The better of the two on both years together.
#   > That uses up the test year as well: no data are left for an honest figure.
#
# **3.** Why does every stage of the project include early stopping?
#
# - [ ] It saves time.
#   > It does, but that is not why the comparison needs it.
# - [ ] Without it the penalty would have no effect.
#   > The penalty works all the same; the comparison would be unfair.
# - [x] It is part of what was kept before.
#   > A penalty that is compared with a model that was trained too long wins easily, and for the wrong reason.
#
# **4.** The order was L2 first, dropout later. Could another order have chosen another model?
#
# - [ ] No: each was tested on its own.
#   > Each was tested on top of what was kept before it.
# - [x] Yes: what the first has cured the next cannot cure.
#   > One at a time finds *a* good combination, with few runs, and not surely the best. The card names the order.
# - [ ] Only with fewer seeds.
#   > More seeds make each step surer, but regularizers overlap all the same.

# %% [markdown]
# **Next:** the exercise, [translate and repair](../exercises/ex05_practice.ipynb): settings between Keras, PyTorch and `labcode`, and
# a training script with planted mistakes.
