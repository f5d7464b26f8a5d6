"""A toy technique and a toy task, as the files that CONTRIBUTING names for them would get them."""

from pathlib import Path

TECHNIQUE = {
    "labcode/penalties.py": '''

def toy_penalty(w: ndarray, lam: float) -> float:
    """Pull large weights less than L1 does: lam * sum(log(1 + |w|)).

    >>> toy_penalty(np.array([0.0]), lam=0.5)
    np.float64(0.0)
    """
    lam, w = check_number("lam", lam, low=0.0), check_array("w", w)
    return lam * np.log1p(np.abs(w)).sum()


def toy_penalty_grad(w: ndarray, lam: float) -> ndarray:
    """Return the gradient of ``toy_penalty``.

    >>> toy_penalty_grad(np.array([-1.0]), lam=0.5)
    array([-0.25])
    """
    lam, w = check_number("lam", lam, low=0.0), check_array("w", w)
    return lam * (np.sign(w) / (1 + np.abs(w)))


def toy_penalty_torch(w: Tensor, lam: float) -> Tensor:
    """Pull large weights less than L1 does: the twin of ``toy_penalty``.

    >>> import torch
    >>> toy_penalty_torch(torch.zeros(1), lam=0.5)
    tensor(0.)
    """
    lam, w = check_number("lam", lam, low=0.0), check_tensor("w", w)
    return lam * w.abs().log1p().sum()


PAIRS = [
    (toy_penalty, toy_penalty_torch, {"w": (4, 3), "lam": 0.3}),''',
    "tests/tools/mutants.toml": """
[[group]]
technique = "toy"
file = "penalties.py"
tests = "labcode/test_pairs.py -k toy"
mutants = [
    ["NumPy: absolute value missing", "lam * np.log1p(np.abs(w)).sum()", "lam * np.log1p(w).sum()"],
    ["NumPy: gradient without the sign", "lam * (np.sign(w) / (1", "lam * (1 / (1"],
    ["PyTorch: a mean", "w.abs().log1p().sum()", "w.abs().log1p().mean()"],
]
""",
    "source/exercises/ex02_core_concepts.py": "\n# %%\ncheck.toy_penalty(toy_penalty)\n",
    "source/chapters/02_core_concepts.py": "\n# %%\nfrom labcode.penalties import toy_penalty\n",
}

TASK = {
    "labcode/data/toy.py": '''"""A toy: the next value of a noisy wave."""

import numpy as np

from labcode.data.dataset import Dataset, Split


def load(seed=0, part="first"):
    """Return a wave's windows of six values, and the next one."""
    rng = np.random.default_rng(["first", "second"].index(part))
    wave = np.sin(np.arange(126) / 3) + 0.1 * rng.normal(size=126)
    x = np.lib.stride_tricks.sliding_window_view(wave, 6)[:-1, :, None].astype(np.float32)
    y, dates = wave[6:, None].astype(np.float32), np.datetime64("2020-01-01") + np.arange(120)
    bounds = [slice(0, 60), slice(60, 90), slice(90, 120)]
    train, validation, test = (Split(x[at].copy(), y[at].copy(), dates[at].copy()) for at in bounds)
    return Dataset(
        train, validation, test, name="toy", title="The next value of a wave",
        feature_names=("wave",), feature_units=("1",), mean=np.zeros(1), std=np.ones(1),
        licence="none", provenance="made here",
    )
''',
    "labcode/applications/task_baselines.py": """
BASELINES["toy"] = {"zero": lambda dataset, split: np.zeros_like(getattr(dataset, split).y)}
""",
    "labcode/experiments/tasks.py": """
from labcode.data import toy  # noqa: E402

TASKS["toy"] = Task(load=toy.load, build=build_model, baselines=BASELINES["toy"])
""",
    "tests/labcode/test_applications_data.py": """
from labcode.data import toy

LOADERS["toy"] = toy.load
PARAMETRIZED =""",
    "evidence/toy.toml": """title = "Which regularizer helps on a wave?"
task = "toy"
seeds = 10
choice_seeds = 3
epochs = 4
batch_size = 16
learning_rate = 1e-2
patience = 2
block = 7

[model]
hidden_size = 4

[methods]
l2 = [1e-3, 1e-2, 1e-1]
""",
}


MARKS = {  # the place in a file where the text goes, which holds it, too; else it goes to the end
    "labcode/penalties.py": "PAIRS = [",
    "tests/labcode/test_applications_data.py": "PARAMETRIZED =",
}


def apply(root: Path, edits: dict[str, str], *, but: str = "") -> None:
    """Add to the files of a copy what a walk adds, but for one file; a file that is not there is made."""
    for name, text in edits.items():
        if name == but:
            continue
        path = root / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = old.replace(f"\n{MARKS[name]}", text, 1) if name in MARKS else old + text
        path.write_text(new, encoding="utf-8")
