"""What there is to learn from. Read in this order:

``dataset``, three splits of samples and all that is needed to read their numbers; ``weather``, the course's
main task; ``messages``, the short texts of two applications. The files, each with a text that names its
source and licence, are in ``files/``. Nothing is downloaded.
"""

from labcode._lazy import lazily

__getattr__, __all__ = lazily(
    __name__,
    {
        "dataset": ["IGNORED", "Dataset", "Split"],
        "weather": ["FEATURES", "load_weather", "persistence_loss"],
    },
)
