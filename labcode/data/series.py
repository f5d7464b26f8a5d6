"""Reads a series of one's own: numbers and dates from arrays and data frames, gaps and missing values."""

from typing import Any

import numpy as np

from labcode._checks import expect

UNITS = ("M", "D", "h", "m", "s")  # months differ in days: a monthly series is regular in months alone


def read_series(series: Any, dates: Any) -> tuple[np.ndarray, tuple[str, ...], np.ndarray | None]:
    """Return the numbers (T, F), the names of the columns, and the dates (T,) or None."""
    names = tuple(map(str, series.columns)) if hasattr(series, "columns") else None
    if dates is None and names is not None:
        index = np.asarray(getattr(series, "index", ()))
        dates = index if np.issubdtype(index.dtype, np.datetime64) else None
    if isinstance(dates, str):
        expect(names is not None and dates in names, "dates", f"a column's name, one of {names}", dates)
        rest = [column for column in series.columns if str(column) != dates]
        series, dates, names = series[rest], series[dates], tuple(map(str, rest))
    raw = series.to_numpy() if hasattr(series, "to_numpy") else series
    try:
        values = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"series: expected numbers in every column, received other things ({error})"
        ) from None
    values = values[:, None] if values.ndim == 1 else values
    expect(values.ndim == 2 and values.size > 0, "series", "shape (T,) or (T, F)", np.shape(raw))
    expect(not np.isinf(values).any(), "series", "finite numbers, NaN where one is missing", np.inf)
    empty = np.isnan(values).all(axis=0)
    expect(not empty.any(), "series", "a number in every column", f"none in column {empty.argmax()}")
    names = names or tuple(f"column {number}" for number in range(values.shape[1]))
    if dates is None:
        return values, names, None
    try:
        days = np.array(dates, dtype="datetime64[s]")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"dates: expected what NumPy reads as datetime64, received others ({error})"
        ) from None
    expect(days.shape == values.shape[:1], "dates", f"one for each of {len(values)} rows", days.shape)
    expect(not np.isnat(days).any(), "dates", "a date in every row", "NaT")
    expect(bool((np.diff(days) > np.timedelta64(0)).all()), "dates", "ascending, none twice", _disorder(days))
    return values, names, days


def _disorder(dates: np.ndarray) -> str:
    at = int(np.argmax(np.diff(dates) <= np.timedelta64(0)))
    return f"{dates[at]} followed by {dates[at + 1]}"


def regular(values: np.ndarray, dates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the series with a row for every step of time, NaN where there was none.

    The step is the shortest between two rows, in the coarsest unit in which all are multiples of it.
    """
    for unit in UNITS:
        in_unit = dates.astype(f"datetime64[{unit}]")
        if unit == "M" and len(set((dates - in_unit.astype(dates.dtype)).tolist())) > 1:
            continue  # other days of the month
        if unit != "M" and (in_unit.astype(dates.dtype) != dates).any():
            continue  # finer than the unit
        steps = np.diff(in_unit).astype(np.int64)
        if len(steps) and steps.min() > 0 and (steps % steps.min() == 0).all():
            places = np.concatenate([[0], np.cumsum(steps // steps.min())])
            expect(
                places[-1] < 10 * len(dates), "dates", "a step of time that most rows keep", _irregular(dates)
            )
            whole = np.full((places[-1] + 1, values.shape[1]), np.nan)
            whole[places] = values
            offset = dates[0] - in_unit[0].astype(dates.dtype)
            grid = in_unit[0] + np.arange(len(whole)) * int(steps.min())
            return whole, grid.astype(dates.dtype) + offset
    raise ValueError(f"dates: expected a regular step of time, received {_irregular(dates)}")


def _irregular(dates: np.ndarray) -> str:
    steps = np.unique(np.diff(dates))
    return f"steps from {steps[0]} to {steps[-1]}"


def without_missing(values: np.ndarray, missing: str, names: tuple[str, ...]) -> np.ndarray:
    """Refuse missing values, put the last observed ones in their place, or leave them to be dropped."""
    lost = np.isnan(values)
    if missing == "drop" or not lost.any():
        return values
    row, column = np.argwhere(lost)[0]
    where = f"{int(lost.any(axis=1).sum())} rows with a missing value, the first at {row} ({names[column]})"
    if missing == "refuse":
        remedy = "or missing='last', or 'drop'; or no dates, if every row counts as one step"
        raise ValueError(f"series: expected no missing value ({remedy}), received {where}")
    expect(not lost[0].any(), "series", "a first row without missing values, to fill later ones from", where)
    last = np.maximum.accumulate(np.where(lost, 0, np.arange(len(values))[:, None]), axis=0)
    return np.take_along_axis(values, last, axis=0)
