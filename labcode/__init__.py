"""labcode: every regularization method of the course twice, in NumPy to read and in PyTorch to use.

The map, from top to bottom. Importing this package imports nothing else: each file imports what it needs.

The subject, a technique a file, NumPy beside PyTorch: ``penalties``, ``dropout``, ``recurrent_dropout``,
``constraints``, ``early_stopping``, ``label_smoothing``, ``averaging``, ``optimizers``, ``linear``.

- ``lstm``: the two LSTMs; ``training``: fit, evaluate, predict, and what belongs to a run
- ``data``: datasets and their files; ``search``: hyperparameters on Optuna
- ``keras_interop``: to Keras and back; ``libraries``: one model in four libraries, and how their rules differ
- ``applications``: the article's section 6; ``experiments``: the protocol behind every claim
- ``check``: answers to the exercises; ``plots``, ``widgets``: all drawing
"""

import sys
from importlib.abc import MetaPathFinder

__version__ = "0.2.0"

MOVED = {  # modules of 0.1, and where what they held is now
    "arrays": "labcode._checks",
    "checkpoint": "labcode.training.checkpoint",
    "conventions": "labcode.libraries.conventions",
    "dataset": "labcode.data",
    "diagnose": "labcode.training.diagnose",
    "history": "labcode.training",
    "inputs": "labcode.training.batches",
    "keras_settings": "labcode.keras_interop",
    "lstm_function": "labcode.lstm.scan",
    "lstm_layers": "labcode.lstm.layers",
    "lstm_products": "labcode.lstm.products",
    "model_card": "labcode.training.model_card",
    "monte_carlo": "labcode.training",
    "nt_asgd": "labcode.averaging",
    "regularized_lstm": "labcode.lstm",
    "search_space": "labcode.search",
    "search_storage": "labcode.search.records",
    "selection": "labcode.search",
    "sequence_model": "labcode.lstm",
    "stopping_rules": "labcode.libraries.stopping_rules",
    "units": "labcode.lstm",
    "validate": "labcode._checks",
    "applications.messages": "labcode.data.messages",
    "applications.speech": "labcode.data.speech",
    "applications.stocks": "labcode.data.stocks",
    "applications.text": "labcode.data.text",
    "applications.translation": "labcode.data.translation",
    "applications.weather": "labcode.data.weather",
    "experiments.once": "labcode.experiments",
    "experiments.points": "labcode.experiments",
    "experiments.reading": "labcode.experiments.result_tables",
    "experiments.scored": "labcode.experiments.seeded_training",
    "experiments.symptoms": "labcode.experiments.faulty_runs",
    "experiments.faults": "labcode.experiments.planted_faults",
}


class _Moved(MetaPathFinder):
    """Asked last: says where a module of an earlier version is now."""

    def find_spec(self, fullname, path, target=None):
        if (old := fullname.removeprefix("labcode.")) != fullname and old in MOVED:
            raise ModuleNotFoundError(
                f"{fullname} is now {MOVED[old]}: import it from there"
            )  # name= would hide it


sys.meta_path.append(_Moved())
