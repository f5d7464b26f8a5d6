# %% [markdown]
# # Chapter 5, part 2: A project, from data to a model card
#
# *About 45 minutes. Needs: [part 1](../notebooks/05_1-2_keras.ipynb), and the interval over seeds of
# [chapter 1](../notebooks/01_background.ipynb).*
#
# **After this chapter you can**
#
# - run a project in an order that keeps its result honest: baseline, diagnosis, one change at a time, choice, one test;
# - say before the first run what will decide, and throw away what does not help;
# - hand over a model with its card, and in another library with the same forecasts.

# %% [markdown]
# ## 5.3 A project from data to a model card
#
# The task is that of chapter 1: will tomorrow in Seattle be warmer or colder than today? Ten seeds of fifteen settings are
# more than a notebook should train, so `python evidence/05_project.py` has done it; single runs are made here again.
#
# **Step 1: the baselines.** Persistence predicts no change. *Ridge* is a linear model of all 84 numbers of the window with an
# L2 penalty, its strength chosen on the validation year.
#
# **Question.** Which of the two will the LSTM have to beat, in your guess?

# %%
import numpy as np

from labcode.applications.baselines import no_change, ridge_on_windows
from labcode.data import load_weather

weather = load_weather()
unit = f"mean squared error [({weather.target_std:.2f} °C)²]"

# %% [markdown]
# A linear model is soon fitted.
#
# **Question.** By how much does it beat persistence?

# %%
rules = {"persistence": no_change, "ridge": ridge_on_windows}
baseline = {
    name: float(np.square(rule(weather, "validation") - weather.validation.y).mean())
    for name, rule in rules.items()
}
print({name: round(loss, 3) for name, loss in baseline.items()})
assert 0.8 < baseline["ridge"] / baseline["persistence"] < 0.9

# %% [markdown]
# By about 15 %. A network that beats persistence and loses to a linear model is a loss of time.
#
# **Step 2: the diagnosis.** An LSTM of 32 units, 40 epochs, nothing else.
#
# **Question.** Chapter 1 has shown such curves. Which regularizer do they call for first?

# %%
from labcode import plots
from labcode.experiments import train_once

options = {"seed": 0, "hidden": 32, "epochs": 40, "progress": False}
_, plain = train_once(weather, **options)
_ = plots.learning_curves(
    plain.train_loss, plain.validation_loss, baseline=baseline["ridge"], baseline_label="ridge", unit=unit
)
assert plain.gap[-1] > 0.3
assert min(plain.validation_loss) < baseline["ridge"] < plain.validation_loss[-1]

# %% [markdown]
# The model overfits, and its best epoch is better than ridge: there is something to save. First stop in time, then make the good
# moment better.
#
# **Question.** Early stopping with patience 6 costs nothing. Which epoch will it keep?

# %%
from labcode.early_stopping import EarlyStopping

rule = EarlyStopping(patience=6, restore_best_weights=True)
_, stopped = train_once(weather, early_stopping=rule, **options)
print(f"stopped after epoch {stopped.stopped_epoch}, kept epoch {stopped.best_epoch}")
same = stopped.validation_loss == plain.validation_loss[: len(stopped.validation_loss)]
print("the same run, only shorter:", same)
assert same

# %% [markdown]
# That of the lowest loss before it stopped. Early stopping changes nothing about a run but its end, so every later comparison
# includes it.

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
# **Step 3: L2.** The slider moves through the strengths: on the left the curves over all 40 epochs, on the right what early
# stopping keeps. (For those who only read, the figure below shows the chosen strength.)
#
# **Question.** Two things happen to the curves as λ grows. Which one is the price?

# %%
curves = {
    float(strength): (np.mean(sweep["train"], axis=0), np.mean(sweep["validation"], axis=0))
    for strength, sweep in result["sweep"].items()
}
kept = {0.0: l2["before"]} | {float(strength): losses for strength, losses in l2["tried"].items()}
references = {"reference": baseline["ridge"], "unit": unit}

# %% [markdown]
# These are means over the seeds, and below them the losses of each.
#
# **Question.** Move the slider from 0 to the right. Where do the curves stop moving apart?

# %%
from labcode.widgets import StrengthExplorer

StrengthExplorer(curves, kept, value=max(kept), **references).widget()

# %% [markdown]
# On the left the gap closes; on the right there is a valley.
#
# **Question.** At which strength does the training loss itself become a problem?

# %%
_ = plots.strength_choice(curves, kept, l2["best"], **references)

# %% [markdown]
# The valley is flat near its bottom. In numbers:
#
# **Question.** Is the lowest strength at an edge of the grid?

# %%
means = {strength: float(np.mean(losses)) for strength, losses in kept.items()}
final_gap = {strength: float(pair[1][-1] - pair[0][-1]) for strength, pair in curves.items()}
print("kept, mean:     ", {strength: round(mean, 3) for strength, mean in means.items()})
print("gap at the end: ", {strength: round(gap, 2) for strength, gap in final_gap.items()})
assert min(means, key=means.get) == l2["best"] not in (min(l2["tried"]), max(l2["tried"]))
assert list(final_gap.values()) == sorted(final_gap.values(), reverse=True)
assert final_gap[0.0] > 0.9 > 0.1 > final_gap[0.1]

# %% [markdown]
# The gap closes with every step of λ, from over 0.9 to less than 0.1. The price is the training loss, which ends higher and
# higher: with the strongest penalty the model can no longer learn what there is. The best strength lies inside the grid; at an
# edge we would have to widen it.
#
# **Step 4: all four.** The difference that each made to what was kept before it, with its best strength.
#
# **Question.** L2 helped. Which of the other three will help *in addition*?

# %%
from labcode.experiments import paired_interval

differences, intervals = {}, {}
for stage in result["stages"]:
    name = f"{stage['name'].replace('_', ' ')}, {stage['best']:g}"
    differences[name] = np.subtract(stage["tried"][f"{stage['best']:g}"], stage["before"])
    rng = np.random.default_rng(0)
    intervals[name] = paired_interval(differences[name][:, None], rng=rng)
_ = plots.paired_differences(differences, intervals, unit="validation loss")
assert [high < 0 for _, high in intervals.values()] == [True, False, False, False]

# %% [markdown]
# Only L2's interval lies left of 0. In the terms of the rule:
#
# **Question.** Does it agree with the intervals?

# %%
for stage in result["stages"]:
    ratio = stage["mean_difference"] / (stage["standard_error"] or 1.0)
    verdict = "kept" if stage["kept"] else "not kept"
    print(
        f"{stage['name']:<18} mean difference {stage['mean_difference']:+.4f}, {ratio:+.1f} standard errors: {verdict}"
    )
    assert stage["kept"] == (stage["mean_difference"] < -stage["standard_error"])
assert result["chosen"] == {"l2": l2["best"]}
print("chosen:", result["chosen"])

# %% [markdown]
# **Two kinds of dropout and a limit were tried in vain.** Recurrent dropout came close, with a difference of about one
# standard error, a tenth of L2's. That does not say that dropout is useless; it says that after L2 and early stopping this small
# model on two years of weather has little overfitting left for it to cure. And max-norm: the losses with limits 1.5 and 2
# are those without, in all digits, so no unit ever reached them. An honest report lists all of it.
#
# **Question.** How many validation figures have been looked at so far? What does that mean for the figure of the chosen one?

# %%
tried = sum(len(stage["tried"]) for stage in result["stages"])
print(f"{tried} settings with regularizers, {result['settings']['seeds']} seeds each, and the one without")
assert tried == 14
never_reached = result["stages"][-1]
assert never_reached["tried"]["1.5"] == never_reached["tried"]["2"] == never_reached["before"]

# %% [markdown]
# The lowest of so many is a little too low, as the best of many dice is. For this there is a year that nobody has looked at.

# %% [markdown]
# ### One test
#
# **Step 5.** The test year, 2015, for three models that were fixed before: no regularization, early stopping alone, the chosen one.
# The intervals are over seeds and over blocks of 30 days.
#
# **Question.** The chosen model was better by 0.024 on validation data. More or less on the test year?

# %%
test = {name: float(np.mean(losses)) for name, losses in result["test"].items()}
against = result["against_early_stopping"]["chosen"]
for name, loss in test.items():
    print(f"{name:<18} {loss:.3f}")
print(f"persistence        {result['persistence']['test']:.3f}")
print(
    f"chosen minus early stopping: {against['mean']:+.4f}, 95 % interval {np.round(against['interval'], 4)}"
)
assert test["chosen"] < test["early stopping"] < result["persistence"]["test"] < test["no regularization"]
assert against["interval"][0] < against["mean"] < against["interval"][1] < 0

# %% [markdown]
# About the same. The interval lies below 0, but its upper end almost touches it: L2 helps here, by how much is uncertain. The
# large step was another one, from no regularization to stopping in time. Without it the LSTM is *worse* than persistence.
#
# **Question.** And ridge, the simple model, on the test year?

# %%
errors = {name: np.square(rule(weather, "test") - weather.test.y) for name, rule in rules.items()}
ridge_test = float(errors["ridge"].mean())
print(f"ridge {ridge_test:.3f}, chosen LSTM {test['chosen']:.3f}")
print(
    f"one day's error: {weather.target_std * test['chosen'] ** 0.5:.2f} °C against {weather.target_std * ridge_test**0.5:.2f} °C"
)
assert test["chosen"] < ridge_test

# %% [markdown]
# The LSTM is ahead. In degrees the difference is small. Whether it is worth a network is a question for who uses the forecast; the
# card has to make it possible to ask.

# %% [markdown]
# ### Handing over
#
# **Step 6.** The model that is handed over is trained with the chosen settings and seed 0.
#
# **Question.** Where does the strength enter, and where the early stopping?

# %%
from functools import partial

from labcode.penalties import WeightRegularization, l2_penalty_torch

l2_of_strength = partial(l2_penalty_torch, lam=result["chosen"]["l2"])
chosen = WeightRegularization(penalties={"input": l2_of_strength, "recurrent": l2_of_strength})

# %% [markdown]
# The strength in a penalty of $W$ and $U$, the stopping in `train_once`.
#
# **Question.** Will one seed's validation loss be near the mean of ten, 0.875?

# %%
rule = EarlyStopping(patience=6, restore_best_weights=True)
model, history = train_once(weather, penalty=chosen.penalty, early_stopping=rule, **options)
validation = history.validation_loss[history.best_epoch]
print(
    f"validation loss {validation:.3f}; the ten seeds had {min(kept[l2['best']]):.3f} to {max(kept[l2['best']]):.3f}"
)
assert validation < baseline["ridge"]

# %% [markdown]
# Near enough. Whoever receives it works with Keras. `to_keras` makes the LSTM, with weights and penalties; a dense layer is the head.
#
# **Question.** Why the transpose of the head's weights?

# %%
from labcode.keras_interop import import_keras, to_keras

keras = import_keras()
exported = keras.Sequential([keras.Input((14, 6)), to_keras(model.lstm, chosen), keras.layers.Dense(1)])
exported.layers[-1].set_weights([model.head.weight.detach().numpy().T, model.head.bias.detach().numpy()])

# %% [markdown]
# A kernel is (inputs, outputs). The penalty moved along, if Keras's layer has it.
#
# **Question.** With which number?

# %%
strength = exported.layers[0].kernel_regularizer.get_config()["l2"]
print(f"labcode lam={result['chosen']['l2']:g}, Keras L2({strength:g})")
assert abs(2 * strength - result["chosen"]["l2"]) < 1e-9

# %% [markdown]
# Half of `lam`.
#
# **Question.** Are the forecasts the same, on every day of the validation year?

# %%
from labcode.training import predict

ours = predict(model, weather.validation.x).numpy()
theirs = exported.predict(weather.validation.x, verbose=0)
print(f"largest difference of {len(ours)} forecasts: {np.abs(ours - theirs).max():.0e}")
np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5)

# %% [markdown]
# They are. What is left is the card: what someone needs to know who was not there. Most of it is read off the data and the model;
# the rest are sentences, and the ones on what was tried in vain and on limits are the ones that are usually missing.
#
# **Question.** Which limits would you name?

# %%
LIMITS = [
    "One city, four years, one split by time: other places and years were not tested.",
    "The target is the change by tomorrow; two days ahead were not tried.",
    "The gain over early stopping alone is small, and its interval nearly reaches 0.",
    "The interval covers ten seeds and the days of one test year, not a change of climate or of the station.",
]

# %% [markdown]
# Ours are these four. What was tried comes from the record, the vain attempts with it.
#
# **Question.** Why should a card list what does not help?

# %%
outcome = {
    f"{stage['name']} in {list(map(float, stage['tried']))}": "kept" if stage["kept"] else "not kept"
    for stage in result["stages"]
}
assert not all(stage["kept"] for stage in result["stages"])

# %% [markdown]
# So that the next one need not try it again, and can count how much was tried. Now the whole card, as Markdown.
#
# **Question.** Read it as a stranger. What would you still ask?

# %%
from labcode.training.model_card import model_card

ends = result["against_persistence"]["chosen"]
card = model_card(
    weather,
    model,
    title="Tomorrow's change of temperature in Seattle",
    training=f"Adam, 0.003, batches of 32, L2 on W and U with lam {result['chosen']['l2']:g}, early stopping with patience 6",
    tried=outcome,
    chosen_by="the lowest mean validation loss of 10 seeds, kept if lower by more than one standard error",
    results={
        "test, mean of 10 seeds": (test["chosen"], None),
        "test, minus persistence": (ends["mean"], ends["interval"]),
        "test, minus early stopping alone": (against["mean"], against["interval"]),
    },
    unit=unit,
    limits=LIMITS,
)

# %% [markdown]
# The results carry their intervals, and the comparison that matters stands beside the flattering one.
#
# **Question.** Find in the card: what nobody may conclude from it.

# %%
print(card)
assert card.count("not kept") == sum(not stage["kept"] for stage in result["stages"])

# %% [markdown]
# ## What to remember
#
# - Baseline and diagnosis first: they say whether there is anything to gain, and what kind of regularizer to ask.
# - One change at a time, on top of what was kept; the rule is fixed before the runs, with a margin.
# - Validation data choose, and pay for it by being a little too good. Test data are read once.
# - What did not help is a result. It belongs into the report and onto the card.
# - Exporting a model ends with an assert: same inputs, same forecasts.

# %% [markdown]
# ## Quiz
#
# **1.** Recurrent dropout had a lower mean and was not kept. Was that a mistake?
#
# <details><summary>Answer</summary>
#
# No: the difference was smaller than its standard error. A difference of this size comes out of chance often enough, and three
# strengths were tried.
# </details>
#
# **2.** Had the test year shown no gain by L2, which model would you hand over?
#
# <details><summary>Answer</summary>
#
# The chosen one, with that figure on its card. Choosing again after a look at the test year makes it a second validation year.
# </details>
#
# **3.** Why does every stage of the project include early stopping?
#
# <details><summary>Answer</summary>
#
# It is part of what was kept before. A penalty that is compared with a model that was trained too long wins easily, and for
# the wrong reason.
# </details>
#
# **4.** The order was L2 first, dropout later. Could another order have chosen another model?
#
# <details><summary>Answer</summary>
#
# Yes. Regularizers overlap: what the first has cured the next cannot cure. One at a time finds *a* good combination, with few
# runs, and not surely the best. The card says which way was gone.
# </details>

# %% [markdown]
# **Next:** the exercise, [translate and repair](../exercises/ex05_practice.ipynb): settings between Keras, PyTorch and `labcode`, and a
# training script with planted mistakes.
