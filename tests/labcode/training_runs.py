"""Small data, a small model with dropout, and runs of fit that can be compared bit for bit."""

import signal

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from labcode.training import fit, seeded

torch.set_num_threads(1)  # models this small only lose time by sharing out their work


class Model(nn.Module):
    """A small LSTM with dropout, which draws from torch's global generator in training mode."""

    def __init__(self, outputs=1, hidden=6, p=0.3):
        super().__init__()
        self.lstm = nn.LSTM(3, hidden, batch_first=True)
        self.dropout = nn.Dropout(p)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x, padding_mask=None):
        return self.head(self.dropout(self.lstm(x)[0][:, -1]))


def make_data(n=40, seed=0, classes=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 5, 3)).astype(np.float32)
    signal_ = x.sum(axis=(1, 2))[:, None]
    y = (signal_[:, 0] > 0).astype(np.int64) if classes else signal_ + rng.standard_normal((n, 1))
    return x, y if classes else y.astype(np.float32)


TRAIN, VALIDATION = make_data(40, 0), make_data(23, 1)
CLASSES = make_data(40, 0, classes=2)


class Run:
    """Everything that one call of fit needs, made anew; keyword arguments replace single parts.

    Torch's global generator, from which dropout draws, begins anew as well.
    """

    def __init__(self, *, lr=1e-2, optimizer=torch.optim.Adam, seed=0, model=Model, train=TRAIN, **options):
        with seeded(seed):
            self.model = model()
        torch.manual_seed(0)
        self.optimizer = optimizer(self.model.parameters(), lr=lr)
        self.generator = torch.Generator().manual_seed(seed)
        self.options = {"train": train, "validation": VALIDATION, "epochs": 4, "batch_size": 16} | options
        self.options |= {"optimizer": self.optimizer, "generator": self.generator, "progress": False}

    def fit(self, **options):
        self.history = fit(self.model, **(self.options | options))
        return self.history

    def state(self):
        """All that a resumed run must share with an uninterrupted one."""
        optimizer = self.optimizer.state_dict()
        return {
            "weights": self.model.state_dict(),
            "moments": optimizer["state"],
            "groups": optimizer["param_groups"],
            "generator": self.generator.get_state(),
            "global generator": torch.get_rng_state(),
            "history": {k: v for k, v in self.history.to_dict().items() if k != "seconds"},
        }


def same(a, b):
    """Equal bit for bit, through all containers."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    return a == b


class CountReads(TorchDispatchMode):
    """Count how often Python waits for a value, or for a size that depends on one; and all operations."""

    WAITING = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)

    def __init__(self):
        super().__init__()
        self.reads = self.operations = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.operations += 1
        masked = function is torch.ops.aten.index.Tensor and any(
            i is not None and i.dtype == torch.bool for i in args[1]
        )
        self.reads += masked or function in self.WAITING
        return function(*args, **(kwargs or {}))


def l2(strength):
    return lambda model: strength * sum(w.square().sum() for w in model.lstm.parameters())


def interrupt_at(call):
    """A penalty of zero during whose n-th call Ctrl-C arrives, by the operating system's own way."""
    calls = 0

    def penalty(model):
        nonlocal calls
        calls += 1
        if calls == call:
            signal.raise_signal(signal.SIGINT)
        return 0.0 * model.head.bias.sum()

    return penalty


def overfitting(**options):
    """A run whose validation loss soon rises."""
    return Run(lr=0.05, model=lambda: Model(p=0.0), epochs=40, **options)
