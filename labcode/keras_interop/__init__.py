"""An LSTM with its masks, penalties and constraints to Keras and back. Read in this order:

``layers``, both ways, and what stands for what; ``settings``, penalties and constraints; ``activity``, those
on outputs; ``backward``, an LSTM that reads from the end; ``limits``, what is refused; ``start``, how Keras
is imported.
"""

from labcode._lazy import lazily

__getattr__, __all__ = lazily(
    __name__,
    {
        "layers": ["to_keras", "from_keras", "keras_masks", "WeightRegularization"],
        "settings": ["to_keras_rule", "from_keras_rule"],
        "activity": ["ActivityPenalty", "LayerRegularization"],
        "backward": ["BackwardLSTM"],
        "start": ["import_keras"],
    },
)
