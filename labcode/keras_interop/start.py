"""Keras is imported by the first function that needs it, not with a file: that takes seconds."""

import importlib
import os
import sys
import tempfile
from types import ModuleType

from labcode._checks import expect


def import_keras() -> ModuleType:
    """Import Keras on the backend that the environment variable KERAS_BACKEND names, or else on torch.

    Where KERAS_HOME is not set, Keras neither reads nor writes a settings file in the user's home folder.

    Returns:
        the module ``keras``.

    Raises:
        ValueError: Keras was imported before, on another backend. Chapter 5.
    """
    wanted = os.environ.get("KERAS_BACKEND") or "torch"
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = wanted
        _import_without_settings()
    keras = sys.modules["keras"]
    hint = "it stays what it was when Keras was first imported: start Python anew, call import_keras() first"
    received = keras.backend.backend()
    expect(received == wanted, "Keras's backend", f"{wanted!r} ({hint})", received)
    return keras


def _import_without_settings():
    """Import Keras, with an empty folder in the place of the user's settings where none is named."""
    if "KERAS_HOME" in os.environ:
        importlib.import_module("keras")
        return
    with tempfile.TemporaryDirectory() as home:
        os.environ["KERAS_HOME"] = home
        try:
            importlib.import_module("keras")
        finally:
            del os.environ["KERAS_HOME"]
