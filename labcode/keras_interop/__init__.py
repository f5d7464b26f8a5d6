"""An LSTM with its masks, penalties and constraints to Keras and back: ``layers``, then ``settings``."""

from labcode._lazy import lazily

__getattr__, __all__ = lazily(
    __name__,
    {
        "layers": ["import_keras", "to_keras", "from_keras", "keras_masks", "WeightRegularization"],
        "settings": ["to_keras_rule", "from_keras_rule"],
    },
)
