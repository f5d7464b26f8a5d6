"""What belongs to a technique, and which file lacks it; only files are read, so that it works on any copy.

A technique is a public function or class of a file directly in ``labcode/``, twins and gradients aside.
What it may do without stands in the tables, each with its reason.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

TOOLS = {  # public, but nothing that regularizes: bad arguments, tests and an example are enough
    "DropoutSettings": "rates of the masks, for sample_masks and RegularizedLSTM",
    "LinearTask": "the data of the linear models",
    "WeightRegularization": "penalties and constraints together, as fit and Keras take them",
    "averaging_start": "asks a NonMonotonicTrigger for the whole curve",
    "best_within": "a penalty drawn as a constraint",
    "constrain": "projects weights by the names of their targets",
    "constrain_": "projects weights by the names of their targets",
    "descend": "walks down with any optimizer",
    "load_diabetes": "the data of the linear models",
    "penalty_by_target": "adds penalties by the names of their targets",
    "penalty_grad_by_target": "adds penalties by the names of their targets",
    "sample_masks": "draws the masks of DropoutSettings",
}
TWIN = {  # where it is not called NAME_torch, or where there is none
    "EarlyStopping": "needs no framework",
    "NonMonotonicTrigger": "needs no framework",
    "ProximalSGD": "proximal_sgd is its twin",
    "ProximalAdam": "proximal_adam is its twin",
    "proximal_sgd": "ProximalSGD",
    "proximal_adam": "ProximalAdam",
    "sgd": "torch.optim.SGD",
    "adam": "torch.optim.Adam",
    "adamw": "torch.optim.AdamW",
    "lasso": "solved exactly, and compared with scikit-learn",
    "ridge": "solved exactly, and compared with scikit-learn",
}
NO_PAIR = {
    "clip_by_global_norm": "takes a list; compared in test_optimizers.py",
    "dropout_mask": "draws; compared in test_dropout.py",
}
CHECKER = {  # where it has another name
    "EarlyStopping": "train_with_early_stopping",
    "NonMonotonicTrigger": "averaging_start",
    "ProximalSGD": "proximal_step",
    "activation_penalty": "activation_penalties",
    "adamw": "adamw_step",
    "candidate_dropout": "masked_step",
    "cell_dropout": "masked_step",
    "clip_by_global_norm": "clip_and_step",
    "dropout": "inverted_dropout",
    "dropout_mask": "inverted_dropout",
    "l1_penalty": "lasso_violation",
    "lasso": "lasso_violation",
    "locked_dropout": "locked_mask",
    "non_recurrent_dropout": "dropped_layers",
    "proximal_sgd": "proximal_step",
    "ridge": "ridge_shares",
    "sgd": "l2_step",
    "smoothed_cross_entropy": "smoothed_targets",
    "temporal_activation_penalty": "activation_penalties",
    "variational_dropout": "lstm_with_recurrent_dropout",
}
NO_CHECKER = {
    "ProximalAdam": "as proximal_step, with other step sizes",
    "adam": "the chapter compares it with adamw_step",
    "classic_dropout": "a mistake that inverted_dropout explains",
    "clip_by_norm": "clip_and_step with one array",
    "clip_by_value": "one call of np.clip",
    "embedding_dropout": "locked_mask has the same lesson: which entries share a draw",
    "group_soft_threshold": "soft_threshold on the length of a vector",
    "l1_l2_penalty": "the sum of two that are checked",
    "max_l21_norm": "met through Keras alone",
    "min_max_norm": "max_norm with a lower end",
    "non_neg": "one call of np.maximum",
    "orthogonal_penalty": "met through Keras alone",
    "proximal_adam": "as proximal_step, with other step sizes",
    "unit_norm": "max_norm without the inequality",
    "weight_drop": "dropout of U: inverted_dropout on another array",
    "zoneout": "the chapter's widget asks for it",
}
NO_CHAPTER = {
    "clip_by_norm": "clip_by_global_norm with one array",
    "clip_by_value": "named in chapter 7, as clipvalue",
    "l1_l2_penalty": "chapter 2 calls it by a name that it puts together",
    "max_l21_norm": "met through Keras in chapter 5",
    "orthogonal_penalty": "met through Keras in chapter 5",
}


@dataclass(frozen=True)
class Course:
    """A copy of the course, as its files say."""

    root: Path

    def text(self, pattern: str) -> str:
        """Return the text of all files that a pattern finds."""
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted(self.root.glob(pattern)))

    @cached_property
    def chapters(self) -> str:
        """The chapters' sources."""
        return self.text("source/chapters/*.py")

    @cached_property
    def checkers(self) -> set[str]:
        """The checkers that an exercise calls."""
        return set(re.findall(r"\bcheck\.(\w+)\(", self.text("source/exercises/*.py")))

    @cached_property
    def mutants(self) -> list[dict]:
        """The groups of ``mutants.toml``."""
        return tomllib.loads(self.text("tests/tools/mutants.toml"))["group"]

    @cached_property
    def spoiled(self) -> set[str]:
        """What ``test_fuzz.py`` has arguments for, beside the pairs."""
        tables = {}
        for node in ast.parse(self.text("tests/labcode/test_fuzz.py")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
                tables[ast.unparse(node.targets[0])] = [key.value for key in node.value.keys if key]
        return {name.partition(".")[0] for name in tables["OTHERS"] + tables["NOT_SPOILED"]}


@dataclass(frozen=True)
class TechniqueFile:
    """One file of techniques."""

    course: Course
    name: str

    @cached_property
    def source(self) -> str:
        """Its text."""
        return self.course.text(f"labcode/{self.name}")

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef | ast.ClassDef]:
        """Its functions and classes by name."""
        kinds = ast.FunctionDef | ast.ClassDef
        return {node.name: node for node in ast.parse(self.source).body if isinstance(node, kinds)}

    @cached_property
    def techniques(self) -> list[str]:
        """Its public names that are neither a twin nor a gradient of another."""
        kin = {name + suffix for name in self.functions for suffix in ("_torch", "_grad")}
        return [name for name in self.functions if not name.startswith("_") and name not in kin]

    @cached_property
    def pairs(self) -> set[str]:
        """The names in its ``PAIRS``."""
        tables = [node for node in ast.parse(self.source).body if ast.unparse(node).startswith("PAIRS = ")]
        return {part.id for table in tables for pair in table.value.elts for part in pair.elts[:2]}

    def code(self, name: str) -> str:
        """Return the text of a function, of its gradient and of the private functions that they use."""
        found, todo = {}, [name, f"{name}_grad"]
        while todo:
            node = self.functions.get(now := todo.pop())
            if node is None or now in found or (now not in (name, f"{name}_grad") and now[0] != "_"):
                continue
            found[now] = "\n".join(self.source.splitlines()[node.lineno - 1 : node.end_lineno])
            todo += [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
        return "".join(f"{text}\n" for text in found.values())


def twin(file: TechniqueFile, name: str) -> Iterator[str]:
    """The function in PyTorch."""
    if f"{name}_torch" not in file.functions and name not in TWIN:
        yield f"labcode/{file.name}: {name} has no twin, {name}_torch"


def pair(file: TechniqueFile, name: str) -> Iterator[str]:
    """The line by which the twins are compared."""
    if f"{name}_torch" in file.functions and name not in file.pairs and name not in NO_PAIR:
        yield f"labcode/{file.name}: {name} and its twin are not in PAIRS"


def mutants(file: TechniqueFile, name: str) -> Iterator[str]:
    """At least one mistake in each of the two, with tests that catch it."""
    texts = [text for g in file.course.mutants if g["file"] == file.name for _, text, _ in g["mutants"]]
    for side in (name, f"{name}_torch"):
        code = file.code(side)
        if code and not any(text in code for text in texts):
            yield f"tests/tools/mutants.toml: {side} of {file.name} has no mutant"


def bad_arguments(file: TechniqueFile, name: str) -> Iterator[str]:
    """Valid arguments, to be spoiled one by one."""
    if name not in file.pairs | file.course.spoiled and file.name != "linear.py":
        yield f"tests/labcode/test_fuzz.py: {name} has no arguments to spoil"


def tests(file: TechniqueFile, name: str) -> Iterator[str]:
    """Whatever else is to be said of it."""
    path = f"tests/labcode/test_{file.name}"
    if name not in file.pairs and not _named(name, file.course.text(path)):
        yield f"{path}: {name} is not tested"


def example(file: TechniqueFile, name: str) -> Iterator[str]:
    """An example in the docstring of the function, its twin and its gradient."""
    for one in (name, f"{name}_torch", f"{name}_grad"):
        if one in file.functions and ">>> " not in (ast.get_docstring(file.functions[one]) or ""):
            yield f"labcode/{file.name}: {one} has no example (>>>) in its docstring"


def checker(file: TechniqueFile, name: str) -> Iterator[str]:
    """A task that asks the learner for it."""
    if CHECKER.get(name, name) not in file.course.checkers and name not in NO_CHECKER:
        where = "labcode/check/ and source/exercises/"
        yield f"{where}: no task checks {name}; or say in tests/labcode/technique_parts.py why"


def chapter(file: TechniqueFile, name: str) -> Iterator[str]:
    """A cell that shows it."""
    if not _named(name, file.course.chapters) and name not in NO_CHAPTER:
        yield f"source/chapters/: no chapter shows {name}"


def _named(name: str, text: str) -> bool:
    return re.search(rf"\b{name}(_torch)?\b", text) is not None


def missing(root: Path) -> Iterator[str]:
    """Yield a sentence for each part of a technique that a copy of the course lacks: the file, then what."""
    course = Course(root)
    for path in sorted((root / "labcode").glob("[!_]*.py")):
        file = TechniqueFile(course, path.name)
        for name in file.techniques:
            parts = (bad_arguments, tests, example)
            if name not in TOOLS:
                parts = (twin, pair, mutants, *parts, checker, chapter)
            for part in parts:
                yield from part(file, name)
