"""The one place where test data are used: once for each method, variant and seed, and on record."""

from collections.abc import Callable

import numpy as np

from labcode._checks import expect
from labcode.data import Dataset
from labcode.experiments.store import Store
from labcode.experiments.tasks import Task, check_measures


def evaluate_test(
    store: Store,
    key: str,
    task: Task,
    dataset: Dataset,
    predict: Callable[[Dataset, str], np.ndarray],
    about: dict,
) -> None:
    """Evaluate the test split and put what comes out on record, unless a record of the same is there.

    The store belongs to one declaration: only if that changes, may the same be evaluated again.

    Args:
        store: keeps the record; the key is claimed.
        key: says which method, variant and seed this is.
        task: measures predictions.
        dataset: gives the test split.
        predict: function of (dataset, name of the split) that returns predictions.
        about: what else goes on record.

    Raises:
        ValueError: the test split has been evaluated for this key before, or what the task measures is not
            one finite number for each item.
    """
    expect(key not in store, "test", "a first evaluation of the test split", f"a second one, {about}")
    y = dataset.test.y
    measures = task.measures(dataset.task, predict(dataset, "test"), y)
    check_measures(measures, len(y))
    numbers = {name: np.asarray(values, dtype=np.float64).tolist() for name, values in measures.items()}
    store.write(key, about | {"test": numbers})
