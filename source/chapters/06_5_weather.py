# %% [markdown]
# # Chapter 6, part 5: Weather, tomorrow in Seattle and in six hours in New York
#
# *About 40 minutes. Needs: [part 1](../notebooks/06_1_text.ipynb), which shows how results of this chapter are read. Seattle's
# weather is the task of [chapter 1](../notebooks/01_background.ipynb).*
#
# **After this chapter you can**
#
# - judge a forecast beside the rules that a forecaster has for nothing: as today, and as usual at this hour;
# - say which of twelve regularizers helped on one city, and whether another city confirms it;
# - look at forecasts day by day and see where they fail.

# %% [markdown]
# ## 6.5 Weather
#
# The article names the weather as a use of LSTMs for time series, and says that regularization makes forecasts more precise.
# We have two tasks. **Seattle**: from the last 14 days, how much warmer or colder than today will tomorrow's maximum be?
# **New York**: from the last 24 hours, how much warmer or colder will it be in six hours? All choices are made on Seattle; New York
# only confirms.
#
# ### The task and the data
#
# **Question.** In one of the cities a large part of the change is known in advance, without looking at the weather at all. In
# which one, and why?

# %%
from labcode.applications.task_baselines import BASELINES
from labcode.data import weather

cities = {"Seattle": weather.load(), "New York": weather.load(part="second")}
for name, city in cities.items():
    print(f"{name}: {city.title}")
    for split, part in city.splits.items():
        print(f"    {split:<11} {len(part.y):>5} forecasts, {part.dates[0]} to {part.dates[-1]}")
    print(f"    one unit is {city.target_std:.2f} °C")

# %% [markdown]
# In New York: six hours after dawn it is warmer, six hours after noon colder.
#
# In both cities the parts follow each other in time. Seattle's are whole years. New York's are not: training ends in June,
# validation is summer, the test is autumn. That is how forecasts are used, and it is harder than a shuffled split would make it look
# ([part 4](../notebooks/06_4_stocks.ipynb) measures by how much).
#
# **Question.** One sample a person can read: New York's last 24 hours, and what came. What would you have said?

# %%
import numpy as np

from labcode import plots

york = cities["New York"]
sample = 100
hours = york.train.x[sample] * york.std + york.mean
change = float(york.train.y[sample, 0]) * york.target_std
words = {"label": "temperature", "unit": "temperature [°C]", "xlabel": "hour (0: now)"}
_ = plots.forecast_days(np.arange(-23, 1), hours[:, 0], {"dew point": hours[:, 1]}, **words)
print(f"{york.train.items[sample]}: {change:+.1f} °C six hours later")

# %% [markdown]
# A winter day, from midnight to midnight in New York: from noon on the air dried and the temperature fell, and it went on falling a
# little. (The dew point is the temperature at which the air's water condenses.)

# %% [markdown]
# ### What simple rules reach
#
# Four rules, all without a network. *Persistence*: no change. *Usual temperature*: back to what is usual on this day of the year (in
# New York: at this hour). *Usual change*: the change that is usual on this day (at this hour). *Ridge*: a linear model of the whole
# window, its strength chosen on validation data. A rule's skill is the share of persistence's squared error that it saves.
#
# **Question.** Which rule saves most in which city? One of them is a trap: which?


# %%
def skill(outputs, part):
    """Return the share of persistence's squared error that a forecast saves."""
    return 1 - np.square(outputs - part.y).mean() / np.square(part.y).mean()


# %% [markdown]
# (A forecast of 0, no change, has the skill 0.)
#
# **Question.** Which of the eight numbers will be negative?

# %%
skills = {
    name: {
        rule: skill(make(city, "validation"), city.validation) for rule, make in BASELINES["weather"].items()
    }
    for name, city in cities.items()
}
for rule in BASELINES["weather"]:
    print(f"{rule:<18}" + "".join(f"{name} {found[rule]:+7.2f}   " for name, found in skills.items()))
assert abs(skills["Seattle"]["usual change"]) < 0.05 < 0.5 < skills["New York"]["usual change"]
assert all(found["usual temperature"] < -0.5 for found in skills.values())

# %% [markdown]
# In New York the hour alone saves more than half (in summer; this is the validation part). The trap is the usual temperature: weather does not jump back to the
# climate within a day, and a rule that says so is worse than "as now". (In New York it knows the hours of spring, and is asked
# about summer.) Ridge is the bar in both cities.

# %% [markdown]
# ### Does it overfit?
#
# The LSTM of chapter 1 once more, 64 units and 40 epochs as `evidence/weather.toml` declares it, now in both cities: the experiments'
# own runs with seed 0.
#
# **Question.** New York has twice as many windows, and a larger part of its change follows a rule. Will it overfit more or less?

# %%
from labcode.experiments.declaration import EVIDENCE, read_declaration
from labcode.experiments.runs import make_run, train

declared = read_declaration(EVIDENCE / "weather.toml")
tasks = {"Seattle": "weather", "New York": "weather_new_york"}
plain = {name: train(make_run(declared, {}, seed=0, task=task)) for name, task in tasks.items()}

# %% [markdown]
# A loss of 1 is one training standard deviation of the change, squared.
#
# **Question.** In which city is the gap wider, compared with the best validation loss? Where would stopping early save more?

# %%
_ = plots.curves_by_setting({name: (run.train_loss, run.validation_loss) for name, (_, run) in plain.items()})
for name, (_, run) in plain.items():
    part = cities[name].validation
    ridge = float(np.square(BASELINES["weather"]["ridge"](cities[name], "validation") - part.y).mean())
    best, end = min(run.validation_loss), run.validation_loss[-1]
    print(f"{name:<9} best epoch {best:.2f}, last epoch {end:.2f}, ridge {ridge:.2f}")
    assert best < ridge < end

# %% [markdown]
# The same picture in both: at its best the LSTM beats ridge, at its end it loses to it, and the training loss goes on falling as if nothing
# had happened.

# %% [markdown]
# ### What helps, and how much
#
# `python course.py evidence weather` has trained twelve methods and two combinations in Seattle, by the protocol of part 1.
#
# **Question.** Choose a method, move its strength. Which methods move the *end* of the curve, which also its lowest point?

# %%
from labcode.experiments import load_result
from labcode.experiments.result_tables import sweep
from labcode.widgets import MethodExplorer

result = load_result("weather")
sweeps = {name: sweep(result, name) for name in result["declaration"]["methods"]}
none = sweep(result, "none")[0.0]
MethodExplorer(sweeps, none, unit="mean squared error", value=("l2", max(sweeps["l2"]))).widget()

# %% [markdown]
# As a still picture, L2 with λ = 0.03.
#
# **Question.** What does early stopping keep, with and without the method?

# %%
name, strength = "l2", 0.03
_ = plots.strength_sweep(sweeps[name], none, strength, name=name, unit="mean squared error")

# %% [markdown]
# The end of the curve moves down by half and more; its lowest point hardly moves. On the right the two lines meet: with enough L2 the last
# epoch is as good as the one that early stopping keeps. Most methods in the menu look like this.
#
# The test year, 2015, for every method at the strength that validation chose. Intervals cover seeds and blocks of 30 days.
#
# **Question.** Left, against no regularization to the last epoch: how many methods will be clear? Right, against stopping early?

# %%
from labcode.experiments.result_tables import differences, outcomes

effects = differences(result)
_ = plots.effect_forest(effects)
stopping = result["summary"]["methods"]["none"]["early"]["against"]["none_last"]["loss"]
print(f"stopping early by itself: {stopping['mean']:+.3f} {stopping['interval']}")
for variant in ("last", "early"):
    clear = outcomes(effects[f"none_{variant}"], variant)
    print({side: len(methods) for side, methods in clear.items()}, f"against none, {variant}")
    assert len(clear["lower"]) == {"last": 14, "early": 0}[variant]

# %% [markdown]
# Left: all of them, by about a third of the loss. Right: **not one**. Nearly everything that any method gains is what stopping
# early gains by itself. Most means on the right lie a little below 0, by some 2 % of the loss; ten seeds and a year of days are too few to
# tell that from nothing, and there are fourteen of them.
#
# **Question.** And beside the rules? Ridge stands at its line.

# %%
from labcode.experiments.result_tables import baselines, by_seed

losses = by_seed(result, "early")
rules = {rule: loss for rule, loss in baselines(result).items() if rule in ("persistence", "ridge")}
_ = plots.losses_beside_rules(losses, rules, unit="test loss, early stopping")
against_ridge = outcomes(differences(result, references=("ridge",))["ridge"], "early")
print({side: len(methods) for side, methods in against_ridge.items()}, "against ridge")
assert not against_ridge["lower"]
assert max(loss.mean() for loss in losses.values()) < rules["ridge"] < rules["persistence"]

# %% [markdown]
# Every mean lies left of ridge's line, that of no regularizer with early stopping, too. But not one difference is clear: the days of one
# year vary more than the models do.
#
# ### Another city
#
# New York, with the strengths that were chosen in Seattle.
#
# **Question.** What would convince you that a method helps "on weather", and not only in Seattle in 2015?

# %%
york_effects = differences(result, where="confirmation")
_ = plots.effect_forest(york_effects)
for variant in ("last", "early"):
    clear = outcomes(york_effects[f"none_{variant}"], variant)
    print(f"{variant}: {len(clear['lower'])} clearly better, clearly worse: {clear['higher']}")
assert len(outcomes(york_effects["none_last"], "last")["lower"]) == 14
assert outcomes(york_effects["none_early"], "early")["lower"] == []

# %% [markdown]
# **Question.** In Seattle most means of the right panel leaned to the better side. And here?

# %%
below = {
    name: sum(by["early"]["mean"] < 0 for by in found["none_early"].values() if "early" in by)
    for name, found in (("Seattle", effects), ("New York", york_effects))
}
print(f"means below 0 against stopping early: {below} of 14")
assert below == {"Seattle": 12, "New York": 2}

# %% [markdown]
# The left panel is confirmed in full. The right one shows why a confirmation is worth its time: in Seattle twelve of fourteen means lean to the
# better side; in New York twelve lean to the worse one. Had we reported the leaning, we would have reported chance, or Seattle. One
# method is clearly worse: recurrent dropout on g with the strength that Seattle had chosen.
#
# ### What it costs
#
# Seconds of the processor, for two epochs, three times each, measured as this notebook runs.
#
# **Question.** Which of the methods is paid for at every step of the sequence?

# %%
from dataclasses import replace
from time import process_time

brief = replace(declared, epochs=2)


def seconds(methods):
    """Return how long the processor works for two epochs with these methods."""
    began = process_time()
    train(make_run(brief, methods, seed=0))
    return process_time() - began


# %% [markdown]
# **Question.** Five methods, each beside a run without. Your guess for zoneout?

# %%
timed = {"l2": 0.03, "max_norm": 0.2, "tar": 100.0, "recurrent_dropout_h": 0.6, "zoneout": 0.6}
costs = {}
for name, strength in timed.items():
    ratios = [seconds({name: strength}) / seconds({}) for _ in range(3)]
    costs[name] = tuple(np.quantile(ratios, (0.5, 0.25, 0.75)))
_ = plots.training_costs(costs)

# %% [markdown]
# Those that need a loop over the steps, zoneout most of all. What acts on weights or on outputs costs little. Early stopping has the opposite
# price: it saves the epochs that it does not train.

# %% [markdown]
# ### Forecasts to look at
#
# Whatever had the lowest mean validation loss *in Seattle*, with early stopping, is trained here with seed 0 in both cities. Beside it
# stands the model without any regularization, at its last epoch.
#
# **Question.** A model that has learned its training days by heart: will its forecasts of other days be too bold or too timid?

# %%
from labcode.experiments.tasks import model_outputs

kept = {
    name: min(loss for loss in one["early"]["validation"].values() if loss is not None)
    for name, one in result["chosen"].items()
}
winner = min(kept, key=kept.get)
methods = result["chosen"][winner]["early"]["methods"]
print(winner, methods)
assert winner == "tar"

# %% [markdown]
# Temporal activation regularization: it asks outputs of neighbouring steps to be alike. Now both kinds of model in both cities.
#
# **Question.** The spread of the forecasts and that of what came: which will be larger?

# %%
regularized = {
    name: train(make_run(declared, methods, seed=0, task=task, early=True))[0] for name, task in tasks.items()
}
forecasts = {}
for name, city in cities.items():
    pair = {"no regularization": plain[name][0], winner: regularized[name]}
    outputs = {kind: model_outputs(model, city, "test")[:, 0] for kind, model in pair.items()}
    forecasts[name] = {kind: city.target_std * values for kind, values in outputs.items()}

# %% [markdown]
# **Question.** In which city will the two kinds differ more?

# %%
for name, city in cities.items():
    spreads = {"what came": (city.target_std * city.test.y).std()}
    spreads |= {kind: values.std() for kind, values in forecasts[name].items()}
    print(name, {kind: f"{spread:.1f} °C" for kind, spread in spreads.items()})
assert forecasts["Seattle"][winner].std() < 0.7 * forecasts["Seattle"]["no regularization"].std()

# %% [markdown]
# In Seattle the model without regularization varies nearly as much as the weather itself, and the other one half as much. In New York both
# vary nearly as much as what came, because most of it, the wave of the day, can be known.
#
# Day by day, Seattle in spring:
#
# **Question.** On which days are both wrong together? Where is only one of them?

# %%
city, test = cities["Seattle"], cities["Seattle"].test
rows = (test.dates >= np.datetime64("2015-04-01")) & (test.dates < np.datetime64("2015-06-01"))
lines = {kind: values[rows] for kind, values in forecasts["Seattle"].items()}
change = "change of temperature [°C]"
_ = plots.forecast_days(test.dates[rows], city.target_std * test.y[rows, 0], lines, unit=change)

# %% [markdown]
# Both miss the single days, such as the jump up and down again late in April: nothing in the fourteen days before told of it. But the model
# without regularization also has swings of its own, at the end of May day after day several degrees too cold. The other one
# stays close to zero where it does not know.
#
# New York, five days in October, a forecast every three hours:
#
# **Question.** What is easy here that was hard in Seattle?

# %%
test = york.test
first = int(np.flatnonzero(test.dates == np.datetime64("2013-10-10"))[0])
rows = slice(first, first + 40)
lines = {kind: values[rows] for kind, values in forecasts["New York"].items()}
hours = np.array([np.datetime64(item.removesuffix(":00 UTC")) for item in test.items[rows]])
_ = plots.forecast_days(hours, york.target_std * test.y[rows, 0], lines, unit=change)

# %% [markdown]
# The daily wave, which both models know. What is left beside it, fronts that come earlier or later, is as hard as in Seattle.
#
# All test forecasts of Seattle against what came; a perfect forecast lies on the diagonal:
#
# **Question.** Which of the two clouds is flatter than the diagonal, and is that a fault?

# %%
outcome = city.target_std * city.test.y[:, 0]
_ = plots.forecasts({kind: (outcome, values) for kind, values in forecasts["Seattle"].items()}, unit="°C")
errors = {kind: np.sqrt(np.square(values - outcome).mean()) for kind, values in forecasts["Seattle"].items()}
errors["persistence"] = outcome.std()
print({kind: f"{error:.2f} °C" for kind, error in errors.items()})
assert errors["tar"] < errors["persistence"] < errors["no regularization"]

# %% [markdown]
# The right one, and it is none. Squared errors are smallest for the mean over what may come, and a mean varies less than what it is the mean
# of. The left cloud is as wide as the weather, for nothing: on average it is further from the diagonal than "no change" would be.
#
# ### The article's claim, and what we found
#
# > Regularization makes an LSTM's forecasts of the weather more precise. (Our words for the second point of section 6.)
#
# **Question.** What would you write under it?

# %%
for name, found in {"Seattle": effects, "New York": york_effects}.items():
    where = "summary" if name == "Seattle" else "confirmation"
    reference = result[where]["methods"]["none"]["last"]["test"]["loss"]["mean"]
    shares = [by["last"]["mean"] / reference for by in found["none_last"].values() if "last" in by]
    print(
        f"{name}: at the last epoch {min(shares):+.0%} to {max(shares):+.0%} of the loss of no regularization"
    )
    assert -0.4 < min(shares) < max(shares) < -0.15

# %% [markdown]
# Compared with a model that is trained to its last epoch: yes, every method, in both cities, by a sixth to a third of the squared
# error. (Such a model is worse than persistence in Seattle and worse than ridge in New York, so that is not
# hard.) Compared with the same model stopped early: nothing is shown. The means that lean to better in Seattle lean to worse in New York.
# The sentence is true for those who do not watch their validation loss.

# %% [markdown]
# ## What to remember
#
# - A forecast is judged beside the rules that cost nothing: as now, as usual, a linear model. In New York's summer the hour alone
#   explains more than half.
# - Two references: no regularization to the end is easily beaten; stopping early is not.
# - A second city confirms, or does not. What holds in one place in one year is a beginning.
# - A careful forecast varies less than what it forecasts. What cannot be known in advance should not be in it.
#
# ## Quiz
#
# **1.** A model has a skill of 0.5 against persistence in New York's validation part. Is it good?
#
# <details><summary>Answer</summary>
#
# No: the usual change at that hour has 0.65 there, without any weather in it. Compare with the best rule, not with the weakest.
# </details>
#
# **2.** Your forecasts vary as much as the outcomes do, and are half right. What would a good regularizer do to their spread?
#
# <details><summary>Answer</summary>
#
# Make it smaller. If a part of the outcome cannot be known, the best forecast (for squared errors) is the mean over what may come, and
# that varies less.
# </details>
#
# **3.** Strengths were chosen in Seattle and used in New York. What does a missing effect in New York *not* show?
#
# <details><summary>Answer</summary>
#
# That the method cannot help there: it may need another strength. It shows that the method with this strength is no recipe for both.
# </details>
#
# **Next:** [exercise 6](../exercises/ex06_applications.ipynb): task 3 is the skill of a forecast, and in task 7 you cure an LSTM on
# Seattle's weather; its score comes from days that you do not get.
