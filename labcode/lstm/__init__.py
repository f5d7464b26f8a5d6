"""The LSTM twice. Read in this order:

``reference``, the NumPy LSTM, forward and backward by hand beside its equations; ``module``, the PyTorch
twin ``RegularizedLSTM``; ``layers``, which masks keep the fused kernel; ``scan``, the differentiable
function for all others, and ``products``, its large products; ``sequence_model``, an LSTM under a linear
head; ``units``, cutting units out.
"""

from labcode._lazy import lazily

__getattr__, __all__ = lazily(
    __name__,
    {
        "reference": ["lstm_backward", "lstm_forward", "lstm_step", "lstm_step_backward", "step_equations"],
        "module": ["RegularizedLSTM"],
        "sequence_model": ["SequenceModel"],
        "units": ["outgoing_weights", "shorten_units_", "silent_units", "without_units"],
    },
)
