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
from labcode.applications import weather

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
_ = plots.forecast_days(
    np.arange(-23, 1),
    hours[:, 0],
    {"dew point": hours[:, 1]},
    unit="temperature [°C]",
    xlabel="hour (0: now)",
)
print(f"{york.train.items[sample]}: {change:+.1f} °C six hours later")

# %% [markdown]
# Dots are the temperature, the line is the dew point.

# %% [markdown]
# ### What simple rules reach
#
# Five rules, all without a network. *Persistence*: no change. *Usual temperature*: back to what is usual on this day of the year (in
# New York: at this hour). *Usual change*: the change that is usual on this day (at this hour). *Ridge*: a linear model of the whole
# window, its strength chosen on validation data. A rule's skill is the share of persistence's squared error that it saves.
#
# **Question.** Which rule saves most in which city? One of them is a trap: which?


# %%
def skill(outputs, part):
    """Return the share of persistence's squared error that a forecast saves."""
    return 1 - np.square(outputs - part.y).mean() / np.square(part.y).mean()


skills = {
    name: {rule: skill(make(city, "validation"), city.validation) for rule, make in weather.BASELINES.items()}
    for name, city in cities.items()
}
for rule in weather.BASELINES:
    print(f"{rule:<18}" + "".join(f"{name} {found[rule]:+7.2f}   " for name, found in skills.items()))
assert abs(skills["Seattle"]["usual change"]) < 0.05 < 0.5 < skills["New York"]["usual change"]
assert all(found["usual temperature"] < -0.5 for found in skills.values())

# %% [markdown]
# In New York the hour alone saves more than half. The trap is the usual temperature: weather does not jump back to the
# climate within a day, and a rule that says so is worse than "as now". (In New York it knows the hours of spring, and is asked
# about summer.) Ridge is the bar in both cities.

# %% [markdown]
# ### Does it overfit?
#
# The LSTM of chapter 1 once more, 64 units and 40 epochs, now in both cities. `Run` and `train` are those of the experiments.
#
# **Question.** New York has twice as many windows, and a larger part of its change follows a rule. Will it overfit more or less?

# %%
from labcode.experiments import runs

settings = {"model": (("hidden_size", 64),), "epochs": 40, "batch_size": 32, "learning_rate": 3e-3}
TASKS = {"Seattle": "weather", "New York": "weather_new_york"}
models, curves = {}, {}
for name, task in TASKS.items():
    models[name], curves[name] = runs.train(runs.Run(task=task, methods=(), seed=0, **settings))
    losses = curves[name].validation_loss
    print(f"{name:<9} validation loss {min(losses):.2f} at its best, {losses[-1]:.2f} at the end")

# %% [markdown]
# (A loss of 1 is one training standard deviation of the change, squared.)
#
# **Question.** The two panels have one scale. Where is the gap wider, and in which city would stopping early save more?

# %%
import matplotlib.pyplot as plt

axes = plt.subplots(1, 2, figsize=(9.0, 3.4), sharey=True, layout="constrained")[1]
for ax, (name, run) in zip(axes, curves.items(), strict=True):
    ridge = np.square(weather.BASELINES["ridge"](cities[name], "validation") - cities[name].validation.y)
    rule = {"baseline": float(ridge.mean()), "baseline_label": "ridge"}
    plots.learning_curves(run.train_loss, run.validation_loss, ax=ax, **rule)
    ax.set_title(name)
assert curves["Seattle"].gap[-1] > 0.4
