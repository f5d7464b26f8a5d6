"""Chapter 5's table, TensorFlow's column: what arguments of Keras mean on the TensorFlow backend.

Run ``python evidence/05_conventions.py`` where the extra ``[tensorflow]`` is installed. It needs some seconds
and writes ``evidence/results/05_conventions.json``, with the versions that answered.
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from labcode.experiments import save_result
from labcode.experiments.script_hash import script_hash
from labcode.keras_interop import import_keras
from labcode.libraries.conventions import keras_answers


def main() -> None:
    """Ask, check that ``tf.keras`` is the same Keras, and write the answers."""
    keras = import_keras()
    result = {
        "command": "python evidence/05_conventions.py",
        "hash": script_hash(__file__),
        "versions": {"keras": keras.__version__, "tensorflow": tf.__version__},
        "tf_keras_is_keras": tf.keras.layers.LSTM is keras.layers.LSTM,
        "answers": keras_answers(keras),
    }
    print(f"Wrote {save_result('05_conventions', result).name}")


if __name__ == "__main__":
    main()
