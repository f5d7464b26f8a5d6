"""The five applications of the article's section 6: data, models and the simple baselines they have to beat.

Each task is a file of its own with the same parts::

    load(seed=0, part="first", ...)   a Dataset; part="second" is other data of the same kind, to confirm with
    SETTINGS                          sizes at which one unregularized LSTM trains in seconds and overfits
    BASELINES                         name -> function(dataset, split) -> predictions, without any network

Stocks have several targets, so ``BASELINES_OF[target]`` there; a translation has ``TRANSLATORS``, too, which
return texts. All predictions go into ``labcode.applications.metrics``, as those of a model do.

Where the samples have no order in time, the seed draws training and validation parts again; the test part is
always the same. Models are built by ``labcode.applications.models.build_model``.

Chapter 8's language model, which reads one long text, is in the files ``language*.py``; ``window_models.py``
holds a Transformer and a state-space model for the same text.
"""

from importlib import import_module
from types import ModuleType

from labcode._checks import check_one_of

APPLICATIONS = ("text", "translation", "speech", "stocks", "weather")


def application(name: str) -> ModuleType:
    """Return the file of one application, which is imported only now.

    Raises:
        ValueError: another name.
    """
    return import_module(f"labcode.applications.{check_one_of('name', name, APPLICATIONS)}")
