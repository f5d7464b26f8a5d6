"""What there is to learn from. Read in this order:

``dataset``, three splits of samples and all that is needed to read their numbers; ``own_series``, windows of
a series of one's own, ``series``, how it is read, and ``scaling``, the way back to its unit; ``weather``,
the course's main task; ``speech``, ``stocks``; ``messages``, real short texts, and ``text`` and
``translation``, made of them.

The course's own have ``load(seed=0, part="first", ...)``, where ``part="second"`` is other data of the same
kind, to confirm with. Where the samples have no order in time, the seed draws training and validation again.

The files, each with a text that names its source and licence, are in ``files/``. Nothing is downloaded.
"""

from labcode._lazy import lazily

__getattr__, __all__ = lazily(
    __name__,
    {
        "dataset": ["IGNORED", "Dataset", "Split", "join"],
        "own_series": ["windows"],
        "scaling": ["Scaling"],
        "weather": ["FEATURES", "load_weather", "persistence_loss"],
    },
)
