"""Run what a maintainer wants to know before each commit: `python -m tools.fast`, `course.py test --fast`.

Lint, types, the twins and whatever else notices most mistakes in little time; how many,
``tests/tools/mutation.py --fast`` counts. Everything else, notebooks included, is for `course.py test`.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINT = (
    ["ruff", "check", "--quiet", "."],
    ["ruff", "format", "--check", "--quiet", "."],
    ["mypy", "--no-error-summary"],
)
TESTS = (  # in tests/
    "labcode/test_pairs.py",
    "conformance",
    "labcode/test_regularized_lstm.py::test_numpy_agrees_with_torch_in_outputs_and_gradients",
    "labcode/test_regularized_lstm.py::test_training_draws_its_masks_from_the_generator_and_applies_them",
    "labcode/test_regularized_lstm.py::test_masks_stand_where_cells_of_torch_say",
    "labcode/test_regularized_lstm.py::test_given_masks_replace_all_others",
    "labcode/test_penalties.py::test_a_named_bias_is_penalized_as_the_sum_of_both",
    "labcode/test_lstm.py::test_numpy_agrees_with_torch_in_outputs_and_gradients",
    "labcode/test_lstm.py::test_before_the_first_real_step_the_output_is_zero_and_the_state_stays",
    "labcode/test_dropout.py",
    "labcode/test_recurrent_dropout.py",
    "labcode/test_constraints.py",
    "labcode/test_early_stopping.py",
    "labcode/test_averaging.py",
    "labcode/test_units.py",
    "labcode/test_space.py",
    "labcode/test_boundaries.py",
    "labcode/test_check.py",
    "labcode/test_techniques.py",
    "evidence/test_intervals.py",
)
STALENESS = "notebooks/test_notebooks.py"
QUICK = ("-m", "not slow")


def main(arguments: list[str] | None = None) -> int:
    """Run lint, types and the tests, with more arguments for pytest; return 1 if anything is wrong."""
    failed = [
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode for command in LINT
    ]
    # Without nbval, whose plugin takes every notebook for a test; a file stays in one process.
    command = ["pytest", "-q", "-p", "no:nbval", "-o", "addopts=", "-n", "auto", "--maxprocesses", "4"]
    command += ["--dist", "loadfile", *(f"tests/{name}" for name in (*TESTS, STALENESS)), *QUICK]
    more = sys.argv[1:] if arguments is None else arguments
    failed.append(subprocess.run([sys.executable, "-m", *command, *more], cwd=ROOT, check=False).returncode)
    return int(any(failed))


if __name__ == "__main__":
    sys.exit(main())
