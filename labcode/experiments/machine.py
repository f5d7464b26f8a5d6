"""Which machine computed a result: sums of floats end otherwise on another processor, and curves may part."""

import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import scipy
import torch

_KEYS = {"vendor_id": "vendor", "cpu family": "family", "model": "model", "model name": "name"}
DECISIVE = ("capability", "vendor", "family", "model", "torch")  # where these agree, so should the bits


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, str | int]:
    """Return the processor and what decides how it adds up.

    Args:
        cpuinfo: where Linux describes it; elsewhere ``platform`` has to do.

    Returns:
        "capability" (the instructions that PyTorch uses, such as "AVX2"), "threads", "machine", the versions
        "torch", "numpy", "scipy" and "python", and where they are known "vendor", "family", "model", "name".

    >>> processor()["capability"] == torch.backends.cpu.get_cpu_capability()
    True
    """
    found: dict[str, str | int] = {
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }
    try:
        lines = cpuinfo.read_text(encoding="utf-8").split("\n\n")[0].splitlines()
        pairs = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        found |= {name: pairs[key] for key, name in _KEYS.items() if key in pairs}
    except OSError:
        found["name"] = platform.processor() or platform.machine()
    libraries = {"torch": torch.__version__, "numpy": np.__version__, "scipy": scipy.__version__}
    return found | libraries | {"python": platform.python_version()}


def differs(one: Mapping, other: Mapping) -> list[str]:
    """Name what may let the same training end in other bits on two machines; empty if nothing does.

    >>> differs({"capability": "AVX2", "model": "49"}, {"capability": "AVX512", "model": "49"})
    ['capability']
    """
    return [key for key in DECISIVE if one.get(key) != other.get(key)]


def label(found: Mapping) -> str:
    """Return a machine in one line, which is the same where bits should be.

    >>> label({"name": "AMD EPYC", "family": "25", "model": "17", "capability": "AVX512"})
    'AMD EPYC, family 25, model 17, AVX512'
    """
    parts = [found.get("name"), *(f"{key} {found[key]}" for key in ("family", "model") if key in found)]
    return ", ".join(str(part) for part in (*parts, found.get("capability")) if part)
