"""Outside, where nothing of a learner's runs: judge the data that came out of a submission.

A program of its own, since data that were made up may take time and memory to judge, too.
"""

import json
import sys

from labcode import check
from labcode.check.core import Collected
from tools.run_answers import limit, open_channel

MOST_CHARACTERS = 20_000
NOT_HANDED_IN = "○ No function of this name was handed in."
MADE_UP = "✗ What came back is not what a check collects, so it earns nothing: {}"


def main() -> None:
    """Read a job from standard input; send for each task the share of right cases, and what is said."""
    job = json.load(sys.stdin)
    send = open_channel()
    limit(**job["limits"])
    for task, (seed, text) in job["tasks"].items():
        if task not in job["skip"]:
            send({"begin": task})
            right, share, said = judged(task, seed, text)
            send({"end": task, "right": right, "share": share, "said": said[:MOST_CHARACTERS]})
    send({"all": True})


def judged(task: str, seed: int, text: str | None) -> tuple[bool, float, str]:
    """Return whether an answer is right, the share of its cases that are, and what the check says.

    Args:
        task: its name.
        seed: of the cases that were drawn; what the data say of it counts for nothing.
        text: the data, or None where there are none.
    """
    if text is None:
        return False, 0.0, NOT_HANDED_IN
    try:
        collected = Collected.from_json(text)
        if collected.seed != seed:
            raise ValueError(f"its cases are those of seed {collected.seed}, not {seed}")
        verdict = getattr(check, task).judge(collected)
        return verdict.right, float(verdict.share), verdict.text
    except Exception as error:
        return False, 0.0, MADE_UP.format(f"{type(error).__name__}: {error}"[:300])


if __name__ == "__main__":
    main()
