"""Checkpoints that survive a kill at any moment: each is written beside the last, then takes its place."""

import contextlib
import copy
import hashlib
import io
import math
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from labcode._checks import expect
from labcode.early_stopping import EarlyStopping
from labcode.training.history import History

FORMAT = "labcode checkpoint 2"
EARLIER = ("labcode checkpoint 1",)  # counted padded steps
STOPPING_RULE = ("patience", "min_delta", "mode", "baseline", "restore_best_weights", "start_from_epoch")
STOPPING_RULE += ("monitor",)


@dataclass
class Checkpoint:
    """One file that holds the whole state of a training run, so that the run goes on bit for bit.

    Beside model, optimizer and history that is the generator that shuffles, torch's global random state
    (dropout draws from it), and the settings, so that a run is only ever resumed as the run it was.

    Attributes:
        path: the file.
        settings: what must be the same when the run is resumed, plain values by name.
        model, optimizer, generator, penalty, early_stopping, scheduler: those of
            :func:`labcode.training.fit`.
        measure: measures the model by the names of the history, where that tells a loss or a metric of one's
            own from another; None where they have names.
    """

    path: Path
    settings: dict[str, object]
    model: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    penalty: Callable[[nn.Module], Tensor] | None
    early_stopping: EarlyStopping | None
    scheduler: LRScheduler | None = None
    measure: Callable[[], Mapping[str, float]] | None = None

    def save(self, history: dict) -> None:
        """Write the present state and the history so far, all of it or nothing.

        Raises:
            OSError: the file cannot be written (a full disk, no permission).
        """
        state = {
            "format": FORMAT,
            "settings": plain(self.settings),
            "model": self.model.state_dict(),
            "optimizer": plain(self.optimizer.state_dict()),
            "scheduler": None if self.scheduler is None else plain(self.scheduler.state_dict()),
            "generator": self.generator.get_state(),
            "global_random": _get_global_random(self.model),
            "early_stopping": None if self.early_stopping is None else self.early_stopping.state_dict(),
            "penalty": self._penalty_value(),
            "history": history,
        }
        write_atomically(self.path, state)

    def load(self) -> dict:
        """Put the saved state back into model, optimizer and random generators, and return the history.

        Raises:
            ValueError: the file is damaged, or its run had other settings; nothing is changed then.
        """
        saved = _read(self.path)
        for name in [*self.settings, *saved["settings"]]:
            self._expect_same(name, saved["settings"].get(name), self.settings.get(name))
        self._load_weights(saved)
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(saved["scheduler"])
        if self.early_stopping is not None:
            self.early_stopping.load_state_dict(saved["early_stopping"])
        self.generator.set_state(saved["generator"])
        _set_global_random(self.model, saved["global_random"])
        return saved["history"]

    def _load_weights(self, saved: dict) -> None:
        """Load the weights; functions have no settings to compare, so their values at them stand in."""
        previous = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(saved["model"])
        expected = History.from_dict(saved["history"]).last | {"penalty": saved["penalty"]}
        try:
            measured = {} if self.measure is None else self.measure()
            for name, received in {"penalty": self._penalty_value(), **measured}.items():
                near = math.isclose(received, expected[name], rel_tol=1e-5, abs_tol=1e-12)
                if not near and received == received:  # a metric may be NaN
                    self._expect_same(f"{name} (at the saved weights)", expected[name], received)
        except BaseException:
            self.model.load_state_dict(previous)
            raise

    def _penalty_value(self) -> float:
        with torch.no_grad():
            return 0.0 if self.penalty is None else float(self.penalty(self.model))

    def _expect_same(self, name: str, expected: object, received: object) -> None:
        what = f"checkpoint {self.path}: {name}"
        expect(expected == received, what, f"{expected!r}, as the run began", received)


def describe_run(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    early_stopping: EarlyStopping | None,
    data: Mapping[str, Sequence[Tensor]],
) -> dict[str, object]:
    """Describe in plain values what makes a run the run it is, for :class:`Checkpoint`.

    Args:
        data: the tensors of each split, by the split's name.
    """
    device = next(model.parameters()).device
    settings: dict[str, object] = {
        f"model.{name}": f"{tuple(v.shape)} {v.dtype}" for name, v in model.state_dict().items()
    }
    settings |= {"model": str(model), "device": device.type, "optimizer": type(optimizer).__name__}
    settings["seed of the generator"] = generator.initial_seed()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for index, group in enumerate(optimizer.param_groups):
        named = group | {"params": [names[id(parameter)] for parameter in group["params"]]}
        settings |= {f"optimizer.{index}.{name}": repr(plain(value)) for name, value in named.items()}
    if early_stopping is not None:
        settings |= {f"early_stopping.{name}": getattr(early_stopping, name) for name in STOPPING_RULE}
    return settings | {f"{name} data": _fingerprint(tensors) for name, tensors in data.items()}


def plain(value: Any) -> Any:
    """Return NumPy's numbers, which could not be loaded again, as Python's; inside containers, too."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        same = copy.copy(value)  # an ordered dict or a counter stays one
        for name, one in value.items():
            same[name] = plain(one)
        return same
    return type(value)(map(plain, value)) if type(value) in (list, tuple) else value


def write_atomically(path: Path, state: dict) -> None:
    """Write a state so that the file holds the old or the new one whole, whenever the process is killed.

    Raises:
        OSError: the file cannot be written; the old one is untouched.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    temporary = path.with_name(path.name + ".tmp")  # what a kill leaves here, the next write replaces
    try:
        with open(temporary, "wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut too, where the system lets a folder be synchronized."""
    with contextlib.suppress(OSError):  # Windows and some network drives do not
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read(path: Path) -> dict:
    expected = "a checkpoint that labcode.training.fit wrote (delete the file to start anew)"
    try:
        with zipfile.ZipFile(path) as archive:
            intact = archive.testzip() is None  # torch.load would not notice a changed bit
        saved = torch.load(path, map_location=lambda storage, _: storage, weights_only=True)
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"checkpoint {path}: expected {expected}, received a damaged file") from error
    version: Any = saved.get("format") if isinstance(saved, dict) else None
    if not intact or version != FORMAT:
        kinds = dict.fromkeys(EARLIER, "one of an earlier version, which measured other losses")
        received = kinds.get(version, "another kind of file") if intact else "a damaged file"
        raise ValueError(f"checkpoint {path}: expected {expected}, received {received}")
    return saved


def _fingerprint(tensors: Sequence[Tensor]) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(str((tuple(tensor.shape), tensor.dtype)).encode())
        digest.update(tensor.cpu().contiguous().view(torch.uint8).numpy().data)
    return f"sha256 {digest.hexdigest()[:16]}"


def _get_global_random(model: nn.Module) -> list[Tensor]:
    parameter = next(model.parameters())
    states = [torch.get_rng_state()]
    if parameter.is_cuda:
        states.append(torch.cuda.get_rng_state(parameter.device))
    elif parameter.is_mps:
        states.append(torch.mps.get_rng_state())
    return states


def _set_global_random(model: nn.Module, states: list[Tensor]) -> None:
    parameter = next(model.parameters())
    torch.set_rng_state(states[0])
    if parameter.is_cuda:
        torch.cuda.set_rng_state(states[1], parameter.device)
    elif parameter.is_mps:
        torch.mps.set_rng_state(states[1])
