"""One regularized LSTM in four libraries: labcode, PyTorch, Keras and TensorFlow, trained side by side.

Chapter 7 asks whether they compute the same (``recipe``, ``contestants``), what each offers (``inventory``)
and what each costs (``speed``). A process has one backend of Keras, so that TensorFlow runs in a process of
its own (``backends``): ``python -m labcode.libraries``.
"""

from labcode.libraries.backends import TensorFlowRun, load_tensorflow
from labcode.libraries.contestants import train_keras, train_labcode, train_pytorch
from labcode.libraries.inventory import FEATURES, decoupled_optimizers, find, inventory, offers
from labcode.libraries.recipe import RECIPES, Recipe
from labcode.libraries.speed import load_speed, ratios

__all__ = [
    "FEATURES",
    "RECIPES",
    "Recipe",
    "TensorFlowRun",
    "decoupled_optimizers",
    "find",
    "inventory",
    "load_speed",
    "load_tensorflow",
    "offers",
    "ratios",
    "train_keras",
    "train_labcode",
    "train_pytorch",
]
