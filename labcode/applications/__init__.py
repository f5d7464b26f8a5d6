"""The five applications of the article's section 6: models and the simple baselines they have to beat.

The data are in ``labcode.data``, a file a task. ``models`` has what is trained on them, and sizes at
which one unregularized LSTM trains in seconds and overfits (``SETTINGS``); ``baselines`` and
``task_baselines`` predict without any network; ``metrics`` judges both; ``seq2seq`` and ``decoding``
translate; ``leaks`` flatters.

Chapter 8's language model, which reads one long text, is in the files ``language*.py``; ``window_models.py``
holds a Transformer and a state-space model for the same text.
"""

from importlib import import_module
from types import ModuleType

from labcode._checks import check_one_of

APPLICATIONS = ("text", "translation", "speech", "stocks", "weather")


def application(name: str) -> ModuleType:
    """Return the file with one application's data, which is imported only now.

    Raises:
        ValueError: another name.
    """
    return import_module(f"labcode.data.{check_one_of('name', name, APPLICATIONS)}")
