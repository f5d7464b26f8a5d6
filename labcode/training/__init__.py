"""One training loop for every task. Read in this order:

``loop``, with ``fit``; ``steps``, one pass through the data; ``losses``, what a batch
costs; ``activations``, what the LSTMs' outputs cost; ``evaluation``, with ``evaluate`` and ``predict``;
``epochs``, what is done around each epoch; ``batches``, how arrays become tensors on the model's device;
``history``, what an epoch leaves; ``checkpoint``, how a killed run goes on; ``monte_carlo``, predictions with
dropout on; ``forecasting``, what comes next in a series; ``diagnose``, what is wrong with a run;
``model_card``, what to hand on with a model.
"""

from labcode._lazy import lazily

__getattr__, __all__ = lazily(
    __name__,
    {
        "loop": ["fit", "seeded"],
        "evaluation": ["evaluate", "predict"],
        "history": ["History"],
        "forecasting": ["forecast", "load_model", "save_model"],
        "monte_carlo": ["monte_carlo_predict"],
    },
)
