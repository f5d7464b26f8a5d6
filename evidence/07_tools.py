"""Chapter 7's record: the recipes on TensorFlow, for those who have not installed it.

Run it with a Python that has TensorFlow beside the course's libraries, as `python course.py lab --tensorflow`
makes the course's own: `python evidence/07_tools.py`. It takes less than a minute and writes
`results/07_tools.json`. With `--python PATH` TensorFlow runs in another interpreter.
"""

import argparse
import sys
from dataclasses import asdict

import numpy as np

from labcode.experiments import save_result
from labcode.experiments.script_hash import script_hash
from labcode.libraries.backends import RECORD, run_tensorflow
from labcode.libraries.contestants import train_labcode
from labcode.libraries.recipe import RECIPES


def effect(differences: np.ndarray) -> dict:
    """Return a curve's differences to labcode's as an effect; its interval is their whole range.

    They are computed, not sampled, so no p-value belongs to them: 1.
    """
    span = [float(differences.min()), float(differences.max())]
    return {"mean": float(differences.mean()), "interval": span, "p_holm": 1.0}


def main() -> None:
    """Run the recipes, compare the curves with labcode's and write all of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has TensorFlow")
    answer = run_tensorflow(RECIPES, parser.parse_args().python)
    differences, summary = {}, {}
    for name, recipe in RECIPES.items():
        ours = np.array(train_labcode(recipe))
        found = {contestant: np.array(curve) - ours for contestant, curve in answer["curves"][name].items()}
        differences[name] = {contestant: float(np.abs(gap).max()) for contestant, gap in found.items()}
        summary[name] = {contestant: effect(gap) for contestant, gap in found.items()}
    recipes = {name: asdict(recipe) for name, recipe in RECIPES.items()}
    result = {"command": "python evidence/07_tools.py", "hash": script_hash(__file__)}
    result |= {"recipes": recipes, "differences": differences, "summary": summary}
    path = save_result(RECORD, result | answer)
    print(f"Wrote {path.name}; largest differences to labcode: {differences}")


if __name__ == "__main__":
    main()
