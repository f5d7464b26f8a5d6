"""Names of a package that are imported when they are first asked for.

So ``labcode.lstm`` gives the NumPy reference without importing PyTorch, and the module with it.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(package: str, files: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], Any], list[str]]:
    """Return a package's ``__getattr__`` and ``__all__``.

    Args:
        package: its ``__name__``.
        files: the names that each of its files gives, by the file's name.
    """
    home = {name: file for file, names in files.items() for name in names}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home[name]}"), name)

    return get, sorted(home)
