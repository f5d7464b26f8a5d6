"""Train the recipes on TensorFlow, look at what it offers, and print all of it as one line of JSON.

The order, a JSON object of recipes by name, is read from the standard input; KERAS_BACKEND=tensorflow must be
set. ``backends.run_tensorflow`` calls this.
"""

import json
import platform
import sys

from labcode.keras_interop import import_keras
from labcode.libraries.contestants import train_keras
from labcode.libraries.inventory import decoupled_in_keras, offers
from labcode.libraries.recipe import Recipe
from labcode.libraries.tensorflow_loop import train_tensorflow


def main() -> None:
    """Answer one order."""
    recipes = {name: Recipe(**settings) for name, settings in json.load(sys.stdin).items()}
    keras = import_keras()
    import tensorflow as tf

    curves = {name: {"Keras on TensorFlow": train_keras(recipe)} for name, recipe in recipes.items()}
    for name, recipe in recipes.items():
        if recipe.recurrent_dropout == 0:
            curves[name]["tf.keras, own loop"] = train_tensorflow(recipe)
    answer = {
        "versions": {
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "python": platform.python_version(),
        },
        "backend": keras.backend.backend(),
        "tf.keras is Keras 3": tf.keras.layers.LSTM is keras.layers.LSTM,
        "curves": curves,
        "offers": offers("TensorFlow"),
        "decoupled": decoupled_in_keras(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
